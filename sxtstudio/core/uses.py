"""What labels are wanted for: it decides how sure the network must be of a pixel to label it."""

from __future__ import annotations

from enum import StrEnum


class Use(StrEnum):
    """A use of labels; the value is its name in files and on the command line, strictest first."""

    FEW_FALSE = "few-false"
    BALANCED = "balanced"
    EVERYTHING = "everything"

    @property
    def words(self) -> str:
        """What people call it."""
        return _WORDS[self]

    @property
    def meaning(self) -> str:
        """What it is good for, in one sentence."""
        return _MEANINGS[self]


_WORDS = {
    Use.FEW_FALSE: "few false labels",
    Use.BALANCED: "balanced",
    Use.EVERYTHING: "find everything",
}
_MEANINGS = {
    Use.FEW_FALSE: "Labels what the network is sure of: more gaps to close.",
    Use.BALANCED: "Misses and mistakes weigh the same: some of either.",
    Use.EVERYTHING: "Labels also what it doubts: few gaps, more to delete.",
}


def use_named(text: str) -> Use | None:
    """Return the use of this name or in these words, such as "few-false" or "Few false labels"; or None."""
    wanted = " ".join(text.casefold().split())
    return next((use for use in Use if wanted in (use.value, use.words)), None)
