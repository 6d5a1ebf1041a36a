"""What to train, with what, and for how long: a TOML file read into frozen records.

::

    name = "mine"                  # name of the model to make
    start_from = "compact"         # model to go on from; left out: from nothing, with base_width
    base_width = 16                # with start_from: widens that model (widen.py); left out: its own width
    method = "quick"               # "published": both protocols of the paper | "quick": see protocols.py
    augmentation = "appearances"   # "published": crops, quarter turns, flips | "appearances": augment.py
    voxel_nm = [8.0, 20.0]         # optional, for the card, like description, trained_on and licence
    [[labelled]]                   # any number; also [[held_out]] (else 10 % of the slices are split off)
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
import tomllib
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from sxtstudio.core.errors import UserError
from sxtstudio.core.plain_files import read_plain
from sxtstudio.io.volume_name import VolumeName
from sxtstudio.training.toml_table import Table, is_number

Method = Literal["published", "quick"]
Augmentation = Literal["published", "appearances"]
Polarity = Literal["auto", "dark", "bright"]

_LARGEST = 1_000_000  # bytes
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")
_MOST_SLICES = 1_000_000
DEFAULT_WIDTH = 16


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
    polarity: Polarity = "auto"
    share: float | None = None


@dataclass(frozen=True)
class Training:
    """How long and how fast to learn; lengths in pixels, times in minutes, intervals in steps.

    ``plateau``: stop after so many evaluations that were not better than the best before; 0: never.
    For the quick method only: ``warm_up`` steps of rising rate before the half cosine; ``average``, the
    share of the old weights in their running mean; ``image_every``, the image head joins in one step of
    so many; ``norms``, whether batch norms "learn" their statistics or "keep" those of the model to go on
    from; ``compile``, minutes of compiling before faster steps. Of the augmentation "appearances":
    ``own_appearance``, the share of labelled crops that are only turned and scaled, and ``soft_bodies``,
    whether outlined droplets are drawn into labelled crops.
    """

    steps: int | None = None
    minutes: float | None = None
    learning_rate: float = 5e-5
    crop_px: int = 256
    crops: int = 1
    unlabelled_crops: int = 1
    seed: int = 1
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    device: str = "auto"
    plateau: int = 5
    evaluate_every: int = 50
    save_every: int = 50
    preview: bool = True
    warm_up: int = 100
    average: float = 0.998
    image_every: int = 3
    norms: Literal["learn", "keep"] = "learn"
    compile: bool = False
    own_appearance: float = 0.0
    soft_bodies: bool = True


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
    own is kept.
    """

    name: str
    labelled: tuple[TrainingSource, ...]
    held_out: tuple[TrainingSource, ...] = ()
    unlabelled: tuple[TrainingSource, ...] = ()
    training: Training = Training()
    start_from: str | None = None
    base_width: int | None = None
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
        return entry | {key: value for key, value in asdict(self.training).items() if key != "device"}

    def fingerprint(self) -> dict[str, Any]:
        """Return what must not change between the parts of an interrupted training (JSON types)."""
        training = asdict(self.training)
        for key in ("steps", "minutes", "device", "plateau", "evaluate_every", "save_every", "preview"):
            del training[key]
        sources = [[_plain(source) for source in group] for group in (self.labelled, self.held_out)]
        chosen = (self.start_from, self.base_width, self.method, self.augmentation)
        unlabelled = [_plain(source) for source in self.unlabelled]
        return {"training": training, "sources": sources, "unlabelled": unlabelled, "chosen": list(chosen)}


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
        data = tomllib.loads(read_plain(path, _LARGEST).decode("utf-8-sig"))
    except OSError as error:
        raise UserError(f"The configuration {path} cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise UserError(f"The configuration {path} is not a text file (UTF-8).") from error
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"The configuration {path.name} is not valid TOML: {error}.") from error
    except RecursionError:
        raise UserError(f"The configuration {path.name} is nested too deeply to be one.") from None
    return read_config(data, path.parent, path.name)


def read_config(data: dict[str, Any], folder: Path, file: str = "the configuration") -> TrainConfig:
    """Return the record of a configuration that was read from TOML; paths are relative to ``folder``."""
    top = Table(data, file)
    name = top.text("name")
    if not _NAME.fullmatch(name):
        raise top.wrong("name", "letters, digits and . _ + - (64 at most)")
    start_from = top.text("start_from", "") or None
    if start_from and _is_file(start_from):
        start_from = str(_existing(top, "start_from", folder / start_from))
    given_width = top.whole("base_width", DEFAULT_WIDTH, 2, 4096)
    if given_width % 2:
        raise top.wrong("base_width", "an even number")
    width = None if start_from and "base_width" not in data else given_width
    method: Method = top.choice("method", "quick", ("published", "quick"))
    groups = {
        key: tuple(
            _source(entry, folder, f"{file}, [[{key}]] no. {number}", key)
            for number, entry in enumerate(top.tables(key), 1)
        )
        for key in ("labelled", "held_out", "unlabelled")
    }
    if not groups["labelled"]:
        raise UserError(f"{file} names no labels to learn from: add a section [[labelled]].")
    if sum(source.share or 0 for source in groups["labelled"]) > 1:
        raise UserError(f"{file}: the shares of the sections [[labelled]] add up to more than 1.")
    if method == "published":
        usual = _PUBLISHED
    else:
        usual = _FINE_TUNE if start_from and width is None else _FROM_NOTHING
    config = TrainConfig(
        name=name,
        labelled=groups["labelled"],
        held_out=groups["held_out"],
        unlabelled=groups["unlabelled"],
        training=_training(top.table("training"), file, usual),
        start_from=start_from,
        base_width=width,
        method=method,
        augmentation=top.choice(
            "augmentation",
            "published" if method == "published" else "appearances",
            ("published", "appearances"),
        ),
        voxel_nm=_range_nm(top),
        description=top.text("description", ""),
        trained_on=top.text("trained_on", ""),
        licence=top.text("licence", "MIT"),
    )
    top.finish()
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


def _training(data: dict[str, Any], file: str, usual: Training) -> Training:
    table = Table(data, f"{file}, [training]")
    steps = table.whole("steps", 0, 1, 10**9) or None
    minutes = table.number("minutes", 0.0, 0.0, 1e6) or None
    if steps is None and minutes is None:
        steps = usual.steps
    device = table.text("device", usual.device)
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", device):
        raise table.wrong("device", "auto, cpu, cuda or cuda:1")
    crop_px = table.whole("crop_px", usual.crop_px, 32, 4096)
    if crop_px % 16:
        raise table.wrong("crop_px", "a multiple of 16")
    training = replace(
        usual,
        steps=steps,
        minutes=minutes,
        learning_rate=table.number("learning_rate", usual.learning_rate, 1e-9, 1.0),
        crop_px=crop_px,
        crops=table.whole("crops", usual.crops, 1, 4096),
        unlabelled_crops=table.whole("unlabelled_crops", usual.unlabelled_crops, 0, 4096),
        seed=table.whole("seed", usual.seed, 0, 2**31),
        precision=table.choice("precision", usual.precision, ("auto", "float32", "bfloat16")),
        device=device,
        plateau=table.whole("plateau", usual.plateau, 0, 10**6),
        evaluate_every=table.whole("evaluate_every", usual.evaluate_every, 1, 10**9),
        save_every=table.whole("save_every", usual.save_every, 1, 10**9),
        preview=table.flag("preview", usual.preview),
        warm_up=table.whole("warm_up", usual.warm_up, 0, 10**9),
        average=table.number("average", usual.average, 0.0, 0.999999),
        image_every=table.whole("image_every", usual.image_every, 1, 10**9),
        norms=table.choice("norms", usual.norms, ("learn", "keep")),
        compile=table.flag("compile", usual.compile),
        own_appearance=table.number("own_appearance", usual.own_appearance, 0.0, 1.0),
        soft_bodies=table.flag("soft_bodies", usual.soft_bodies),
    )
    table.finish()
    return training


def _source(data: dict[str, Any], folder: Path, where: str, group: str) -> TrainingSource:
    table = Table(data, where)
    places = [key for key in ("tomogram", "folder", "npz") if key in data]
    allowed = "tomogram or folder" if group == "unlabelled" else "tomogram, folder or npz"
    if len(places) != 1 or (group == "unlabelled" and places == ["npz"]):
        raise UserError(f"{where}: give exactly one of {allowed}.")
    paths: dict[str, Path | None] = {"tomogram": None, "labels": None, "folder": None, "npz": None}
    for key in (*places, *(["labels"] if places == ["tomogram"] and group != "unlabelled" else [])):
        paths[key] = _existing(table, key, folder / table.text(key))
    text = table.text("slices", "")
    try:
        slices = parse_slices(text) if text else None
    except ValueError:
        raise table.wrong("slices", 'slices counted from 0, such as "0-2, 39"') from None
    ignore = None
    if "ignore" in data and group != "unlabelled":
        ignore = table.whole("ignore", 128, -(2**31), 2**31)
    share = table.number("share", 0.5, 0.001, 1.0) if "share" in data and group == "labelled" else None
    polarity: Polarity = table.choice("polarity", "auto", ("auto", "dark", "bright"))
    table.finish()
    return TrainingSource(where=where, slices=slices, ignore=ignore, polarity=polarity, share=share, **paths)


def _range_nm(table: Table) -> tuple[float, float] | None:
    value = table.take("voxel_nm", None)
    if value is None:
        return None
    if not isinstance(value, list) or len(value) != 2 or not all(is_number(v) for v in value):
        raise table.wrong("voxel_nm", "[smallest, largest] in nm")
    low, high = float(value[0]), float(value[1])
    if not 0 < low <= high:
        raise table.wrong("voxel_nm", "[smallest, largest] in nm, both above 0")
    return low, high


def _existing(table: Table, key: str, path: Path) -> Path:
    # A dataset inside a file is written file.h5::/entry/data.
    file = VolumeName.of(path).place
    if not path.exists() and not file.exists():
        raise UserError(f"{table.where}: {key} names {file}, which does not exist. Check the path.")
    if file.exists() and not (file.is_file() or file.is_dir()):  # a pipe could wait for ever
        raise UserError(f"{table.where}: {key} names {file}, which is no file. Check the path.")
    return path


def _plain(source: TrainingSource) -> dict[str, Any]:
    data = {key: value for key, value in asdict(source).items() if value is not None and key != "where"}
    return {key: value.name if isinstance(value, Path) else value for key, value in data.items()} | (
        {"slices": list(source.slices)} if source.slices else {}
    )


def _is_file(text: str) -> bool:
    return text.lower().endswith((".onnx", ".json")) or any(mark in text for mark in "/\\")
