"""The science without any file format, network runtime, 3D toolkit or window."""
