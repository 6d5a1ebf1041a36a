"""Whether POV-Ray is installed; light to import, because the window asks when it starts."""

from __future__ import annotations

import shutil
from pathlib import Path

_PROGRAM = "povray"
NOT_INSTALLED = (
    "POV-Ray is not installed, so it cannot draw the picture here. Install it (Debian and Ubuntu: sudo "
    "apt-get install povray; Windows and macOS: povray.org), or save the scene, which needs no POV-Ray, and "
    "draw it on another computer."
)


def find_povray() -> Path | None:
    """Return where POV-Ray is; None where it is not installed."""
    found = shutil.which(_PROGRAM)
    return None if found is None else Path(found)
