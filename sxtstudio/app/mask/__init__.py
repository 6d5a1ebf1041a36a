"""The cell mask: the panel and its work."""
