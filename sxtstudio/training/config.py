"""What to train, with what, and for how long: a TOML file read into frozen records.

::

    name = "mine"                  # name of the model to make
    start_from = "compact"         # model to go on from; left out: from nothing, with base_width
    base_width = 16                # with start_from: widens that model (widen.py); left out: its own width
    slices = 3                     # what it sees at once: 1, 3, 5 or 7; left out: 1, or the model's own
    method = "quick"               # "published": both protocols of the paper | "quick": see protocols.py
    augmentation = "appearances"   # "published": crops, quarter turns, flips | "appearances": augment.py
    voxel_nm = [8.0, 20.0]         # optional, for the card, like description, trained_on and licence
    [[labelled]]                   # any number; also [[held_out]] (else 10 % are split off)
    tomogram = "a.mrc"             # or folder = "d" (of name.tif + name.labels.tif, or npy), or npz = "s.npz"
    labels = "a.labels.tif"
    slices = "0-2, 39"             # the completely labelled ones, counted from 0; left out: all
    ignore = 128                   # label of pixels that do not count; 128 where labels are 8-bit
    share = 0.3                    # of the labelled crops; left out: as many as it has slices among the rest
    polarity = "auto"              # auto | dark | bright
    [[unlabelled]]                 # tomogram or folder, slices, polarity
    tomogram = "b.tif"
    [training]
    steps = 700                    # and/or minutes, whichever comes first

Paths are relative to the file's folder; ``scan.h5::/entry/data`` names a dataset, ``cell.tif::axes=xyz`` the
order in which a file stores its axes, where it does not say. Every key of ``[training]`` is a field of
`Training`.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, structs

from sxtstudio.core.errors import UserError
from sxtstudio.core.plain_files import read_plain
from sxtstudio.core.polarity import PolarityChoice
from sxtstudio.core.records import WrongKey, record_of, toml_values
from sxtstudio.io.network.layers import WIDEST
from sxtstudio.io.volume_name import VolumeName

Method = Literal["published", "quick"]
Augmentation = Literal["published", "appearances"]
Slices = Literal[1, 3, 5, 7]

_LARGEST = 1_000_000  # bytes
_MOST_SLICES = 1_000_000
DEFAULT_WIDTH = 16
_NAME = r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}\Z"
_DEVICE = r"^(auto|cpu|cuda(:\d{1,3})?)\Z"
_RANGE = "[smallest, largest] in nm, both above 0"
_SLICES = 'slices counted from 0, such as "0-2, 39"'
_Text = Annotated[Annotated[str, Meta(pattern=r"\S")] | None, Meta(description="a text in quotation marks")]
_Often = Annotated[int, Meta(ge=1, le=10**9)]
_Share = Annotated[float, Meta(ge=0, le=1)]
_Length = Annotated[float, Meta(gt=0, le=1e300)]


@dataclass(frozen=True)
class TrainingSource:
    """Where slices come from: one tomogram (with labels), a folder of pairs, or a published set.

    ``where`` is how errors call it. ``slices`` are counted from 0; None means all. ``ignore`` is the
    label of pixels that do not count; None means the default for the type of the labels. ``share`` is the
    part (0…1) of the labelled crops that come from here; sources without one divide what is left by their
    numbers of slices.
    """

    where: str
    tomogram: Path | None = None
    labels: Path | None = None
    folder: Path | None = None
    npz: Path | None = None
    slices: tuple[int, ...] | None = None
    ignore: int | None = None
    polarity: PolarityChoice = "auto"
    share: float | None = None


class Training(Struct, frozen=True, forbid_unknown_fields=True):
    """How long and how fast to learn; lengths in pixels, times in minutes, intervals in steps.

    ``plateau``: stop after so many evaluations that were not better than the best before; 0: never.
    For the quick method only: ``warm_up`` steps of rising rate before the half cosine; ``average``, the
    share of the old weights in their running mean; ``image_every``, the image head joins in one step of
    so many; ``norms``, whether batch norms "learn" their statistics or "keep" those of the model to go on
    from; ``compile``, minutes of compiling before faster steps. Of the augmentation "appearances":
    ``own_appearance``, the share of labelled crops that are only turned and scaled, ``soft_bodies``,
    whether outlined droplets are drawn into labelled crops, and ``spectra``, the share of the other crops
    that take over amplitude spectra of slices without labels, at most by ``spectra_slow`` in the slow
    background and by ``spectra_grain`` in the grain (real_spectra.py).

    Of the quick method with "appearances", and off where nothing else is said: ``restore``, the image head
    draws crops as they were before their appearance was changed; ``agree`` and ``teach``, weights with which
    two appearances of a crop without labels have to be outlined alike, and as the running mean of the
    weights is sure of (teacher.py), in the steps that the image head joins. These two and ``spectra`` need a
    section [[unlabelled]]. A configuration that names an option of which nothing would come is refused.

    ``keep_start``: share of the weights of the model to go on from in the model that is made (blending.py).
    """

    steps: Annotated[
        Annotated[int, Meta(ge=1, le=10**9)] | None, Meta(description="a whole number from 1 to 1000000000")
    ] = None
    minutes: Annotated[
        Annotated[float, Meta(ge=0, le=1e6)] | None, Meta(description="a number from 0 to 1000000")
    ] = None
    learning_rate: Annotated[float, Meta(ge=1e-9, le=1)] = 5e-5
    crop_px: Annotated[
        int, Meta(ge=32, le=4096, multiple_of=16, description="a multiple of 16 from 32 to 4096")
    ] = 256
    crops: Annotated[int, Meta(ge=1, le=4096)] = 1
    unlabelled_crops: Annotated[int, Meta(ge=0, le=4096)] = 1
    seed: Annotated[int, Meta(ge=0, le=2**31)] = 1
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    device: Annotated[str, Meta(pattern=_DEVICE, description="auto, cpu, cuda or cuda:1")] = "auto"
    plateau: Annotated[int, Meta(ge=0, le=10**6)] = 5
    evaluate_every: _Often = 50
    save_every: _Often = 50
    preview: bool = True
    warm_up: Annotated[int, Meta(ge=0, le=10**9)] = 100
    average: Annotated[float, Meta(ge=0, le=0.999999)] = 0.998
    image_every: _Often = 3
    norms: Literal["learn", "keep"] = "learn"
    compile: bool = False
    own_appearance: _Share = 0.0
    soft_bodies: bool = True
    spectra: _Share = 0.0
    spectra_slow: _Share = 0.5
    spectra_grain: _Share = 0.8
    restore: bool = False
    agree: Annotated[float, Meta(ge=0, le=100)] = 0.0
    teach: Annotated[float, Meta(ge=0, le=100)] = 0.0
    keep_start: Annotated[float, Meta(ge=0, lt=1)] = 0.0


_LENGTHS = ("steps", "minutes", "plateau")
# Keys that a state of an older version does not know; off, they change nothing.
_LATER = ("spectra", "spectra_slow", "spectra_grain", "restore", "agree", "teach")

# Options of which nothing comes in some trainings: what each is where it is off; None: never.
_OFF: dict[str, float | str | None] = {
    **dict.fromkeys(("agree", "teach", "restore", "spectra", "spectra_slow", "spectra_grain"), 0),
    **dict.fromkeys(("own_appearance", "soft_bodies", "warm_up", "average", "keep_start"), 0),
    "norms": "learn",
    "image_every": None,
}

# What is best where the file says nothing, by (method, whether a model is gone on from).
_PUBLISHED = Training(steps=700)
_FROM_NOTHING = Training(steps=2000, learning_rate=1.5e-3, crop_px=160, crops=4, plateau=0)
# Three slices of a phantom that looks new, 120 steps: F1 0.62 before, 0.72 with norms kept, 0.74 learned.
_FINE_TUNE = Training(
    steps=400,
    learning_rate=1e-3,
    crop_px=160,
    crops=2,
    plateau=0,
    warm_up=20,
    average=0.98,
    own_appearance=0.7,  # the other crops keep the network from forgetting the appearances it knows
    soft_bodies=False,
)


@dataclass(frozen=True)
class TrainConfig:
    """A whole training.

    ``start_from`` is the name of a model or the path of its file. ``base_width`` is None where that model's
    own is kept; so are the ``slices`` that it sees at once.
    """

    name: str
    labelled: tuple[TrainingSource, ...]
    held_out: tuple[TrainingSource, ...] = ()
    unlabelled: tuple[TrainingSource, ...] = ()
    training: Training = _PUBLISHED
    start_from: str | None = None
    base_width: int | None = None
    slices: int | None = None
    method: Method = "quick"
    augmentation: Augmentation = "appearances"
    voxel_nm: tuple[float, float] | None = None
    description: str = ""
    trained_on: str = ""
    licence: str = "MIT"

    def card_entry(self) -> dict[str, Any]:
        """Return the choices that belong on a model's card: JSON types, no paths."""
        entry = {"method": self.method, "augmentation": self.augmentation, "start_from": self.start_from}
        if self.start_from and _is_file(self.start_from):
            entry["start_from"] = Path(self.start_from).stem
        return entry | {key: value for key, value in structs.asdict(self.training).items() if key != "device"}

    def fingerprint(self) -> dict[str, Any]:
        """Return what must not change between the parts of an interrupted training (JSON types)."""
        training = structs.asdict(self.training)
        for key in (*_LENGTHS, "device", "evaluate_every", "save_every", "preview", "keep_start"):
            del training[key]
        for key in _LATER:
            if training[key] == getattr(_PUBLISHED, key):
                del training[key]
        sources = [[_plain(source) for source in group] for group in (self.labelled, self.held_out)]
        chosen = [self.start_from, self.base_width, self.method, self.augmentation]
        if self.slices is not None:
            chosen.append(self.slices)
        if len(self.labelled) > 1 and not self.held_out:
            chosen.append("kept aside of each source")  # versions before divided them together
        unlabelled = [_plain(source) for source in self.unlabelled]
        return {"training": training, "sources": sources, "unlabelled": unlabelled, "chosen": chosen}


class _Unlabelled(Struct, frozen=True, forbid_unknown_fields=True):
    """A section of the file that names slices without labels."""

    tomogram: _Text = None
    folder: _Text = None
    slices: str = ""
    polarity: PolarityChoice = "auto"

    def __post_init__(self) -> None:
        if self.slices:
            try:
                parse_slices(self.slices)
            except ValueError:
                raise WrongKey("slices", _SLICES) from None


class _HeldOut(_Unlabelled, frozen=True, forbid_unknown_fields=True):
    """A section of the file that names slices with labels."""

    npz: _Text = None
    labels: _Text = None
    ignore: Annotated[
        Annotated[int, Meta(ge=-(2**31), le=2**31)] | None, Meta(description="a label, a whole number")
    ] = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.labels is None) != (self.tomogram is None):
            raise WrongKey(
                "labels", "the file of the tomogram's labels, and there is none without a tomogram"
            )


class _Labelled(_HeldOut, frozen=True, forbid_unknown_fields=True):
    share: Annotated[
        Annotated[float, Meta(ge=0.001, le=1)] | None, Meta(description="a number from 0.001 to 1")
    ] = None


class _ConfigFile(Struct, frozen=True, forbid_unknown_fields=True):
    """What the file holds outside of its sections."""

    name: Annotated[str, Meta(pattern=_NAME, description="letters, digits and . _ + - (64 at most)")]
    labelled: Annotated[list[dict[str, Any]], Meta(description="a section [[labelled]]")] = []
    held_out: Annotated[list[dict[str, Any]], Meta(description="a section [[held_out]]")] = []
    unlabelled: Annotated[list[dict[str, Any]], Meta(description="a section [[unlabelled]]")] = []
    training: Annotated[dict[str, Any], Meta(description="a section [training]")] = {}
    start_from: str = ""
    base_width: Annotated[
        Annotated[int, Meta(ge=2, le=WIDEST, multiple_of=2)] | None,
        Meta(description=f"an even number from 2 to {WIDEST}"),
    ] = None
    slices: Annotated[Slices | None, Meta(description="1, 3, 5 or 7")] = None
    method: Method = "quick"
    augmentation: Augmentation | None = None
    voxel_nm: Annotated[tuple[_Length, _Length] | None, Meta(description=_RANGE)] = None
    description: str = ""
    trained_on: str = ""
    licence: str = "MIT"

    def __post_init__(self) -> None:
        if self.voxel_nm is not None and self.voxel_nm[0] > self.voxel_nm[1]:
            raise WrongKey("voxel_nm", _RANGE)


def load_config(path: str | Path) -> TrainConfig:
    """Read a training's TOML file.

    Raises
    ------
    UserError
        If the file cannot be read, a key is unknown, missing or of the wrong kind, or a file that it
        names does not exist.
    """
    path = Path(path)
    try:
        content = read_plain(path, _LARGEST)
    except OSError as error:
        raise UserError(f"The configuration {path} cannot be read ({error.strerror}).") from error
    data = toml_values(content, f"The configuration {path.name} cannot be used")
    return read_config(data, path.parent, path.name)


def read_config(data: dict[str, Any], folder: Path, file: str = "the configuration") -> TrainConfig:
    """Return the record of a configuration that was read from TOML; paths are relative to ``folder``."""
    read = record_of(data, _ConfigFile, file)
    start_from = read.start_from or None
    if start_from and _is_file(start_from):
        start_from = str(_existing(file, "start_from", folder / start_from))
    groups = (
        (read.labelled, _Labelled, f"{file}, [[labelled]]"),
        (read.held_out, _HeldOut, f"{file}, [[held_out]]"),
        (read.unlabelled, _Unlabelled, f"{file}, [[unlabelled]]"),
    )
    labelled, held_out, unlabelled = (
        tuple(
            _source(entry, kind, folder, f"{where} no. {number}") for number, entry in enumerate(entries, 1)
        )
        for entries, kind, where in groups
    )
    if not labelled:
        raise UserError(f"{file} names no labels to learn from: add a section [[labelled]].")
    if sum(source.share or 0 for source in labelled) > 1:
        raise UserError(f"{file}: the shares of the sections [[labelled]] add up to more than 1.")
    width = read.base_width or (None if start_from else DEFAULT_WIDTH)
    if read.method == "published":
        usual = _PUBLISHED
    else:
        usual = _FINE_TUNE if start_from and width is None else _FROM_NOTHING
    config = TrainConfig(
        name=read.name,
        labelled=labelled,
        held_out=held_out,
        unlabelled=unlabelled,
        training=_training(read.training, f"{file}, [training]", usual),
        start_from=start_from,
        base_width=width,
        slices=read.slices,
        method=read.method,
        augmentation=read.augmentation or ("published" if read.method == "published" else "appearances"),
        voxel_nm=read.voxel_nm,
        description=read.description,
        trained_on=read.trained_on,
        licence=read.licence,
    )
    _check_of_use(config, read.training, file)
    return config


def parse_slices(text: str) -> tuple[int, ...]:
    """Return the slices that ``"0-2, 39"`` names, ascending: (0, 1, 2, 39).

    Raises
    ------
    ValueError
        If the text is something else.
    """
    slices: set[int] = set()
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,7})\s*(?:[-–]\s*(\d{1,7})\s*)?", part)
        if not match:
            raise ValueError(text)
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first or last >= _MOST_SLICES:
            raise ValueError(text)
        slices.update(range(first, last + 1))
    return tuple(sorted(slices))


def _check_of_use(config: TrainConfig, given: Collection[str], file: str) -> None:
    """Refuse an option that is on where nothing would come of it; ``given`` are those that the file names."""
    plan = structs.asdict(config.training)
    on = {key for key in given if key in _OFF and plan[key] != _OFF[key]}
    of_slices, of_pairs = ("agree", "teach", "spectra"), ("agree", "teach")
    of_quick = (*of_pairs, "restore", "warm_up", "average", "image_every", "norms")
    # Crops change their appearance in the published method as well, where they are told to.
    of_appearances = (*of_slices, "restore", "own_appearance", "soft_bodies", "spectra_slow", "spectra_grain")
    needs = (
        (config.method != "quick", of_quick, 'with method = "published": take "quick"'),
        (
            config.augmentation != "appearances",
            of_appearances,
            'with augmentation = "published": take "appearances"',
        ),
        (
            not config.unlabelled,
            of_slices,
            "without slices that have no labels: add a section [[unlabelled]]",
        ),
        (plan["unlabelled_crops"] == 0, of_pairs, "with unlabelled_crops = 0: take 1 or more"),
        (not plan["spectra"], ("spectra_slow", "spectra_grain"), "with spectra = 0: take more"),
        (
            config.start_from is None,
            ("norms", "keep_start"),
            "without start_from: name the model to go on from",
        ),
    )
    for lacks, options, why in needs:
        idle = next((key for key in options if key in on), None)
        if lacks and idle is not None:
            raise UserError(f"{file}, [training]: {idle} does nothing {why}, or leave {idle} out.")


def _training(data: dict[str, Any], where: str, usual: Training) -> Training:
    read = structs.asdict(record_of(data, Training, where))
    steps, minutes = read["steps"], read["minutes"] or None
    if steps is None and minutes is None:
        steps = usual.steps
    given = {key: read[key] for key in data}
    return structs.replace(usual, **given | {"steps": steps, "minutes": minutes})


def _source(data: dict[str, Any], kind: type[_Unlabelled], folder: Path, where: str) -> TrainingSource:
    read = record_of(data, kind, where)
    places = {"tomogram": read.tomogram, "folder": read.folder}
    if isinstance(read, _HeldOut):
        places["npz"] = read.npz
    if sum(place is not None for place in places.values()) != 1:
        allowed = "tomogram, folder or npz" if "npz" in places else "tomogram or folder"
        raise UserError(f"{where}: give exactly one of {allowed}.")
    if isinstance(read, _HeldOut):
        places["labels"] = read.labels
    paths = {key: _existing(where, key, folder / place) for key, place in places.items() if place is not None}
    return TrainingSource(
        where=where,
        slices=parse_slices(read.slices) if read.slices else None,
        ignore=read.ignore if isinstance(read, _HeldOut) else None,
        polarity=read.polarity,
        share=read.share if isinstance(read, _Labelled) else None,
        **paths,
    )


def _existing(where: str, key: str, path: Path) -> Path:
    # A dataset inside a file is written file.h5::/entry/data.
    file = VolumeName.of(path).place
    if not path.exists() and not file.exists():
        raise UserError(f"{where}: {key} names {file}, which does not exist. Check the path.")
    if file.exists() and not (file.is_file() or file.is_dir()):  # a pipe could wait for ever
        raise UserError(f"{where}: {key} names {file}, which is no file. Check the path.")
    return path


def _plain(source: TrainingSource) -> dict[str, Any]:
    data = {key: value for key, value in asdict(source).items() if value is not None and key != "where"}
    return {key: value.name if isinstance(value, Path) else value for key, value in data.items()} | (
        {"slices": list(source.slices)} if source.slices else {}
    )


def _is_file(text: str) -> bool:
    return text.lower().endswith((".onnx", ".json")) or any(mark in text for mark in "/\\")
