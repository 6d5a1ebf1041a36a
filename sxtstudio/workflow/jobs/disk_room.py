"""Whether the disks that results go to have room: says it early, and holds work back before one is full."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from sxtstudio.core.wording import bytes_text

# What a system needs to go on, and how many more tomograms there is room for when the warning comes.
KEPT_FREE_BYTES = 1 << 30
WARN_TOMOGRAMS = 10
WARN_SHARE = 0.03


class Room(IntEnum):
    """How much room there is, from good to bad."""

    ENOUGH = 0
    SHORT = 1  # for a few more
    FULL = 2  # not for the next one
    AWAY = 3  # the folder cannot be reached


@dataclass(frozen=True)
class DiskState:
    """What is known of one disk; ``sentence`` says what to do, and is empty where there is room."""

    room: Room
    folder: Path
    free_bytes: int = 0
    sentence: str = ""


Usage = Callable[[Path], tuple[int, int, int]]


def disk_state(folder: Path, needed_bytes: int, usage: Usage = shutil.disk_usage) -> DiskState:
    """Return how much room a disk has.

    Parameters
    ----------
    folder
        On that disk.
    needed_bytes
        What the next tomogram writes at most.
    usage
        Returns total, used and free bytes, as ``shutil.disk_usage`` does.
    """
    try:
        total, _, free = usage(folder)
    except OSError as error:
        return DiskState(
            Room.AWAY,
            folder,
            0,
            f"The folder {folder} cannot be reached ({error.strerror or error}): check the network share or "
            "the disk. Work goes on by itself when it is back.",
        )
    if free < KEPT_FREE_BYTES + needed_bytes:
        return DiskState(
            Room.FULL,
            folder,
            free,
            f"The disk of {folder} is nearly full ({bytes_text(free)} free): work waits. Move or delete "
            "files there; it goes on by itself when there is room.",
        )
    if free < KEPT_FREE_BYTES + max(WARN_TOMOGRAMS * needed_bytes, int(WARN_SHARE * total)):
        return DiskState(
            Room.SHORT,
            folder,
            free,
            f"The disk of {folder} has {bytes_text(free)} left: make room before it is full, when work would "
            "have to wait.",
        )
    return DiskState(Room.ENOUGH, folder, free)


def while_mounted(folders: Iterable[Path], usage: Usage) -> Usage:
    """Return ``usage`` that raises OSError where the disk on which one of the folders lies now has gone.

    What a share leaves behind that is not mounted any more is an empty folder on another disk.
    """
    places = {folder: _mount_of(folder) for folder in folders}

    def asked(folder: Path) -> tuple[int, int, int]:
        found = usage(folder)  # before the look: some are mounted when they are asked for
        place = places.get(folder)
        if place is not None and not os.path.ismount(place):
            raise OSError(errno.ENODEV, f"nothing is mounted at {place} any more")
        return found

    return asked


def _mount_of(folder: Path) -> Path:
    """Return where the disk of a folder is mounted."""
    place = Path(os.path.realpath(folder))
    while not os.path.ismount(place) and place != place.parent:
        place = place.parent
    return place


def worst_disk(
    folders: Iterable[Path], needed_bytes: int, usage: Usage = shutil.disk_usage
) -> DiskState | None:
    """Return the state of the disk that has the least room; None without a folder."""
    states = [disk_state(folder, needed_bytes, usage) for folder in folders]
    return max(states, key=lambda state: (state.room, -state.free_bytes), default=None)
