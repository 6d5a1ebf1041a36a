"""How far two results of the same kind are apart: voxels, classes, columns of a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.errors import UserError
from sxtstudio.core.object_table import ObjectFlag, ObjectRow, ObjectTable
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import Volume
from sxtstudio.core.walk import walk
from sxtstudio.core.wording import count, grouped, significant


class Verdict(StrEnum):
    """What became of a result when everything was done again."""

    SAME = "the same, bit by bit"
    APART = "not the same"
    GIVEN = "taken as given"
    MISSING = "missing"


@dataclass(frozen=True)
class Outcome:
    """A result, what became of it, and in words how far apart, or why it is given.

    ``measure`` holds the figures by name: voxels, dice, largest_relative_difference, column, objects.
    ``is_file``: it is not of a result, but of a file of the folder that is not as it was written.
    """

    name: str
    verdict: Verdict
    words: str = ""
    measure: Mapping[str, float | str] | None = None
    is_file: bool = False


def compare_volumes(
    name: str, kept: Volume, again: NDArray[Any], progress: Progress | None = None
) -> Outcome:
    """Compare a volume of the folder with the one that was made again.

    Parameters
    ----------
    kept, again
        (z, y, x), whole numbers. Labels and masks may have any value that is not 0; objects are told apart by
        their numbers.

    Returns
    -------
    Outcome
        Dice is 2 |A ∩ B| / (|A| + |B|) of the voxels that are not 0, and for objects have the same number.
    """
    if tuple(kept.shape) != again.shape:
        raise UserError(
            f"The {name} of the folder are of another shape than the tomogram: take another folder."
        )
    numbers = name == "objects"
    differing = both = of_kept = of_again = 0
    for box in walk(kept.shape, again, progress=progress):
        one, other = kept.read(box), again[box.slices]
        if not numbers:
            one, other = one != 0, other != 0
        there = one != 0
        differing += int(np.count_nonzero(one != other))
        both += int(np.count_nonzero(there & (one == other)))
        of_kept += int(np.count_nonzero(there))
        of_again += int(np.count_nonzero(other))
    if not differing:
        return Outcome(name, Verdict.SAME, f"{count(of_kept, 'voxel')}")
    dice = 2 * both / max(1, of_kept + of_again)
    words = f"{count(differing, 'voxel')} {'differs' if differing == 1 else 'differ'}, Dice {dice:.6f}"
    return Outcome(name, Verdict.APART, words, {"voxels": differing, "dice": dice})


def compare_tables(kept: Mapping[str, NDArray[Any]], again: Mapping[str, NDArray[Any]]) -> Outcome:
    """Compare the columns of two tables of objects, both as they were read from files."""
    name = "table"
    one, other = kept["object"].tolist(), again["object"].tolist()
    if one != other:
        lost, new = set(one) - set(other), set(other) - set(one)
        counted = ((lost, "not there again"), (new, "new"))
        parts = [
            f"{count(len(which), 'object')} {'is' if len(which) == 1 else 'are'} {what}"
            for which, what in counted
            if which
        ]
        return Outcome(name, Verdict.APART, ", ".join(parts), {"objects": len(lost) + len(new)})
    largest, where, texts = 0.0, "", 0
    missing = [column for column in kept if column not in again]
    for column in (column for column in kept if column in again and column not in _OF_ROWS):
        found = _difference(kept[column], again[column])
        texts += found is None
        if found is not None and found > largest:
            largest, where = found, column
    if not largest and not texts and not missing:
        return Outcome(name, Verdict.SAME, f"{count(len(one), 'object')}, {count(len(kept), 'column')}")
    parts = []
    if largest:
        parts.append(f"the largest relative difference is {significant(largest, 3)} (column {where})")
    if texts:
        parts.append(f"{count(texts, 'column')} of other words")
    if missing:
        parts.append(f"not measured again: {', '.join(missing[:6])}")
    measure: dict[str, float | str] = {"largest_relative_difference": largest, "column": where}
    return Outcome(name, Verdict.APART, "; ".join(parts), measure)


#: Columns of the table that are compared as classes and flags.
_OF_ROWS = ("class", "class_by", "class_sure", "flags", "notes")


def _difference(kept: NDArray[Any], again: NDArray[Any]) -> float | None:
    """Return the largest |a - b| / max(|a|, |b|) of a column; None where it is text and differs."""
    if kept.dtype == object or again.dtype == object:
        return 0.0 if kept.tolist() == again.tolist() else None
    one, other = kept.astype(np.float64), again.astype(np.float64)
    if (np.isnan(one) != np.isnan(other)).any():
        return np.inf
    known = np.isfinite(one) & np.isfinite(other)
    apart = np.abs(one[known] - other[known])
    scale = np.maximum(np.abs(one[known]), np.abs(other[known]))
    with np.errstate(invalid="ignore", divide="ignore"):
        relative = np.where(apart == 0, 0.0, apart / scale)
    return float(relative.max(initial=0.0))


def compare_rows(kept: ObjectTable, again: ObjectTable) -> Outcome:
    """Compare classes and flags of the objects, whoever gave them."""
    name = "classes"
    differ = [
        number
        for number in sorted(kept.rows.keys() | again.rows.keys())
        if kept.rows.get(number) != again.rows.get(number)
    ]
    if not differ:
        return Outcome(name, Verdict.SAME, count(len(kept.rows), "object"))
    each = [f"object {n}: {_row_difference(kept.rows.get(n), again.rows.get(n))}" for n in differ[:_NAMED]]
    each += ["…"] if len(differ) > _NAMED else []
    words = f"{grouped(len(differ))} of {count(len(kept.rows), 'object')} differ – {'; '.join(each)}"
    return Outcome(name, Verdict.APART, words, {"objects": len(differ)})


#: So many objects are named of those that differ.
_NAMED = 5


def _row_difference(kept: ObjectRow | None, again: ObjectRow | None) -> str:
    """Return such as "class Vesicle, again Gold"; of two rows that are not the same."""
    if kept is None or again is None:
        return "not in the folder" if kept is None else "not there again"
    return ", ".join(
        f"{name} {one}, again {other}"
        for name, one, other in zip(_FACTS, _facts(kept), _facts(again), strict=True)
        if one != other
    )


_FACTS = ("class", "given by", "sure", "flags", "notes")


def _facts(row: ObjectRow) -> tuple[str, ...]:
    flags = " ".join(flag.value for flag in ObjectFlag if flag in row.flags)
    sure = "" if row.sure is None else repr(row.sure)
    values = (row.class_name, row.decided.value, sure, flags, row.notes)
    return tuple(value or "none" for value in values)
