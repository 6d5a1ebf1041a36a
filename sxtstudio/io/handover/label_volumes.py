"""What the writers of label volumes share: the smallest type that holds all values, and the read-back."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.errors import UserError
from sxtstudio.core.label_image import LabelImage, Legend, LegendEntry, unique_names
from sxtstudio.core.progress import Progress
from sxtstudio.core.verified import NotAsWritten, read_back
from sxtstudio.io.export_plan import Plan
from sxtstudio.io.place import Place
from sxtstudio.io.writing import Format, slab_thickness, write_volume

Write = Callable[[Path, Plan, Iterable[NDArray[Any]]], str]

UNSIGNED = ("u1", "u2", "u4")
#: Headers with more names than this open hardly anywhere, nor here.
MOST_NAMES = 65_535


class _TooLarge(Exception):
    """A value does not fit into the type that was tried."""

    def __init__(self, value: int) -> None:
        super().__init__(value)
        self.value = value


@dataclass(frozen=True)
class WrittenLabels:
    """A label volume on the disk: name of the format, bytes, type of its voxels, the largest value.

    ``verified`` are the words for what was read back and was the same.
    """

    format: str
    bytes: int
    dtype: np.dtype[Any]
    largest: int
    verified: str


def write_label_volume(
    path: Path,
    image: LabelImage,
    write: Callable[[Callable[[], int]], Write],
    progress: Progress,
    *,
    dtypes: tuple[str, ...] = UNSIGNED,
    check: Callable[[Path], bool] = lambda temporary: False,
    compressed: bool = True,
    holds_voxel: bool = True,
) -> WrittenLabels:
    """Write a label image with the smallest type that holds its values, read it back and compare.

    Parameters
    ----------
    path, image
        Where, and what.
    write
        Given a function that says the largest value so far, of the legend and of the slabs that came by,
        returns what writes the slabs of a plan.
    progress
        Counts slices; begins anew where a value occurs that the legend did not let expect.
    dtypes
        Types of the format, the smallest first.
    check
        As of ``write_volume``, of names and colours; returns whether there were any.
    compressed, holds_voxel
        As of ``Format``.

    Raises
    ------
    UserError
        As ``write_volume``; or if no type holds the values.
    Cancelled
        If the user stopped it.
    """
    largest = image.largest
    name = path.name
    if image.volume.dtype.kind not in "biu":
        raise UserError(f"{name} was not written: {image.volume.dtype} values are no labels.")
    for dtype in map(np.dtype, dtypes):
        if largest > np.iinfo(dtype).max:
            continue
        convert = _Convert(name, dtype, largest)
        form = Format(
            write(convert.largest_so_far),
            lambda dtype: dtype,
            1,
            compressed=lambda plan: compressed,
            holds_voxel=holds_voxel,
        )
        plan = Plan(
            name=image.name,
            shape=image.shape,
            dtype=dtype,
            kind="objects",
            thickness=slab_thickness(image.volume, dtype, form),
            voxel_nm=image.voxel_nm,
            place=Place(image.origin_nm),
        )
        try:
            written = write_volume(path, image.volume, plan, form, convert, progress, check)
            verified = read_back(*written.compared)
            return WrittenLabels(written.format, written.bytes, dtype, convert.largest_so_far(), verified)
        except _TooLarge as error:
            largest = error.value
    raise UserError(
        f"{name} was not written: this format holds no number as large as {largest}. Number the objects "
        "anew, or choose another format."
    )


class _Convert:
    """Turns slabs into the type of the file, and keeps the largest value."""

    def __init__(self, name: str, dtype: np.dtype[Any], largest: int) -> None:
        self._name, self._dtype, self._largest = name, dtype, largest
        self._most = int(np.iinfo(dtype).max)

    def __call__(self, slab: NDArray[Any]) -> NDArray[Any]:
        low, high = int(slab.min(initial=0)), int(slab.max(initial=0))
        if low < 0:
            raise UserError(f"{self._name} was not written: the number {low} stands for no label.")
        if high > self._most:
            raise _TooLarge(high)
        self._largest = max(self._largest, high)
        return np.ascontiguousarray(slab, self._dtype)

    def largest_so_far(self) -> int:
        return self._largest


def check_legend(path: Path, found: Legend, wanted: Legend) -> bool:
    """Compare names and colours that were read back, colours to 1 of 255, and return whether there are any.

    Raises
    ------
    NotAsWritten
        If they differ.
    """
    same = [
        a.value == b.value
        and a.name == b.name
        and max(abs(p - q) for p, q in zip(a.rgb, b.rgb, strict=True)) <= 1
        for a, b in zip(found, wanted, strict=False)
    ]
    if len(found) != len(wanted) or not all(same):
        raise NotAsWritten(
            f"{path.name} was not written: the names or colours that were read back from the disk differ. "
            "Check the disk."
        )
    return bool(wanted)


def named(image: LabelImage, *, gapless: bool = False) -> tuple[Legend, tuple[str, ...]]:
    """Return the legend that is written, and what is lost: all names where there are too many of them.

    ``gapless``: a format that has an entry for each number up to the largest one.
    """
    count = image.largest if gapless else len(image.legend)
    if count <= MOST_NAMES:
        return image.legend, ()
    if gapless and len(image.legend) <= MOST_NAMES:
        return (), (f"Names and colours: they would need an entry for each number up to {count:,}.",)
    return (), (f"Names and colours: there are more than {MOST_NAMES:,} of them.",)


def materials(legend: Legend, unnamed: str, *, tidy: Callable[[str], str] = str.strip) -> Legend:
    """Return a legend with names that a format takes: printable, not empty, and each once.

    Parameters
    ----------
    legend
        Of a label image.
    unnamed
        What a value without a name is called, with {} for the value.
    tidy
        Makes of a printable name one that the format takes.
    """
    names = unique_names(
        tidy("".join(filter(str.isprintable, entry.name))) or unnamed.format(entry.value) for entry in legend
    )
    return tuple(LegendEntry(entry.value, name, entry.rgb) for entry, name in zip(legend, names, strict=True))
