"""Tools > Compare: groups of cells."""
