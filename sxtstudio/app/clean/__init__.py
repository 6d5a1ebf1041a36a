"""Clean-up of labels: the panel, its form, and its work."""
