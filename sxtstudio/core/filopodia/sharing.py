"""Whose voxels a filopodium would take: of what it is cut from, and of others, about which one asks."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.filopodia.records import Filopodium
from sxtstudio.core.object_table import Decided, ObjectFlag, ObjectRow, ObjectTable
from sxtstudio.core.wording import count


@dataclass(frozen=True)
class VoxelShares:
    """Voxels of a filopodium by the object that has them now, without the background.

    ``own`` are those of what it is cut from; ``others`` belong to something else, or to what somebody has
    given a class or notes.
    """

    own: Mapping[int, int]
    others: Mapping[int, int]

    @property
    def others_in_words(self) -> str:
        """The voxels of the others: "120 voxels of the objects 13 and 17"."""
        return _in_words(self.others)

    @property
    def own_in_words(self) -> str:
        """The voxels of what it is cut from, in the same words; "" where there are none."""
        return _in_words(self.own)

    @property
    def all_in_words(self) -> str:
        """The voxels of all objects, in the same words."""
        return _in_words({**self.own, **self.others})


def shares_of(
    found: Filopodium, objects: NDArray[Any], table: ObjectTable, cut_from: int | None = None
) -> VoxelShares:
    """Return whose voxels a filopodium would take from an object volume (z, y, x).

    Parameters
    ----------
    cut_from
        The object in which it was looked for; None where that were labels. Then it is the object at the
        click, and sheets such as the cell's membrane, unless they have a class by hand or notes.
    """
    numbers, voxels = np.unique(objects[found.box.slices][found.where], return_counts=True)
    own: dict[int, int] = {}
    others: dict[int, int] = {}
    clicked = int(objects[found.seed])
    for number, size in zip(numbers.tolist(), voxels.tolist(), strict=True):
        if not number:
            continue
        row = table.rows.get(number, ObjectRow())
        worked_on = row.decided is Decided.HAND or bool(row.notes)
        hung_on = (number == clicked or ObjectFlag.SHEET in row.flags) and not worked_on
        (own if number == cut_from or hung_on else others)[number] = size
    return VoxelShares(own, others)


def without(found: Filopodium, objects: NDArray[Any], numbers: Collection[int]) -> Filopodium:
    """Return a filopodium without the voxels that belong to some objects; it may have none left."""
    theirs = np.isin(objects[found.box.slices], np.array(sorted(numbers), objects.dtype))
    return replace(found, where=found.where & ~theirs)


def _in_words(shares: Mapping[int, int]) -> str:
    if not shares:
        return ""
    names = [str(number) for number in sorted(shares, key=lambda number: -shares[number])]
    most = 5
    if len(names) > most:
        names = [*names[:most], f"{len(names) - most} more"]
    listed = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    what = "object" if len(shares) == 1 else "the objects"
    return f"{count(sum(shares.values()), 'voxel')} of {what} {listed}"
