"""Files: every tomogram format in, labels and volumes out."""
