"""By what a process is known again: in which space its number counts, and when it began."""

from __future__ import annotations

import os
import sys

import psutil


def process_space() -> str:
    """Return the space, as containers have their own; "" where the system has only one."""
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


def process_begin(process: int | None = None) -> float:
    """Return when a process began, in seconds; None is this one.

    Linux counts from the start of the computer. Times of its clock would not do: they follow when that is
    set, so that a process would seem to be another one.

    Raises
    ------
    psutil.Error
        If there is none of this number, or it may not be looked at.
    """
    # In this order: older ones of psutil ask for the start of the computer only once.
    try:
        start = psutil.boot_time() if sys.platform == "linux" else 0.0
    except OSError as error:  # of processes psutil makes an error of its own from it, but not here
        raise psutil.AccessDenied(process, msg="the start of the computer may not be read") from error
    return psutil.Process(process).create_time() - start
