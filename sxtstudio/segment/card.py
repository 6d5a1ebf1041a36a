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
input_name    text                           "input"   the only input, float32 (batch, 1, y, x)
image_output  text or null                   null      output with the redrawn slice
limits        list of texts                  []        what it is known to get wrong
voxel_nm      [low, high] or null            null      range of voxel sizes trained on, nm
polarity      "dark" or "any"                "dark"    absorbing structures are dark in its input; any: both
multiple      whole number 1…1024            16        height and width must be multiples of it
halo_px       whole number 0…4096            192       margin of a tile that makes its centre exact, pixels
threshold     number -1…1                    0.0       a pixel is labelled where label_output is above
scores        object of finite numbers       {}        e.g. {"phantoms": {"precision": 0.9, "recall": 0.8}}
created       text                           ""        date, e.g. "2025-01-31"
file          text                           see below name of the .onnx in the card's folder
============= ============================== ========= =====================================================

``file`` is the card's own name with the ending .onnx if it is not given. It never leaves the card's folder.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, cast

from sxtstudio.core.errors import UserError
from sxtstudio.core.plain_files import open_plain, read_plain

_LARGEST_CARD = 1_000_000  # bytes
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")
_FILE = re.compile(r"[^/\\:\x00-\x1f]+\.onnx", re.IGNORECASE)
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class ModelCard:
    """What is known of a model; the fields are those of the module's table.

    ``path`` is the .onnx file and ``card_path`` the .json file, None where there is none (yet). ``notes``
    are remarks of this program for the user, such as that no card was found. These three are not written.
    """

    name: str
    description: str
    trained_on: str
    base_width: int
    label_output: str
    sha256: str
    licence: str
    input_name: str = "input"
    image_output: str | None = None
    limits: tuple[str, ...] = ()
    voxel_nm: tuple[float, float] | None = None
    polarity: Literal["dark", "any"] = "dark"
    multiple: int = 16
    halo_px: int = 192
    threshold: float = 0.0
    scores: Mapping[str, Any] = field(default_factory=dict, hash=False)
    created: str = ""
    file: str = ""
    path: Path | None = field(default=None, compare=False)
    card_path: Path | None = field(default=None, compare=False)
    notes: tuple[str, ...] = field(default=(), compare=False)

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
        try:
            data = json.loads(text)
            json.dumps(data, ensure_ascii=False).encode()  # halves of characters can be shown nowhere
        except (ValueError, RecursionError) as error:
            raise UserError(f"{source} is not a readable model card (JSON): get the model again.") from error
        if not isinstance(data, dict):
            raise UserError(f"{source} is not a model card: it must be one JSON object. Get the model again.")
        return _Fields(data, source).card()

    def to_json(self) -> str:
        """Return the card as JSON text, which ``from_json`` reads back to an equal card."""
        data = {name: value for name in _WRITTEN if (value := getattr(self, name)) is not None}
        if not self.file:
            del data["file"]
        return json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n"

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
        if model.resolve().parent != path.parent.resolve():
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
            raise UserError(
                f"The model {self.path} is not the one that its card describes (the checksum in the field "
                "'sha256' differs): get both again, or remove the card if you changed the model yourself."
            )


_WRITTEN = tuple(
    name for name in ModelCard.__dataclass_fields__ if name not in ("path", "card_path", "notes")
)


def file_sha256(path: str | Path) -> str:
    """Return the SHA-256 of a file in hexadecimal digits; UserError if it cannot be read."""
    try:
        with open_plain(Path(path)) as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise UserError(f"The model {path} cannot be read ({error.strerror}): check the file.") from error


class _Fields:
    """Takes a card's fields out of JSON and says which is wrong."""

    def __init__(self, data: dict[str, Any], source: str) -> None:
        self.data = data
        self.source = source

    def card(self) -> ModelCard:
        polarity = self.text("polarity", "dark")
        if polarity not in ("dark", "any"):
            raise self.wrong("polarity", '"dark" or "any"')
        return ModelCard(
            name=self.matching("name", _NAME, "letters, digits and . _ + - (64 at most)"),
            description=self.text("description"),
            trained_on=self.text("trained_on"),
            base_width=self.whole("base_width", 1, 4096),
            label_output=self.text("label_output"),
            sha256=self.matching("sha256", _SHA256, "64 hexadecimal digits in lower case"),
            licence=self.text("licence"),
            input_name=self.text("input_name", "input"),
            image_output=None if self.data.get("image_output") is None else self.text("image_output"),
            limits=self.texts("limits"),
            voxel_nm=self.range_nm("voxel_nm"),
            polarity=cast(Literal["dark", "any"], polarity),
            multiple=self.whole("multiple", 1, 1024, 16),
            halo_px=self.whole("halo_px", 0, 4096, 192),
            threshold=self.number("threshold", -1, 1, 0.0),
            scores=self.scores("scores"),
            created=self.text("created", "", may_be_empty=True),
            file=self.file_name("file"),
        )

    def wrong(self, key: str, expected: str) -> UserError:
        state = "is missing" if key not in self.data else "is wrong"
        return UserError(f"{self.source}: the field '{key}' {state}; it must be {expected}.")

    def text(self, key: str, default: str | None = None, *, may_be_empty: bool = False) -> str:
        value = self.data.get(key, default)
        if not isinstance(value, str) or not (value.strip() or may_be_empty):
            raise self.wrong(key, "a text")
        return value

    def matching(self, key: str, pattern: re.Pattern[str], expected: str) -> str:
        value = self.data.get(key)
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise self.wrong(key, expected)
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        value = self.data.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.wrong(key, "a list of texts")
        return tuple(value)

    def whole(self, key: str, low: int, high: int, default: int | None = None) -> int:
        value = self.data.get(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise self.wrong(key, f"a whole number from {low} to {high}")
        return value

    def number(self, key: str, low: float, high: float, default: float) -> float:
        value = self.data.get(key, default)
        if not _is_number(value) or not low <= value <= high:
            raise self.wrong(key, f"a number from {low:g} to {high:g}")
        return float(value)

    def range_nm(self, key: str) -> tuple[float, float] | None:
        value = self.data.get(key)
        if value is None:
            return None
        if not isinstance(value, list) or len(value) != 2 or not all(_is_number(v) for v in value):
            raise self.wrong(key, "[low, high] in nm, or null")
        if not 0 < value[0] <= value[1]:
            raise self.wrong(key, "[low, high] in nm with 0 < low ≤ high, or null")
        return float(value[0]), float(value[1])

    def scores(self, key: str) -> dict[str, Any]:
        value = self.data.get(key, {})
        if not isinstance(value, dict) or not _is_finite(value):
            raise self.wrong(key, "an object of finite numbers")
        return value

    def file_name(self, key: str) -> str:
        value = self.data.get(key, "")
        # Windows' rules as well: a card must mean the same on every computer.
        if not isinstance(value, str) or (value and not _FILE.fullmatch(value)):
            raise self.wrong(key, "the name of an .onnx file in the card's own folder, without a path")
        return value


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and -1e300 < value < 1e300


def _is_finite(value: object) -> bool:
    """Whether all numbers inside are; JSON has no others, but Python reads NaN and Infinity."""
    if isinstance(value, dict):
        return all(_is_finite(item) for item in value.values())
    if isinstance(value, list):
        return all(_is_finite(item) for item in value)
    return _is_number(value) or value is None or isinstance(value, str | bool)
