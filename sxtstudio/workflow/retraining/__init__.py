"""Labels that a model learns from, and the training in a process of its own."""
