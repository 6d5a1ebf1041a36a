"""Whether absorbing structures are dark or bright in a tomogram: the verdict, and how slices vote for it.

What the slices say comes from the image (``image_polarity``) and, where that leaves a doubt, from a network
(``segment.polarity``): the logarithm of the odds that absorbing structures are dark. The rule that makes it
of the signs that were found has no constant, so an image turned around is judged the other way round with the
same probability. ``python -m bench.polarity`` fits it to simulated tomograms and checks it on real ones.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from sxtstudio.core.wording import share

Value = Literal["dark", "bright"]
#: What a user asks for: "auto" has it found out.
PolarityChoice = Literal["auto", "dark", "bright"]

#: Probability from which nobody needs to look, by what the verdict rests on: of slices that were judged as
#: surely as that, 98 of 100 were judged rightly (simulated tomograms, 570 slices).
SURE_BY_IMAGE, SURE = 0.95, 0.85
_MOST_SAID = 0.99  # what was learned from some hundred slices is never known to 100 %


class Basis(StrEnum):
    """On what a verdict rests."""

    NOTHING = "nothing"  # there was nothing to be seen
    IMAGE = "image"
    NETWORK = "network"  # and the image
    USER = "user"


@dataclass(frozen=True)
class Polarity:
    """How absorbing structures look.

    Attributes
    ----------
    value
        "dark" or "bright".
    probability
        That this is right, 0.5…1.
    reason
        Why, in a sentence.
    basis
        On what it rests.
    """

    value: Value
    probability: float
    reason: str
    basis: Basis = Basis.IMAGE

    @property
    def sure(self) -> bool:
        """Whether nobody needs to look at it."""
        return is_sure(self.probability, self.basis)

    @property
    def open(self) -> bool:
        """Whether a network has not been asked yet, though there is a doubt."""
        return not self.sure and self.basis in (Basis.NOTHING, Basis.IMAGE)

    @property
    def summary(self) -> str:
        """What it is and how surely, as part of a line."""
        if self.basis is Basis.NOTHING:
            return f"polarity unclear, {self.value} assumed"
        if self.basis is Basis.USER:
            return f"absorbing structures are {self.value}"
        probably = "" if self.sure else "probably "
        sure = share(min(self.probability, _MOST_SAID))
        return f"absorbing structures are {probably}{self.value} ({sure} sure)"

    def doubt(self, advice: str, name: str = "") -> str:
        """Return what to say where it is not sure, and what to do then; "" where it is.

        ``name`` is the tomogram's, where that is not plain.
        """
        if self.sure:
            return ""
        return (
            f"Whether membranes are dark or bright {f'in {name}' if name else 'here'} is not sure: "
            f"{self.value} was assumed ({self.reason}). {advice}"
        )

    @property
    def other(self) -> Value:
        """The polarity that it is not."""
        return "bright" if self.value == "dark" else "dark"


def is_sure(probability: float, basis: Basis) -> bool:
    """Return whether a verdict of this probability needs no second look."""
    return probability >= (SURE_BY_IMAGE if basis is Basis.IMAGE else SURE)


def chosen_polarity(value: Value) -> Polarity:
    """Return the polarity that a user asked for."""
    return Polarity(value, 1.0, "chosen by you", Basis.USER)


def slices_to_judge(depth: int, count: int) -> list[int]:
    """Return at most ``count`` slices of the middle nine tenths; the first few lie far apart."""
    first, last, count = 0.05 * (depth - 1), 0.95 * (depth - 1), min(depth, max(1, count))
    spread = sorted({round(first + (last - first) * i / max(1, count - 1)) for i in range(count)})
    return spread[::3] + spread[1::3] + spread[2::3]


def voted(log_odds: Sequence[float]) -> float:
    """Return the log-odds of a tomogram from those of its slices.

    Slices of a tomogram err alike, so n slices that agree count as √n; a slice in which nothing is to be seen
    does not count at all: Σ l |l| / √(Σ l²).
    """
    strength = math.sqrt(sum(one**2 for one in log_odds))
    return sum(one * abs(one) for one in log_odds) / strength if strength else 0.0


def probability(log_odds: float) -> float:
    """Return the probability of these log-odds."""
    return 1 / (1 + math.exp(-log_odds)) if log_odds > -700 else 0.0


def verdict(log_odds: Sequence[float], basis: Basis) -> Polarity:
    """Return what the log-odds of "dark" of several slices amount to, and say how sure that is."""
    if not log_odds:
        reason = "nothing can be seen in the slices looked at; dark is assumed"
        return Polarity("dark", 0.5, reason, Basis.NOTHING)
    total = voted(log_odds)
    value: Value = "bright" if total < 0 else "dark"
    right = probability(abs(total))
    agree = sum((one < 0) == (total < 0) for one in log_odds)
    who = "image and network" if basis is Basis.NETWORK else "image"
    slices = f"{agree} of {len(log_odds)} slices" if len(log_odds) > 1 else "the slice"
    reason = f"{share(min(right, _MOST_SAID))} sure, by the {who}, in {slices} looked at"
    if not is_sure(right, basis):
        reason += "; check it, and choose the polarity yourself if it is wrong"
    return Polarity(value, right, reason, basis)
