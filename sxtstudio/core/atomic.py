"""Write a file or a folder so that a crash never leaves half of it under its final name."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sxtstudio.core.errors import UserError
from sxtstudio.core.exchange import exchange
from sxtstudio.core.temporary import remove, shown_path, sweep, temporary_name

_DISK_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_NOT_ALLOWED = {errno.EACCES, errno.EPERM, errno.EROFS}


@contextmanager
def atomic_write(path: str | Path, *, own: bool = False) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; what is written there becomes ``path`` on success.

    The temporary name lies in the same folder and keeps the suffix, so that writers that go by
    the suffix work. The caller creates a file or a folder there. When the ``with`` block ends
    normally the data is flushed to the disk and renamed, replacing a former file or folder of
    that name; when it raises, the temporary one is removed and ``path`` is left as it was. What a
    killed process has left of an earlier writing of ``path`` is removed first.

    Parameters
    ----------
    path
        Final name. If a symbolic link lies there, the link is replaced and its target is left alone.
    own
        The name is the program's, in a folder of its own: what lies there is replaced, whatever it is.

    Raises
    ------
    UserError
        If the folder does not exist or cannot be written to, if the disk is full, or if a file
        would replace a folder, or a user's pipe or device.
    """
    final = _in_real_folder(Path(path))
    temporary = temporary_name(final)
    if not own:
        refuse_special(final)
    _check_folder(final, temporary)
    sweep(final)
    try:
        yield temporary
        _flush_to_disk(temporary)
        _rename(temporary, final)
    except OSError as error:
        remove(temporary)
        explained = _explain(error, final, temporary)
        if explained is None:
            raise
        raise explained from error
    except BaseException as error:
        remove(temporary)
        cause = _os_error_within(error)
        explained = _explain(cause, final, temporary) if cause is not None else None
        if explained is None or isinstance(error, UserError):
            raise
        raise explained from error


def publish_folder(temporary: Path, final: Path) -> bool:
    """Give a complete folder its name, unless one of that name is there already, which then stays.

    Of several processes that do so at once, on whatever computers, one succeeds: this needs no lock, only a
    file system on which renaming is one step, as it is on NFS.

    Returns
    -------
    bool
        False where ``final`` was there; ``temporary`` then stays as well.

    Raises
    ------
    OSError
        If it cannot be renamed for another reason.
    """
    _flush_to_disk(temporary)
    try:
        os.rename(temporary, final)
    except OSError:
        # A server may have done it, and its answer got lost: it is asked again, and then there is nothing.
        if final.is_dir():
            return False
        raise
    return True


def refuse_special(path: Path) -> None:
    """Raise UserError where a pipe, a device or a socket lies: a file would take its place."""
    try:
        kind = path.lstat().st_mode
    except OSError:
        return
    if not (stat.S_ISREG(kind) or stat.S_ISDIR(kind) or stat.S_ISLNK(kind)):
        raise UserError(f"{path} is no file but a pipe or a device, and stays as it is: give another name.")


def _in_real_folder(path: Path) -> Path:
    """Follow links to the folder, and none at the name itself: nothing is written through that."""
    if path.name in ("", ".."):
        return Path(os.path.realpath(path))
    return Path(os.path.realpath(path.parent), path.name)


def _check_folder(final: Path, temporary: Path) -> None:
    """Fail before the work, not after it: try to create the temporary file once."""
    folder = final.parent
    if not folder.exists():
        raise UserError(
            f"{final.name} cannot be written: the folder {folder} does not exist. Create it first."
        )
    if not folder.is_dir():
        raise UserError(f"{final.name} cannot be written: {folder} is a file, not a folder.")
    try:
        with open(temporary, "xb"):
            pass
        temporary.unlink()
        with suppress(FileNotFoundError):
            final.lstat()  # a name that is too long fails now
    except OSError as error:
        raise _explain(error, final, temporary) or UserError(
            f"{final} cannot be written: {error.strerror or error}. Choose another folder or name."
        ) from error


def _explain(error: OSError, final: Path, temporary: Path) -> UserError | None:
    """Return the sentence for the user, or None if the error is not about this output."""
    # NumPy writes arrays with C functions and forgets the reason: "60000 requested and 39520 written".
    if error.errno in _DISK_FULL or (error.errno is None and "requested and" in str(error)):
        return UserError(
            f"The disk is full (or a size limit is reached): {shown_path(final)} was not written. "
            "Free some space or choose another folder."
        )
    ours = (
        error.filename is None or str(temporary) in str(error.filename) or str(final) in str(error.filename)
    )
    if error.errno in _NOT_ALLOWED and ours:
        return UserError(
            f"No permission to write {shown_path(final)}. Choose another folder, or close the program that "
            "uses it."
        )
    return None


def _os_error_within(error: BaseException) -> OSError | None:
    """Return the disk-full error that a library wrapped into its own exception, if there is one."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        if isinstance(current, OSError) and current.errno in _DISK_FULL:
            return current
        current = current.__cause__ or current.__context__
    return None


def _flush_to_disk(temporary: Path) -> None:
    """Make sure that the rename never outlives the data after a power cut."""
    if not temporary.exists():
        raise RuntimeError(f"nothing was written to {temporary}")
    if temporary.is_dir():
        for folder, _, names in os.walk(temporary):
            for name in names:
                _fsync(Path(folder, name))
    else:
        _fsync(temporary)


def _fsync(path: Path) -> None:
    # Windows flushes only handles that were opened for writing.
    descriptor = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network shares cannot
            raise
    finally:
        os.close(descriptor)


def _rename(temporary: Path, final: Path) -> None:
    if temporary.is_dir():
        _replace_folder(temporary, final)
        return
    if final.is_dir() and not final.is_symlink():
        raise UserError(f"{final} is a folder and cannot be replaced by a file. Choose another name.")
    os.replace(temporary, final)


def _replace_folder(temporary: Path, final: Path) -> None:
    """Let a folder take the place of a former folder (or file), so that one of them always stands there.

    Where the file system cannot exchange two names, the former one is moved aside first. Killed just
    then, it gets its name back when the program next opens or writes ``final`` (see ``temporary``).
    """
    if not os.path.lexists(final):
        os.rename(temporary, final)
        return
    if exchange(temporary, final):
        remove(temporary)  # the former one now
        return
    aside = temporary_name(final, "old")
    os.rename(final, aside)
    try:
        os.rename(temporary, final)
    except BaseException:
        os.rename(aside, final)
        raise
    remove(aside)
