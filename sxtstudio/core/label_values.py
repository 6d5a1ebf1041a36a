"""Which values a label file holds: one kind of label, materials, or objects with a number each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.errors import UserError
from sxtstudio.core.object_table import MOST_NUMBER
from sxtstudio.core.wording import count, grouped

# Larger whole numbers of floating point are not told apart.
_LARGEST = 2**53
# So many values are named; with more of them they are numbers of objects, or an image.
_NAMED = 6
# Of materials nobody makes more than that.
_MOST_MATERIALS = 20
# No tomogram holds so many objects.
_MOST_VALUES = 4_000_000
# Labels go on from voxel to voxel, grain does not: of labels more than 0.6 of the neighbours are equal, of
# 8-bit tomograms less than 0.1. Specks of one voxel have no equal neighbour, but a value each.
_LEAST_EQUAL, _VOXELS_PER_VALUE, _MOST_GREY = 0.3, 100, 0xFFFF


@dataclass(frozen=True)
class LabelValues:
    """The values other than 0 of a label file (ascending), and how many voxels have each."""

    name: str
    voxels: dict[int, int]

    @property
    def several(self) -> bool:
        """Whether there is more than one kind of label."""
        return len(self.voxels) > 1

    @property
    def many(self) -> bool:
        """Whether there are so many that they are numbers of objects rather than materials."""
        return len(self.voxels) > _MOST_MATERIALS

    def text(self) -> str:
        """Return "the values 1 (20 voxels), 2 (8 voxels)", or how many there are."""
        named = [f"{value} ({count(n, 'voxel')})" for value, n in list(self.voxels.items())[:_NAMED]]
        more = len(self.voxels) - len(named)
        return f"the values {', '.join(named)}" + (f" and {grouped(more)} more" if more else "")

    @property
    def not_of_objects(self) -> list[int]:
        """Values that cannot be numbers of objects, which are 1 to 2³² − 1: the smallest, the largest."""
        ends = (min(self.voxels), max(self.voxels)) if self.voxels else ()
        return [value for value in ends if not 0 < value <= MOST_NUMBER]

    def check_objects(self) -> None:
        """Raise UserError unless the values are numbers of objects."""
        wrong = self.not_of_objects
        if wrong:
            raise UserError(
                f"{self.name} holds {wrong[0]}, and objects are numbered from 1 to {MOST_NUMBER}. Number the "
                "objects anew with 'sxtstudio objects'."
            )

    def check(self, value: int) -> None:
        """Raise UserError unless some voxel has this value."""
        if value not in self.voxels:
            found = self.text() if self.voxels else "only 0"
            raise UserError(f"{self.name} holds no label {value}: it holds {found}. Give one of these.")


class ValueCounter:
    """Counts the values of labels, slab by slab; ``background`` are the voxels that are 0."""

    def __init__(self, name: str) -> None:
        """Count nothing yet; ``name`` is that of the file, for what is said of it."""
        self._name = name
        self._voxels: dict[int, int] = {}
        self.background = 0
        self._pairs = self._equal = 0  # neighbours along x that are both labelled

    def add(self, part: NDArray[Any]) -> NDArray[Any]:
        """Count a slab (z, y, x) of numbers of any type; return it as whole numbers.

        Raises
        ------
        UserError
            If it holds fractional grey values, some that are too large to be told apart, or too many.
        """
        if part.dtype.kind == "f":
            if not np.isfinite(part).all():
                what = "infinite values" if not np.isnan(part).any() else "NaN (voxels without a number)"
                raise UserError(
                    f"{self._name} holds {what}, and labels are whole numbers. Put 0 there, or choose "
                    "another file."
                )
            if not np.array_equal(part, np.rint(part)):
                raise UserError(
                    f"{self._name} holds fractional grey values and is no label file. "
                    "Choose the labels instead."
                )
            if part.size and max(part.max(), -part.min()) > _LARGEST:
                raise UserError(
                    f"{self._name} holds {max(part.max(), -part.min()):g}, which is no number of a label. "
                    "Choose the labels instead."
                )
            part = part.astype(np.int64)
        elif part.dtype.kind == "b":
            part = part.astype(np.uint8)
        left, right = part[..., :-1], part[..., 1:]
        both = (left != 0) & (right != 0)
        self._pairs += int(np.count_nonzero(both))
        self._equal += int(np.count_nonzero(both & (left == right)))
        if part.dtype in (np.uint8, np.uint16):  # many times quicker than sorting
            counts = np.bincount(part.ravel())
            values = np.flatnonzero(counts)
            counts = counts[values]
        else:
            values, counts = np.unique(part[part != 0], return_counts=True)
            self.background += part.size - int(counts.sum())
        for value, n in zip(values.tolist(), counts.tolist(), strict=True):
            if value:
                self._voxels[value] = self._voxels.get(value, 0) + n
            else:
                self.background += n
        if len(self._voxels) > _MOST_VALUES:
            raise UserError(
                f"{self._name} holds more than {grouped(_MOST_VALUES)} numbers and is no label file. "
                "Choose the labels instead."
            )
        return part

    def found(self) -> LabelValues:
        """Return what was found.

        Raises
        ------
        UserError
            If there was no background, as in an image, or the values change like grey values.
        """
        labelled = sum(self._voxels.values())
        fits_16_bit = not self._voxels or (min(self._voxels) > 0 and max(self._voxels) <= _MOST_GREY)
        grey = fits_16_bit and self._equal < _LEAST_EQUAL * self._pairs
        if grey and labelled > _VOXELS_PER_VALUE * max(1, len(self._voxels)):
            raise UserError(
                f"The values of {self._name} change from voxel to voxel like grey values, so it is no label "
                "file. Choose the labels instead."
            )
        if not self.background:
            raise UserError(
                f"{self._name} has no background (no voxel is 0) and is no label file. "
                "Choose the labels instead."
            )
        return LabelValues(self._name, dict(sorted(self._voxels.items())))
