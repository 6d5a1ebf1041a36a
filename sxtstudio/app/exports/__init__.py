"""Volumes and surfaces for other programs, and the receipt."""
