"""How good the open tomogram is: its figures, what they ask for, and plots of them."""
