"""The one exception whose text is meant for the person at the microscope."""

from __future__ import annotations

import errno

from sxtstudio.core.printable import printable, printable_lines

_FULL = {errno.ENOSPC, errno.EDQUOT}
# Of these it is not said which file; it may be the folder in which the program was started.
_OF_THE_SYSTEM = {errno.ENOENT, errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO, errno.ESTALE, errno.ENODEV}


class UserError(Exception):
    """Something the user can mend.

    The text is one or two plain sentences that say what is wrong, where, and what to do.
    The command line prints it and exits with 2; the window shows it in a dialog. Names in it
    cannot hide anything: what is not fit to be shown is written out (``printable``).
    """

    def __init__(self, text: str) -> None:
        super().__init__(printable_lines(text))


class Cancelled(Exception):
    """The user asked for a running job to stop; what is finished stays on disk."""


def sentence_of(error: BaseException) -> str | None:
    """Return what to say to the user, or None for an error that nobody expected.

    Besides ``UserError`` these are too little memory, and whatever the operating system says of a file
    that it was asked for: no space, no permission, a name that is too long, a disk that has gone.
    """
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, MemoryError):
        return "There is not enough free memory for this. Close other programs, or work on fewer slices."
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
