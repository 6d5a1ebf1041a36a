"""Relations of objects: nearest neighbours, distances to the objects of each class, place within the cell."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.measure.columns import Column, DependsOn, Quantity
from sxtstudio.core.measure.faces import Surfaces
from sxtstudio.core.measure.nearest import nearest_objects
from sxtstudio.core.measure.subject import ColumnGroup, Subject
from sxtstudio.core.object_classes import NUCLEUS, PLASMA_MEMBRANE
from sxtstudio.core.progress import Progress

Floats = NDArray[np.float64]
Values = dict[str, NDArray[np.generic]]

SHELLS = 5
_BETWEEN = "Distance between the surfaces (centres of the outer faces of voxels), 0 where they touch"

NEAREST = (
    Column(
        "nearest_distance",
        "Distance to nearest",
        Quantity.NM,
        f"{_BETWEEN}, to the nearest other object.",
        depends_on=DependsOn.OBJECTS,
    ),
    Column(
        "nearest_number",
        "Nearest object",
        Quantity.NUMBER,
        "Number of the nearest other object; 0 where there is none.",
        integer=True,
        depends_on=DependsOn.OBJECTS,
    ),
)
POSITION = Column(
    "cell_position",
    "Position in the cell",
    Quantity.NUMBER,
    "Where the centroid of the object lies between nucleus and plasma membrane: 0 at the nucleus, 1 at the "
    "plasma membrane.",
    "d_nucleus / (d_nucleus + d_plasma_membrane), d from the centroid to the nearest point of their "
    "surfaces; 0 inside the nucleus",
    depends_on=DependsOn.CLASSES,
)
SHELL = Column(
    "cell_shell",
    "Shell of the cell",
    Quantity.NUMBER,
    "Number of the shell in which the centroid of the object lies: 1 is next to the nucleus, the last one "
    "next to the plasma membrane, all are equally thick in cell_position; 0 where it has none.",
    "floor(cell_position × shells) + 1",
    integer=True,
    depends_on=DependsOn.CLASSES,
)


def class_columns(name: str) -> tuple[Column, Column]:
    """Return the columns of the distance to the nearest object of a class, and of its number."""
    key = slug(name)
    return (
        Column(
            f"distance_to_{key}",
            f"Distance to {name}",
            Quantity.NM,
            f"{_BETWEEN}, to the nearest other object of the class {name}.",
            depends_on=DependsOn.CLASSES,
        ),
        Column(
            f"nearest_{key}_number",
            f"Nearest {name}",
            Quantity.NUMBER,
            f"Number of the nearest other object of the class {name}; 0 where there is none.",
            integer=True,
            depends_on=DependsOn.CLASSES,
        ),
    )


def slug(name: str) -> str:
    """Return the name of a class as a part of the name of a column: "Lipid droplet" is lipid_droplet."""
    return re.sub(r"\W+", "_", name.strip().lower()).strip("_") or "unnamed"


@dataclass(frozen=True)
class CellParts:
    """Which classes bound the shells of a cell, and how many shells there are."""

    nucleus: str = NUCLEUS.name
    plasma_membrane: str = PLASMA_MEMBRANE.name
    shells: int = SHELLS


def relations_group(classes: Mapping[int, str] | None = None, parts: CellParts | None = None) -> ColumnGroup:
    """Return the columns of nearest neighbours, and where there are classes, of distances to these.

    Parameters
    ----------
    classes
        The name of the class of each object that has one.
    parts
        What the shells lie between; columns for these come where there are objects of both classes.
    """
    classes = {number: name for number, name in (classes or {}).items() if name}
    parts = parts or CellParts()
    names = sorted(set(classes.values()))
    unique = {slug(name): name for name in reversed(names)}
    names = [name for name in names if unique[slug(name)] == name]
    columns = [*NEAREST, *(column for name in names for column in class_columns(name))]
    between = {parts.nucleus, parts.plasma_membrane} <= set(names)
    if between:
        columns += [POSITION, SHELL]

    def measure(subject: Subject, progress: Progress) -> Values:
        surfaces = Surfaces(subject, progress.part(0.3, "surfaces of objects"))
        names_of = np.array([classes.get(n, "") for n in subject.inventory.numbers.tolist()], dtype=object)
        values = _nearest(surfaces, names_of, names, progress.part(0.6, "neighbours of objects"))
        if between:
            values.update(_positions(surfaces, names_of, parts, progress.part(0.1, "places in the cell")))
        return values

    notes = (f"Distances to {', '.join(names)}: by the classes at the time of measuring.",) if names else ()
    return ColumnGroup(tuple(columns), measure, share=2.0, notes=lambda subject: notes)


def _nearest(
    surfaces: Surfaces, names_of: NDArray[np.object_], names: list[str], progress: Progress
) -> Values:
    """Return the distance to the nearest object of any class and of each, and its number."""
    numbers = surfaces.subject.inventory.numbers
    n = len(numbers)
    kinds = [(NEAREST, np.ones(n, bool)), *((class_columns(name), names_of == name) for name in names)]
    values: Values = {}
    for (distance, number), _ in kinds:
        values[distance.key] = np.full(n, np.nan)
        values[number.key] = np.zeros(n, np.int64)
    for (distance, number), members in kinds:
        found = nearest_objects(surfaces, members, progress.part(1 / len(kinds)))
        known = found.row >= 0
        values[distance.key][known] = found.distance[known]
        values[number.key][known] = numbers[found.row[known]]
    return values


def _positions(
    surfaces: Surfaces, names_of: NDArray[np.object_], parts: CellParts, progress: Progress
) -> Values:
    """Return where centroids lie between nucleus and plasma membrane."""
    centres = surfaces.subject.inventory.centroids * surfaces.edges
    numbers = surfaces.subject.inventory.numbers
    inner, _ = _to_class(surfaces, centres, names_of == parts.nucleus, progress)
    outer, beyond = _to_class(surfaces, centres, names_of == parts.plasma_membrane, progress)
    nuclei = numbers[names_of == parts.nucleus]
    for row in np.flatnonzero(np.isfinite(outer)).tolist():
        # Whatever lies in the nucleus has it on the way to the plasma membrane.
        if np.isin(_between(surfaces, centres[row], beyond[row]), nuclei).any():
            inner[row] = 0.0
    whole = inner + outer
    position = np.divide(
        inner, whole, out=np.full(len(whole), np.nan), where=np.isfinite(whole) & (whole > 0)
    )
    position[(names_of == parts.nucleus) | (names_of == parts.plasma_membrane)] = np.nan
    known = np.isfinite(position)
    shell = np.zeros(len(whole), np.int64)
    shell[known] = np.minimum(np.floor(position[known] * parts.shells), parts.shells - 1).astype(np.int64) + 1
    return {POSITION.key: position, SHELL.key: shell}


def _to_class(
    surfaces: Surfaces, centres: Floats, of_class: NDArray[np.bool_], progress: Progress
) -> tuple[Floats, Floats]:
    """Return how far points (n, 3) are from the objects of a class, and the nearest points of these."""
    nearest, where = np.full(len(centres), np.inf), np.full(centres.shape, np.nan)
    rows = np.flatnonzero(of_class)
    progress.begin(len(rows))
    for row in rows.tolist():
        if len(surfaces.faces[row]):
            tree = surfaces.tree(row)
            distance, index = tree.query(centres)
            closer = distance < nearest
            nearest[closer] = distance[closer]
            where[closer] = tree.data[index[closer]]
        progress.step()
    return nearest, where


def _between(surfaces: Surfaces, first: Floats, last: Floats) -> NDArray[np.generic]:
    """Return the numbers of the objects on the straight line between two points."""
    steps = math.ceil(float(np.linalg.norm(last - first)) / surfaces.subject.voxel[2]) + 1
    line = np.linspace(first, last, steps) / surfaces.edges
    places = np.clip(np.round(line).astype(np.int64), 0, np.array(surfaces.subject.shape) - 1)
    return np.asarray(surfaces.subject.objects[tuple(places.T)])
