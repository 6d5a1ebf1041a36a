"""The 3D view as a scene of POV-Ray 3.7."""
