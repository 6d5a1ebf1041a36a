"""The table of objects, and what it lists."""
