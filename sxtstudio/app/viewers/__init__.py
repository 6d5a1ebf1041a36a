"""The views of the tomogram: slices with overlays, and the 3D view."""
