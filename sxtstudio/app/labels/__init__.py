"""Labels by hand: the panel, shapes between slices, slices that are complete."""
