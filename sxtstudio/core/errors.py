"""The one exception whose text is meant for the person at the microscope."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from sxtstudio.core.packaged import is_of_the_package, is_packaged
from sxtstudio.core.printable import printable, printable_lines

_FULL = {errno.ENOSPC, errno.EDQUOT}
#: The number of the first slice: 0 on the command line, 1 in the window.
SliceBase = Literal[0, 1]
# Of these it is not said which file; it may be the folder in which the program was started.
_OF_THE_SYSTEM = {errno.ENOENT, errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO, errno.ESTALE, errno.ENODEV}


class UserError(Exception):
    """Something the user can mend.

    The text is one or two plain sentences that say what is wrong, where, and what to do.
    The command line prints it and exits with 2; the window shows it in a dialog. Names in it
    cannot hide anything: what is not fit to be shown is written out (``printable``).

    The window counts slices from 1, the command line from 0, and says so. Where the text has to name some
    (first and last, from 0), "{slices}" stands for them; the error itself reads as in the window.
    """

    def __init__(self, text: str, *, slices: tuple[int, int] | None = None) -> None:
        self.text, self.slices = text, slices
        super().__init__(self.counted_from(1))

    def counted_from(self, number: SliceBase) -> str:
        """Return the sentence, with the first slice of a tomogram as number 0 or 1."""
        text = self.text
        if self.slices is not None:
            first, last = (z + number for z in self.slices)
            words = f"slice {first}" if first == last else f"slices {first} to {last}"
            text = text.replace("{slices}", words + (" (counted from 0)" if number == 0 else ""))
        return printable_lines(text)


class OutsideError(UserError):
    """A user error whose cause lies outside the file that was worked on: with others it would be the same.

    A model, an option, a device, or the room on a disk. Nothing of it may be kept as said of that file.
    """


@contextmanager
def outside_the_file() -> Iterator[None]:
    """Turn user errors of a block into those whose cause lies outside of the file that is worked on."""
    try:
        yield
    except OutsideError:
        raise
    except UserError as error:
        raise OutsideError(error.text, slices=error.slices) from error


class Cancelled(Exception):
    """The user asked for a running job to stop; what is finished stays on disk."""


def sentence_of(error: BaseException, slices_from: SliceBase = 1) -> str | None:
    """Return what to say to the user, or None for an error that nobody expected.

    ``slices_from`` is the number of the first slice; the command line counts from 0.

    Besides ``UserError`` these are too little memory, and whatever the operating system says of a file
    that it was asked for: no space, no permission, a name that is too long, a disk that has gone; and a
    library or file that is not there in an installed application, which has all of them.
    """
    if isinstance(error, UserError):
        return error.counted_from(slices_from)
    if isinstance(error, MemoryError):
        return "There is not enough free memory for this. Close other programs, or work on fewer slices."
    is_gone = isinstance(error, FileNotFoundError) and is_of_the_package(error.filename)
    if is_gone or (isinstance(error, ImportError) and is_packaged()):
        return f"A part of SXT Studio is missing or damaged ({printable(str(error))}): install it again."
    if not isinstance(error, OSError) or error.errno is None:
        return None
    if error.errno == errno.ENOMEM:
        return sentence_of(MemoryError())
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return "Too many files are open. Close other programs, or raise the limit (ulimit -n), and try again."
    where = f" ({printable(str(error.filename))})" if error.filename is not None else ""
    if error.errno in _FULL:
        return f"The disk is full{where}. Free some space and try again; what was there before is unchanged."
    if error.errno == errno.ENAMETOOLONG:
        return f"A name is too long for the disk{where}. Choose a shorter one."
    if not where and error.errno not in _OF_THE_SYSTEM:
        return None
    return f"A file cannot be used{where}: {error.strerror}. Check its name, the disk and the permissions."
