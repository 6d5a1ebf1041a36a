"""A beamtime: each tomogram that arrives is segmented, judged and shown on a wall of pictures."""
