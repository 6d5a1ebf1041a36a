"""Work beside the window: threads, their progress, and the latest only."""
