"""Whether this is the installed application."""

from __future__ import annotations

import sys


def is_packaged() -> bool:
    """Whether this is the installed application, which brings all that it needs, and no Python to add to."""
    return bool(getattr(sys, "frozen", False))
