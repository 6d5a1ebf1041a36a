"""What all trials of packages share: folders, steps that are timed, checks that fail."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from roots import Failed

REPOSITORY = Path(__file__).resolve().parents[2]
_FOLDER = REPOSITORY / "build" / "installer"
PICTURES = _FOLDER / "pictures"
#: Names the folder of trials that run beside others.
LANE = "SXTSTUDIO_TRIALS_LANE"
BUILD = _FOLDER / os.environ.get(LANE, "")
# A folder of the bare systems for the packages; what is there is no trace of one.
CACHE = "var/cache"
#: Runs the installed program with words, and returns what it prints.
Program = Callable[..., str]


@contextmanager
def step(words: str) -> Iterator[None]:
    """Say what is done, and how long it took; what fails says in which step."""
    begin = time.monotonic()
    try:
        yield
    except Failed as failed:
        raise Failed(f"{words}: {failed}") from failed
    print(f"  {words}: {time.monotonic() - begin:.1f} s", flush=True)


def check(right: bool, words: str) -> None:
    """Raise Failed where something is not right."""
    if not right:
        raise Failed(words)
