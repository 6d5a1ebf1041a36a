"""Retraining with labels of one's own: the dialog, its pages, the process."""
