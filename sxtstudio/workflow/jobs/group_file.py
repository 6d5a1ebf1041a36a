"""Files of groups: which tables are compared, in which groups, and what of them (TOML).

::

    column = "volume"
    class = "Mitochondrion"
    unit = "cells"
    [[group]]
    name = "control"
    tables = ["cell-1.csv", ["cell-2a.csv", "cell-2b.csv"]]  # tables in a list of their own: one cell
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tomli_w
from msgspec import Meta, Struct, field

from sxtstudio.core.atomic import atomic_write
from sxtstudio.core.errors import UserError
from sxtstudio.core.plain_files import read_plain
from sxtstudio.core.records import record_of, toml_values
from sxtstudio.core.statistics import AnalysisUnit
from sxtstudio.core.wording import cut
from sxtstudio.workflow.jobs.comparing import CellFiles, CompareChoice, GroupFiles

_LARGEST_BYTES = 1 << 20


@dataclass(frozen=True)
class GivenGroups:
    """Groups, and what of them is compared as far as it is said; ``column`` "" is not."""

    groups: tuple[GroupFiles, ...]
    choice: CompareChoice


def read_groups(path: Path) -> GivenGroups:
    """Read a file of groups; tables are named from its folder on.

    Raises
    ------
    UserError
        If it cannot be read, or does not say that.
    """
    what = f"The file of groups {cut(path.name)}"
    try:
        content = read_plain(path, _LARGEST_BYTES)
    except OSError as error:
        raise UserError(f"{what} cannot be read: {error.strerror or error}. Choose a TOML file.") from error
    values = toml_values(content, what, "Mend it, or give --group.")
    record = record_of(values, _Groups, what, "'sxtstudio compare --help' shows how it is written.")
    groups = tuple(
        GroupFiles(group.name, tuple(_cell(entry, path.parent) for entry in group.tables))
        for group in record.group
    )
    choice = CompareChoice(record.column or "", record.class_name, record.unit, record.border)
    return GivenGroups(groups, choice)


def write_groups(path: Path, groups: Sequence[GroupFiles], choice: CompareChoice) -> None:
    """Write groups and what of them is compared as a file that ``read_groups`` reads.

    Tables in or below the folder of the file are named from there, so that all can be moved together.
    """
    values: dict[str, Any] = {"column": choice.column, "unit": choice.unit.value, "border": choice.border}
    if choice.class_name is not None:
        values["class"] = choice.class_name
    folder = path.absolute().parent
    values["group"] = [
        {"name": group.name, "tables": [_names(cell, folder) for cell in group.cells]} for group in groups
    ]
    with atomic_write(path) as temporary:
        temporary.write_text(tomli_w.dumps(values), encoding="utf-8", newline="")


class _OneGroup(Struct, frozen=True, forbid_unknown_fields=True):
    name: Annotated[str, Meta(min_length=1, description="a name")]
    tables: tuple[str | tuple[str, ...], ...]


class _Groups(Struct, frozen=True, forbid_unknown_fields=True):
    group: Annotated[tuple[_OneGroup, ...], Meta(min_length=1, description="a list of [[group]]")]
    column: str | None = None
    class_name: str | None = field(default=None, name="class")
    unit: AnalysisUnit = AnalysisUnit.CELLS
    border: bool = False


def _cell(entry: str | tuple[str, ...], folder: Path) -> CellFiles:
    names = (entry,) if isinstance(entry, str) else entry
    if not names:
        raise UserError("A cell in the file of groups has no table: take its empty list [] out.")
    return CellFiles(Path(names[0]).stem, tuple(folder / name for name in names))


def _names(cell: CellFiles, folder: Path) -> str | list[str]:
    """Return the table of a cell, or a list of its tables, as the file of groups names them."""
    names = []
    for table in cell.tables:
        absolute = table.absolute()
        inside = absolute.is_relative_to(folder)
        names.append(absolute.relative_to(folder).as_posix() if inside else str(absolute))
    return names[0] if len(names) == 1 else names
