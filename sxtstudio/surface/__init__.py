"""Surfaces of labels, mesh files and off-screen pictures; VTK, no Qt."""
