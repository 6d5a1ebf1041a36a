"""Segmenting: the panel, trying on one slice, what the network recognised."""
