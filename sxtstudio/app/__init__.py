"""The desktop application: the only place that knows Qt."""

from __future__ import annotations

import ctypes
import sys

if sys.implementation.name == "cpython" and sys.version_info < (3, 12):
    # PySide6 6.12.0 gives back one reference to True too many with every emitted signal (6.11.3 does not).
    # Without spare ones Python aborts after some hundred signals; since 3.12 True cannot be lost any more.
    for _value in (True, False):
        ctypes.c_ssize_t.from_address(id(_value)).value += 1 << 40
