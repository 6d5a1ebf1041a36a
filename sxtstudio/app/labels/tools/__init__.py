"""Mouse tools that change labels or the cell mask: one tool a file."""
