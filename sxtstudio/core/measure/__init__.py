"""Measurements of objects: size, shape, grey values, slices, relations. Lengths are nm, or voxels."""
