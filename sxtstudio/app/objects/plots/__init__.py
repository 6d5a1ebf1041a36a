"""Plots of objects: dot plots, histograms, scatter plots, and their pictures."""
