"""Beamtime: a wall of the tomograms that arrive, each segmented and judged."""
