"""Plain files only: nothing is written through a link, and nothing is read from a pipe or a device.

A folder of a stranger can hold anything under the names that this program writes and reads: a link to a
file of the user's, a pipe that nobody writes to, a device without end.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, Literal

from sxtstudio.core.errors import UserError

# Windows has neither of the last two; a link there needs the rights of an administrator.
_BINARY = getattr(os, "O_BINARY", 0)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_NO_WAIT = getattr(os, "O_NONBLOCK", 0)  # a pipe would wait for its other end
_MORE_BYTES = 1 << 16
_MODES = {"r+b": os.O_RDWR, "ab": os.O_RDWR | os.O_CREAT | os.O_APPEND}


class LinkRefused(UserError):
    """Something else than a plain file lies where the program keeps one of its own."""


def create_own(path: Path) -> BinaryIO:
    """Return a new empty file (w+b) in place of whatever file or link lies there, which is not touched.

    Raises
    ------
    OSError
        If it cannot be made.
    """
    with suppress(FileNotFoundError):
        path.unlink()
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | _NO_LINK | _BINARY, 0o666)
    return os.fdopen(descriptor, "w+b")


def open_own(path: Path, mode: Literal["r+b", "ab"]) -> BinaryIO:
    """Open a file of the program's own to change it (r+b) or to append to it (ab; made if it is missing).

    Raises
    ------
    LinkRefused
        If a link, a pipe or a device lies there, or a file that has a second name elsewhere.
    OSError
        If it cannot be opened.
    """
    if path.is_symlink():
        raise _refused(path, "a link")
    try:
        descriptor = os.open(path, _MODES[mode] | _NO_LINK | _NO_WAIT | _BINARY, 0o666)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise _refused(path, "a link") from error
        if error.errno == errno.ENXIO:  # the other end of a pipe
            raise _refused(path, "no file") from error
        raise
    facts = os.fstat(descriptor)
    if not stat.S_ISREG(facts.st_mode) or facts.st_nlink > 1:
        os.close(descriptor)
        raise _refused(
            path, "no file" if not stat.S_ISREG(facts.st_mode) else "a second name of another file"
        )
    return os.fdopen(descriptor, mode)


def append_lines(path: Path, lines: bytes, *, to_disk: bool = False) -> None:
    """Append whole lines, each with its line end, to a file of the program's own; made if it is missing.

    ``to_disk``: a power cut after it has returned does not take them.

    A line that was left without an end, by a loss of power or a full disk, gets one first: what is appended
    must not become a part of it.

    Raises
    ------
    LinkRefused, OSError
        As ``open_own``, or if they cannot be written; a part of them may be there then.
    """
    with open_own(path, "ab") as file:
        descriptor = file.fileno()
        if os.lseek(descriptor, 0, os.SEEK_END) > 0:
            os.lseek(descriptor, -1, os.SEEK_END)
            if os.read(descriptor, 1) != b"\n":
                lines = b"\n" + lines
        file.write(lines)
        if to_disk:
            file.flush()
            os.fsync(descriptor)


def open_plain(path: Path) -> BufferedReader:
    """Open a file for reading; links are followed.

    Raises
    ------
    OSError
        If it cannot be opened, or is a pipe, a device or a folder.
    """
    descriptor = os.open(path, os.O_RDONLY | _NO_WAIT | _BINARY)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is no file", str(path))
    return os.fdopen(descriptor, "rb")


def read_plain(path: Path, most_bytes: int) -> bytes:
    """Return the content of a small file; links are followed.

    Raises
    ------
    OSError
        As ``open_plain``, or if the file is larger.
    """
    with open_plain(path) as file:
        # No more than there is: room for all that is asked for would be claimed at once.
        content = file.read(min(os.fstat(file.fileno()).st_size, most_bytes) + 1)
        while len(content) <= most_bytes and (
            more := file.read(min(_MORE_BYTES, most_bytes + 1 - len(content)))
        ):
            content += more  # it grows, or the system makes it up, as it does in /proc
    if len(content) > most_bytes:
        raise OSError(errno.EINVAL, f"it is larger than {most_bytes} bytes", str(path))
    return content


def refuse_links_in(folder: Path, advice: str) -> None:
    """Look for links in a folder of the program's own, at whatever depth; none is followed.

    Parameters
    ----------
    folder
        Need not be there.
    advice
        A sentence of what to do.

    Raises
    ------
    LinkRefused
        If one lies there.
    """
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            if os.path.islink(os.path.join(place, name)):
                path = Path(place, name)
                raise LinkRefused(f"{path} is a link, and nothing is written through it. {advice}")


def is_own_folder(folder: Path) -> bool:
    """Whether a folder belongs to the user who runs this, and is no link; OSError if there is none."""
    facts = folder.lstat()
    return stat.S_ISDIR(facts.st_mode) and (not hasattr(os, "getuid") or facts.st_uid == os.getuid())


def refuse_linked_folder(folder: Path) -> None:
    """Raise LinkRefused where a link lies in place of a folder of the program's own."""
    if folder.is_symlink():
        raise _refused(folder, "a link")


def _refused(path: Path, what: str) -> LinkRefused:
    return LinkRefused(
        f"{path} is {what}, and nothing is written through it. Remove it, or choose another folder."
    )
