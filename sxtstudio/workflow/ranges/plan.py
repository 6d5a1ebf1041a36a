"""What all plans of ranges have in common: the program, the inputs, and how the slices are divided."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta, Struct

from sxtstudio import __version__
from sxtstudio.core.checked_volume import CheckedVolume, InputChangedError
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Triple
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import VoxelSize
from sxtstudio.io import FileVolume
from sxtstudio.io.fingerprint import is_exact
from sxtstudio.io.stamp import stamp_of
from sxtstudio.workflow.jobs.unchanged import KnownInput
from sxtstudio.workflow.ranges.split import MOST_SLICES, Range, split

Count = Annotated[int, Meta(ge=1)]
#: Edge of a volume in voxels.
Edge = Annotated[int, Meta(ge=1, le=MOST_SLICES)]
#: A NUL ends names for the system, and is in none.
FileName = Annotated[
    str, Meta(min_length=1, max_length=4096, pattern=r"^[^\x00]+$", description="the name of a file")
]
Index = Annotated[int, Meta(ge=0)]


class DoesNotFit(UserError):
    """The model or the program is not the one of the plan: trying again does not help."""


@dataclass(frozen=True)
class SharedImage:
    """An OME-Zarr image that all ranges write, in ``NAME.zarr`` of the folder; ``title`` stands in it."""

    name: str
    shape: Triple
    dtype: str
    title: str
    voxel_nm: VoxelSize | None
    origin_nm: VoxelSize | None


class InputPlan(Struct, frozen=True, forbid_unknown_fields=True):
    """An input as it was planned for.

    Attributes
    ----------
    fingerprint
        That of ``io.fingerprint``.
    written
        Size, and times of the last changes, of each of its files; [] where these would show nothing.
    """

    path: FileName
    shape: tuple[Edge, Edge, Edge]
    dtype: str
    fingerprint: dict[str, str | int]
    written: list[tuple[int, int, int]]

    @classmethod
    def of(cls, known: KnownInput) -> InputPlan:
        """Take over what is known of an input that was just opened."""
        volume = known.volume
        return cls(
            absolute(known.path), volume.shape, str(volume.dtype), dict(known.fingerprint), written_at(volume)
        )

    def check(self, known: KnownInput) -> None:
        """Raise InputChangedError if an opened input is another one than that of the plan."""
        volume = known.volume
        if (
            volume.shape != self.shape
            or str(volume.dtype) != self.dtype
            or dict(known.fingerprint) != self.fingerprint
        ):
            raise InputChangedError(
                f"{known.path} is not the file that the ranges were planned for: it was changed or replaced. "
                "Plan anew once it is complete; what is finished is of no use then."
            )

    def check_slices(self, known: KnownInput, records: Sequence[RangeRecord], progress: Progress) -> None:
        """Compare what ranges have read with the input, unless nobody has touched its files.

        Raises
        ------
        InputChangedError
            If it was changed meanwhile.
        """
        read = sources_of(records)
        untouched = self.written and written_at(known.volume) == self.written
        if untouched or is_exact(self.fingerprint):
            return
        volume = CheckedVolume(known.volume)
        for z in sorted(read):
            progress.check()
            if volume.checksum(z) != read[z]:
                raise InputChangedError(
                    f"{known.path} was changed after ranges of it were read: its {{slices}} is another. "
                    "Plan anew, and restart.",
                    slices=(z, z),
                )


class RangePlan(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What plans of all kinds hold; ``output`` is the file that comes out at last."""

    program: str
    output: FileName
    slices_per_range: Count

    @property
    def shape(self) -> Triple:
        """Of what is worked on, (z, y, x)."""
        raise NotImplementedError

    @property
    def first_slice(self) -> int:
        """The slice of the input that is the first one of the ranges."""
        return 0

    @property
    def other_outputs(self) -> tuple[Path, ...]:
        """The files that come out beside ``output``."""
        return ()

    @property
    def images(self) -> tuple[SharedImage, ...]:
        """What all ranges write."""
        raise NotImplementedError

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the images."""
        return tuple(image.name for image in self.images)

    @property
    def ranges(self) -> tuple[Range, ...]:
        """The ranges, counted from ``first_slice``."""
        return split(self.shape[0], self.slices_per_range)

    def part(self, number: int) -> Range:
        """Return a range by its number; raises UserError if there is none."""
        ranges = self.ranges
        if not 0 <= number < len(ranges):
            raise UserError(f"There is no range {number}: they are numbered 0 to {len(ranges) - 1}.")
        return ranges[number]

    def check_program(self) -> None:
        """Raise DoesNotFit if another version of the program has made the plan."""
        if self.program != __version__:
            raise DoesNotFit(
                f"The ranges were planned by version {self.program} of SXT Studio, and this is "
                f"{__version__}: what they give could differ. Use one version on all computers, or plan anew."
            )

    def asked(self) -> dict[str, Any]:
        """Return, in words of the user, what was asked for and is the same however often the plan is made."""
        return {
            "the program": self.program,
            "the output": self.output,
            "the number of slices in a range": self.slices_per_range,
        }

    def changes_from(self, other: RangePlan) -> list[str]:
        """Return what differs from another plan, in words of the user."""
        mine, others = self.asked(), other.asked()
        return [
            f"{name} was {others.get(name)} and is now {mine[name]}"
            for name in mine
            if mine[name] != others.get(name)
        ]


class RangeRecord(Struct, frozen=True, kw_only=True):
    """A finished range.

    Attributes
    ----------
    plan
        Checksum of the plan.
    first, depth
        First slice of the range, counted from the first one that is worked on, and how many it has.
    checksums
        Of each image the CRC-32 of each of its slices.
    sources
        Slices of the input that were read, those of neighbours as well, with their CRC-32.
    seconds
        How long the attempt took that finished it.
    """

    plan: str
    first: Index
    depth: Count
    checksums: dict[str, list[Index]]
    sources: list[tuple[Index, Index]]
    seconds: float
    computer: str

    def is_of(self, plan: str, part: Range) -> bool:
        """Whether it is the record of a range of the plan with this checksum."""
        return self.plan == plan and (self.first, self.depth) == (part.first, part.depth)


def sources_of(records: Sequence[RangeRecord]) -> dict[int, int]:
    """Join the checksums of the input's slices; neighbouring ranges have read some of the same ones.

    Raises
    ------
    InputChangedError
        If they differ.
    """
    found: dict[int, int] = {}
    for number, record in enumerate(records):
        for z, checksum in record.sources:
            if found.setdefault(z, checksum) != checksum:
                raise InputChangedError(
                    f"The input was changed between the ranges {number - 1} and {number}, which both read "
                    "{slices}. Plan anew once it is complete.",
                    slices=(z, z),
                )
    return found


def written_at(volume: FileVolume) -> list[tuple[int, int, int]]:
    """Return size and times of the files of a volume; [] where a later change might not show in them."""
    if volume.just_written or volume.touched:
        return []
    return [(size, changed, status) for _, size, changed, status, _, _ in stamp_of(volume.files)]


def absolute(path: Path) -> str:
    """Return an absolute name that can be handed to other computers.

    Raises
    ------
    UserError
        If it is no text.
    """
    name = os.path.abspath(path)
    try:
        name.encode()
    except UnicodeEncodeError:
        raise UserError(
            f"The name {path} is no text in UTF-8, which not every computer can read: rename it."
        ) from None
    return name
