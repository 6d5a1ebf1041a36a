"""An input that is changed or replaced while a job reads it: its result would belong to no file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from sxtstudio.core.checked_volume import InputChangedError, checksum_of
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.io import FileVolume
from sxtstudio.io.fingerprint import fingerprint, has_fingerprint, is_exact
from sxtstudio.workflow.jobs.outputs import on_disk

Result = TypeVar("Result")


@dataclass(frozen=True)
class KnownInput:
    """An opened input and what it was when it was opened.

    Attributes
    ----------
    path
        As the user named it; ``volume`` is what was opened.
    fingerprint
        That of ``io.fingerprint``, or {} where the file was changed before anybody could take it.
    """

    path: Path
    volume: FileVolume
    fingerprint: Mapping[str, Any]

    @classmethod
    def of(cls, path: Path, volume: FileVolume) -> KnownInput:
        """Take the fingerprint of an input that has just been opened.

        Raises
        ------
        UserError
            If its files cannot be read.
        """
        try:
            known = fingerprint(path)
        except OSError as error:
            raise UserError(f"{path} cannot be read: {error.strerror or error}. Check the disk.") from error
        return cls(path, volume, {} if volume.touched else known)

    def check(
        self, read: Mapping[int, int] | None = None, reopen: Callable[[], FileVolume] | None = None
    ) -> None:
        """Find out whether the content is still the same; quick where nobody has touched the files.

        Parameters
        ----------
        read
            The CRC-32 of the slices that were read.
        reopen
            Opens the input as it was opened, to compare those slices where the fingerprint does not cover
            every byte.

        Raises
        ------
        InputChangedError
            If it is not.
        UserError
            If it has gone, as with a share: whether it is the same, shows once it is back.
        """
        suspicious = self.volume.touched or self.volume.just_written
        if suspicious:
            try:
                on_disk(self.path).stat()
            except OSError as error:
                raise UserError(
                    f"{self.path} cannot be read: {error.strerror or error}. Check the disk."
                ) from error
        if suspicious and not self._is_the_same(read or {}, reopen):
            raise InputChangedError(
                f"{self.path} was changed or replaced after it was opened, so that the result would belong "
                "to no file. Nothing was written. Open it again, or start again, once the file is complete."
            )

    def _is_the_same(self, read: Mapping[int, int], reopen: Callable[[], FileVolume] | None) -> bool:
        try:
            if not self.fingerprint or not has_fingerprint(self.path, self.fingerprint):
                return False
            if is_exact(self.fingerprint) or not read or reopen is None:
                return True
            with reopen() as again:
                return again.shape == self.volume.shape and all(
                    checksum_of(again.read(Box.slab(z, z + 1, again.shape))[0]) == read[z]
                    for z in sorted(read)
                )
        except (OSError, UserError):
            return False


def while_unchanged(known: KnownInput, work: Callable[[], Result]) -> Result:
    """Return what ``work`` makes of an input, unless that is changed or replaced meanwhile.

    Raises
    ------
    InputChangedError
        If it was; what ``work`` has written is then the caller's to take back.
    """
    known.check()
    result = work()
    known.check()
    return result
