"""What is open: tomogram, labels, mask and history, on disk as it is done, in projects, after a crash."""
