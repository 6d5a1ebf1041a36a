"""What the result of a segmentation depends on: an interrupted run goes on only where it is the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from sxtstudio.core.geometry import Triple

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
    "tomogram": "size of the tomogram",
    "dtype": "type of its values",
    "content": "content of the tomogram",
}
# The name of a former version, with the number of all slices that have a say.
_FORMER_NEIGHBOURS = "looks at each slice"


@dataclass(frozen=True)
class RunSettings:
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
    """

    model: str
    model_sha256: str
    threshold: float
    polarity: Literal["dark", "bright"]
    first: int
    last: int
    probability: bool
    neighbours: int
    tomogram: Triple
    dtype: str
    content: str

    @property
    def shape(self) -> Triple:
        """Of the labels, (z, y, x)."""
        return (self.last + 1 - self.first, self.tomogram[1], self.tomogram[2])

    def to_json(self) -> dict[str, Any]:
        """Return the settings as JSON values, under names that the user understands."""
        return {_WORDS[field.name]: getattr(self, field.name) for field in fields(self)}

    def changes_from(self, earlier: RunSettings) -> list[str]:
        """Return what differs, such as "threshold was 0.0 and is now 0.5"."""
        now, then = self.to_json(), earlier.to_json()
        return [
            f"{key} was {_shown(then[key])} and is now {_shown(now[key])}"
            for key in now
            if now[key] != then[key]
        ]


def settings_from_json(content: Mapping[str, Any]) -> RunSettings:
    """Check JSON values and return them as settings.

    Raises
    ------
    KeyError, TypeError, ValueError
        If anything is missing or not as it must be.
    """
    values = {name: content.get(word) for name, word in _WORDS.items()}
    if values["neighbours"] is None and _FORMER_NEIGHBOURS in content:
        values["neighbours"] = content[_FORMER_NEIGHBOURS] // 2
    z, y, x = (_whole(n, 1) for n in content[_WORDS["tomogram"]])
    first, last = _whole(values["first"], 0), _whole(values["last"], 0)
    if not first <= last < z or values["polarity"] not in ("dark", "bright"):
        raise ValueError("settings that no run has")
    if not isinstance(values["probability"], bool):
        raise TypeError("probability is yes or no")
    return RunSettings(
        model=str(content[_WORDS["model"]]),
        model_sha256=str(values["model_sha256"]),
        threshold=float(content[_WORDS["threshold"]]),
        polarity=values["polarity"],
        first=first,
        last=last,
        probability=values["probability"],
        neighbours=_whole(values["neighbours"], 0),
        tomogram=(z, y, x),
        dtype=str(values["dtype"]),
        content=str(values["content"]),
    )


def _whole(value: Any, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ValueError(f"{value!r} is no number from {least} on")
    return value


def _shown(value: Any) -> str:
    if isinstance(value, str) and len(value) > 24:
        return f"{value[:12]}…"
    if isinstance(value, tuple):
        return " × ".join(str(item) for item in value)
    return str(value)
