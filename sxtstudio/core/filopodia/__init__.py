"""Filopodia as the paper takes them: cut from the cell at their base, closed, filled, and whole or not."""
