"""Tables of several tomograms in groups, compared: per cell and per object, with a test and a report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.errors import UserError
from sxtstudio.core.measure.columns import Quantity
from sxtstudio.core.measure.counted import counted, open_text, sheets_text
from sxtstudio.core.measure.measure import all_columns
from sxtstudio.core.measure.units import heading
from sxtstudio.core.object_table import ObjectFlag
from sxtstudio.core.paths import resolved
from sxtstudio.core.progress import Progress
from sxtstudio.core.statistics import AnalysisUnit, Cell, CellGroup, Comparison, compare_groups
from sxtstudio.core.wording import count, cut, listed
from sxtstudio.io.project import is_project
from sxtstudio.io.tables import read_table, where_names
from sxtstudio.workflow.jobs.project_table import project_columns

Columns = Mapping[str, NDArray[Any]]

#: In place of a column: how many objects a cell has.
COUNT, COUNT_TITLE = "count", "Objects per cell"
# Two cells do not share these.
_SAME = ("volume", "centroid")
CLASS, FLAGS, AT_BORDER = "class", "flags", "touches_border"


@dataclass(frozen=True)
class CellFiles:
    """A cell: its name, and the tables of its tomograms, one or several."""

    name: str
    tables: tuple[Path, ...]


@dataclass(frozen=True)
class GroupFiles:
    """Cells under one condition."""

    name: str
    cells: tuple[CellFiles, ...]


@dataclass(frozen=True)
class CompareChoice:
    """What of the tables is compared.

    Attributes
    ----------
    column
        Its name in the files, with or without the unit: "volume" or "volume_um3"; or "count".
    class_name
        Objects of this class; None takes all.
    border
        Objects at the border count as well.
    """

    column: str
    class_name: str | None = None
    unit: AnalysisUnit = AnalysisUnit.CELLS
    border: bool = False


@dataclass(frozen=True)
class Compared:
    """A comparison, the column's name in the files and as people write it, and what was left out.

    ``per_cell``: what is compared is one number of each cell, not a mean of objects. ``is_open`` are for each
    group those of its averaged objects that are open: their volumes are estimates.
    """

    comparison: Comparison
    column: str
    title: str
    notes: tuple[str, ...]
    per_cell: bool = False
    is_open: tuple[int, ...] = ()


class Tables:
    """Tables that have been read, and projects that have been measured, each once."""

    def __init__(self) -> None:
        """Read nothing yet."""
        self._read: dict[Path, Columns] = {}

    def read(self, groups: Sequence[GroupFiles], progress: Progress | None = None) -> Tables:
        """Read the tables of ``groups``, and measure the projects among them; return the same.

        Raises
        ------
        UserError
            If one cannot be read.
        Cancelled
            If the job was cancelled through ``progress``.
        """
        progress = progress or Progress()
        paths = self.unread(groups)
        for path in paths:
            progress.check()
            part = progress.part(1 / len(paths), path.name)
            self._read[path] = project_columns(path, part) if is_project(path) else read_table(path)
        return self

    def unread(self, groups: Sequence[GroupFiles]) -> tuple[Path, ...]:
        """Return the tables and projects that were not read yet."""
        return tuple(path for path in dict.fromkeys(_paths(groups)) if path not in self._read)

    def of(self, path: Path) -> Columns:
        """Return the columns of a table that was read, by their names."""
        return self._read[path]

    def number_columns(self, groups: Sequence[GroupFiles]) -> tuple[str, ...]:
        """Return the names of the columns of numbers that all tables have, in the order of the first.

        A column without any value is not there, as volumes of a tomogram of one slice.
        """
        tables = [self.of(path) for group in groups for cell in group.cells for path in cell.tables]
        if not tables:
            return ()
        shared = set.intersection(
            *({name for name in table if _has_numbers(table[name])} for table in tables)
        )
        return tuple(name for name in tables[0] if name in shared and name != "object")

    def classes(self, groups: Sequence[GroupFiles]) -> tuple[str, ...]:
        """Return the classes that the tables know, sorted."""
        found: set[str] = set()
        for group in groups:
            for cell in group.cells:
                for path in cell.tables:
                    found |= {
                        str(name) for name in self.of(path).get(CLASS, ()) if str(name) not in ("", "nan")
                    }
        return tuple(sorted(found))


def check_groups(groups: Sequence[GroupFiles]) -> None:
    """Refuse groups of one name, and a table that would count more than once.

    Raises
    ------
    UserError
        If there are such.
    """
    names: set[str] = set()
    seen: dict[Path, str] = {}
    for group in groups:
        if group.name in names:
            raise UserError(f"Two groups are called '{cut(group.name)}': give each a name of its own.")
        names.add(group.name)
        for path in _paths([group]):
            place = resolved(path)
            if place in seen:
                where = "" if seen[place] == group.name else f" and '{cut(seen[place])}'"
                raise UserError(
                    f"{cut(path.name)} is given more than once, in '{cut(group.name)}'{where}: a cell counts "
                    "once. Take it out of one place."
                )
            seen[place] = group.name


def compare_tables(groups: Sequence[GroupFiles], choice: CompareChoice, tables: Tables) -> Compared:
    """Compare a column of groups of tables.

    Raises
    ------
    UserError
        If a table lacks the column, has it in another unit than the others, or counts more than once.
    """
    check_groups(groups)
    counted = choice.column == COUNT
    name = COUNT if counted else _one_name(groups, choice.column, tables)
    gathered, at_border, sheets, other_class = [], 0, 0, 0
    is_open = [0] * len(groups)
    for index, group in enumerate(groups):
        cells = []
        for cell in group.cells:
            values = []
            for path in cell.tables:
                kept, border, flat, others = _kept(tables.of(path), path, choice)
                sheets += flat
                at_border, other_class = at_border + border, other_class + others
                column = np.ones(len(kept)) if counted else np.asarray(tables.of(path)[name], np.float64)
                values.append(column[kept])
                is_open[index] += int((kept & _open_bodies(tables.of(path)) & np.isfinite(column)).sum())
            objects = np.concatenate([np.empty(0), *values])
            cells.append(Cell(cell.name, np.array([len(objects)], np.float64) if counted else objects))
        gathered.append(CellGroup(group.name, tuple(cells)))
    notes = []
    if at_border:
        notes.append(f"{count(at_border, 'object')} at the border of a tomogram left out.")
    if sheets:
        notes.append(f"{sheets_text(sheets)} left out; to compare them choose their class.")
    comparison = compare_groups(gathered, AnalysisUnit.CELLS if counted else choice.unit)
    if any(is_open) and not counted:
        notes.append(_open_note(comparison, is_open))
    notes += same_objects(groups, tables)
    if choice.class_name is not None:
        notes.append(f"Objects of the class {choice.class_name} only; {other_class} others left out.")
    return Compared(comparison, name, column_title(name), tuple(notes), counted, tuple(is_open))


def same_objects(groups: Sequence[GroupFiles], tables: Tables) -> list[str]:
    """Return a warning for each two tables of the same objects: one cell counts twice there.

    Volume and centroid of all objects are the same, which no two cells share.
    """
    first: dict[tuple[bytes, ...], Path] = {}
    found = []
    for path in dict.fromkeys(_paths(groups)):
        table = tables.of(path)
        names = [name for name in table if name.startswith(_SAME) and _is_number(table[name])]
        if not names or len(table[names[0]]) == 0:
            continue
        # As many digits as CSV, XLSX and Parquet share.
        key = tuple(f"{name} {value:.5g}".encode() for name in sorted(names) for value in table[name])
        if key in first:
            found.append(
                f"Warning: {cut(first[key].name)} and {cut(path.name)} hold the same objects (volumes and "
                "places are equal), so one cell counts twice. Take one of them out."
            )
        else:
            first[key] = path
    return found


def column_title(name: str) -> str:
    """Return the name of a file's column as people write it: "Volume (µm³)" for "volume_um3"."""
    if name == COUNT:
        return COUNT_TITLE
    for column in all_columns():
        for calibrated in (True, False):
            if column.name(calibrated=calibrated) == name:
                return heading(column, calibrated=calibrated)
    return name


def cells_of(tables: Sequence[Path]) -> tuple[CellFiles, ...]:
    """Return a cell for each table, by the names of the files."""
    return tuple(CellFiles(path.stem, (path,)) for path in tables)


def _one_name(groups: Sequence[GroupFiles], wanted: str, tables: Tables) -> str:
    """Return the full name of a column, which must be the same in all tables."""
    found: dict[str, Path] = {}
    for path in _paths(groups):
        table = tables.of(path)
        names = [name for name in table if name == wanted] or [
            name for name in table if name.startswith(f"{wanted}_") and _is_unit(name[len(wanted) + 1 :])
        ]
        if len(names) != 1 or not _is_number(table[names[0]]):
            raise UserError(_no_column(path, table, wanted, names))
        found.setdefault(names[0], path)
    if len(found) > 1:
        (one, first), (other, second), *_ = found.items()
        raise UserError(
            f"{first.name} has {one} and {second.name} has {other}: the voxel size is unknown in one. "
            "Measure both with it, so that they have one unit."
        )
    if not found:
        raise UserError("There is no table in any group: add some.")
    return next(iter(found))


def _no_column(path: Path, table: Columns, wanted: str, names: Sequence[str]) -> str:
    """Say why a table does not give the column that is wanted, of which it has these full names."""
    text = next((name for name in names if table[name].dtype.kind == "O"), None)
    if len(names) == 1 and text is not None:
        value = next((str(value) for value in table[text] if not _reads_as_number(str(value))), "")
        return (
            f"{cut(path.name)} has “{cut(value, 24)}” in the column '{cut(text)}', which is no number: write "
            "numbers alone, with decimal points."
        )
    known = listed([name for name in table if _is_number(table[name])])
    advice = "choose one of these" if known else "give a table that 'sxtstudio measure' or the window wrote"
    return (
        f"{cut(path.name)} has no column of numbers '{cut(wanted)}' in {where_names(path)}: it has "
        f"{known or 'none'}; {advice}."
    )


def _reads_as_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _kept(table: Columns, path: Path, choice: CompareChoice) -> tuple[NDArray[np.bool_], int, int, int]:
    """Return which rows count, and how many are left out: for the border, as sheets, for their class.

    Of all objects sheets are left out, which are no bodies; of a class they count.
    """
    length = len(next(iter(table.values()))) if table else 0
    kept = np.ones(length, np.bool_)
    if choice.class_name is not None:
        if CLASS not in table:
            raise UserError(f"{path.name} has no column 'class': compare all objects, or class them first.")
        kept = np.array([str(name) == choice.class_name for name in table[CLASS]], np.bool_)
    others = length - int(kept.sum())
    sheets = np.zeros(length, np.bool_)
    if choice.class_name is None:
        sheets = _flagged(table, ObjectFlag.SHEET)
    border = np.zeros(length, np.bool_)
    if not choice.border:
        border |= _flagged(table, ObjectFlag.BORDER)
        if AT_BORDER in table and _is_number(table[AT_BORDER]):
            border |= np.asarray(table[AT_BORDER], np.float64) > 0
    found = counted(kept, border, sheets)
    return found.rows, int(found.border.sum()), int(found.sheets.sum()), others


def _open_note(comparison: Comparison, is_open: Sequence[int]) -> str:
    """Return "6 of 18 open: volumes are estimates (control 2 of 9, infected 4 of 9)."."""
    sizes = [group.objects.n for group in comparison.groups]
    each = [
        f"{group.name} {found} of {size}"
        for group, found, size in zip(comparison.groups, is_open, sizes, strict=True)
    ]
    which = f" ({', '.join(each)})" if len(each) > 1 else ""
    return f"{open_text(sum(is_open), sum(sizes))}{which}."


def _flagged(table: Columns, flag: ObjectFlag) -> NDArray[np.bool_]:
    """Return which rows have a flag; none where the table has no flags."""
    if FLAGS not in table or table[FLAGS].dtype.kind != "O":
        return np.zeros(len(next(iter(table.values()), ())), np.bool_)
    return np.array([flag.value in str(text).split() for text in table[FLAGS]], np.bool_)


def _open_bodies(table: Columns) -> NDArray[np.bool_]:
    return _flagged(table, ObjectFlag.OPEN) & ~_flagged(table, ObjectFlag.SHEET)


def _paths(groups: Sequence[GroupFiles]) -> Iterator[Path]:
    return (path for group in groups for cell in group.cells for path in cell.tables)


def _has_numbers(column: NDArray[Any]) -> bool:
    if not _is_number(column):
        return False
    return column.dtype.kind != "f" or not column.size or not bool(np.isnan(column).all())


def _is_number(values: NDArray[Any]) -> bool:
    return values.dtype.kind in "iufb"


def _is_unit(text: str) -> bool:
    return text in {unit for quantity in Quantity for unit in quantity.value if unit}
