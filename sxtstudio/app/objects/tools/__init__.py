"""Mouse tools for objects, each with a number; those that draw are the tools of the labels."""
