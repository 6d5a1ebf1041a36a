"""Contact sites: where the surface of an object comes near the surface of another, and faces it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cc3d
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from sxtstudio.core.measure.columns import Column, Quantity
from sxtstudio.core.measure.faces import Faces, Surfaces
from sxtstudio.core.measure.relations import slug
from sxtstudio.core.measure.subject import ColumnGroup, Subject
from sxtstudio.core.measure.table import Table, TableColumn
from sxtstudio.core.progress import Progress

Floats = NDArray[np.float64]

#: Membranes of organelles that exchange lipids or calcium are up to 30 nm apart; at the resolution of soft
#: X-rays they merge, so that the user chooses what counts.
NEAR_NM, NEAR_PX = 50.0, 5.0
_FACING = math.cos(math.radians(80))  # the other lies ahead, not aside or behind a thin sheet


@dataclass(frozen=True)
class ContactRule:
    """What counts as a contact: objects of two classes, ``at_most`` so far apart (nm, or voxels)."""

    first: str
    second: str
    at_most: float

    @property
    def key(self) -> str:
        """What names of columns end with."""
        return f"{slug(self.first)}_{slug(self.second)}"

    def columns(self) -> tuple[Column, Column]:
        """Return the columns of an object's contact area and of its number of patches."""
        both = f"{self.first} and {self.second}"
        what = (
            f"of an object of these classes that faces an object of the other within {self.at_most:g} nm "
            "(voxels where their size is unknown)"
        )
        return (
            Column(
                f"contact_area_{self.key}",
                f"Contact area, {both}",
                Quantity.NM2,
                f"Area of the surface {what}, measured on the object's own side.",
                "sum of face area × |cos(face, smoothed surface)| over the outer faces of its voxels",
            ),
            Column(
                f"contact_patches_{self.key}",
                f"Contacts, {both}",
                Quantity.NUMBER,
                f"Number of connected patches of the surface {what}.",
                integer=True,
            ),
        )


@dataclass(frozen=True, eq=False)
class ContactSite:
    """A patch on the surface of an object that faces another one.

    Attributes
    ----------
    first, second
        Numbers of the two objects; the patch lies on the first.
    area
        In nm² (voxels² where their size is unknown).
    distance
        Between the two where they are nearest, in nm (voxels).
    centre
        Mean place of the patch, in voxels (z, y, x).
    faces
        What it consists of, places of faces in half voxels (n, 3).
    """

    first: int
    second: int
    area: float
    distance: float
    centre: tuple[float, float, float]
    faces: Faces


@dataclass
class Contacts:
    """The contacts of one rule: its sites, and the area and number of patches of each object (n,)."""

    rule: ContactRule
    sites: list[ContactSite]
    area: Floats
    patches: NDArray[np.int64]


def find_contacts(
    surfaces: Surfaces, classes: Mapping[int, str], rule: ContactRule, progress: Progress | None = None
) -> Contacts:
    """Find the contact sites between the objects of two classes.

    Parameters
    ----------
    surfaces
        Of all objects.
    classes
        The name of the class of each object that has one.
    rule
        Which classes, and how near.
    progress
        Counts the objects of the first class.

    Returns
    -------
    Contacts
        Areas are NaN for objects of neither class.
    """
    numbers = surfaces.subject.inventory.numbers.tolist()
    names = np.array([classes.get(number, "") for number in numbers], dtype=object)
    firsts, seconds = np.flatnonzero(names == rule.first), np.flatnonzero(names == rule.second)
    area = np.full(len(numbers), np.nan)
    patches = np.zeros(len(numbers), np.int64)
    near: dict[int, list[_Near]] = {int(row): [] for row in (*firsts, *seconds)}
    sites: list[ContactSite] = []
    progress = progress or Progress()
    progress.begin(len(firsts))
    for first in firsts.tolist():
        gaps = surfaces.box_gaps(first)
        for second in seconds[gaps[seconds] <= rule.at_most].tolist():
            if first == second or (rule.first == rule.second and second < first):
                continue
            own = _near(surfaces, first, second, rule.at_most)
            if own is None:
                continue
            near[first].append(own)
            other = _near(surfaces, second, first, rule.at_most)
            if other is not None:
                near[second].append(other)
            for patch in _patches(surfaces, first, own.faces):
                sites.append(_site(surfaces, (first, second), own, patch))
        progress.step()
    for row, found in near.items():
        area[row] = 0.0
        if found:
            # A face may be near several objects, and counts once.
            faces, index = np.unique(np.concatenate([part.faces for part in found]), return_index=True)
            area[row] = np.concatenate([part.areas for part in found])[index].sum()
            patches[row] = len(list(_patches(surfaces, row, faces)))
    return Contacts(rule, sites, area, patches)


@dataclass(frozen=True)
class _Near:
    """The faces of an object that face another one nearby: indices, areas and distances (n,)."""

    faces: NDArray[np.int64]
    areas: Floats
    distances: Floats


def _near(surfaces: Surfaces, row: int, other: int, at_most: float) -> _Near | None:
    points, others = surfaces.points(row), surfaces.points(other)
    faces = np.flatnonzero(_within(points, surfaces, other, at_most))
    others = others[_within(others, surfaces, row, at_most)]
    if not faces.size or not len(others):
        return None
    bound = math.nextafter(at_most, math.inf)
    distance, nearest = KDTree(others).query(points[faces], distance_upper_bound=bound)
    reached = np.isfinite(distance)
    faces, distance, nearest = faces[reached], distance[reached], nearest[reached]
    if not faces.size:
        return None
    normals = surfaces.normals(row, faces)
    ahead = np.einsum("ij,ij->i", others[nearest] - points[faces], normals)
    facing = (ahead >= _FACING * distance) | (distance == 0)
    if not facing.any():
        return None
    faces, normals = faces[facing], normals[facing]
    return _Near(faces, surfaces.areas(row, faces, normals), distance[facing])


def _within(points: Floats, surfaces: Surfaces, row: int, at_most: float) -> NDArray[np.bool_]:
    """Which points lie no farther than that from the box of an object; it is half a voxel off its centres."""
    low, high = surfaces.low[row] - surfaces.edges / 2, surfaces.high[row] - surfaces.edges / 2
    return np.asarray(((points >= low - at_most) & (points <= high + at_most)).all(axis=1))


def _patches(surfaces: Surfaces, row: int, faces: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Yield the faces of each connected patch: of voxels that touch."""
    voxels = surfaces.inside(row, faces)
    low = voxels.min(axis=0)
    places = tuple((voxels - low).T)
    mask = np.zeros(voxels.max(axis=0) - low + 1, bool)
    mask[places] = True
    part = cc3d.connected_components(mask, connectivity=26)[places]
    for number in range(1, int(part.max()) + 1):
        yield faces[part == number]


def _site(surfaces: Surfaces, rows: tuple[int, int], near: _Near, patch: NDArray[np.int64]) -> ContactSite:
    numbers = surfaces.subject.inventory.numbers
    own = np.isin(near.faces, patch)
    places = surfaces.faces[rows[0]][near.faces[own]]
    weights = near.areas[own] if near.areas[own].any() else np.ones(len(places))
    z, y, x = np.average(places / 2, axis=0, weights=weights).tolist()
    return ContactSite(
        int(numbers[rows[0]]),
        int(numbers[rows[1]]),
        float(near.areas[own].sum()),
        float(near.distances[own].min()),
        (z, y, x),
        places,
    )


def contacts_group(classes: Mapping[int, str], rules: Sequence[ContactRule]) -> ColumnGroup:
    """Return the columns of contact areas and patches for these pairs of classes."""

    def measure(subject: Subject, progress: Progress) -> dict[str, NDArray[np.generic]]:
        surfaces = Surfaces(subject, progress.part(0.4, "surfaces of objects"))
        values: dict[str, NDArray[np.generic]] = {}
        for rule in rules:
            found = find_contacts(surfaces, classes, rule, progress.part(0.6 / len(rules), "contact sites"))
            area, patches = rule.columns()
            values[area.key], values[patches.key] = found.area, found.patches
        return values

    columns = tuple(column for rule in rules for column in rule.columns())
    return ColumnGroup(columns, measure, share=2.0)


SITE_COLUMNS: tuple[Column, ...] = (
    Column("site", "Site", Quantity.NUMBER, "Number of the contact site.", integer=True),
    Column("contact_of", "Contact of", Quantity.TEXT, "The two classes between which the contact is."),
    Column("first_number", "First object", Quantity.NUMBER, "Object on which the patch lies.", integer=True),
    Column("second_number", "Second object", Quantity.NUMBER, "Object that it faces.", integer=True),
    Column(
        "patch_area",
        "Patch area",
        Quantity.NM2,
        "Area of the connected patch of the first object's surface that faces the second one within the "
        "distance asked for.",
        "sum of face area × |cos(face, smoothed surface)| over the outer faces of its voxels",
    ),
    Column(
        "patch_distance",
        "Distance",
        Quantity.NM,
        "Distance between the two objects where the patch is nearest to the second one.",
    ),
    *(
        Column(
            f"patch_voxel_{axis}",
            f"Patch {axis} (voxel)",
            Quantity.NUMBER,
            f"Mean {axis} index of the patch; the first voxel of the volume has index 0.",
        )
        for axis in "zyx"
    ),
)


def sites_table(found: Sequence[Contacts], about: Mapping[str, str], *, calibrated: bool) -> Table:
    """Return all sites as a table, a row per patch, numbered from 1; ``about`` is said of it as a whole."""
    sites = [site for contacts in found for site in contacts.sites]
    between = [f"{c.rule.first} and {c.rule.second}" for c in found for _ in c.sites]
    values: list[NDArray[Any]] = [
        np.arange(1, len(sites) + 1),
        np.array(between, object),
        np.array([site.first for site in sites], np.int64),
        np.array([site.second for site in sites], np.int64),
        np.array([site.area for site in sites], np.float64),  # nm and nm² are units of columns as well
        np.array([site.distance for site in sites], np.float64),
        *np.array([site.centre for site in sites], np.float64).reshape(-1, 3).T,
    ]
    columns = tuple(
        TableColumn(column.name(calibrated=calibrated), own, column)
        for column, own in zip(SITE_COLUMNS, values, strict=True)
    )
    unit = "nm" if calibrated else "voxels"
    rules = "; ".join(
        f"{c.rule.first} and {c.rule.second}, {c.rule.at_most:g} {unit} apart at most" for c in found
    )
    return Table(columns, {**about, "contacts": rules}, calibrated)


def patch_mesh(sites: Sequence[ContactSite]) -> tuple[Floats, NDArray[np.int64]]:
    """Return the patches as squares, for drawing: corners (4n, 3) in voxels (z, y, x), and indices (n, 4)."""
    faces = np.concatenate([site.faces for site in sites] or [np.empty((0, 3), np.int32)])
    across = np.argmax(faces % 2, axis=1)
    corners = np.repeat(faces[:, None] / 2.0, 4, axis=1)
    for axis in range(3):
        one, other = (axis + 1) % 3, (axis + 2) % 3
        there = np.flatnonzero(across == axis)
        for corner, (a, b) in enumerate(((-0.5, -0.5), (-0.5, 0.5), (0.5, 0.5), (0.5, -0.5))):
            corners[there, corner, one] += a
            corners[there, corner, other] += b
    return corners.reshape(-1, 3), np.arange(4 * len(faces)).reshape(-1, 4)
