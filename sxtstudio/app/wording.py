"""Times, sizes and numbers as the user reads them."""

from __future__ import annotations


def about(seconds: float) -> str:
    """Return "About 20 s", or "Less than a second"."""
    text = duration(seconds)
    return f"About {text}" if text[0].isdigit() else text.capitalize()


def duration(seconds: float) -> str:
    """Return "20 s", "3 min" or "1 h 20 min"; no more digits than an estimate is worth."""
    if seconds < 1:
        return "less than a second"
    if seconds < 90:
        return f"{round(seconds)} s" if seconds < 10 else f"{5 * round(seconds / 5)} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, rest = divmod(5 * round(minutes / 5), 60)
    return f"{hours} h {rest} min" if rest else f"{hours} h"


def size(number_of_bytes: float) -> str:
    """Return "850 MB" or "3.4 GB"."""
    if number_of_bytes < 1e6:
        return "less than 1 MB"
    if number_of_bytes < 1e9:
        return f"{number_of_bytes / 1e6:.0f} MB"
    return f"{number_of_bytes / 1e9:.1f} GB"


def count(number: int, what: str, plural: str = "") -> str:
    """Return "1 object", "12 345 objects"; thousands are set apart by narrow spaces."""
    digits = f"{number:,}".replace(",", "\u202f")
    return f"{digits} {what if number == 1 else plural or what + 's'}"


def slice_number(z: int) -> int:
    """Return the number of slice ``z`` (from 0) as the slice views count: from 1."""
    return z + 1


def share(fraction: float) -> str:
    """Return "43 %"; small shares are not rounded to nothing."""
    percent = 100 * fraction
    if 0 < percent < 0.1:
        return "less than 0.1 %"
    return f"{percent:.1f} %" if percent < 10 else f"{percent:.0f} %"
