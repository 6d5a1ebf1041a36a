"""Labels judged by an expert, slice by slice, as in the paper."""
