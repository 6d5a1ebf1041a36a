"""Which axes of a stored array are (z, y, x), and how its voxels come out in that order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import permutations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.axes import SPACE, AxisOrder
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box, Triple
from sxtstudio.core.wording import shape_text

Reader = Callable[[Box], NDArray[Any]]
Names = Sequence[str | None]

# What an axis that is none of space may be called when it is taken for z.
_KINDS = {"c": "channels", "t": "time points", "e": "energies", "a": "angles"}
_MOST_COLOURS = 4

#: MATLAB's (rows, columns, slices …) by the number of axes, as files have them: the other way round.
MATLAB_AXES: dict[int, Names] = {2: "xy", 3: "zxy", 4: "tzxy", 5: "tczxy"}


class NamedBy(Enum):
    """Who says which axis is which."""

    FILE = "file"
    USER = "user"
    FORMAT = "format"  # as of TIFF, whose pages are slices
    NOBODY = "nobody"


@dataclass(frozen=True)
class StoredAxes:
    """Where (z, y, x) lie in an array as it is stored.

    Attributes
    ----------
    shape
        Of the stored array, of any number of dimensions.
    places
        Index of the stored axis that is z, y and x; z is None for a single image.
    backwards
        Which of (z, y, x) are read from their end.
    """

    shape: tuple[int, ...]
    places: tuple[int | None, int, int]
    named_by: NamedBy = NamedBy.NOBODY
    backwards: tuple[bool, bool, bool] = (False, False, False)
    notes: tuple[str, ...] = ()

    @property
    def volume_shape(self) -> Triple:
        """Size (z, y, x)."""
        z, y, x = (1 if place is None else self.shape[place] for place in self.places)
        return (z, y, x)

    @property
    def used(self) -> tuple[int, ...]:
        """The stored axes that are axes of space, in the order in which they are stored."""
        return tuple(sorted(place for place in self.places if place is not None))

    @property
    def order(self) -> AxisOrder:
        """The order as a user would name it."""
        names = {place: name for place, name in zip(self.places, SPACE, strict=True) if place is not None}
        ends = (name for name, backwards in zip(SPACE, self.backwards, strict=True) if backwards)
        return AxisOrder("".join(names[place] for place in self.used), frozenset(ends))

    @property
    def sizes(self) -> tuple[int, ...]:
        """Sizes of the axes of space in the order in which they are stored."""
        return tuple(self.shape[place] for place in self.used)

    def index(self, box: Box) -> tuple[slice | int, ...]:
        """Return ``box`` (z, y, x) as an index into the stored array."""
        index: list[slice | int] = [0] * len(self.shape)
        for place, part in zip(self.places, box.slices, strict=True):
            if place is not None:
                index[place] = part
        return tuple(index)

    def arranged(self, voxels: NDArray[Any], box: Box) -> NDArray[Any]:
        """Return what was read at ``index(box)`` as (z, y, x), without a copy."""
        sizes = {place: n for place, n in zip(self.places, box.shape, strict=True) if place is not None}
        kept = voxels.reshape([sizes[place] for place in self.used])  # axes of length 1 are dropped
        return kept.transpose([self.used.index(place) for place in sizes]).reshape(box.shape)

    def mirrored(self, read: Reader) -> Reader:
        """Return a reader of the axes that run backwards, from one of the axes as they are stored."""
        if not any(self.backwards):
            return read
        shape, steps = self.volume_shape, tuple(slice(None, None, -1 if b else 1) for b in self.backwards)

        def mirror(box: Box) -> NDArray[Any]:
            sides = zip(box.start, box.stop, shape, self.backwards, strict=True)
            ends = [(n - b, n - a) if backwards else (a, b) for a, b, n, backwards in sides]
            (z0, z1), (y0, y1), (x0, x1) = ends
            return read(Box((z0, y0, x0), (z1, y1, x1)))[steps]

        return mirror

    def depth(self, chunks: Sequence[int] | None) -> int:
        """Return how many slices are best read at once, given the sizes of the stored chunks.

        Where z is not the slowest axis and there are no chunks, every slice goes through the whole file: then
        as many as memory allows.
        """
        z = self.places[0]
        if z is None:
            return 1
        if chunks:
            return chunks[z]
        return 1 if all(self.shape[p] == 1 for p in self.used if p < z) else self.shape[z]

    def pick(self, values: Sequence[float | None]) -> list[float | None]:
        """Return one value per stored axis, or per stored axis of space, in the order (z, y, x)."""
        if len(values) != len(self.shape):
            values = [values[self.used.index(p)] if p in self.used else None for p in range(len(self.shape))]
        return [None if place is None else values[place] for place in self.places]


def axes_text(axes: StoredAxes) -> str:
    """Return how a file stores its axes, and who says so."""
    text = ", ".join(axes.order.names)
    if axes.named_by is NamedBy.FORMAT:
        return text
    if axes.named_by is NamedBy.NOBODY:
        return f"read as {text} (the file does not name them)"
    backwards = "".join(f", {letter} backwards" for letter in SPACE if letter in axes.order.backwards)
    who = "named by the file" if axes.named_by is NamedBy.FILE else "as you say"
    return f"stored as {text}{backwards} ({who})"


def axes_to_json(axes: StoredAxes) -> dict[str, str]:
    """Return the same for reports: the order, the slowest stored axis first, and who names it."""
    return {"stored": str(axes.order), "named_by": axes.named_by.value}


def find_axes(
    name: str, shape: Sequence[int], names: Names | None = None, wanted: AxisOrder | None = None
) -> StoredAxes:
    """Find the axes (z, y, x) of a stored array.

    Parameters
    ----------
    name
        Of the array, for errors.
    shape
        Of the stored array.
    names
        What the file calls its axes, a letter each as of ``axis_names``, None where it does not say.
    wanted
        What the user calls them, which goes before the file.

    Raises
    ------
    UserError
        If the array is really 4D, has one axis only, or the user's names do not fit it.
    """
    shape = tuple(int(n) for n in shape)
    if wanted is not None:
        return _as_wanted(name, shape, wanted)
    if names is not None and len(names) == len(shape):
        found = _as_named(name, shape, names)
        if found is not None:
            return found
    places = space_axes(name, shape)
    return StoredAxes(shape, (places[0], _known(places[1]), _known(places[2])))


def _as_wanted(name: str, shape: tuple[int, ...], wanted: AxisOrder) -> StoredAxes:
    axes = list(range(len(shape)))
    for index in reversed(range(len(shape))):
        if len(axes) > len(wanted.names) and shape[index] == 1:
            axes.remove(index)
    where = dict(zip(wanted.names, axes, strict=False))
    others = [axis for letter, axis in where.items() if letter not in SPACE]
    if len(axes) != len(wanted.names) or any(shape[axis] > 1 for axis in others):
        raise UserError(
            f"{name} is stored as {shape_text(shape)} voxels, which the axes {wanted} do not fit: name one "
            "axis for each of these numbers, as z, y and x."
        )
    z, y, x = (letter in wanted.backwards for letter in SPACE)
    return StoredAxes(shape, (where.get("z"), where["y"], where["x"]), NamedBy.USER, (z, y, x))


def _as_named(name: str, shape: tuple[int, ...], names: Names) -> StoredAxes | None:
    """Return the axes that the file names, or None if it names too few of them, or one twice."""
    letters = [letter for letter in names if letter is not None]
    if len(set(letters)) != len(letters) or not set(SPACE) & set(letters):
        return None
    named = dict(zip(names, range(len(shape)), strict=True))
    if not {"y", "x"} <= set(letters):
        named |= _rest_of_space(shape, names)
    if not {"y", "x"} <= set(named):
        return None
    places = [named.get(letter) for letter in SPACE]
    others = [place for place, n in enumerate(shape) if place not in places and n > 1]
    notes: tuple[str, ...] = ()
    if places[0] is None and len(others) == 1:
        places[0] = others[0]
        notes = _other_than_z(name, shape, names[others[0]], others[0])
        others = []
    if others:
        sizes = ", ".join(f"{names[place] or 'axis without a name'}: {shape[place]}" for place in others)
        raise UserError(
            f"{name} has four or more dimensions ({sizes} beside z, y and x). Save one channel or time point."
        )
    return StoredAxes(shape, (places[0], _known(places[1]), _known(places[2])), NamedBy.FILE, notes=notes)


def _rest_of_space(shape: tuple[int, ...], names: Names) -> dict[str | None, int]:
    """Name the axes that the file leaves out, if they are three with those that it names.

    The named ones show whether the order is (z, y, x) or (x, y, z).
    """
    known = {letter: place for place, letter in enumerate(names) if letter is not None and letter in SPACE}
    free = [place for place, letter in enumerate(names) if letter is None]
    while len(free) + len(known) > 3 and any(shape[place] == 1 for place in free):
        free.remove(next(place for place in reversed(free) if shape[place] == 1))
    missing = [letter for letter in SPACE if letter not in known]
    if len(free) != len(missing):
        return {}
    for order in (missing, missing[::-1]):
        guess = {**known, **dict(zip(order, free, strict=True))}
        if sorted(SPACE, key=guess.__getitem__) in ([*SPACE], [*SPACE[::-1]]):
            return dict(zip(order, free, strict=True))
    return {}


def _other_than_z(name: str, shape: tuple[int, ...], letter: str | None, place: int) -> tuple[str, ...]:
    """Return the note on an axis that takes the place of z; colours are refused."""
    if letter is None:
        return ()
    if letter == "c" and shape[place] <= _MOST_COLOURS:
        raise UserError(f"{name} has {shape[place]} colour channels. Save one channel as grey values.")
    return (f"the file calls its slices {_KINDS.get(letter, letter)}; they are taken as z",)


def orders_that_fit(axes: StoredAxes, shape: Triple) -> list[AxisOrder]:
    """Return the orders in which a stored volume has ``shape`` (z, y, x), the usual one, x, y, z, first."""
    if len(axes.used) != len(SPACE):
        return []
    orders = ["".join(names) for names in permutations(SPACE[::-1])]
    return [
        AxisOrder(names)
        for names in orders
        if tuple(axes.sizes[names.index(letter)] for letter in SPACE) == tuple(shape)
    ]


def space_axes(name: str, shape: Sequence[int]) -> list[int | None]:
    """Return the indices of the axes (z, y, x) in an array whose axes have no names.

    Axes of length 1 are dropped, from the right first (a channel axis at the end), until three are
    left; a 2D image has no z axis (None).

    Raises
    ------
    UserError
        If the array is real 4D, has one axis only, or looks like a colour image.
    """
    axes: list[int | None] = list(range(len(shape)))
    for index in reversed(range(len(shape))):
        if len(axes) > 3 and shape[index] == 1:
            axes.remove(index)
    if len(axes) > 3:
        raise UserError(f"{name} has {len(axes)} dimensions ({shape_text(shape)}). Save one 3D volume of it.")
    if len(axes) < 2:
        raise UserError(
            f"{name} has only {len(axes)} dimension(s), which is no image. Choose another dataset."
        )
    return axes if len(axes) == 3 else [None, *axes]


def refuse_colour(name: str, shape: Sequence[int], dtype: np.dtype[Any]) -> None:
    """Refuse (y, x, 3 or 4) bytes: a photograph, not a tomogram three voxels wide."""
    if len(shape) == 3 and dtype == np.uint8 and shape[2] in (3, 4) and min(shape[:2]) > 16:
        raise UserError(f"{name} is a colour (RGB) image. Convert it to grey values first.")


def is_volume(shape: Sequence[int]) -> bool:
    """Return whether an array of this shape is 3D once its axes of length 1 are dropped."""
    long = sum(n > 1 for n in shape)
    return len(shape) >= 3 and (long == 3 or (len(shape) == 3 and min(shape, default=0) >= 1 and long >= 2))


def _known(place: int | None) -> int:
    if place is None:
        raise ValueError("an image has rows and columns")
    return place
