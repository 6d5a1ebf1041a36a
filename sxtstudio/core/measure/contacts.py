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

from sxtstudio.core.measure.columns import Column, DependsOn, Measurements, Quantity
from sxtstudio.core.measure.faces import Faces, Surfaces
from sxtstudio.core.measure.inventory import take_inventory
from sxtstudio.core.measure.relations import slug
from sxtstudio.core.measure.subject import ColumnGroup, Subject
from sxtstudio.core.measure.table import FileColumn, Table
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import VoxelSize

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
                depends_on=DependsOn.CLASSES,
            ),
            Column(
                f"contact_patches_{self.key}",
                f"Contacts, {both}",
                Quantity.NUMBER,
                f"Number of connected patches of the surface {what}.",
                integer=True,
                depends_on=DependsOn.CLASSES,
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
    faces, outwards
        What it consists of, places of faces in half voxels (n, 3), and whether their outer side is that of
        the larger index (n,).
    """

    first: int
    second: int
    area: float
    distance: float
    centre: tuple[float, float, float]
    faces: Faces
    outwards: NDArray[np.bool_]


@dataclass
class Contacts:
    """The contacts of one rule: its sites, and area and number of patches of each of ``numbers`` (n,)."""

    rule: ContactRule
    numbers: NDArray[np.int64]
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
    is_second = names == rule.second
    firsts, seconds = np.flatnonzero(names == rule.first), np.flatnonzero(is_second)
    area = np.full(len(numbers), np.nan)
    patches = np.zeros(len(numbers), np.int64)
    near: dict[int, list[_Near]] = {int(row): [] for row in (*firsts, *seconds)}
    sites: list[ContactSite] = []
    progress = progress or Progress()
    progress.begin(len(firsts))
    for first in firsts.tolist():
        near_by, _ = surfaces.near(first, rule.at_most)
        for second in near_by[is_second[near_by]].tolist():
            if rule.first == rule.second and second < first:
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
    return Contacts(rule, surfaces.subject.inventory.numbers, sites, area, patches)


def contacts_in(
    objects: NDArray[Any],
    voxel_nm: VoxelSize | None,
    classes: Mapping[int, str],
    rule: ContactRule,
    progress: Progress | None = None,
) -> Contacts:
    """Find the contact sites in an object volume (z, y, x), as ``find_contacts`` does."""
    progress = progress or Progress()
    found = take_inventory(objects, progress.part(0.2, "finding objects"))
    of_these = [
        number for number in found.numbers.tolist() if classes.get(number) in (rule.first, rule.second)
    ]
    voxel = (1.0, 1.0, 1.0) if voxel_nm is None else voxel_nm
    subject = Subject(objects, voxel, voxel_nm is not None, found.only(of_these))
    surfaces = Surfaces(subject, progress.part(0.4, "surfaces of objects"))
    return find_contacts(surfaces, classes, rule, progress.part(0.4, "contact sites"))


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
        (surfaces.inside(rows[0], near.faces[own]) == places // 2).all(axis=1),
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
        FileColumn(column.name(calibrated=calibrated), own, column)
        for column, own in zip(SITE_COLUMNS, values, strict=True)
    )
    unit = "nm" if calibrated else "voxels"
    rules = "; ".join(
        f"{c.rule.first} and {c.rule.second}, {c.rule.at_most:g} {unit} apart at most" for c in found
    )
    return Table(columns, {**about, "contacts": rules}, calibrated)


def with_contacts(measured: Measurements, found: Contacts) -> Measurements:
    """Return a table with the columns of contacts, in place of those of the same classes."""
    area, patches = found.rule.columns()
    own = {area.key, patches.key}
    table = Measurements(measured.numbers, calibrated=measured.calibrated, notes=measured.notes)
    for column in measured.columns:
        if column.key not in own:
            table.add(column, measured.values[column.key])
    row = {number: i for i, number in enumerate(found.numbers.tolist())}
    there = [row.get(number) for number in measured.numbers.tolist()]
    table.add(area, np.array([np.nan if i is None else found.area[i] for i in there], np.float64))
    table.add(patches, np.array([0 if i is None else found.patches[i] for i in there], np.int64))
    return table


def patch_mesh(sites: Sequence[ContactSite]) -> tuple[Floats, NDArray[np.int64]]:
    """Return the patches as squares, for drawing.

    Returns
    -------
    corners, squares
        Places (4n, 3) in voxels (z, y, x), and indices (n, 4): counter-clockwise seen from outside, where
        x, y, z are a right-handed system.
    """
    faces = np.concatenate([site.faces for site in sites] or [np.empty((0, 3), np.int32)])
    outwards = np.concatenate([site.outwards for site in sites] or [np.empty(0, bool)])
    across = np.argmax(faces % 2, axis=1)
    corners = np.repeat(faces[:, None] / 2.0, 4, axis=1)
    for axis in range(3):
        one, other = (axis + 1) % 3, (axis + 2) % 3
        for out in (False, True):
            there = np.flatnonzero((across == axis) & (outwards == out))
            round_it = ((-0.5, -0.5), (-0.5, 0.5), (0.5, 0.5), (0.5, -0.5))
            for corner, (a, b) in enumerate(round_it if out else round_it[::-1]):
                corners[there, corner, one] += a
                corners[there, corner, other] += b
    return corners.reshape(-1, 3), np.arange(4 * len(faces)).reshape(-1, 4)
