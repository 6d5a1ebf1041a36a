"""What the result of a segmentation depends on: an interrupted run goes on only where it is the same."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct, to_builtins

from sxtstudio.core.geometry import Triple
from sxtstudio.core.polarity import Value
from sxtstudio.core.records import Finite, WrongKey, record_of

_Index = Annotated[int, Meta(ge=0)]
_Length = Annotated[int, Meta(ge=1)]

# The words of the user for each field; they are the names in the file as well.
_WORDS = {
    "model": "model",
    "model_sha256": "model's checksum",
    "threshold": "threshold",
    "polarity": "polarity",
    "first": "first slice",
    "last": "last slice",
    "probability": "probability",
    "neighbours": "neighbours on each side",
    "leave_out": "frames and gold left out",
    "noisy": "seen as a noisy tomogram",
    "tomogram": "size of the tomogram",
    "dtype": "type of its values",
    "content": "content of the tomogram",
}
# The name of a former version, with the number of all slices that have a say.
_FORMER_NEIGHBOURS = "looks at each slice"


class RunSettings(Struct, frozen=True, rename=_WORDS):
    """Settings of one run.

    Attributes
    ----------
    first, last
        First and last slice of the tomogram that are segmented, both included.
    probability
        Whether the network's output is kept as well.
    neighbours
        How many slices on each side have a say.
    tomogram
        Its shape (z, y, x).
    content
        Checksum of some of its slices.
    leave_out
        Whether frames and gold are not labelled.
    noisy
        Whether the network saw the slices smaller.
    """

    model: str
    model_sha256: str
    threshold: Finite
    polarity: Value
    first: _Index
    last: _Index
    probability: bool
    neighbours: _Index
    tomogram: tuple[_Length, _Length, _Length]
    dtype: str
    content: str
    leave_out: bool = False  # former versions labelled them
    noisy: bool = False

    def __post_init__(self) -> None:
        """Refuse slices that the tomogram does not have."""
        if not self.first <= self.last < self.tomogram[0]:
            raise WrongKey(_WORDS["last"], "a slice of the tomogram from the first one on")

    @property
    def shape(self) -> Triple:
        """Of the labels, (z, y, x)."""
        return (self.last + 1 - self.first, self.tomogram[1], self.tomogram[2])

    def to_json(self) -> dict[str, Any]:
        """Return the settings as JSON values, under names that the user understands."""
        return dict(to_builtins(self))

    def changes_from(self, earlier: RunSettings) -> list[str]:
        """Return what differs, such as "threshold was 0.0 and is now 0.5"."""
        now, then = self.to_json(), earlier.to_json()
        return [
            f"{key} was {_shown(then[key])} and is now {_shown(now[key])}"
            for key in now
            if now[key] != then[key]
        ]


def settings_from_json(content: Any, what: str) -> RunSettings:
    """Check JSON values and return them as settings; ``what`` begins the RecordError if they are none."""
    if isinstance(content, dict) and isinstance(former := content.get(_FORMER_NEIGHBOURS), int):
        content = {_WORDS["neighbours"]: former // 2, **content}
    return record_of(content, RunSettings, what)


def _shown(value: Any) -> str:
    if isinstance(value, str) and len(value) > 24:
        return f"{value[:12]}…"
    if isinstance(value, list | tuple):
        return " × ".join(str(item) for item in value)
    return str(value)
