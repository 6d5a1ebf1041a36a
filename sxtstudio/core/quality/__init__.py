"""How good a tomogram is: figures of a reconstruction, each with a flag and a sentence."""
