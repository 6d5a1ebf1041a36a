"""What is read back after writing, and what a receipt says of it."""

from __future__ import annotations

from pathlib import Path

from sxtstudio.core.errors import UserError

#: What the row of a receipt is called that says what was compared.
VERIFIED = "Verified"
#: What is said of volumes.
EVERY_VOXEL = "every voxel"
#: Of label images, whose values have names and colours.
NAMES_AND_COLOURS = "names and colours"
#: Of surfaces.
ALL_TRIANGLES = "the number of all points and triangles"
#: Of texts.
EVERY_LETTER = "every letter"


class NotAsWritten(UserError):
    """What was read back from the disk is not what was to be written."""


def read_back(*what: str) -> str:
    """Return the words for what was read back after writing and was the same."""
    return f"read back and compared: {', '.join(what)}"


def differs(target: Path, what: str) -> NotAsWritten:
    """Return the error for a file that was read back with something else in ``what``."""
    return NotAsWritten(
        f"{target.name} was not written: what was read back from the disk differs in {what}. Check the disk."
    )


def write_content(temporary: Path, target: Path, content: bytes) -> None:
    """Write a whole file, and read it back.

    Parameters
    ----------
    temporary
        Where it is written.
    target
        The name that it will get, which errors say.
    content
        Of the file.

    Raises
    ------
    NotAsWritten
        If what is on the disk differs.
    """
    temporary.write_bytes(content)
    if temporary.read_bytes() != content:
        raise differs(target, "what stands in it")
