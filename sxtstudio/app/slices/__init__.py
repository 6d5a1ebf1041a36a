"""The slices of the tomogram with what lies over them."""
