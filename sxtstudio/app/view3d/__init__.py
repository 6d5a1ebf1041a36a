"""The surfaces of the labels in 3D."""
