"""Whether POV-Ray is installed; light to import, because the window asks when it starts."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

_PROGRAM = "povray"
_WINDOWS = (
    "POV-Ray for Windows has no command that draws from here: save the scene, and open it in POV-Ray "
    "(see povray.org)."
)
_OTHERS = (
    "POV-Ray is not installed, so it cannot draw the picture here. Install it (Debian and Ubuntu: sudo "
    "apt-get install povray; macOS: brew install povray), or save the scene, which needs no POV-Ray, and "
    "draw it on another computer."
)
NOT_INSTALLED = _WINDOWS if sys.platform == "win32" else _OTHERS


def find_povray() -> Path | None:
    """Return where POV-Ray is; None where it is not installed."""
    found = shutil.which(_PROGRAM)
    return None if found is None else Path(found)
