"""What the receipt of a folder of results says: where each thing is, how to check it, how to go on."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

from sxtstudio.workflow.results import layout

GO_ON = (
    "in the window, or in its project (File > Save project), which keeps undo, too. From this folder: open "
    "the tomogram, then File > Open labels… with labels.tif or objects.tif"
)


def where_things_are(files: Collection[str]) -> tuple[tuple[str, str], ...]:
    """Return a row for each kind of thing with the names of its files, as far as they are there."""
    folders: dict[str, list[str]] = {}
    for name in files:
        folder, _, inner = name.rpartition("/")
        if folder:
            folders.setdefault(folder, []).append(inner)
    rows = [(folder.capitalize(), f"{folder}/: {', '.join(inner)}") for folder, inner in folders.items()]
    rows.append(("For a paper", f"{layout.METHODS}: a paragraph for the methods section, and all steps"))
    if layout.MODEL in files:
        rows.append(("Model", f"{layout.MODEL}: what it was trained on, its checksum"))
    also = f"{layout.README} for people, {layout.CRATE} for archives, {layout.PARAMETERS} with all steps"
    return (*rows, ("What is what", also))


def check_command(folder: Path) -> str:
    """Return the command that does everything again, for a terminal in any folder."""
    words = ["sxtstudio", "rerun", str(folder.absolute())]
    return subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)
