"""The desktop application: the only place that knows Qt."""

from __future__ import annotations

import ctypes
import sys

if sys.implementation.name == "cpython" and sys.version_info < (3, 12):
    # PySide6 6.12.0 counts on True, False and None being immortal, which they are since Python 3.12. Before
    # that it gives back a reference too many with every signal, and Python soon aborts. 6.11.3 does not.
    for _value in (True, False, None):
        ctypes.c_ssize_t.from_address(id(_value)).value += 1 << 40
