"""Filopodia: clicked, cut at the base, listed, and Table S1."""
