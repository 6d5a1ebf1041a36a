"""A stream that nobody reads any more."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TextIO


def silence(stream: TextIO) -> None:
    """Let nobody read a stream from now on; else Python tries once more to write, when it ends."""
    with suppress(OSError, ValueError):  # a stream of a test leads nowhere
        number = os.open(os.devnull, os.O_WRONLY)
        os.dup2(number, stream.fileno())
        os.close(number)
