"""How well labels and objects agree with a reference, and what an expert says of them."""
