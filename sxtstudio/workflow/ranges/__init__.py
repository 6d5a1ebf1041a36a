"""One large tomogram in ranges of slices, by many processes that share nothing but a folder."""
