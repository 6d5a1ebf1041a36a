"""Rules: a class for all objects of a kind whose measurements lie within ranges. Their file is JSON."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from msgspec import Meta, Struct, field, to_builtins
from numpy.typing import NDArray

from sxtstudio.core.atomic import atomic_write
from sxtstudio.core.classes.class_entries import ClassEntry, Name, check_names
from sxtstudio.core.errors import UserError
from sxtstudio.core.measure.columns import Measurements, Quantity
from sxtstudio.core.object_classes import PLASMA_MEMBRANE, RETICULUM, ObjectClass
from sxtstudio.core.object_table import ObjectFlag, ObjectTable
from sxtstudio.core.records import Finite, RecordError, WrongKey, read_json, record_of

_MOST = 1000


@dataclass(frozen=True)
class ValueRange:
    """The values of a column from ``low`` to ``high``, both included; None: without end.

    Attributes
    ----------
    column
        Key of the column.
    unit
        In which both ends are: of the column, "" where it has none.
    """

    column: str
    low: float | None = None
    high: float | None = None
    unit: str = ""


class Among(StrEnum):
    """Which objects a rule is about; the values stand in files and never change.

    A membrane that encloses nothing, such as ER or the plasma membrane with what is joined to it, is no body:
    its volume is that of its wall.
    """

    ALL = "all"
    BODIES = "bodies"
    SHEETS = "sheets"


def usual_among(class_name: str) -> Among:
    """Return which objects a rule for a class is about, unless somebody says otherwise."""
    return Among.SHEETS if class_name in (RETICULUM.name, PLASMA_MEMBRANE.name) else Among.BODIES


@dataclass(frozen=True)
class ClassRule:
    """Objects get this class if all ranges hold for them; without a range no object does."""

    class_name: str
    ranges: tuple[ValueRange, ...] = ()
    among: Among = Among.ALL

    def matching(self, measurements: Measurements, sheets: Collection[int]) -> NDArray[np.int64]:
        """Return the numbers of the objects that it holds for, ascending.

        What could not be measured (NaN) never fits. ``sheets`` are the objects that enclose nothing
        (``sheets_in``).

        Raises
        ------
        UserError
            As ``within``.
        """
        found = self.within(measurements)
        if self.among is Among.ALL:
            return found
        flat = np.isin(found, np.fromiter(sheets, np.int64, len(sheets)))
        return found[flat if self.among is Among.SHEETS else ~flat]

    def within(self, measurements: Measurements) -> NDArray[np.int64]:
        """Return the numbers of all objects within the ranges, whatever kind it is about.

        Raises
        ------
        UserError
            If a column has not been measured, or is in another unit than the range.
        """
        fits = np.full(len(measurements.numbers), bool(self.ranges))
        for one in self.ranges:
            values = _values(one, self.class_name, measurements)
            if one.low is not None:
                fits &= values >= one.low
            if one.high is not None:
                fits &= values <= one.high
        return np.asarray(measurements.numbers[fits])


def sheets_in(table: ObjectTable) -> frozenset[int]:
    """Return the objects of a table that enclose nothing."""
    return frozenset(number for number, row in table.rows.items() if ObjectFlag.SHEET in row.flags)


def decided_by(
    rules: Sequence[ClassRule], measurements: Measurements, sheets: Collection[int]
) -> dict[int, str]:
    """Return the class of each object that a rule holds for: of the first that does.

    ``sheets`` are the objects that enclose nothing.

    Raises
    ------
    UserError
        As ``ClassRule.matching``.
    """
    decided: dict[int, str] = {}
    for rule in rules:
        for number in rule.matching(measurements, sheets).tolist():
            decided.setdefault(number, rule.class_name)
    return decided


def unit_of(key: str, measurements: Measurements) -> str | None:
    """Return the unit of a column, "" where it has none, None where there is no such column of numbers."""
    for column in measurements.columns:
        if column.key == key and column.quantity is not Quantity.TEXT:
            return str(column.quantity.value[0 if measurements.calibrated else 1])
    return None


def _values(one: ValueRange, class_name: str, measurements: Measurements) -> NDArray[np.float64]:
    unit = unit_of(one.column, measurements)
    rule = f"The rule for “{class_name}”"
    if unit is None:
        raise UserError(
            f"{rule} asks for {one.column!r}, which has not been measured of these objects: measure it "
            "(grey values are measured with the tomogram), or leave it out of the rule."
        )
    if unit != one.unit:
        raise UserError(
            f"{rule} gives {one.column!r} in {one.unit or 'no unit'}, but these objects are measured in "
            f"{unit or 'no unit'}: give their voxel size, or set the range anew."
        )
    return measurements.values[one.column].astype(np.float64)


# -- the file ------------------------------------------------------------------------------------


class _RangeEntry(Struct, forbid_unknown_fields=True, omit_defaults=True):
    column: Name
    unit: Annotated[str, Meta(max_length=20, description="a unit, such as um3")] = ""
    low: Finite | None = None
    high: Finite | None = None

    def __post_init__(self) -> None:
        if self.low is None and self.high is None:
            raise WrongKey("low", "a number, or 'high' must be given")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise WrongKey("high", "no less than 'low'")


class _RuleEntry(Struct, forbid_unknown_fields=True, rename={"class_name": "class"}, kw_only=True):
    class_name: Name
    among: Among = Among.ALL  # as all rules of the first version were
    ranges: Annotated[list[_RangeEntry], Meta(min_length=1, max_length=100, description="a list of ranges")]


FORMAT, VERSION = "sxtstudio class rules", 2
_ADVICE = "Save the rules again."


class _File(Struct):
    format: str
    version: Annotated[int, Meta(ge=1)]
    rules: Annotated[list[_RuleEntry], Meta(max_length=_MOST, description=f"a list of up to {_MOST} rules")]
    classes: Annotated[list[ClassEntry], Meta(max_length=_MOST)] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.format != FORMAT:
            raise WrongKey("format", f'"{FORMAT}"')
        check_names(self.classes)


@dataclass(frozen=True)
class RuleSet:
    """Rules in their order, the first that fits decides, and the classes that they give."""

    rules: tuple[ClassRule, ...] = ()
    classes: tuple[ObjectClass, ...] = ()


def read_rules(path: Path) -> RuleSet:
    """Read a file of rules.

    Raises
    ------
    UserError
        If it cannot be read, is no such file, or one of a newer version of the program.
    """
    values = read_json(path, f"The file of rules {path.name}", _ADVICE)
    return rules_of(values, f"The rules {path.name} cannot be used")


def rules_of(values: dict[str, Any], what: str) -> RuleSet:
    """Return rules from the JSON values of a file or a project; ``what`` is how an error begins.

    Raises
    ------
    UserError
        If they are no rules, or those of a newer version of the program.
    """
    if isinstance(values.get("version"), int) and values["version"] > VERSION:
        raise RecordError(what, "they were made by a newer version of the program", "Update SXT Studio.")
    file = record_of(values, _File, what, _ADVICE)
    rules = tuple(
        ClassRule(
            rule.class_name,
            tuple(ValueRange(r.column, r.low, r.high, r.unit) for r in rule.ranges),
            rule.among,
        )
        for rule in file.rules
    )
    return RuleSet(rules, tuple(entry.object_class() for entry in file.classes))


def values_of(rules: RuleSet) -> dict[str, Any]:
    """Return rules as JSON values."""
    return {
        "format": FORMAT,
        "version": VERSION if any(one.among is not Among.ALL for one in rules.rules) else 1,
        "classes": [to_builtins(ClassEntry.of(one)) for one in rules.classes],
        "rules": [
            {
                "class": rule.class_name,
                **({} if rule.among is Among.ALL else {"among": rule.among.value}),
                "ranges": [
                    {"column": one.column, "unit": one.unit, "low": one.low, "high": one.high}
                    for one in rule.ranges
                ],
            }
            for rule in rules.rules
        ],
    }


def write_rules(path: Path, rules: RuleSet) -> None:
    """Write a file of rules in place of what is there.

    Raises
    ------
    UserError
        If it cannot be written.
    """
    with atomic_write(path) as temporary:
        text = json.dumps(values_of(rules), indent=1, ensure_ascii=False, allow_nan=False)
        temporary.write_text(text + "\n", encoding="utf-8")
