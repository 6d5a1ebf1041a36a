"""Options of ``sxtstudio measure`` for LAC, relations, contact sites and Table S1."""

from __future__ import annotations

import argparse
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sxtstudio.commands.options import positive_int

if TYPE_CHECKING:
    from sxtstudio.workflow.jobs.measure_more import MaterialInput, MoreMeasurements

_WHERE = (
    "a grey value, object:N (inside of this object), box:Z-Z,Y-Y,X-X (voxels from 0, both ends in it) or "
    "mask:FILE"
)


@dataclass(frozen=True)
class MaterialOption:
    """A material as it is written: ``WHERE=LAC``."""

    grey: float | None = None
    number: int | None = None
    box: tuple[tuple[int, int], ...] = ()
    mask: str = ""
    lac: float | None = None


def add_more(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    grey = parser.add_argument_group(
        "absorption", "linear absorption coefficients (LAC, 1/um) from the grey values of --image"
    )
    grey.add_argument(
        "--ice",
        type=material,
        metavar="WHERE[=LAC]",
        help=f"ice around the cell, 0.10 1/um at 520 eV unless you say otherwise; WHERE is {_WHERE}",
    )
    grey.add_argument(
        "--known",
        type=known_material,
        metavar="WHERE=LAC",
        help="another material and its LAC in 1/um, such as object:12=0.6",
    )
    grey.add_argument(
        "--grey-unit",
        choices=("1/um", "1/nm", "1/voxel"),
        help="instead: the grey values are absorption already, in this unit",
    )
    grey.add_argument(
        "--rim",
        type=_length,
        metavar="NM",
        help="how thick the rim and the surroundings are of which grey values are measured (default: 50 nm)",
    )
    relations = parser.add_argument_group("relations")
    relations.add_argument(
        "--classes",
        metavar="TABLE",
        help="a table with the columns object and class; distances to the objects of each class are measured",
    )
    relations.add_argument(
        "--neighbours", action="store_true", help="the nearest other object and its distance"
    )
    relations.add_argument(
        "--shells",
        type=positive_int,
        default=5,
        metavar="N",
        help="so many shells between the classes Nucleus and Plasma membrane, if there are both (default: 5)",
    )
    relations.add_argument(
        "--contacts",
        type=contact,
        action="append",
        default=[],
        metavar="CLASS:CLASS:NM",
        help='contact sites between two classes at most so far apart, such as "Mitochondrion:ER:50"; may be '
        "given more than once",
    )
    relations.add_argument("--contact-sites", metavar="FILE", help="also a table of all contact sites")
    parser.add_argument(
        "--table-s1",
        metavar="FILE",
        help="also Table S1 of the paper from these objects, with the paper's own figures; .md, .txt or .csv",
    )


def more_of(arguments: argparse.Namespace) -> MoreMeasurements:
    """Return what was asked for."""
    from sxtstudio.core.measure.calibration import ICE_LAC, GreyUnit
    from sxtstudio.core.measure.contacts import ContactRule
    from sxtstudio.core.measure.relations import CellParts
    from sxtstudio.workflow.jobs.measure_more import MoreMeasurements

    unit = arguments.grey_unit
    return MoreMeasurements(
        ice=None if arguments.ice is None else _input("ice", arguments.ice, ICE_LAC),
        known=None if arguments.known is None else _input("known material", arguments.known, math.nan),
        grey_unit=None if unit is None else GreyUnit(unit),
        rim_nm=arguments.rim,
        classes=Path(arguments.classes) if arguments.classes else None,
        neighbours=arguments.neighbours,
        parts=CellParts(shells=arguments.shells),
        contacts=tuple(ContactRule(*rule) for rule in arguments.contacts),
        sites=Path(arguments.contact_sites) if arguments.contact_sites else None,
        table_s1=Path(arguments.table_s1) if arguments.table_s1 else None,
    )


def _input(name: str, where: MaterialOption, lac: float) -> MaterialInput:
    from sxtstudio.core.geometry import Box
    from sxtstudio.workflow.jobs.measure_more import MaterialInput

    box = None
    if where.box:
        (z, z_last), (y, y_last), (x, x_last) = where.box
        box = Box((z, y, x), (z_last + 1, y_last + 1, x_last + 1))
    return MaterialInput(
        name,
        lac if where.lac is None else where.lac,
        where.grey,
        where.number,
        box,
        Path(where.mask) if where.mask else None,
    )


def material(text: str) -> MaterialOption:
    """Read where a material is, and its LAC where it is given."""
    where, equals, after = text.rpartition("=")
    if not equals or (where.startswith("mask:") and _number(after) is None):
        where, after = text, ""
    lac = _number(after)
    if after and lac is None:
        raise argparse.ArgumentTypeError(f"{after!r} is no LAC: give 1/um, such as 0.6")
    kind, colon, rest = where.partition(":")
    if not colon:
        grey = _number(where)
        if grey is not None:
            return MaterialOption(grey=grey, lac=lac)
    elif kind == "mask" and rest:
        return MaterialOption(mask=rest, lac=lac)
    elif kind == "object" and re.fullmatch(r"\d{1,10}", rest):
        return MaterialOption(number=int(rest), lac=lac)
    elif kind == "box" and re.fullmatch(r"\d{1,9}-\d{1,9}(,\d{1,9}-\d{1,9}){2}", rest):
        ends = [tuple(map(int, part.split("-"))) for part in rest.split(",")]
        if all(first <= last for first, last in ends):
            return MaterialOption(box=tuple((first, last) for first, last in ends), lac=lac)
    raise argparse.ArgumentTypeError(f"{where!r} is no place of a material: give {_WHERE}")


def known_material(text: str) -> MaterialOption:
    """Read where a material is, and its LAC, which must be given."""
    where = material(text)
    if where.lac is None:
        raise argparse.ArgumentTypeError(f"{text!r} gives no LAC: write {text}=0.6 for 0.6 1/um")
    return where


def contact(text: str) -> tuple[str, str, float]:
    """Read ``CLASS:CLASS:NM``."""
    first, second, distance = ([part.strip() for part in text.split(":")] + ["", "", ""])[:3]
    if text.count(":") != 2 or not first or not second or _number(distance) is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no contact: give two classes and nanometres, such as Mitochondrion:ER:50"
        )
    return first, second, _length(distance)


def _length(text: str) -> float:
    number = _number(text)
    if number is None or not 0 < number <= 1e6:
        raise argparse.ArgumentTypeError(f"{text!r} is no length in nm, such as 50")
    return number


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
