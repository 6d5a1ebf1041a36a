"""The model card: what a model was trained on, what it expects and what it can do.

A card is a JSON object (UTF-8) beside the model: ``compact.onnx`` and ``compact.json``. Whoever trains a
model writes it as a plain dictionary with these keys; other keys are allowed and ignored.

============= ============================== ========= =====================================================
key           JSON type                      default   meaning
============= ============================== ========= =====================================================
name          text                           required  what the user types: letters, digits, ``. _ + -``
description   text                           required  one sentence
trained_on    text                           required  which data; says so plainly if phantoms only
base_width    whole number >= 1              required  base width m of the network
label_output  text                           required  output with the outlines, -1…1
sha256        text, 64 hexadecimal digits    required  checksum of the .onnx file
licence       text                           required  e.g. "MIT"
input_name    text                           "input"   the only input, float32 (batch, slices, y, x)
slices        1, 3, 5 or 7                   1         slices that it sees at once: see below
image_output  text or null                   null      output with the redrawn slice
limits        list of texts                  []        what it is known to get wrong
voxel_nm      [low, high] or null            null      range of voxel sizes trained on, nm
polarity      "dark" or "any"                "dark"    absorbing structures are dark in its input; any: both
multiple      whole number 1…1024            16        height and width must be multiples of it
halo_px       whole number 0…4096            192       margin of a tile that makes its centre exact, pixels
threshold     number -1…1                    0.0       a pixel is labelled where label_output is above
scores        object of finite numbers       {}        e.g. {"phantoms": {"precision": 0.9, "recall": 0.8}}
uses          object of uses, see below      {}        threshold and scores for each use of labels
polarity_rule object of numbers, see below   null      weights that were fitted to this network's signs
created       text                           ""        date, e.g. "2025-01-31"
file          text                           see below name of the .onnx in the card's folder
============= ============================== ========= =====================================================

A model for more than one slice sees neighbours as channels, in the order of z; it outlines the middle one,
``slices // 2``. Each channel is normalised on its own. What it sees at borders and jumps: see ``context``.

``uses`` has at most the keys "few-false", "balanced" and "everything" (``core.uses``), whose thresholds do
not rise in this order; each is an object such as ``{"threshold": 0.4, "scores": {"phantoms": {"precision":
0.95, "recall": 0.7}}}``: scores are numbers 0…1 of at most 48 judges. A card without ``uses`` has its
``threshold`` only.

``polarity_rule`` has the keys "tails", "certainty", "firmness", "valleys" and "saddles": what each sign of
``segment.polarity`` says, as log-odds of dark. A network without it is not asked for the polarity.

``file`` is the card's own name with the ending .onnx if it is not given. It never leaves the card's folder.
Which card belongs to a model is asked of ``find_card`` alone.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta, to_builtins

from sxtstudio.core.errors import UserError
from sxtstudio.core.paths import resolved
from sxtstudio.core.plain_files import open_plain, read_plain
from sxtstudio.core.records import RecordError, WrongKey, has_half_characters, json_values, record_of
from sxtstudio.core.shipped import shipped_folders
from sxtstudio.core.uses import Use

_LARGEST_CARD = 1_000_000  # bytes
_NAME = r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}\Z"
# Windows' rules as well: a card must mean the same on every computer.
_FILE = r"^([^/\\:\x00-\x1f]+\.[Oo][Nn][Nn][Xx])?\Z"
_FILE_WORDS = "the name of an .onnx file in the card's own folder, without a path"
_SHA256 = r"^[0-9a-f]{64}\Z"
_RANGE = "[low, high] in nm with 0 < low ≤ high"
_Text = Annotated[str, Meta(pattern=r"\S", description="a text")]
SliceCount = Literal[1, 3, 5, 7]
_Length = Annotated[float, Meta(gt=0, le=1e300)]
_USES = "thresholds that do not rise from few-false over balanced to everything"
_MOST_JUDGES = 48
_Share = Annotated[float, Meta(ge=0, le=1, description="a finite number from 0 to 1")]
_Figures = Annotated[
    dict[str, _Share],
    Meta(max_length=_MOST_JUDGES, description=f"an object of at most {_MOST_JUDGES} figures"),
]
_Judges = Annotated[
    dict[str, _Figures],
    Meta(max_length=_MOST_JUDGES, description=f"an object of at most {_MOST_JUDGES} judges"),
]
_SAME_THRESHOLD = 0.0005  # a card may say its thresholds in more places than people type


@dataclass(frozen=True)
class UseEntry:
    """What a card says of a use: its threshold, and the figures of each judge, such as its precision."""

    threshold: Annotated[float, Meta(ge=-1, lt=1)]
    scores: _Judges = field(default_factory=dict, hash=False)


_Weight = Annotated[float, Meta(ge=-1000, le=1000)]


@dataclass(frozen=True)
class PolarityRule:
    """Log-odds of dark membranes for one unit of each sign (``segment.polarity``)."""

    tails: _Weight
    certainty: _Weight
    firmness: _Weight
    valleys: _Weight
    saddles: _Weight


@dataclass(frozen=True)
class CardEntries:
    """What a card holds: the fields are those of the module's table."""

    name: Annotated[str, Meta(pattern=_NAME, description="letters, digits and . _ + - (64 at most)")]
    description: _Text
    trained_on: _Text
    base_width: Annotated[int, Meta(ge=1, le=4096)]
    label_output: _Text
    sha256: Annotated[str, Meta(pattern=_SHA256, description="64 hexadecimal digits in lower case")]
    licence: _Text
    input_name: _Text = "input"
    slices: SliceCount = 1
    image_output: _Text | None = None
    limits: tuple[str, ...] = ()
    voxel_nm: Annotated[tuple[_Length, _Length], Meta(description=_RANGE)] | None = None
    polarity: Literal["dark", "any"] = "dark"
    multiple: Annotated[int, Meta(ge=1, le=1024)] = 16
    halo_px: Annotated[int, Meta(ge=0, le=4096)] = 192
    threshold: Annotated[float, Meta(ge=-1, le=1)] = 0.0
    scores: dict[str, Any] = field(default_factory=dict, hash=False)
    uses: dict[Use, UseEntry] = field(default_factory=dict, hash=False)
    polarity_rule: PolarityRule | None = None
    created: str = ""
    file: Annotated[str, Meta(pattern=_FILE, description=_FILE_WORDS)] = ""

    def __post_init__(self) -> None:
        """Refuse a range that is none, and scores that are no numbers."""
        if self.voxel_nm is not None and self.voxel_nm[0] > self.voxel_nm[1]:
            raise WrongKey("voxel_nm", _RANGE)
        if not _are_finite(self.scores):
            raise WrongKey("scores", "an object of finite numbers")
        thresholds = [self.uses[use].threshold for use in Use if use in self.uses]
        if thresholds != sorted(thresholds, reverse=True):
            raise WrongKey("uses", _USES)


@dataclass(frozen=True)
class ModelCard(CardEntries):
    """What is known of a model.

    ``path`` is the .onnx file and ``card_path`` the .json file, None where there is none (yet). ``notes``
    are remarks of this program for the user, such as that no card was found. These three are not written.
    """

    path: Path | None = field(default=None, compare=False)
    card_path: Path | None = field(default=None, compare=False)
    notes: tuple[str, ...] = field(default=(), compare=False)

    def threshold_of(self, use: Use | None) -> float:
        """Return the threshold for a use; for None, the model's own.

        Raises
        ------
        UserError
            If the card does not know one for this use.
        """
        if use is None:
            return self.threshold
        if use not in self.uses:
            known = ", ".join(f"“{one.words}”" for one in Use if one in self.uses)
            raise UserError(
                f"The model {self.name} has no threshold for “{use.words}”: give --threshold NUMBER"
                + (f", or for --use one of {known}." if known else ".")
            )
        return self.uses[use].threshold

    def use_of(self, threshold: float) -> Use | None:
        """Return the use for which the card has this threshold, or None."""
        near = [use for use, entry in self.uses.items() if abs(entry.threshold - threshold) < _SAME_THRESHOLD]
        return Use.BALANCED if Use.BALANCED in near else next(iter(near), None)

    def same_as(self, use: Use) -> str:
        """Return what other uses have the same threshold, such as "the same as “balanced”"; "" for none."""
        threshold = self.threshold_of(use)
        same = [
            f"“{other.words}”"
            for other in Use
            if other is not use
            and other in self.uses
            and abs(self.uses[other].threshold - threshold) < _SAME_THRESHOLD
        ]
        return f"the same as {' and '.join(same)}" if same else ""

    @property
    def sees(self) -> str:
        """How much of a tomogram it sees at once, in words."""
        return "one slice" if self.slices == 1 else f"{self.slices} slices, and outlines the middle one"

    @classmethod
    def from_json(cls, text: str | bytes, source: str = "the model card") -> ModelCard:
        """Read a card.

        Parameters
        ----------
        text
            The JSON text.
        source
            How error messages call it, such as its file name.

        Raises
        ------
        UserError
            If it is not a JSON object or a field is missing or wrong; the text names the field.
        """
        what, advice = f"{source} cannot be used", "Get the model again."
        values = json_values(text, what, advice, nan=True)
        entries = record_of(values, CardEntries, what, advice)
        if has_half_characters(values):
            raise RecordError(what, "it holds halves of characters", advice)
        return cls(**{name: getattr(entries, name) for name in _WRITTEN})

    def to_json(self) -> str:
        """Return the card as JSON text, which ``from_json`` reads back to an equal card."""
        data = {name: value for name in _WRITTEN if (value := getattr(self, name)) is not None}
        for key in ("file", "uses"):
            if not data[key]:
                del data[key]
        return json.dumps(to_builtins(data), indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    @classmethod
    def load(cls, path: str | Path, *, verify: bool = True) -> ModelCard:
        """Read the card in the file ``path`` and attach the model that lies beside it.

        Parameters
        ----------
        path
            The .json file.
        verify
            Compare the model's checksum, which reads the whole model.

        Raises
        ------
        UserError
            If the card or the model is missing, unreadable or wrong, or they do not belong together.
        """
        path = Path(path)
        source = f"The model card {path}"
        try:
            text = read_plain(path, _LARGEST_CARD)
        except OSError as error:
            raise UserError(f"{source} cannot be read ({error.strerror}): check the file.") from error
        card = cls.from_json(text, source)
        model = path.parent / (card.file or path.with_suffix(".onnx").name)
        if not model.is_file():
            raise UserError(f"{source} belongs to {model.name}, which is not beside it: put it there.")
        if resolved(model).parent != resolved(path.parent):
            raise UserError(
                f"{source}: the field 'file' leads out of the card's folder. Get the model again."
            )
        card = replace(card, path=model, card_path=path)
        if verify:
            card.verify()
        return card

    def verify(self) -> None:
        """Compare the model's checksum with the card's.

        Raises
        ------
        UserError
            If they differ, or the model cannot be read.
        """
        if self.path is None:
            raise ValueError("the card is not attached to a model")
        if file_sha256(self.path) != self.sha256:
            folder = resolved(self.path).parent
            if any(resolved(shipped) == folder for shipped in shipped_folders("models")):
                raise UserError(
                    f"The model {self.path}, which is a part of SXT Studio, is damaged or was changed (its "
                    "checksum differs): install SXT Studio again."
                )
            raise UserError(
                f"The model {self.path} is not the one that its card describes (the checksum in the field "
                "'sha256' differs): get both again, or remove the card if you changed the model yourself."
            )


def find_card(model: Path) -> Path | None:
    """Return the card beside a model, or None.

    That is the one with the model's own name, or else one whose field ``file`` names the model: an installed
    model has its checksum in the name of its file, and its card has not.
    """
    own = model.with_suffix(".json")
    if own.is_file():
        return own
    try:
        others = sorted(Path(entry.path) for entry in os.scandir(model.parent) if _may_be_card(entry))
    except OSError:
        return None
    return next((path for path in others if _names(path, model.name)), None)


def _may_be_card(entry: os.DirEntry[str]) -> bool:
    ending = entry.name.lower().endswith(".json")
    return ending and entry.is_file() and entry.stat().st_size <= _LARGEST_CARD


def _names(path: Path, model: str) -> bool:
    """Whether a file is a card that says it belongs to ``model``."""
    try:
        return ModelCard.from_json(read_plain(path, _LARGEST_CARD)).file == model
    except (OSError, UserError):
        return False


_WRITTEN = tuple(entry.name for entry in fields(CardEntries))


def file_sha256(path: str | Path) -> str:
    """Return the SHA-256 of a file in hexadecimal digits; UserError if it cannot be read."""
    try:
        with open_plain(Path(path)) as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise UserError(f"The model {path} cannot be read ({error.strerror}): check the file.") from error


def _are_finite(value: Any) -> bool:
    """Whether all numbers inside are."""
    if isinstance(value, dict):
        return all(_are_finite(item) for item in value.values())
    if isinstance(value, list):
        return all(_are_finite(item) for item in value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return True
    return -1e300 < value < 1e300
