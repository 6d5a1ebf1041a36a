"""Files for other programs: a writer each, and a reader where the program's own files are read, too."""
