"""Bodies from outlines: the organelles that membranes enclose, told from what lies between them.

``regions`` finds what the outlines of one slice enclose, ``tracks`` links that over the slices, ``joining``
puts together what inner membranes divide, ``walls`` shares the membranes out, and ``find`` does all of it.
"""
