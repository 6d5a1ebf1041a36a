"""Help pages, tutorial, and what the program is."""
