"""Numbers, times, sizes and lengths as people read them: in the window, on the command line, in errors."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

from sxtstudio.core.lengths import Unit

# Thousands are set apart by narrow spaces that do not break: a comma is a decimal sign to half of the world.
_THOUSANDS = "\u202f"

_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def grouped(number: float, decimals: int | None = None) -> str:
    """Return "12 345", or "12 345.60": thousands are set apart by narrow spaces."""
    return f"{number:{',' if decimals is None else f',.{decimals}f'}}".replace(",", _THOUSANDS)


def significant(number: float, digits: int) -> str:
    """Return "0.0123", "12 345" or "3.1×10⁻⁵": a finite number of any size with so many digits."""
    mantissa, _, power = f"{number:.{digits - 1}e}".partition("e")
    if number and not -4 < int(power) < 6:
        return mantissa + times_ten(int(power))
    decimals = max(0, digits - 1 - int(power))
    whole, _, rest = grouped(number, decimals).partition(".")
    rest = rest.rstrip("0")
    return f"{whole}.{rest}" if rest else whole


def times_ten(power: int) -> str:
    """Return "×10⁻⁵"; "" for 0."""
    return f"×10{str(power).translate(_RAISED)}" if power else ""


def count(number: int, what: str, plural: str = "") -> str:
    """Return "1 object", "12 345 objects"."""
    return f"{grouped(number)} {what if number == 1 else plural or what + 's'}"


def objects_text(numbers: Collection[int]) -> str:
    """Return "5, 9", or of more objects than anybody would read, "31 objects"."""
    return ", ".join(map(str, numbers)) if len(numbers) <= _NAMED else count(len(numbers), "object")


def numbers_in(words: object) -> list[int] | None:
    """Return the numbers that ``objects_text`` has named; None of other words, such as how many."""
    parts = words.split(", ") if isinstance(words, str) else []
    return [int(part) for part in parts] if parts and all(part.isdecimal() for part in parts) else None


def cut(text: str, most: int = 60) -> str:
    """Return a name of any length as it fits into a sentence: "abc…"."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


_NAMED = 20
_PYTHONS_OWN = (AttributeError, TypeError, ZeroDivisionError)


def reason_of(error: BaseException) -> str:
    """Return what a library said of a damaged file, cut to fit a sentence, without terms of Python."""
    text = str(error)
    if "set_int_max_str_digits" in text:
        return "a number in it is too long"
    if isinstance(error, _PYTHONS_OWN):  # what they say is of the code, not of the file
        return "sizes or other numbers in it make no sense"
    return cut(" ".join(text.split()), 160).rstrip(".")


def listed(names: Sequence[str], most: int = 8) -> str:
    """Return "a, b, c", or the first few and "and 1 990 more"; long names are cut."""
    text = ", ".join(cut(name, 24) for name in names[:most])
    return text if len(names) <= most else f"{text} and {grouped(len(names) - most)} more"


def shape_text(shape: Sequence[int]) -> str:
    """Return a shape, as its axes come: "500 × 1324 × 1284"."""
    return " × ".join(str(n) for n in shape)


def about(seconds: float) -> str:
    """Return "About 20 s", or "Less than a second"."""
    text = rough_duration(seconds)
    return f"About {text}" if text[0].isdigit() else text.capitalize()


def rough_duration(seconds: float) -> str:
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


def slice_number(z: int) -> int:
    """Return the number of slice ``z`` (from 0) as the slice views count: from 1."""
    return z + 1


def slices_text(slices: Sequence[int]) -> str:
    """Return "1-3, 40" for the slices (0, 1, 2, 39): people count from 1."""
    runs: list[list[int]] = []
    for z in sorted(set(slices)):
        if runs and z == runs[-1][1] + 1:
            runs[-1][1] = z
        else:
            runs.append([z, z])
    return ", ".join(f"{a + 1}" if a == b else f"{a + 1}-{b + 1}" for a, b in runs)


def slices_words(first: int, stop: int) -> str:
    """Return "slice 12", or "slices 12 to 15": of ``first`` (from 0) up to ``stop``, not included."""
    return f"slice {stop}" if stop - first == 1 else f"slices {slice_number(first)} to {stop}"


def share(fraction: float) -> str:
    """Return "43 %"; small shares are not rounded to nothing."""
    percent = 100 * fraction
    if 0 < percent < 0.1:
        return "less than 0.1 %"
    return f"{percent:.1f} %" if percent < 10 else f"{percent:.0f} %"


def duration(seconds: float) -> str:
    """Return a time span: 80 ms, 4.2 s, 45 s, 12 min, 3 h 20 min."""
    if seconds < 0.095:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 9.95:
        return f"{seconds:.2g} s"
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02d} min"


def bytes_text(count: float) -> str:
    """Return a file size: 812 bytes, 9.44 MB, 3.40 GB."""
    if count < 1000:
        return f"{count:.0f} bytes"
    power = 1
    while power < 4 and count / 1000**power >= 999.5:
        power += 1
    return f"{count / 1000**power:.3g} {('kB', 'MB', 'GB', 'TB')[power - 1]}"


def length_text(length: float, unit: str = "nm") -> str:
    """Return a length with its unit: "200 nm", "2 µm", or "50 voxels" where ``unit`` is another."""
    if unit != "nm":
        return f"{length:g} voxels"
    return f"{length / 1000:g} µm" if length >= 1000 else f"{length:g} nm"


def number_text(nm: float, unit: Unit) -> str:
    """Return a length without its unit: "2230" in nm, "2.230" in µm, so that digits never jump."""
    return f"{nm:.0f}" if unit == "nm" else f"{nm / 1000:.3f}"


def voxel_text(voxel_nm: tuple[float, float, float] | None) -> str:
    """Return a voxel size (z, y, x) in words, its axes named."""
    if voxel_nm is None:
        return "voxel size unknown"
    z, y, x = voxel_nm
    if math.isclose(x, y, rel_tol=1e-4) and math.isclose(y, z, rel_tol=1e-4):
        return f"{x:.4g} nm voxels"
    return f"{z:.4g} × {y:.4g} × {x:.4g} nm voxels (z × y × x)"


def voxel_zyx_text(voxel_nm: Sequence[float] | None) -> str:
    """Return a voxel size (z, y, x) with its unit, or 'unknown'."""
    if voxel_nm is None:
        return "unknown"
    return f"{' × '.join(f'{edge:.6g}' for edge in voxel_nm)} nm (z × y × x)"
