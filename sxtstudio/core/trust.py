"""What a segmentation says of how far each slice can be trusted: figures, their summary, their JSON form."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields

#: What counts as unsure and as sure by itself: in the tests (``python -m bench.trust``) slices below the
#: lower had hardly a right label.
LOW, HIGH = 0.3, 0.7
#: Less than this between the slices of a tomogram is not made larger: it is chance.
_LEAST_SPAN = 0.03
_BARS = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True)
class SliceTrust:
    """Figures (0…1) of one slice; None where they are not known.

    Attributes
    ----------
    certainty
        How sure the network is of what it has labelled: the F1 that it expects of its labels.
    recognised
        Share of the pixels that the network redraws within one standard deviation of its input.
    measured
        Share of the slice that was measured. The rest is a fill (``core.measured``); neither of the other
        figures counts it.
    """

    certainty: float | None = None
    recognised: float | None = None
    measured: float | None = None

    def __bool__(self) -> bool:
        """Whether anything is known of the network."""
        return self.certainty is not None or self.recognised is not None


Trust = tuple[SliceTrust, ...]
#: The figures' names.
FIGURES = tuple(field.name for field in fields(SliceTrust))


def replaced(former: Trust, depth: int, first: int, new: Sequence[SliceTrust]) -> Trust:
    """Return the figures of all ``depth`` slices after those from ``first`` on were segmented anew."""
    figures = list(former) if len(former) == depth else [SliceTrust()] * depth
    figures[first : first + len(new)] = new
    return tuple(figures) if any(figures) else ()


@dataclass(frozen=True)
class CertaintyScale:
    """What of the certainty is drawn as least and as most, so that the differences within a tomogram show.

    Attributes
    ----------
    low, high
        Certainties (0…1) that are drawn with the first and the last colour.
    """

    low: float
    high: float

    def place(self, certainty: float) -> float:
        """Return 0 for a certainty that is ``low`` or less, 1 for one that is ``high`` or more."""
        return min(1.0, max(0.0, (certainty - self.low) / (self.high - self.low)))

    @property
    def words(self) -> str:
        """Say where all that is drawn lies on the scale that holds for every tomogram, or ""."""
        if self.high <= LOW:
            return "unsure throughout"
        return "sure throughout" if self.low >= HIGH else ""


def scale_of(figures: Sequence[SliceTrust]) -> CertaintyScale | None:
    """Return the scale of a tomogram, None where no certainty is known.

    It spans all slices but the twentieth at either end, which must not take the colours from the others.
    """
    known = sorted(f.certainty for f in figures if f.certainty is not None)
    if not known:
        return None
    left_out = len(known) // 20
    low, high = known[left_out], known[len(known) - 1 - left_out]
    low = max(0.0, min(low, high - _LEAST_SPAN))
    return CertaintyScale(low, max(high, low + _LEAST_SPAN))


def median(values: Sequence[float | None]) -> float | None:
    """Return the median of what is known."""
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def least_certain(figures: Sequence[SliceTrust], most: int = 5) -> list[tuple[int, float]]:
    """Return index and certainty of the least certain slices, the worst first."""
    known = [(i, f.certainty) for i, f in enumerate(figures) if f.certainty is not None]
    return sorted(known, key=lambda entry: (entry[1], entry[0]))[:most]


def bars(figures: Sequence[SliceTrust], most: int = 40) -> str:
    """Return the certainty from the first slice to the last as a plot of text, "▁▅▇"; "·" is unknown.

    Its lowest and highest bars are the ends of ``scale_of``.
    """
    width, scale = min(most, len(figures)), scale_of(figures)
    text = ""
    for i in range(width):
        part = figures[i * len(figures) // width : (i + 1) * len(figures) // width]
        value = median([f.certainty for f in part])
        text += "·" if value is None or scale is None else _BARS[min(7, int(8 * scale.place(value)))]
    return text


def trust_to_json(figures: Trust) -> dict[str, list[float | None]]:
    """Return figures as JSON values."""
    each = [asdict(f) for f in figures]
    return {name: [None if f[name] is None else round(f[name], 4) for f in each] for name in FIGURES}
