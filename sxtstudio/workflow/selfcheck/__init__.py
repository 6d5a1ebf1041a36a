"""Whether this installation works: ``sxtstudio --selfcheck``, and Help > Diagnostics in the window."""
