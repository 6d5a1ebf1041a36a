"""Which run of the computer this is: whether it was started anew since something was written down."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

_LINUX = Path("/proc/sys/kernel/random/boot_id")
_ROUGH_S = 600  # clocks are set, and the time of starting with them


@cache
def boot_id() -> str:
    """Return a text that is another one after the computer was started anew, as after a power cut."""
    if sys.platform == "linux":
        try:
            return _LINUX.read_text(encoding="ascii").strip()
        except OSError:
            pass  # in a sandbox it may be hidden
    import psutil  # not for every start of the program

    return f"started {round(psutil.boot_time() / _ROUGH_S)}"
