"""A file that holds several volumes, none of which is marked: which they are, and which is likely meant."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Triple

_LISTED = 8
_WHOLE_NUMBERS = "iub"
_LABELS_ARE_CALLED = ("label", "mask", "seg", "annot", "class", "instance")


@dataclass(frozen=True)
class VolumeInside:
    """A volume in a file or store.

    Attributes
    ----------
    inside
        Its path there, beginning with "/".
    shape
        As stored, in any order of axes.
    kind, bits
        Of its numbers: "f", "i", "u" … as NumPy calls them, and their size.
    against
        Why it is hardly meant, or nothing.
    """

    inside: str
    shape: tuple[int, ...]
    kind: str
    bits: int
    against: str = ""

    @property
    def numbers(self) -> str:
        """Its type of number in words: "32-bit float"."""
        words = {"f": "float", "u": "whole numbers", "i": "whole numbers", "b": "yes or no", "c": "complex"}
        return f"{self.bits}-bit {words.get(self.kind, self.kind)}"


class SeveralVolumes(UserError):
    """The file holds several volumes; one has to be named."""

    def __init__(self, text: str, place: Path, choices: Sequence[VolumeInside], what: str) -> None:
        """``text`` may say more of them; ``what`` the format calls them."""
        self.place, self.choices = place, tuple(choices)
        shown = ", ".join(f"{c.inside} ({' × '.join(map(str, c.shape))})" for c in self.choices[:_LISTED])
        more = " …" if len(self.choices) > _LISTED else ""
        super().__init__(
            f"{place.name} holds {len(self.choices)} {what} that could be meant: {shown}{more}.{text} "
            f"Name one, for example {place.name}::{likely_volume(self.choices).inside}"
        )

    def name_of(self, choice: VolumeInside) -> Path:
        """Return the name by which one of them is opened."""
        return Path(f"{self.place}::{choice.inside}")


def likely_volume(
    choices: Sequence[VolumeInside], *, shape: Triple | None = None, labels: bool = False
) -> VolumeInside:
    """Return the one that is probably meant.

    Parameters
    ----------
    choices
        At least one.
    shape
        Of the tomogram (z, y, x), to which the volume must fit, in whatever order its axes are stored.
    labels
        Labels or a mask are wanted, which are whole numbers; a tomogram mostly is not of 8 bits.
    """
    wanted = None if shape is None else sorted(n for n in shape if n > 1)

    def rank(choice: VolumeInside) -> tuple[bool, bool, bool, bool, int, bool]:
        whole = choice.kind in _WHOLE_NUMBERS
        called = any(word in choice.inside.lower() for word in _LABELS_ARE_CALLED)
        return (
            sorted(n for n in choice.shape if n > 1) == wanted,
            not choice.against,
            called == labels,
            labels and whole,
            math.prod(choice.shape),
            whole if labels else choice.bits > 8,
        )

    return max(choices, key=rank)
