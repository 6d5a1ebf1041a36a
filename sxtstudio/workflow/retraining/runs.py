"""Trainings on disk: a folder each, with what it learns from, so that later edits change nothing.

retraining/mine-20250131-1403/
  about.json          what the user asked for, and what became of it
  train.toml          the same for the training program
  labels-1.tif        the complete slices of one tomogram (for a model that sees several slices among their
                      neighbours), and their labels (0, 255; 128 does not count)
  labels-1.labels.tif
  run/                what the training program writes: events, state, model, before and after
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
import tomli_w
from msgspec import Struct, to_builtins
from numpy.typing import NDArray

from sxtstudio.core.atomic import atomic_write
from sxtstudio.core.errors import UserError
from sxtstudio.core.folders import state_folder
from sxtstudio.core.geometry import Box, Triple
from sxtstudio.core.lock import NAME as LOCK
from sxtstudio.core.lock import FolderLock, is_in_use
from sxtstudio.core.measured import measured_pixels
from sxtstudio.core.pace import Work
from sxtstudio.core.printable import printable
from sxtstudio.core.progress import Progress
from sxtstudio.core.records import Finite, read_json, record_of
from sxtstudio.core.resemblance import around
from sxtstudio.core.stages import Stage, Stages
from sxtstudio.core.temporary import remove as remove_entry
from sxtstudio.core.training_events import EVENTS, read_events
from sxtstudio.core.volume import Volume, VoxelSize
from sxtstudio.core.wording import count, slices_text
from sxtstudio.io import export_volume
from sxtstudio.workflow.retraining.labels import IGNORE, Chosen, truth_of

ABOUT, CONFIG, RUN = "about.json", "train.toml", "run"
SCHEMA: Literal["sxtstudio-retraining/1"] = "sxtstudio-retraining/1"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")

State = Literal["running", "interrupted", "failed", "finished", "decided"]


@dataclass(frozen=True)
class Start:
    """The model to go on from; without a file, training begins with nothing.

    ``slices`` are those that it sees at once: labelled slices bring their neighbours.
    """

    name: str = ""
    path: str = ""
    licence: str = "MIT"
    voxel_nm: tuple[float, float] | None = None
    slices: int = 1


@dataclass(frozen=True)
class Request:
    """All that the user asked for: ``unlabelled`` are (tomogram, polarity) pairs."""

    name: str
    start: Start
    minutes: float
    labels: tuple[Chosen, ...]
    unlabelled: tuple[tuple[str, str], ...] = ()


class _About(Struct, frozen=True):
    """What about.json holds."""

    schema: Literal["sxtstudio-retraining/1"]
    name: str
    minutes: Finite
    start: str = ""
    begun: str = ""
    learned_from: tuple[str, ...] = ()
    decision: str = ""


@dataclass(frozen=True)
class TrainingRun:
    """A training on disk: ``learned_from`` are sentences; ``decision`` is "" until the user chose."""

    folder: Path
    name: str
    start: str
    minutes: float
    begun: str
    learned_from: tuple[str, ...] = ()
    decision: str = ""
    state: State = "interrupted"

    @property
    def config(self) -> Path:
        """File for the training program."""
        return self.folder / CONFIG

    @property
    def run(self) -> Path:
        """Folder of what it writes."""
        return self.folder / RUN


def runs_folder() -> Path:
    """Return the folder in which trainings are kept; it may not exist yet."""
    return state_folder() / "retraining"


def name_problem(name: str, taken: Sequence[str]) -> str:
    """Return what is wrong with the name of a new model, or ""."""
    if not name:
        return "Give the new model a name."
    if not _NAME.fullmatch(name):
        return (
            f"“{name}” is no name for a model: take letters (without accents), digits and . _ + - "
            "(64 at most, a letter or digit first)."
        )
    if name.lower() in {other.lower() for other in taken}:
        return (
            f"There is a model called {name} already, and it stays as it is: give the new one another name."
        )
    return ""


def free_name(start: str, taken: Sequence[str]) -> str:
    """Return a name for the child of a model: "compact-mine", "compact-mine-2" …"""
    stem = re.sub(r"-mine(-\d+)?$", "", start)[:50] or "model"
    name, number = f"{stem}-mine", 1
    while name_problem(name, taken):
        number += 1
        name = f"{stem}-mine-{number}"
    return name


def prepare(request: Request, progress: Progress | None = None, root: Path | None = None) -> TrainingRun:
    """Write everything that a training needs into a folder of its own, and return it.

    Raises
    ------
    UserError
        If a slice cannot be used (pixels that are no numbers), the disk is full, or the folder cannot be
        made. Then nothing is left behind.
    Cancelled
        If the user stopped it.
    """
    folder = _new_folder(root or runs_folder(), f"{request.name}-{datetime.now().astimezone():%Y%m%d-%H%M}")
    try:
        return prepare_in(folder, request, progress)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def prepare_in(folder: Path, request: Request, progress: Progress | None = None) -> TrainingRun:
    """Write everything that a training needs into ``folder``, which is made; return the training.

    Raises
    ------
    UserError, Cancelled
        As ``prepare``; what was written stays.
    """
    progress = progress or Progress()
    now = datetime.now().astimezone()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _no_place(folder, error) from error
    used = [one for one in request.labels if one.slices]
    seen = request.start.slices
    stages = Stages(progress, [stage for one in used for stage in _writing(one, seen)])
    pairs = [
        _write_pair(one, seen, folder / f"labels-{number}", stages) for number, one in enumerate(used, 1)
    ]
    with atomic_write(folder / CONFIG, own=True) as temporary:
        temporary.write_text(config_text(request, pairs), encoding="utf-8")
    learned = tuple(
        f"{printable(one.name)}: slice{'s' * (len(one.slices) > 1)} {slices_text(one.slices)}" for one in used
    )
    begun = now.isoformat(timespec="seconds")
    run = TrainingRun(folder, request.name, request.start.name, request.minutes, begun, learned)
    _write_about(run)
    return run


@dataclass(frozen=True)
class _Pair:
    """A copy of slices and the one of their labels, by their names; which of its slices count, from 0."""

    tomogram: str
    labels: str
    polarity: str
    slices: str = ""

    def entry(self) -> dict[str, Any]:
        """Return its section of the configuration."""
        facts = {
            "tomogram": self.tomogram,
            "labels": self.labels,
            "ignore": IGNORE,
            "polarity": self.polarity,
        }
        return facts | ({"slices": self.slices} if self.slices else {})


def config_text(request: Request, pairs: Sequence[_Pair]) -> str:
    """Return the configuration (TOML); ``pairs`` lie beside it."""
    facts: dict[str, Any] = {"name": request.name}
    if request.start.path:
        facts["start_from"] = request.start.path
    sources = ", ".join(printable(one.name) for one in request.labels if one.slices)
    complete = sum(len(one.slices) for one in request.labels)
    begin = f"{request.start.name} trained further" if request.start.path else "Trained from nothing"
    facts["description"] = f"{begin} with {count(complete, 'labelled slice')} of {sources}."
    facts["licence"] = request.start.licence
    voxels = [one.summary.voxel_nm for one in request.labels if one.slices]
    sizes_nm = [size for voxel in voxels if voxel is not None for size in voxel]
    if sizes_nm and None not in voxels:
        known = [*sizes_nm, *(request.start.voxel_nm or ())]
        facts["voxel_nm"] = [min(known), max(known)]
    facts["labelled"] = [pair.entry() for pair in pairs]
    unlabelled = []
    for path, polarity in request.unlabelled:
        others = _other_slices(path, request.labels)
        if others != "":
            slices = {} if others is None else {"slices": others}
            unlabelled.append({"tomogram": path, "polarity": polarity, **slices})
    if unlabelled:
        facts["unlabelled"] = unlabelled
    facts["training"] = {"minutes": float(request.minutes)}
    text = tomli_w.dumps(facts)
    try:
        text.encode()
    except UnicodeEncodeError as error:
        name = next(path for path in (request.start.path, *sum(request.unlabelled, ())) if _is_odd(path))
        raise UserError(f"The name {name} is not UTF-8. Rename it before you train with it.") from error
    return text


def _is_odd(name: str) -> bool:
    """Whether a name holds bytes that are no UTF-8."""
    return any(0xD800 <= ord(letter) <= 0xDFFF for letter in name)


def _other_slices(path: str, labels: Sequence[Chosen]) -> str | None:
    """Return the slices (text, from 0) of a tomogram that no labels are taken from; None for all.

    Those that are kept aside to judge by must not be learned from in any way.
    """
    here = [one for one in labels if one.summary.source.tomogram == path and one.slices]
    if not here:
        return None
    used = {z for one in here for z in one.slices}
    return ", ".join(str(z) for z in range(here[0].summary.shape[0]) if z not in used)


def find_runs(root: Path | None = None) -> list[TrainingRun]:
    """Return the trainings that wait for the user, the latest first: interrupted, failed, or not decided."""
    found = []
    with suppress(OSError):
        for folder in (root or runs_folder()).iterdir():
            with suppress(UserError, OSError):
                run = read_run(folder)
                if run.state not in ("running", "decided"):
                    found.append(run)
    return sorted(found, key=lambda run: run.begun, reverse=True)


def read_run(folder: Path) -> TrainingRun:
    """Read a training's folder.

    Raises
    ------
    UserError
        If it is none, or damaged.
    """
    what = f"The training in {folder.name}"
    about = record_of(read_json(folder / ABOUT, what), _About, f"{what} is damaged", "Begin a new one.")
    run = TrainingRun(
        folder, about.name, about.start, about.minutes, about.begun, about.learned_from, about.decision
    )
    return replace(run, state=_state_of(run))


def decide(run: TrainingRun, decision: str) -> TrainingRun:
    """Note what the user chose ("used" or "kept"), and remove what only a going on would need."""
    decided = replace(run, decision=decision, state="decided")
    _write_about(decided)
    for path in run.run.glob("state*.npz"):
        with suppress(OSError):
            path.unlink()
    return decided


def remove(run: TrainingRun) -> None:
    """Throw a training away.

    Raises
    ------
    UserError
        If another window or training works on it; nothing is removed then.
    """
    if not run.folder.is_dir():
        return
    lock = FolderLock(run.folder)
    try:
        if run.run.is_dir():  # that of the training itself, which may outlive its window
            FolderLock(run.run).release()
        for entry in list(run.folder.iterdir()):
            if entry.name != LOCK:
                remove_entry(entry)
    except BaseException:
        lock.release()
        raise
    lock.release(remove=True)
    with suppress(OSError):
        run.folder.rmdir()


def _state_of(run: TrainingRun) -> State:
    if run.decision:
        return "decided"
    if is_in_use(run.folder):
        return "running"
    events = read_events(run.run / EVENTS)
    last = next((event for event in reversed(events) if event["event"] in ("done", "error", "start")), None)
    kind = "" if last is None else last["event"]
    if kind == "done":
        return "finished"
    return "failed" if kind == "error" else "interrupted"


def _write_about(run: TrainingRun) -> None:
    about = _About(SCHEMA, run.name, run.minutes, run.start, run.begun, run.learned_from, run.decision)
    with atomic_write(run.folder / ABOUT, own=True) as temporary:
        text = json.dumps(to_builtins(about), indent=1, ensure_ascii=False)
        temporary.write_text(text + "\n", encoding="utf-8")


def _new_folder(root: Path, name: str) -> Path:
    try:
        root.mkdir(parents=True, exist_ok=True)
        number = 1
        while True:
            folder = root / (name if number == 1 else f"{name}-{number}")
            try:
                folder.mkdir()
                return folder
            except FileExistsError:
                number += 1
    except OSError as error:
        raise _no_place(root, error) from error


def _no_place(folder: Path, error: OSError) -> UserError:
    return UserError(
        f"There is no place for the training: {folder} cannot be written ({error.strerror}). "
        "Free some space, or check the folder."
    )


class _Slices:
    """Some slices of a volume as a volume of their own, read one at a time."""

    def __init__(self, volume: Volume, slices: Sequence[int], voxel_nm: VoxelSize | None) -> None:
        self._volume = volume
        self._slices = tuple(slices)
        self.voxel_nm = voxel_nm
        self.shape: Triple = (len(self._slices), volume.shape[1], volume.shape[2])

    @property
    def dtype(self) -> np.dtype[Any]:
        return self._volume.dtype

    def read(self, box: Box) -> NDArray[Any]:
        _, rows, columns = box.slices
        whole = self._volume.shape
        picked = self._slices[box.start[0] : box.stop[0]]
        planes = [self._volume.read(Box.slab(z, z + 1, whole))[0, rows, columns] for z in picked]
        return np.stack(planes)


class _Truth(_Slices):
    """The same of labels, as 0, 255 and 128; slices that are not ``complete`` do not count."""

    signed = False
    complete: tuple[int, ...] = ()

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.uint8)

    def read(self, box: Box) -> NDArray[Any]:
        truth = truth_of(super().read(box), self.signed)
        truth[[z not in self.complete for z in self._slices[box.start[0] : box.stop[0]]]] = IGNORE
        return truth


def _copied(one: Chosen, seen: int) -> list[int]:
    """Return the slices that are copied: the complete ones, each among the neighbours that a model sees."""
    return sorted({other for z in one.slices for other in around(z, seen, one.summary.shape[0])})


def _writing(one: Chosen, seen: int) -> tuple[Stage, Stage]:
    """Slices and labels that are written, for what that will take."""
    voxels = len(_copied(one, seen)) * one.summary.shape[1] * one.summary.shape[2]
    slices = f"Writing slices of {printable(one.name)}"
    return Stage(Work.EXPORT, voxels, slices), Stage(Work.EXPORT, voxels, slices)


def _write_pair(one: Chosen, seen: int, place: Path, stages: Stages) -> _Pair:
    """Write the complete slices of a tomogram, with those that a model sees beside them, and their labels."""
    image_path, truth_path = place.with_suffix(".tif"), place.with_suffix(".labels.tif")
    with one.summary.source.opened() as (image, labels):
        for z in one.slices:
            _check_measured(one, image.read(Box.slab(z, z + 1, image.shape))[0], z)
        copied = _copied(one, seen)
        picked = _Slices(image, copied, one.summary.voxel_nm)
        with stages.stage(Work.EXPORT) as counter:
            export_volume(image_path, picked, kind="image", progress=counter)
        truth = _Truth(labels, copied, one.summary.voxel_nm)
        truth.signed, truth.complete = one.summary.signed, tuple(one.slices)
        with stages.stage(Work.EXPORT) as counter:
            export_volume(truth_path, truth, kind="objects", progress=counter)
    counted = ", ".join(str(copied.index(z)) for z in one.slices) if len(copied) > len(one.slices) else ""
    return _Pair(image_path.name, truth_path.name, one.summary.polarity.value, counted)


def _check_measured(one: Chosen, image: NDArray[Any], z: int) -> None:
    measured = measured_pixels(image)
    if measured is not None and not measured.any():
        raise UserError(
            f"{one.name}: slice {z + 1} shows nothing: its pixels are not numbers, or all have the same "
            "value. Take the slice off the list."
        )
