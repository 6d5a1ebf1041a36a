"""Whole jobs from file to file, the same for the command line and the window."""
