"""The flags of objects in a table, as ``sxtstudio objects --table`` and the window write it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sxtstudio.core.errors import UserError
from sxtstudio.core.object_table import ObjectFlag
from sxtstudio.core.wording import cut
from sxtstudio.io.tables import read_table, where_names
from sxtstudio.workflow.jobs.class_table import check_numbers

_NAMES = {flag.value: flag for flag in ObjectFlag}


@dataclass(frozen=True)
class FlagTable:
    """The flags of each object, and whether the table gives objects a class as well."""

    flags: dict[int, frozenset[ObjectFlag]]
    has_classes: bool


def read_flags(path: Path) -> FlagTable:
    """Return what a table says of why objects may not be whole.

    Raises
    ------
    UserError
        If it cannot be read, has no columns "object" and "flags", or names a flag that there is not.
    """
    columns = read_table(path)
    if "object" not in columns or "flags" not in columns:
        raise UserError(
            f"{cut(path.name)} has no columns “object” and “flags” in {where_names(path)}: give the table "
            "that 'sxtstudio objects --table' wrote, or one that was exported in the window."
        )
    check_numbers(path.name, columns["object"])
    texts = columns["flags"]
    found: dict[int, frozenset[ObjectFlag]] = {}
    for place, number in enumerate(columns["object"].tolist()):
        words = str(texts[place]).split() if texts.dtype.kind == "O" else []  # a column without any is NaN
        unknown = [word for word in words if word not in _NAMES]
        if unknown:
            raise UserError(
                f"{cut(path.name)} gives object {number} the flag “{cut(unknown[0], 24)}”: flags are "
                f"{', '.join(_NAMES)}."
            )
        found[int(number)] = frozenset(_NAMES[word] for word in words)
    classes = columns.get("class")
    named = classes is not None and classes.dtype.kind == "O" and any(str(name).strip() for name in classes)
    return FlagTable(found, named)
