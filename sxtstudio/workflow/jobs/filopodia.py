"""Filopodia at given points of a label file: cut, filled, checked, numbered and measured."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.atomic import atomic_write
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.edits import Recorder
from sxtstudio.core.errors import UserError
from sxtstudio.core.filopodia.find import complete, find_filopodium
from sxtstudio.core.filopodia.grey import grey_around
from sxtstudio.core.filopodia.records import Filopodium, FilopodiumParameters, spacing_of, why_incomplete
from sxtstudio.core.filopodia.several import Apart, apart
from sxtstudio.core.filopodia.taking import take
from sxtstudio.core.geometry import Triple
from sxtstudio.core.image_polarity import detect_polarity
from sxtstudio.core.measure.columns import FROM_NM, Column, Quantity
from sxtstudio.core.measure.flagged import with_open_cut
from sxtstudio.core.measure.measure import measure_objects
from sxtstudio.core.measure.table import about, object_table
from sxtstudio.core.object_boxes import ObjectBoxes
from sxtstudio.core.object_table import ObjectTable
from sxtstudio.core.pace import Work
from sxtstudio.core.polarity import PolarityChoice, Value
from sxtstudio.core.printable import csv_text
from sxtstudio.core.progress import Progress
from sxtstudio.core.reserved import create_numbers
from sxtstudio.core.stages import Stage, Stages
from sxtstudio.core.volume import Volume, VoxelSize
from sxtstudio.core.watched_volume import WatchedVolume
from sxtstudio.core.wording import count
from sxtstudio.io import ExportReceipt, export_volume, open_volume
from sxtstudio.io.tables import TABLE_SUFFIXES, dictionary_path, read_table, where_names, write_table
from sxtstudio.workflow.document.views import labels_to_disk, notes_of
from sxtstudio.workflow.jobs.cleaning import check_same_shape
from sxtstudio.workflow.jobs.objects import Numbers
from sxtstudio.workflow.jobs.outputs import (
    VOLUME_SUFFIXES,
    OutputFile,
    check_outputs,
    check_space,
    scratch_folder,
)
from sxtstudio.workflow.jobs.unchanged import KnownInput

LENGTH = Column(
    "filopodium_length",
    "Length from tip to cut",
    Quantity.NM,
    "Length of the filopodium along its axis, from its tip to where it was cut from the cell.",
    "sum of the distances between the middles of bands of equal distance from the tip",
    "SXT Studio, core/filopodia",
)


@dataclass(frozen=True)
class FilopodiaJob:
    """One run of ``sxtstudio filopodia``.

    Attributes
    ----------
    seeds
        A table with the columns x, y, z (voxels from 0), and maybe cut (from the tip, nm) and filopodium:
        rows with the same name in that are points of one, which runs from the first to the last of them.
    table, profiles
        Measurements of each filopodium, and its width along its axis; None: not wanted.
    image, absorbing
        The tomogram, along whose grey values they are followed where outlines are missing and in which gold
        is looked for, and how absorbing structures look in it; "auto" judges by itself.
    """

    labels: Path
    seeds: Path
    output: Path
    table: Path | None = None
    profiles: Path | None = None
    image: Path | None = None
    absorbing: PolarityChoice = "auto"
    parameters: FilopodiumParameters = field(default_factory=FilopodiumParameters)
    voxel_nm: VoxelSize | None = None
    label: int | None = None


@dataclass(frozen=True)
class FilopodiaResult:
    """What was found: by number; what went wrong stands in ``notes``."""

    found: dict[int, Filopodium]
    receipt: ExportReceipt
    voxel_nm: VoxelSize | None
    notes: tuple[str, ...]

    @property
    def whole(self) -> int:
        """How many are whole."""
        return sum(not one.incomplete for one in self.found.values())


def filopodia_file(job: FilopodiaJob, progress: Progress | None = None) -> FilopodiaResult:
    """Find the filopodia at the seeds, write them as numbered objects, and measure them.

    Raises
    ------
    UserError
        If an input or a parameter is bad, no seed lies on a filopodium, or an output cannot be written.
    Cancelled
        If the job was cancelled through ``progress``.
    """
    progress = progress or Progress()
    check_outputs(_outputs(job), [job.labels, job.seeds, job.image])
    seeds = read_seeds(job.seeds)
    repeated = sum(seed.repeated for seed in seeds)
    with open_volume(job.labels) as source:
        known = KnownInput.of(job.labels, source)
        voxel_nm = job.voxel_nm or source.voxel_nm
        voxels = math.prod(source.shape)
        check_space(job.output.parent, 6 * voxels)
        stages = Stages(progress, _stages(job, voxels))
        with scratch_folder(job.output) as folder:
            with stages.stage(Work.COPY) as counter:
                labels, _ = labels_to_disk(
                    source, folder / "labels", job.labels.name, counter, value=job.label
                )
            known.check()
            numbers = create_numbers(folder / "objects", source.shape, 4, "write to another disk")
            with stages.stage(Work.REGIONS) as counter:
                if job.image is None:
                    found, table, notes = _find_all(job, seeds, labels, numbers, voxel_nm, counter)
                else:
                    with open_volume(job.image) as image:
                        check_same_shape(image, "tomogram", source.shape)
                        watched = WatchedVolume(image, f"{job.image.name} (tomogram)")
                        polarity, doubts = _polarity(job, watched)
                        # Where nothing of it is a number, labels alone are followed.
                        seen = None if watched.blank else watched
                        found, table, notes = _find_all(
                            job, seeds, labels, numbers, voxel_nm, counter, seen, polarity
                        )
                        # A tomogram without anything in it has no polarity that could be doubted.
                        notes = (*(watched.notes or doubts), *notes)
            if not found:
                why = " ".join(notes[:2])
                raise UserError(f"No seed of {job.seeds.name} lies on a filopodium. {why}")
            if job.table is not None:
                with stages.stage(Work.NUMBER) as counter:
                    _write_table(job, job.table, numbers, table, found, voxel_nm, counter)
            if job.profiles is not None:
                _write_profiles(job.profiles, found, voxel_nm)
            with stages.stage(Work.EXPORT) as counter:
                dtype = np.uint16 if len(found) < 1 << 16 else np.uint32
                receipt = export_volume(
                    job.output,
                    Numbers(numbers, voxel_nm, dtype),
                    voxel_nm=voxel_nm,
                    place=source.place,
                    kind="objects",
                    progress=counter,
                )
        if repeated:
            notes = (*notes, f"{count(repeated, 'seed')} at the same voxel as an earlier one left out.")
        notes = (*notes_of(source, job.voxel_nm), *notes)
    return FilopodiaResult(found, receipt, voxel_nm, notes)


@dataclass(frozen=True)
class Seed:
    """Points (z, y, x) of a filopodium, where it is to be cut (None: as proposed), its first row from 1.

    ``repeated`` are the rows that are left out: their voxel was named before.
    """

    places: tuple[Triple, ...]
    cut: float | None
    row: int
    repeated: int = 0


def read_seeds(path: Path) -> tuple[Seed, ...]:
    """Read a table of points on filopodia.

    Raises
    ------
    UserError
        If it lacks a column, or holds what is no voxel.
    """
    columns = {name.strip().lower(): values for name, values in read_table(path).items()}
    missing = [name for name in "xyz" if name not in columns]
    if missing:
        raise UserError(
            f"{path.name} lacks the column {missing[0]} in {where_names(path)}: seeds are voxels, with "
            "columns x, y and z from 0."
        )
    if any(columns[name].dtype.kind not in "iuf" for name in "xyz"):
        raise UserError(f"{path.name}: x, y and z must be numbers, the voxel of each seed, from 0.")
    places = np.stack([np.asarray(columns[name], np.float64) for name in "zyx"], axis=1)
    if not len(places):
        raise UserError(f"{path.name} holds no seed: write a row with x, y and z for each filopodium.")
    if np.isinf(places).any():
        row = 1 + int(np.isinf(places).any(axis=1).argmax())
        raise UserError(
            f"{path.name}: x, y or z of row {row} is larger than any number. "
            "Each row is a voxel, counted from 0."
        )
    if not np.isfinite(places).all():
        raise UserError(f"{path.name}: a seed lacks x, y or z. Each row is a voxel, counted from 0.")
    cuts = columns.get("cut", np.full(len(places), np.nan))
    if cuts.dtype.kind not in "iuf":
        raise UserError(f"{path.name}: the column cut must hold lengths from the tip, or nothing.")
    wrong = np.isinf(cuts) | (cuts < 0)
    if wrong.any():
        row = 1 + int(wrong.argmax())
        raise UserError(
            f"{path.name}: the cut of row {row} is {cuts[row - 1]:g}. It is a length from the tip (nm, or "
            "pixels without a voxel size), 0 or more; leave it empty for the cut that is proposed."
        )
    names = _names(columns.get("filopodium"), len(places))
    seeds: dict[str, Seed] = {}
    first: dict[Triple, str] = {}
    for row, ((z, y, x), cut, name) in enumerate(zip(places.tolist(), cuts.tolist(), names, strict=True), 1):
        place = (round(z), round(y), round(x))
        wanted = float(cut) if math.isfinite(cut) else None
        earlier = first.setdefault(place, name)
        if earlier != name or place in (seeds[name].places if name in seeds else ()):
            seeds[earlier] = replace(seeds[earlier], repeated=seeds[earlier].repeated + 1)
        elif name in seeds:
            one = seeds[name]
            seeds[name] = replace(one, places=(*one.places, place), cut=one.cut if wanted is None else wanted)
        else:
            seeds[name] = Seed((place,), wanted, row)
    return tuple(seeds.values())


def _names(column: NDArray[Any] | None, rows: int) -> list[str]:
    """Return of which filopodium each row is a point; one without a name is one of its own."""
    given = [""] * rows if column is None else [str(value).strip() for value in column.tolist()]
    return [f"named {name}" if name and name != "nan" else f"row {row}" for row, name in enumerate(given)]


def _find_all(
    job: FilopodiaJob,
    seeds: tuple[Seed, ...],
    labels: NDArray[np.uint8],
    numbers: NDArray[np.uint32],
    voxel_nm: VoxelSize | None,
    progress: Progress,
    image: Volume | None = None,
    polarity: Value = "dark",
) -> tuple[dict[int, Filopodium], ObjectTable, tuple[str, ...]]:
    found: list[tuple[Seed, Filopodium]] = []
    said: dict[int, str] = {}
    nothing: list[str] = []
    moved: list[str] = []
    progress.begin(len(seeds), "cutting filopodia")
    dark = polarity == "dark"
    for seed in seeds:
        try:
            grey = None
            if image is not None and _all_in(seed.places, labels.shape):
                grey = grey_around(image, seed.places, spacing_of(voxel_nm), absorbing_dark=dark)
                if grey is None:
                    nothing.append(
                        f"Seed {seed.row}: the tomogram shows nothing there; only labels were followed."
                    )
            candidate = find_filopodium(
                labels,
                seed.places[0],
                voxel_nm,
                job.parameters,
                progress.child("", _nothing),
                grey,
                seed.places[1:],
            )
        except UserError as error:
            said[seed.row] = f"Seed {seed.row}: {error.counted_from(0)}"
        else:
            one = candidate.cut(seed.cut)
            complete_one = complete(one, labels, image, absorbing_dark=dark)
            found.append((seed, replace(one, incomplete=complete_one)))
        progress.step()
    fates = apart([one for _, one in found], [seed.places for seed, _ in found])
    kept = [index for index, fate in enumerate(fates) if fate.where is not None]
    number_of = {index: number for number, index in enumerate(kept, 1)}
    table, boxes, written = ObjectTable(), ObjectBoxes(), {}
    for index, ((seed, one), fate) in enumerate(zip(found, fates, strict=True)):
        note = _said_of(seed.row, fate, number_of)
        if note:
            said[seed.row] = note
        if fate.where is None:
            continue
        recorder = Recorder(EditKind.FILOPODIUM, numbers, "objects")
        number = take(recorder, table, boxes, replace(one, where=fate.where))
        assert recorder.rows is not None and number == number_of[index]
        table = table.changed(recorder.rows)
        boxes.touch(one.box)
        written[number] = replace(one, where=fate.where)
        moved += _said_of_cut(seed, one.cut, "px" if voxel_nm is None else "nm")
    return written, table, (*(said[row] for row in sorted(said)), *moved, *nothing)


def _said_of_cut(seed: Seed, place: float, unit: str) -> tuple[str, ...]:
    """Say where a filopodium was cut at another place than its row asks for."""
    if seed.cut is None or seed.cut == place:
        return ()
    asked = f"Seed {seed.row}: the cut at {seed.cut:g} {unit} from the tip lies"
    if seed.cut > place:
        return (
            f"{asked} beyond the end, which is at {place:.0f} {unit}: the filopodium is taken up to there.",
        )
    return (f"{asked} too near the tip: it was cut at {place:.0f} {unit}, the nearest place that can be.",)


def _said_of(row: int, fate: Apart, number_of: dict[int, int]) -> str:
    """Return what is to be said of a seed whose filopodium another one has, in part or whole; maybe ""."""
    if fate.same_as is not None:
        twin = number_of[fate.same_as]
        if fate.on_it:
            return f"Seed {row} lies on filopodium {twin} again, and is left out."
        return (
            f"Seed {row} is left out: what was followed from it is mostly filopodium {twin}, on which it "
            "does not lie. Name its base and its tip, and a point between them."
        )
    if not fate.shares:
        return ""
    owners = ", ".join(str(number_of[other]) for other in sorted(fate.shares))
    return (
        f"Seed {row} shares {count(sum(fate.shares.values()), 'voxel')} with filopodium {owners}, "
        "which keeps them."
    )


def _polarity(job: FilopodiaJob, image: Volume) -> tuple[Value, tuple[str, ...]]:
    """Return how absorbing structures look in the tomogram, and what is to be said of that."""
    if job.absorbing != "auto":
        return job.absorbing, ()
    judged = detect_polarity(image)
    doubt = judged.doubt(f"If filopodia are not followed, give --polarity {judged.other}.")
    return judged.value, () if judged.sure else (doubt,)


def _all_in(places: tuple[Triple, ...], shape: tuple[int, ...]) -> bool:
    return all(0 <= at < size for place in places for at, size in zip(place, shape, strict=True))


def _nothing(state: object) -> None:
    """The search for one filopodium has no bar of its own."""


def _write_table(
    job: FilopodiaJob,
    path: Path,
    numbers: NDArray[np.uint32],
    table: ObjectTable,
    found: dict[int, Filopodium],
    voxel_nm: VoxelSize | None,
    progress: Progress,
) -> None:
    if job.image is None:
        measured = measure_objects(numbers, voxel_nm, progress=progress)
    else:
        with open_volume(job.image) as image:
            measured = measure_objects(numbers, voxel_nm, image=image, progress=progress)
    measured = with_open_cut(measured, table)
    factor = FROM_NM[LENGTH.quantity] if measured.calibrated else 1.0
    lengths = [found[number].length * factor for number in measured.numbers.tolist()]
    measured.add(LENGTH, np.array(lengths, np.float64))
    write_table(path, object_table(measured, table, about(job.labels.name, voxel_nm, seeds=job.seeds.name)))


def _write_profiles(path: Path, found: dict[int, Filopodium], voxel_nm: VoxelSize | None) -> None:
    unit = "px" if voxel_nm is None else "nm"
    names = ("object", f"from_tip_{unit}", f"width_{unit}")

    def rows() -> Iterator[dict[str, Any]]:
        for number, one in found.items():
            for along, width in zip(one.along[1:].tolist(), one.width[1:].tolist(), strict=True):
                yield dict(zip(names, (number, round(along, 3), round(width, 3)), strict=True))

    with atomic_write(path) as temporary:
        temporary.write_text(csv_text(names, rows()), encoding="utf-8", newline="")


def _outputs(job: FilopodiaJob) -> list[OutputFile]:
    outputs = [OutputFile(job.output, "objects", VOLUME_SUFFIXES)]
    if job.table is not None:
        outputs.append(OutputFile(job.table, "a table", TABLE_SUFFIXES))
        beside = dictionary_path(job.table)
        outputs += [OutputFile(beside, "a dictionary", (".csv",))] if beside is not None else []
    if job.profiles is not None:
        outputs.append(OutputFile(job.profiles, "a table of profiles", (".csv",)))
    return outputs


def _stages(job: FilopodiaJob, voxels: int) -> tuple[Stage, ...]:
    return (
        Stage(Work.COPY, voxels, "reading labels"),
        Stage(Work.REGIONS, voxels / 50, "cutting filopodia"),
        *((Stage(Work.NUMBER, voxels, "measuring"),) if job.table else ()),
        Stage(Work.EXPORT, voxels, "writing"),
    )


def summary(result: FilopodiaResult) -> Iterator[tuple[str, str]]:
    """Yield a line for each filopodium: its number, and its length, size and completeness."""
    for number, one in result.found.items():
        unit = "px" if result.voxel_nm is None else "nm"
        why = why_incomplete(one.incomplete)
        yield (
            f"filopodium {number}",
            f"{one.length:.0f} {unit} long, {one.voxels} voxels, {f'not whole: {why}' if why else 'whole'}",
        )
