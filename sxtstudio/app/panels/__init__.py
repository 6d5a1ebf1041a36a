"""The panels beside the views and the dialogs: one widget a file."""
