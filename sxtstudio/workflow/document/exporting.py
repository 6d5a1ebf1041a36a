"""From the open document to files of other programs, each read back before it counts as written."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box, Triple
from sxtstudio.core.labels import LABEL, as_labels
from sxtstudio.core.length_unit import LengthUnit
from sxtstudio.core.mapped_memory import PageReleaser
from sxtstudio.core.measure.kept import KeptMeasurements
from sxtstudio.core.numbering import NumberedObjects
from sxtstudio.core.object_classes import Rgb
from sxtstudio.core.object_colours import Colours
from sxtstudio.core.object_table import ObjectTable
from sxtstudio.core.pace import Work
from sxtstudio.core.patches import Voxels
from sxtstudio.core.progress import Progress
from sxtstudio.core.stages import Stage, Stages
from sxtstudio.core.steps import Step, StepKind
from sxtstudio.core.verified import ALL_TRIANGLES, VERIFIED, read_back
from sxtstudio.core.volume import ArrayVolume, Volume, VoxelSize
from sxtstudio.core.walk import walk
from sxtstudio.core.wording import (
    bytes_text,
    count,
    grouped,
    shape_text,
    slice_number,
    slices_words,
    voxel_zyx_text,
)
from sxtstudio.io import ExportReceipt, FileVolume, export_volume
from sxtstudio.io.export_mrc import MRC_LABEL
from sxtstudio.io.place import Place
from sxtstudio.io.project import Record
from sxtstudio.workflow.document.document import Document, Labels
from sxtstudio.workflow.document.network_output import KeptOutput, KeptVolume, find_output
from sxtstudio.workflow.document.views import VolumeView
from sxtstudio.workflow.document.workplace import create_array
from sxtstudio.workflow.jobs.outputs import (
    VOLUME_SUFFIXES,
    OutputFile,
    check_outputs,
    check_space,
    scratch_folder,
)
from sxtstudio.workflow.jobs.unchanged import KnownInput

if TYPE_CHECKING:
    from sxtstudio.surface import SurfaceParameters

What = Literal["labels", "objects", "mask", "output", "tomogram"]
NAMES: dict[What, str] = {
    "labels": "Labels",
    "objects": "Objects with numbers",
    "mask": "Cell mask",
    "output": "Network's output",
    "tomogram": "Tomogram",
}
#: Those of other programs, too.
_SUFFIXES = (*VOLUME_SUFFIXES, ".am", ".nrrd", ".nii", ".gz")
MESHES = (".ply", ".stl", ".obj", ".vtp", ".glb", ".pov")


@dataclass(frozen=True)
class VolumeChoice:
    """What of the document is exported: slices ``first`` to ``last`` (not included)."""

    what: What = "labels"
    first: int = 0
    last: int | None = None
    inside_mask: bool = False


@dataclass(frozen=True)
class SurfaceChoice:
    """How the surface is made; without a unit lengths are in what is usual for the format."""

    parameters: SurfaceParameters
    inside_mask: bool = False
    unit: LengthUnit | None = None


@dataclass(frozen=True)
class ImageBeneath:
    """A tomogram as other programs open it below labels: its file, and its place in it."""

    path: Path
    place: Place

    @property
    def is_mrc(self) -> bool:
        """Whether it is an MRC, whose first row IMOD shows at the bottom, and which ChimeraX reads."""
        return self.place.frame is not None


@dataclass(frozen=True)
class ExportSource:
    """What an export reads, taken from the document in the thread of the window.

    ``colours`` are those of the objects of ``table``, in its order, (n, 3); None: as their numbers give them.
    ``label_rgb`` and ``mask_rgb`` are the colours of labels and cell mask, at first those of a new window.
    ``image`` is the tomogram of labels that are a file of their own, which then is ``tomogram``.
    """

    tomogram: FileVolume
    labels: Labels | None
    mask: Labels | None
    voxel_nm: VoxelSize | None
    place: Place
    output: KeptOutput | None = None
    objects: Voxels | None = None
    table: ObjectTable = field(default_factory=ObjectTable)
    measured: KeptMeasurements | None = None
    colours: Colours | None = None
    label_rgb: Rgb = (255, 176, 0)
    mask_rgb: Rgb = (64, 200, 255)
    record: Record | None = None
    identify: Callable[[], KnownInput] | None = None
    image: ImageBeneath | None = None

    @property
    def beneath(self) -> ImageBeneath:
        """The image over which labels are shown in other programs."""
        return self.image or ImageBeneath(self.tomogram.path, self.place)

    @property
    def largest_number(self) -> int:
        """The largest number of an object; 0 where there is none."""
        return max(self.table.rows, default=0)

    @property
    def stem(self) -> str:
        """The name of the tomogram without endings."""
        return self.tomogram.path.name.split(".")[0] or "tomogram"


@dataclass(frozen=True)
class Receipt:
    """What was written, for the user: rows of a name and a text.

    ``verified`` says what was read back and compared (``verified.read_back``), or why nothing was; "" of
    receipts of former versions, some of which did not say it.
    """

    what: str
    path: Path
    rows: tuple[tuple[str, str], ...]
    verified: str
    notes: tuple[str, ...] = ()

    @property
    def lines(self) -> tuple[tuple[str, str], ...]:
        """All rows, also the one of what was compared."""
        return (*self.rows, *(((VERIFIED, self.verified),) if self.verified else ()))


def receipts_of(steps: Iterable[Step]) -> list[Receipt]:
    """Return the receipts of all exports of a document, as its history keeps them, the oldest first."""
    found = []
    for step in steps:
        facts = {name: value for name, value in step.parameters.items() if isinstance(value, str)}
        if step.kind is StepKind.EXPORT and "file" in facts:
            notes = tuple(facts.pop("notes", "").splitlines())
            what, path = facts.pop("what", "Export"), Path(facts.pop("file"))
            verified = facts.pop(VERIFIED, "")
            found.append(Receipt(what, path, tuple(facts.items()), verified, notes))
    return found


def source_of(document: Document, colours: Colours | None = None) -> ExportSource:
    """Return what an export of the document reads; ``colours`` as of ``ExportSource``."""
    return ExportSource(
        document.tomogram,
        document.labels,
        document.mask,
        document.voxel_nm,
        document.tomogram.place,
        find_output(document.bulk, document.shape),
        document.objects,
        document.object_table,
        document.measurements.kept,
        colours,
        record=document.record(),
        identify=document.identify,
    )


def export_voxels(
    path: Path, source: ExportSource, choice: VolumeChoice, progress: Progress | None = None
) -> Receipt:
    """Write labels, objects, mask or tomogram to TIFF, MRC or OME-Zarr.

    Objects are those of the document, with the numbers of their table; where there are none, the connected
    pieces of the labels, numbered from 1 on.

    The first exported voxel keeps its place: the origin of a range of slices is moved accordingly.

    Raises
    ------
    UserError
        If there is nothing of that kind, or the file cannot be written; a former file stays.
    Cancelled
        If the user stopped it.
    """
    progress = progress or Progress()
    check_outputs([OutputFile(path, "such a file", _SUFFIXES)], [source.tomogram.path])
    last = source.tomogram.shape[0] if choice.last is None else choice.last
    if not 0 <= choice.first < last <= source.tomogram.shape[0]:
        raise UserError(f"There are no slices {slice_number(choice.first)} to {last}. Choose others.")
    slices = (choice.first, last)
    kind: Literal["labels", "objects", "probability", "image"] = "labels"
    notes: tuple[str, ...] = ()
    volume: Volume
    if choice.what == "tomogram":
        volume, kind = VolumeView(source.tomogram, slices, source.voxel_nm), "image"
    elif choice.what == "output":
        if source.output is None:
            raise UserError("There is no output of the network. Segment with “Keep the network's output”.")
        volume, kind = VolumeView(KeptVolume(source.output), slices, source.voxel_nm), "probability"
        held = (source.output.first, source.output.last)
        if held != (0, source.tomogram.shape[0]):
            verb = "was" if held[1] - held[0] == 1 else "were"
            notes = (f"Only {slices_words(*held)} {verb} segmented; the others hold 0.",)
    else:
        volume = PartOfVoxels(voxels_of(source, choice.what), slices, source, choice.inside_mask)
    voxels = math.prod(volume.shape)
    pieces = choice.what == "objects" and source.objects is None
    numbering = (Stage(Work.NUMBER, voxels, "Numbering the objects"),) if pieces else ()
    stages = Stages(progress, (*numbering, Stage(Work.EXPORT, voxels, f"Writing {path.name}")))
    if choice.what == "objects" and not pieces:
        kind, notes = "objects", ("The numbers are those of the table of objects.",)
    if pieces:
        with stages.stage(Work.NUMBER) as counter:
            numbered = NumberedObjects(volume, counter)
        volume, kind = numbered, "objects"
        notes = (f"{grouped(numbered.count)} objects, numbered from 1 on.",)
    with stages.stage(Work.EXPORT) as counter:
        written = export_volume(
            path,
            volume,
            voxel_nm=source.voxel_nm,
            place=Place() if source.voxel_nm is None else source.place.moved(choice.first, source.voxel_nm),
            kind=kind,
            progress=counter,
        )
    return _receipt(NAMES[choice.what], written, choice, source, notes)


def export_surface(
    path: Path, source: ExportSource, choice: SurfaceChoice, progress: Progress | None = None
) -> Receipt:
    """Make the surface of the labels and write it to PLY, STL or OBJ.

    Raises
    ------
    UserError
        If there are no labels, or the file cannot be written; a former file stays.
    Cancelled
        If the user stopped it.
    """
    from sxtstudio.surface import extract_surface, surface_stages, write_mesh  # VTK takes a second to load
    from sxtstudio.surface.handover.kinds import format_of

    progress = progress or Progress()
    check_outputs([OutputFile(path, "a surface", MESHES)], [source.tomogram.path])
    labels = voxels_of(source, "labels")
    stages = Stages(
        progress,
        (
            *((Stage(Work.MASK, labels.size, "Applying the mask"),) if choice.inside_mask else ()),
            Stage(
                Work.SURFACE,
                labels.size,
                "Making the surface",
                surface_stages(labels.size, choice.parameters),
            ),
            Stage(Work.MESH_FILE, labels.size, f"Writing {path.name}"),
        ),
    )
    with ExitStack() as stack:
        if choice.inside_mask:
            check_space(path.parent, labels.size)
            folder = stack.enter_context(scratch_folder(path))
            with stages.stage(Work.MASK) as counter:
                labels = _masked_copy(labels, source, folder / "labels", counter)
        with stages.stage(Work.SURFACE) as counter:
            surface = extract_surface(
                labels,
                source.voxel_nm,
                choice.parameters,
                origin_nm=None if source.voxel_nm is None else source.place.origin_nm,
                progress=counter,
            )
        del labels
    with stages.stage(Work.MESH_FILE) as counter:
        write_mesh(path, surface, counter, unit=choice.unit)
    rows = (
        ("Format", path.suffix[1:].upper()),
        ("Objects", f"{grouped(surface.object_count)}" if choice.parameters.objects else "not told apart"),
        ("Size", f"{grouped(surface.face_count)} triangles, {grouped(len(surface.points))} points"),
        (
            "Unit of length",
            (choice.unit or format_of(path).usual_unit).text
            if surface.unit == "nm"
            else "voxels (the voxel size is unknown)",
        ),
        ("Voxel size", voxel_zyx_text(source.voxel_nm)),
        ("On disk", bytes_text(path.stat().st_size)),
    )
    return Receipt("Surface", path, rows, read_back(ALL_TRIANGLES), surface.notes)


class PartOfVoxels:
    """Some slices of labels or objects, only inside the cell mask if wanted.

    Objects are of 16 bit where their numbers fit.
    """

    def __init__(
        self, voxels: Voxels, slices: tuple[int, int], source: ExportSource, inside_mask: bool
    ) -> None:
        """Look at ``voxels``; UserError where a mask is wanted and there is none."""
        if inside_mask and source.mask is None:
            raise UserError("There is no cell mask yet. Make one first, or export without it.")
        self._view = VolumeView(ArrayVolume(voxels, source.voxel_nm), slices)
        self._mask = None
        if inside_mask and source.mask is not None:
            self._mask = VolumeView(ArrayVolume(source.mask), slices)
        self._pages = PageReleaser(voxels, *([] if source.mask is None else [source.mask]))
        short = voxels.dtype == np.uint32 and source.largest_number <= 0xFFFF
        self.dtype = np.dtype(np.uint16) if short else voxels.dtype
        self.shape: Triple = self._view.shape
        self.voxel_nm = source.voxel_nm

    def read(self, box: Box) -> NDArray[Any]:
        """Return a copy of the voxels of ``box``."""
        voxels = self._view.read(box)
        if self._mask is not None:
            voxels[self._mask.read(box) == 0] = 0
        self._pages.read(voxels.nbytes)
        return voxels.astype(self.dtype, copy=False)


def voxels_of(source: ExportSource, what: What) -> Voxels:
    """Return labels, mask or objects; UserError where there are none."""
    if what == "objects" and source.objects is not None:
        return source.objects
    voxels = source.mask if what == "mask" else source.labels
    if voxels is None:
        if what == "mask":
            raise UserError("There is no cell mask yet. Make one first (panel “Cell mask”).")
        raise UserError("There are no labels yet. Segment the tomogram first, or draw them by hand.")
    return voxels


def _masked_copy(labels: Labels, source: ExportSource, path: Path, progress: Progress) -> Labels:
    z, y, x = labels.shape
    part = PartOfVoxels(labels, (0, z), source, inside_mask=True)
    copy = create_array(path, (z, y, x), labels.dtype)
    for box in walk((z, y, x), copy, progress=progress):
        copy[box.slices] = as_labels(part.read(box))
    return copy


def _receipt(
    name: str, written: ExportReceipt, choice: VolumeChoice, source: ExportSource, notes: tuple[str, ...]
) -> Receipt:
    bits = 8 * written.dtype.itemsize
    values = {"labels": "0 and ", "mask": "0 and "}.get(choice.what)
    kind = f"{bits} bit"
    if values is not None:
        kind += f", {values}{MRC_LABEL if written.format == 'MRC' else LABEL}"
    rows = [
        ("Format", written.format),
        ("Size", f"{shape_text(written.shape)} voxels (z × y × x), {kind}"),
        ("Voxel size", voxel_zyx_text(written.voxel_nm)),
    ]
    if written.shape[0] != source.tomogram.shape[0]:
        rows.append(("Slices", f"{slice_number(choice.first)} to {choice.first + written.shape[0]}"))
    if choice.inside_mask:
        rows.append(("Extent", "only inside the cell mask"))
    if written.labelled is not None:
        what = {"mask": "In the mask", "objects": "In objects"}.get(choice.what, "Labelled")
        rows.append((what, count(written.labelled, "voxel")))
        if not written.labelled:
            notes = (*notes, f"⚠ The file holds only background: {_why_empty(choice, source)}")
    rows.append(("On disk", bytes_text(written.bytes)))
    if written.voxel_nm is None:
        notes = (*notes, "The voxel size is unknown, so the file does not say it either.")
    return Receipt(name, written.path, tuple(rows), read_back(*written.compared), notes)


def _why_empty(choice: VolumeChoice, source: ExportSource) -> str:
    if choice.inside_mask:
        return f"there is no {_word(choice)} inside the cell mask. Look at the mask, or export without it."
    return f"there is no {_word(choice)} in these slices. Look at them, or choose other slices."


def _word(choice: VolumeChoice) -> str:
    return "object" if choice.what == "objects" else "label"
