"""Write the results of a document as a folder to take home: all of it, or nothing."""

from __future__ import annotations

import hashlib
import math
from dataclasses import replace
from pathlib import Path
from typing import Literal

from sxtstudio.core.atomic import atomic_write
from sxtstudio.core.classes.classifier import Classifier
from sxtstudio.core.classes.classifier_file import sha256_of_classifier, write_classifier
from sxtstudio.core.edit_kind import EditKind, Target
from sxtstudio.core.errors import UserError
from sxtstudio.core.filopodia.listed import filopodia_of, filopodium_table
from sxtstudio.core.handover import Content, MeshOf, Program
from sxtstudio.core.measure.columns import Measurements
from sxtstudio.core.measure.flagged import with_open_cut
from sxtstudio.core.measure.kept import KeptMeasurements, mark_of_classes
from sxtstudio.core.measure.table import Table, about, object_table
from sxtstudio.core.measure.table_s1 import table_s1
from sxtstudio.core.measure.tabled import measure_tabled
from sxtstudio.core.pace import Work
from sxtstudio.core.progress import Progress
from sxtstudio.core.stages import Stage, Stages
from sxtstudio.core.steps import StepKind, effective
from sxtstudio.core.wording import bytes_text, count
from sxtstudio.io.object_table import write_table as write_rows
from sxtstudio.io.project import Record
from sxtstudio.io.tables import dictionary_path, write_table
from sxtstudio.workflow.document.evaluation import evaluation_alone
from sxtstudio.workflow.document.exporting import (
    ExportSource,
    Receipt,
    SurfaceChoice,
    VolumeChoice,
    export_surface,
    export_voxels,
)
from sxtstudio.workflow.document.label_history import DEFAULT_MODEL
from sxtstudio.workflow.document.methods import text_of
from sxtstudio.workflow.handover.drawing import draw_plots
from sxtstudio.workflow.handover.figures import measured_plots
from sxtstudio.workflow.handover.request import Handover, MeshOptions
from sxtstudio.workflow.jobs.outputs import check_space
from sxtstudio.workflow.results import layout
from sxtstudio.workflow.results.crate import crate_text
from sxtstudio.workflow.results.paragraph import paragraph
from sxtstudio.workflow.results.pictures import PLANES, write_slice_picture
from sxtstudio.workflow.results.receipt_rows import GO_ON, check_command, where_things_are

_BLOCK = 1 << 20
_MESH, _BODIES = "surfaces/labels.ply", "surfaces/objects.glb"
# The marks of an evaluation are no result by themselves.
_Taken = Literal["labels", "mask", "objects"]
_WHAT: tuple[tuple[_Taken, str], ...] = (("labels", "labels"), ("mask", "cell mask"), ("objects", "objects"))


def measured_now(source: ExportSource, progress: Progress | None = None) -> KeptMeasurements | None:
    """Return what was measured of the objects, measured anew unless that still holds; None without objects.

    Raises
    ------
    Cancelled
        If the user stopped it.
    """
    kept = source.measured
    if source.objects is None:
        return None
    holds = kept is not None and not kept.stale and kept.voxel_nm == source.voxel_nm
    if kept is None or not holds or kept.outdated_columns(mark_of_classes(source.table)):
        return measured_anew(source, kept, progress)
    # A project of a former version was measured without the flags.
    return replace(kept, value=with_open_cut(kept.value, source.table))


def measured_anew(
    source: ExportSource, former: KeptMeasurements | None, progress: Progress | None = None
) -> KeptMeasurements:
    """Measure all objects, with the relations and the contacts that were measured before."""
    if source.objects is None:
        raise UserError("There are no objects to measure.")
    rules = former.contacts if former is not None and former.voxel_nm == source.voxel_nm else ()
    found = measure_tabled(
        source.objects,
        source.table,
        source.voxel_nm,
        image=source.tomogram,
        contacts=rules,
        lac=None if source.record is None else source.record.lac,
        progress=progress,
    )
    return KeptMeasurements(
        found, voxel_nm=source.voxel_nm, contacts=rules, classified=mark_of_classes(source.table)
    )


def write_results(
    folder: Path,
    source: ExportSource,
    *,
    classifier: Classifier | None = None,
    progress: Progress | None = None,
) -> Receipt:
    """Write labels, mask, objects, tables, plots, surfaces, pictures, methods and parameters into a folder.

    It is made under another name and gets its own when it is complete; former results of that name are
    replaced then, and nothing else ever is.

    Parameters
    ----------
    folder
        The new folder.
    source
        The document.
    classifier
        What gave objects their classes, or may have: it is written if the record of steps says so.
    progress
        Counts the whole job.

    Raises
    ------
    UserError
        If there is nothing to write, the folder holds anything else, or the disk is full.
    Cancelled
        If the user stopped it; nothing is left behind.
    """
    progress = progress or Progress()
    if source.record is None or source.identify is None:
        raise UserError("Results are those of a tomogram that was worked on: open it, or give a project.")
    if all(one is None for one in (source.labels, source.mask, source.objects)):
        raise UserError("There are no labels, no cell mask and no objects yet, so there are no results.")
    layout.refuse_foreign(folder)
    if not folder.parent.is_dir():
        raise UserError(f"{folder} cannot be made because {folder.parent} is no folder: create it first.")
    voxels = math.prod(source.tomogram.shape)
    check_space(folder.parent, voxels // 5)
    known = source.identify()
    pointer = replace(source.record.tomogram, fingerprint=dict(known.fingerprint))
    # How things were shown is of no use to others; what an expert judged is a result, and told in the text.
    view = evaluation_alone(source.record)
    record = replace(source.record, tomogram=pointer, view=view, trust=())
    with atomic_write(folder) as temporary:
        temporary.mkdir()
        writing = _Writing(temporary, source, record, progress)
        writing.measure()
        writing.volumes_and_surface()
        writing.bodies()
        writing.tables(classifier)
        writing.plots()
        writing.pictures()
        writing.model()
        writing.texts()
        size = writing.finish()
    rows = (
        ("Holds", ", ".join(writing.held)),
        *where_things_are(writing.described),
        ("On disk", f"{count(len(writing.described), 'file')}, {bytes_text(size)}"),
        ("Check", f"File > Check results again…, or in a terminal: {check_command(folder)}"),
        ("Go on", GO_ON),
    )
    return Receipt("Results", folder, rows, _VERIFIED, tuple(writing.notes))


class _Writing:
    """The folder as it grows."""

    def __init__(self, folder: Path, source: ExportSource, record: Record, progress: Progress) -> None:
        self._folder, self._source, self._measured = folder, source, source.measured
        self.record = record
        self.described: dict[str, str] = {}
        self.held: list[str] = []
        self.notes: list[str] = []
        there: dict[_Taken, object] = {
            "labels": source.labels,
            "mask": source.mask,
            "objects": source.objects,
        }
        self._there: list[tuple[_Taken, str]] = [one for one in _WHAT if there[one[0]] is not None]
        voxels = math.prod(source.tomogram.shape)
        self._stages = Stages(
            progress,
            (
                *((Stage(Work.MEASURE, voxels, "Measuring"),) if source.objects is not None else ()),
                *(Stage(Work.EXPORT, voxels, f"Writing the {words}") for _, words in self._there),
                *((Stage(Work.SURFACE, voxels, "Making the surface"),) if source.labels is not None else ()),
                *(
                    (Stage(Work.SURFACE, voxels, "Making surfaces of the objects"),)
                    if source.objects is not None
                    else ()
                ),
                *((Stage(Work.PICTURE, 1, "Drawing plots"),) if source.objects is not None else ()),
                Stage(Work.PICTURE, len(PLANES) + 1, "Drawing pictures"),
            ),
        )

    def _path(self, name: str, description: str) -> Path:
        path = self._folder / name
        path.parent.mkdir(exist_ok=True)
        self.described[name] = description
        return path

    def measure(self) -> None:
        if self._source.objects is not None:
            with self._stages.stage(Work.MEASURE) as counter:
                self._measured = measured_now(self._source, counter)

    def volumes_and_surface(self) -> None:
        source = self._source
        for what, words in self._there:
            path = self._path(layout.VOLUMES[what], _VOLUME_WORDS[what])
            with self._stages.stage(Work.EXPORT) as counter:
                export_voxels(path, source, VolumeChoice(what), counter)
            self.held.append(words)
        if source.labels is None:
            return
        from sxtstudio.surface import SurfaceParameters

        parameters = SurfaceParameters(objects=True, min_faces=0)
        with self._stages.stage(Work.SURFACE) as counter:
            path = self._path(_MESH, "The surface of the labels, a colour for each piece; lengths in nm.")
            try:
                export_surface(path, source, SurfaceChoice(parameters), counter)
                self.held.append("surface")
            except UserError as error:  # labels like noise have none
                del self.described[_MESH]
                self.notes.append(f"There is no surface: {error}")

    def bodies(self) -> None:
        """The surface of each object, with name and colour."""
        source = self._source
        if source.objects is None:
            return
        from sxtstudio.workflow.handover.surfaces import write_surfaces

        path = self._path(_BODIES, "The surface of each object, with its name and colour; lengths in µm.")
        request = Handover(
            Content.SURFACES, Program.BLENDER, path, mesh=MeshOptions(MeshOf.OBJECTS, min_faces=0)
        )
        with self._stages.stage(Work.SURFACE) as counter:
            write_surfaces(request, source, counter)
        self.held.append("surfaces of the objects")

    def tables(self, classifier: Classifier | None) -> None:
        source, kept = self._source, self._measured
        if kept is None:
            return
        table = object_table(
            kept.value, source.table, about(self._source.tomogram.path.name, source.voxel_nm)
        )
        self._csv(layout.TABLE, "A row for each object: class, flags, notes, all measurements.", table)
        xlsx = self._path(layout.TABLE_XLSX, "The same table with its dictionary, for spreadsheets.")
        try:
            write_table(xlsx, table)
        except UserError as error:  # more rows than such a file holds
            del self.described[layout.TABLE_XLSX]
            self.notes.append(str(error))
        write_rows(
            self._path(layout.ROWS, "Classes, flags and notes as SXT Studio reads them."), source.table
        )
        self._classifier(classifier)
        self.held.append("table of objects")
        self._filopodia(kept.value)

    def _csv(self, name: str, description: str, table: Table) -> None:
        """Write a table with its dictionary beside it."""
        path = self._path(name, description)
        write_table(path, table)
        beside = dictionary_path(path)
        if beside is not None:
            inner = beside.relative_to(self._folder).as_posix()
            self.described[inner] = "What each column means: definition, formula, source, unit."

    def _filopodia(self, measured: Measurements) -> None:
        """Write the list of the filopodia, and Table S1 of those that are whole, as their tab has them."""
        source = self._source
        listed = filopodia_of(source.table)
        if not listed:
            return
        said = about(source.tomogram.path.name, source.voxel_nm)
        words = "A row for each filopodium: whether it is whole, length, width, axes, volume, surface."
        self._csv(layout.FILOPODIA, words, filopodium_table(measured, source.table, said))
        self.held.append("list of filopodia")
        whole = [one.number for one in listed if one.complete]
        try:
            table = table_s1(measured, whole, table=source.table, with_sheets=True)
        except UserError as error:
            self.notes.append(f"There is no Table S1 of filopodia: {error}" if whole else _NONE_WHOLE)
            return
        for name, text in ((layout.TABLE_S1, table.csv()), (layout.TABLE_S1_TEXT, table.markdown())):
            words = "Table S1 of the paper from the whole filopodia, with the paper's own figures"
            path = self._path(name, f"{words}{'.' if name == layout.TABLE_S1 else ', as text.'}")
            path.write_text(text, encoding="utf-8", newline="")
        self.held.append("Table S1")

    def _classifier(self, classifier: Classifier | None) -> None:
        """Write the classifier, if it is the one that gave classes last: another one may have been opened."""
        by_classifier = [
            step
            for step in effective(self.record.steps)
            if step.kind is StepKind.EDIT and step.edit is EditKind.CLASSIFY
        ]
        if not by_classifier:
            return
        wanted = by_classifier[-1].parameters.get("classifier_sha256")
        if classifier is None or sha256_of_classifier(classifier) != wanted:
            self.notes.append(
                "The classifier that gave objects their classes is not open any more, so it is not there: "
                "open it, or classify again, to have it in the results."
            )
            return
        path = self._path(layout.CLASSIFIER, "The classifier that gave objects their classes.")
        write_classifier(path, classifier)

    def plots(self) -> None:
        if self._measured is None:
            return
        with self._stages.stage(Work.PICTURE) as counter:
            plots = measured_plots(self._measured.value, self._source.table)
            if not plots:
                self.notes.append("There are no plots: all objects touch the border.")
                return
            words = "Dot plots of the objects by class, mean and SD."
            pictures = [self._path(f"plots/objects{suffix}", words) for suffix in (".png", ".svg")]
            draw_plots(plots, *pictures, progress=counter)
            self.held.append("plots")

    def pictures(self) -> None:
        with self._stages.stage(Work.PICTURE) as counter:
            counter.begin(len(PLANES) + 1)
            for plane in PLANES:
                words = f"The middle slice in the {plane} plane, with objects or labels over it."
                write_slice_picture(self._path(f"pictures/slice-{plane}.png", words), self._source, plane)
                counter.step()
            if _MESH in self.described:
                self._picture_3d()
            counter.step()
        self.held.append("pictures")

    def _picture_3d(self) -> None:
        from sxtstudio.surface import SurfaceParameters, extract_surface, render_picture

        source, name = self._source, "pictures/surface.png"
        assert source.labels is not None
        parameters = SurfaceParameters(objects=True, min_faces=0, max_faces=1_000_000)
        path = self._path(name, "The surface of the labels, drawn off-screen.")
        try:
            surface = extract_surface(source.labels, source.voxel_nm, parameters)
            render_picture(path, surface)
        except UserError as error:  # no OpenGL here; all else is good without it
            del self.described[name]
            self.notes.append(f"There is no picture of the surface: {error}")

    def model(self) -> None:
        """The card of the model whose labels these are, where that is installed still."""
        steps = [
            step
            for step in effective(self.record.steps)
            if step.kind is StepKind.EDIT and step.edit is EditKind.SEGMENT
        ]
        if not steps:
            return
        name, sha256 = steps[-1].parameters.get("model"), steps[-1].parameters.get("model_sha256")
        if steps[-1].partial and sha256 is None:
            model = DEFAULT_MODEL if name is None else f"its model {name}"
            self.notes.append(
                f"The last segmentation was ended half-way, before the checksum of {model} was "
                "noted: there is no card of the model."
            )
            return
        from sxtstudio.segment.registry import installed_card  # with the libraries of the network

        try:
            card = installed_card(str(name))
        except UserError:
            card = None
        if card is None or card.sha256 != sha256:
            self.notes.append(
                f"The model {name} is not installed any more as it was: its checksum is in "
                f"{layout.PARAMETERS}."
            )
            return
        path = self._path(layout.MODEL, f"The card of the model {name}, with its SHA-256.")
        path.write_text(card.to_json(), encoding="utf-8")
        self.held.append("model card")

    def texts(self) -> None:
        name = self._source.tomogram.path.name
        self.text = paragraph(self.record, name, len(self._source.table.rows))
        listed = text_of(self.record, name)
        path = self._path(layout.METHODS, "A paragraph for the methods section, and all steps.")
        path.write_text(f"{self.text}\n\n{listed}", encoding="utf-8", errors="replace")
        readme = self._path(layout.README, "What is in this folder.")
        lines = [f"Results of {name}, written by SXT Studio.", "", self.text, "", "Files:", ""]
        everything = {**self.described, layout.PARAMETERS: _PARAMETERS_WORDS}
        lines += [f"{name}: {words}" for name, words in sorted(everything.items())]
        lines += [
            "",
            "'sxtstudio rerun FOLDER', or File > Check results again, does everything again and says whether "
            "the results are the same.",
        ]
        readme.write_text("\n".join(lines) + "\n", encoding="utf-8", errors="replace")

    def finish(self) -> int:
        """Write what describes the others; return the size of all."""
        files = {name: sha256_of(self._folder / name) for name in self.described}
        kept = self._measured
        results = layout.Results(self.record, files, () if kept is None else kept.contacts)
        path = self._path(layout.PARAMETERS, _PARAMETERS_WORDS)
        path.write_text(layout.parameters_text(results), encoding="utf-8")
        files[layout.PARAMETERS] = sha256_of(path)
        name = self._source.tomogram.path.name
        text = crate_text(self._folder, self.record, files, self.described, name, self.text)
        (self._folder / layout.CRATE).write_text(text, encoding="utf-8", errors="replace")
        return sum(entry.stat().st_size for entry in self._folder.rglob("*") if entry.is_file())


_VERIFIED = (
    "read back and compared: volumes, tables, the number of all points and triangles; each file has its "
    f"SHA-256 in {layout.PARAMETERS}"
)
_NONE_WHOLE = "There is no Table S1: none of the filopodia is whole. Why each is not is in their list."
_PARAMETERS_WORDS = "All steps with their parameters, the tomogram's checksum, and those of the files."
_VOLUME_WORDS: dict[Target, str] = {
    "labels": "The labels: 255 where there is one (8 bit).",
    "mask": "The cell mask: 255 inside the cell (8 bit).",
    "objects": "The objects: each has its number of the table (16 bit, 32 bit above 65,535).",
}


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
