"""Many tomograms in one go: the dialog, its form and its table."""
