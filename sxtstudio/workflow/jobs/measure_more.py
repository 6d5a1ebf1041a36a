"""What ``sxtstudio measure`` may do beyond shapes: LAC, relations, contact sites, Table S1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.atomic import atomic_write
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.measure.calibration import (
    GreyUnit,
    LacCalibration,
    Material,
    contrast_warning,
    of_unit,
    through_materials,
)
from sxtstudio.core.measure.columns import Measurements
from sxtstudio.core.measure.contacts import ContactRule, contacts_group, find_contacts, sites_table
from sxtstudio.core.measure.faces import Surfaces
from sxtstudio.core.measure.grey import GREY, grey_group
from sxtstudio.core.measure.inventory import take_inventory
from sxtstudio.core.measure.relations import CellParts, relations_group
from sxtstudio.core.measure.samples import MaterialGrey, sample_object, sample_place
from sxtstudio.core.measure.subject import ColumnGroup, Subject
from sxtstudio.core.measure.table_s1 import table_s1
from sxtstudio.core.object_table import ObjectTable
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import Volume, VoxelSize
from sxtstudio.core.wording import cut, listed
from sxtstudio.io import open_volume
from sxtstudio.io.tables import write_table
from sxtstudio.workflow.jobs.class_table import classes_in
from sxtstudio.workflow.jobs.cleaning import check_same_shape
from sxtstudio.workflow.jobs.outputs import OutputFile

S1_SUFFIXES = (".md", ".txt", ".csv")


@dataclass(frozen=True)
class MaterialInput:
    """A material of known LAC (1/µm), and where its grey value is.

    One of ``grey`` (the value itself), ``number`` (inside of that object), ``box`` and ``mask`` is given.
    """

    name: str
    lac: float
    grey: float | None = None
    number: int | None = None
    box: Box | None = None
    mask: Path | None = None


@dataclass(frozen=True)
class MoreMeasurements:
    """What is wanted besides shapes.

    Attributes
    ----------
    ice, known
        Both, or neither: the materials that the LAC is calibrated with.
    grey_unit
        Or the unit of the grey values, which are absorption already.
    rim_nm
        How thick rim and surroundings are; None: 50 nm.
    classes
        A table with the class of each object.
    neighbours
        Distances to the nearest objects, also of each class.
    parts
        What the shells of a cell lie between.
    contacts
        The pairs of classes whose contacts are looked for.
    sites
        A table of all contact sites.
    table_s1
        Table S1 of the paper: .md, .txt or .csv.
    """

    ice: MaterialInput | None = None
    known: MaterialInput | None = None
    grey_unit: GreyUnit | None = None
    rim_nm: float | None = None
    classes: Path | None = None
    neighbours: bool = False
    parts: CellParts = field(default_factory=CellParts)
    contacts: tuple[ContactRule, ...] = ()
    sites: Path | None = None
    table_s1: Path | None = None

    @property
    def calibrates(self) -> bool:
        """Whether grey values are to become LACs."""
        return self.ice is not None or self.known is not None or self.grey_unit is not None

    def check(self, *, image: bool) -> None:
        """Refuse what does not go together.

        Raises
        ------
        UserError
            If something that is needed is not given.
        """
        if (self.ice is None) != (self.known is None):
            raise UserError("A calibration by materials needs two of them: give both --ice and --known.")
        if self.ice is not None and self.grey_unit is not None:
            raise UserError("Calibrate with --ice and --known, or with --grey-unit, not with both.")
        if (self.calibrates or self.rim_nm is not None) and not image:
            raise UserError("Grey values are those of a tomogram: give it with --image.")
        if self.contacts and self.classes is None:
            raise UserError("Contacts lie between classes: give the classes of the objects with --classes.")
        if self.sites is not None and not self.contacts:
            raise UserError("A table of contact sites needs --contacts.")

    def outputs(self) -> list[OutputFile]:
        """Return what will be written besides tables with a dictionary."""
        return [] if self.table_s1 is None else [OutputFile(self.table_s1, "Table S1", S1_SUFFIXES)]

    def inputs(self) -> list[Path]:
        """Return what is read besides the objects and the tomogram."""
        masks = [material.mask for material in (self.ice, self.known) if material is not None]
        return [path for path in (self.classes, *masks) if path is not None]


@dataclass(frozen=True)
class MoreFound:
    """What follows from the inputs: the groups of columns, the class of each object, the calibration."""

    groups: tuple[ColumnGroup, ...]
    classes: Mapping[int, str]
    lac: LacCalibration | None
    warnings: tuple[str, ...] = ()


def prepare(
    more: MoreMeasurements,
    base: Sequence[ColumnGroup],
    numbers: NDArray[Any],
    image: Volume | None,
    voxel_nm: VoxelSize | None,
) -> MoreFound:
    """Read classes, calibrate, and return the groups of columns that are wanted: ``base`` and more.

    Raises
    ------
    UserError
        If the classes cannot be read, a material has no grey value, or no line follows from both.
    """
    if voxel_nm is None and (more.contacts or more.rim_nm is not None):
        raise UserError("Distances in nm need the voxel size: give it with --voxel.")
    classes = classes_in(more.classes, by_hand=False) if more.classes is not None else {}
    for rule in more.contacts:
        missing = {rule.first, rule.second} - set(classes.values())
        if missing:
            there = listed(sorted(set(classes.values())))
            raise UserError(f"No object has the class “{cut(min(missing))}”. The classes are: {there}.")
    lac, warning = None, ""
    if image is not None and more.grey_unit is not None:
        lac = of_unit(more.grey_unit, voxel_nm)
    elif image is not None and more.ice is not None and more.known is not None:
        (ice, ice_sd), (known, known_sd) = (
            _material(given, numbers, image, voxel_nm) for given in (more.ice, more.known)
        )
        lac = through_materials(ice, known)
        warning = contrast_warning(ice, known, (ice_sd, known_sd))
    grey = GREY if lac is None and more.rim_nm is None else grey_group(more.rim_nm, lac)
    groups = [grey if group is GREY else group for group in base]
    if more.neighbours or classes:
        groups.append(relations_group(classes, more.parts))
    if more.contacts:
        groups.append(contacts_group(classes, more.contacts))
    return MoreFound(tuple(groups), classes, lac, (warning,) if warning else ())


def write_more(
    more: MoreMeasurements,
    found: MoreFound,
    measured: Measurements,
    numbers: NDArray[Any],
    voxel_nm: VoxelSize | None,
    about: Mapping[str, str],
    *,
    rows: ObjectTable | None = None,
    with_border: bool,
    progress: Progress | None = None,
) -> None:
    """Write contact sites and Table S1, where they are wanted; ``rows`` say which objects are sheets.

    Raises
    ------
    UserError
        If Table S1 has no object, or a file cannot be written.
    """
    if more.table_s1 is not None:
        table = table_s1(measured, with_border=with_border, table=rows)
        text = table.csv() if more.table_s1.suffix.lower() == ".csv" else table.markdown()
        with atomic_write(more.table_s1) as temporary:
            temporary.write_text(text, encoding="utf-8", newline="")
    if more.sites is not None:
        inventory = take_inventory(numbers, Progress())
        subject = Subject(numbers, voxel_nm or (1.0, 1.0, 1.0), voxel_nm is not None, inventory)
        surfaces = Surfaces(subject, progress)
        sites = [find_contacts(surfaces, found.classes, rule, progress) for rule in more.contacts]
        write_table(more.sites, sites_table(sites, about, calibrated=voxel_nm is not None))


def _material(
    given: MaterialInput, numbers: NDArray[Any], image: Volume, voxel_nm: VoxelSize | None
) -> tuple[Material, float | None]:
    """Return a material, and the SD of its grey values where they were measured."""
    if given.grey is not None:
        return Material(given.name, given.grey, given.lac), None
    sample = _sample(given, numbers, image, voxel_nm)
    return Material(given.name, sample.mean, given.lac, sample.measured), sample.sd


def _sample(
    given: MaterialInput, numbers: NDArray[Any], image: Volume, voxel_nm: VoxelSize | None
) -> MaterialGrey:
    if given.number is not None:
        found = take_inventory(numbers, Progress()).only([given.number])
        if not len(found.numbers):
            raise UserError(f"There is no object {given.number}, from which {given.name} is to be taken.")
        return sample_object(image, numbers, given.number, found.box(0), voxel_nm)
    if given.mask is not None:
        with open_volume(given.mask) as mask:
            check_same_shape(mask, "mask", image.shape)
            return sample_place(
                image,
                Box.whole(image.shape),
                f"mask {given.mask.name}",
                lambda box: np.asarray(mask.read(box) != 0),
            )
    box = given.box
    if box is None or any(stop > n for stop, n in zip(box.stop, image.shape, strict=True)):
        raise UserError(f"The box of {given.name} does not lie within the tomogram. Give another one.")
    return sample_place(image, box, "a box")
