"""Whether this installation works: ``sxtstudio --selfcheck`` and Help > Check the installation."""
