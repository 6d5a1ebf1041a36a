"""The classes of objects in a table, as they are measured, trained with and compared by."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.errors import UserError
from sxtstudio.core.object_table import Decided
from sxtstudio.core.wording import cut, grouped
from sxtstudio.io.tables import read_table, where_names

_MOST_CLASSES, _LONGEST_NAME = 200, 100


def classes_in(path: Path, *, by_hand: bool = True) -> dict[int, str]:
    """Return the classes of objects in a table: given by hand, or all where it does not say by whom.

    Without ``by_hand`` all classes count, whoever gave them.

    Raises
    ------
    UserError
        If it cannot be read, has no columns "object" and "class", or names no class.
    """
    columns = read_table(path)
    if "object" not in columns or "class" not in columns:
        raise UserError(
            f"{cut(path.name)} has no columns “object” and “class” in {where_names(path)}, with numbers and "
            "names below: give a table of objects."
        )
    check_numbers(path.name, columns["object"])
    given = columns.get("class_by")
    wanted = np.ones(len(columns["object"]), np.bool_)
    if by_hand and given is not None and given.dtype.kind == "O" and any(given):
        wanted = np.array([text == Decided.HAND.value for text in given])
    named: dict[int, str] = {}
    for number, name, taken in zip(
        columns["object"].tolist(), _texts(columns["class"]), wanted.tolist(), strict=True
    ):
        if not name or not taken:
            continue
        if len(name) > _LONGEST_NAME:
            raise UserError(
                f"{cut(path.name)} has a class of {grouped(len(name))} letters, “{cut(name, 24)}”: the name "
                f"of a class has at most {_LONGEST_NAME}."
            )
        if named.setdefault(int(number), name) != name:
            raise UserError(
                f"{cut(path.name)} gives object {number} two classes, “{cut(named[number], 24)}” and "
                f"“{cut(name, 24)}”: take out one of the rows."
            )
    if len(set(named.values())) > _MOST_CLASSES:
        raise UserError(
            f"{cut(path.name)} has {grouped(len(set(named.values())))} classes, and {_MOST_CLASSES} are the "
            "most. Is another column the class?"
        )
    if not named:
        how = " by hand" if by_hand else ""
        raise UserError(f"{path.name} gives no object a class{how}: write names into its column “class”.")
    return named


def check_numbers(name: str, column: NDArray[Any]) -> None:
    """Raise UserError unless the column "object" of the table ``name`` holds whole numbers only."""
    if column.dtype.kind == "i":
        return
    for row, value in enumerate(column.tolist(), 1):
        whole = isinstance(value, float) and value.is_integer() and abs(value) < 1 << 63
        if not whole and not (isinstance(value, str) and value.isdecimal() and len(value) < 19):
            said = cut(str(value), 24) if value == value else ""
            raise UserError(
                f"{cut(name)}: the column “object” holds “{said}” in row {row}. Write the number of an "
                "object, such as 12."
            )


def _texts(column: NDArray[Any]) -> list[str]:
    """Return names; a column without any is read as numbers that there are not."""
    if column.dtype.kind == "f":
        return ["" if np.isnan(value) else f"{value:g}" for value in column]
    return [" ".join(str(value).split()) for value in column.tolist()]
