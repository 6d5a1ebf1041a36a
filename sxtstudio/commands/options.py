"""How sizes, slices and triples are written on the command line, and options that commands share."""

from __future__ import annotations

import argparse
import math
import re
from pathlib import Path

from sxtstudio.core.axes import AxisOrder
from sxtstudio.core.lengths import is_voxel_size
from sxtstudio.core.uses import Use, use_named

NM3 = {"nm3": 1.0, "nm³": 1.0, "um3": 1e9, "µm3": 1e9, "um³": 1e9, "µm³": 1e9}


def not_empty(text: str) -> str:
    """Take a name that is one: a variable of a script that is not set gives none."""
    if not text.strip():
        raise argparse.ArgumentTypeError("nothing is named")
    return text


def positive_int(text: str) -> int:
    """Read a whole number of 1 or more."""
    return _whole(text, 1)


def whole_number(text: str) -> int:
    """Read a whole number of 0 or more."""
    return _whole(text, 0)


def size(text: str) -> tuple[int | None, float | None]:
    """Read a smallest object, ``500`` voxels or ``2e6nm3`` or ``0.002um3``, as (voxels, nm³)."""
    match = re.fullmatch(r"\s*([0-9.]+(?:[eE][+-]?[0-9]+)?)\s*(\S*)\s*", text)
    try:
        value, unit = (float(match[1]), match[2].lower()) if match else (math.nan, "")
    except ValueError:
        value, unit = math.nan, ""
    if match and math.isfinite(value):
        if unit in NM3:
            return None, value * NM3[unit]
        if unit in ("", "px", "voxel", "voxels") and value == int(value):
            return int(value), None
    raise argparse.ArgumentTypeError(f"{text!r} is no size: give voxels (500) or a volume (2e6nm3, 0.002um3)")


def slice_range(text: str) -> tuple[int | None, int | None]:
    """Read ``A:B`` (A is the first slice, counted from 0; B is the first that is left out)."""
    match = re.fullmatch(r"\s*(-?\d*)\s*:\s*(-?\d*)\s*", text)
    if not match or "-" in (match[1], match[2]):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no range of slices: give A:B, such as 100:200, 100: or :200"
        )
    try:
        first, last = (int(number) if number else None for number in match.groups())
    except ValueError:  # Python reads no number of thousands of digits
        raise argparse.ArgumentTypeError("a slice has no number of so many digits") from None
    return first, last


def crop(text: str) -> tuple[int, int, int]:
    """Read ``Z,Y,X``, the voxels to clear at each border."""
    try:
        z, y, x = (_whole(part, 0) for part in text.split(","))
    except (ValueError, argparse.ArgumentTypeError):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no crop: give three numbers of voxels, Z,Y,X, such as 2,8,8"
        ) from None
    return z, y, x


def voxel_size(text: str) -> tuple[float, float, float]:
    """Read a voxel size in nm, one number or ``Z,Y,X``, as (z, y, x)."""
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) == 1:
        numbers *= 3
    if not is_voxel_size(numbers):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no voxel size: give nanometres, such as 9.8 or 20,10,10"
        )
    return numbers[0], numbers[1], numbers[2]


def use(text: str) -> Use:
    """Read a use of labels, by its name or in words."""
    found = use_named(text)
    if found is None:
        known = ", ".join(f"{one.value} (“{one.words}”)" for one in Use)
        raise argparse.ArgumentTypeError(f"{text!r} is no use of labels: give one of {known}")
    return found


def add_threshold(parser: argparse.ArgumentParser) -> None:
    """Add the options that say from which output of the network on a pixel is labelled."""
    either = parser.add_mutually_exclusive_group()
    either.add_argument(
        "--use",
        type=use,
        metavar="USE",
        help="what the labels are for: few-false (“few false labels”), balanced or everything (“find "
        "everything”); each is a threshold of the model, whose measured precision and recall `models` shows",
    )
    either.add_argument(
        "--threshold", type=float, metavar="T", help="label above it (default: that of the model)"
    )


def add_tile(parser: argparse.ArgumentParser) -> None:
    """Add the option that sets the size of the tiles."""
    parser.add_argument(
        "--tile", type=positive_int, metavar="PX", help="edge of the tiles; the result is the same"
    )


def add_trust(parser: argparse.ArgumentParser) -> None:
    """Add the option that says which slices the network redraws."""
    parser.add_argument(
        "--trust",
        choices=("none", "sample", "every"),
        default="sample",
        help="tell how sure the network is of each slice, and redraw no slice, every fifth (8 %% more time) "
        "or every one (40 %% more) to tell how much of it is recognised; none: no such figures at all",
    )


def add_neighbours(parser: argparse.ArgumentParser) -> None:
    """Add the option that lets neighbouring slices have a say, or not."""
    parser.add_argument(
        "--neighbours",
        type=int,
        choices=(0, 1),
        default=1,
        help="slices on each side that have a say. 1: the mean of the network's outputs for a slice and its "
        "two neighbours, each turned another way, in the same time; 0: for the slice alone, as published "
        "(default: 1)",
    )


def add_leave_out(parser: argparse.ArgumentParser) -> None:
    """Add the option that labels frames and gold, too."""
    parser.add_argument(
        "--label-artefacts",
        dest="leave_out",
        action="store_false",
        help="label also what runs along the frame of the reconstruction, and gold and its streaks",
    )


def add_noisy(parser: argparse.ArgumentParser) -> None:
    """Add the option that shows the network the slices smaller."""
    parser.add_argument(
        "--noisy",
        action="store_true",
        help="the network sees the slices in four fifths of their size: better in a noisy tomogram, in two "
        "thirds of the time; fine structures of a clear one are lost",
    )


def add_voxel(parser: argparse.ArgumentParser) -> None:
    """Add the option that gives, or corrects, the voxel size."""
    parser.add_argument(
        "--voxel",
        type=voxel_size,
        metavar="NM",
        help="voxel size, one number or Z,Y,X, where the file is wrong",
    )


def add_label(parser: argparse.ArgumentParser) -> None:
    """Add the option that takes one kind of label out of several."""
    parser.add_argument(
        "--label",
        type=positive_int,
        metavar="N",
        help="take only the voxels with this value, where LABELS holds several, such as materials",
    )


def add_axes(parser: argparse.ArgumentParser, what: str = "FILE") -> None:
    """Add the option that names the stored axes of the file ``what``."""
    parser.add_argument(
        "--axes",
        type=AxisOrder.from_text,
        metavar="ORDER",
        help=f"how {what} stores its axes, the slowest first, where it does not say or is wrong: zyx, xyz; a "
        "minus behind a letter reads that axis backwards: z-yx. A file of another option is named with its "
        "own order: FILE::axes=xyz",
    )


def named(file: str, axes: AxisOrder | None) -> Path:
    """Return the name of a file that is read in the order of ``--axes``."""
    if axes is None:
        return Path(file)
    from sxtstudio.io.volume_name import with_axes  # with all readers

    return with_axes(file, axes)


def add_force(parser: argparse.ArgumentParser) -> None:
    """Add the option that segments projections."""
    parser.add_argument(
        "--force", action="store_true", help="segment what looks like a tilt series (projections), too"
    )


def add_clean_up(parser: argparse.ArgumentParser, *, own_tomogram: bool) -> None:
    """Add the options of the clean-up; ``own_tomogram``: the automatic mask needs no file."""
    group = parser.add_argument_group("clean-up, in the order in which it is done")
    group.add_argument(
        "--smooth-z",
        type=whole_number,
        default=0,
        metavar="N",
        help="majority of the slices z-N to z+N decides",
    )
    group.add_argument(
        "--close", type=whole_number, default=0, metavar="N", help="close gaps of up to 2N voxels"
    )
    group.add_argument(
        "--fill-holes",
        type=whole_number,
        default=0,
        metavar="PX",
        help="fill holes within a slice of at most so many pixels",
    )
    group.add_argument(
        "--dilate", type=whole_number, default=0, metavar="N", help="add N voxels to every surface"
    )
    masks = group.add_mutually_exclusive_group()
    masks.add_argument("--mask", metavar="FILE", help="keep labels only where this volume is not zero")
    if own_tomogram:
        masks.add_argument(
            "--auto-mask", action="store_true", help="keep labels only in the cell (found by itself)"
        )
    else:
        masks.add_argument(
            "--auto-mask", metavar="TOMOGRAM", help="keep labels only in the cell (found in it)"
        )
    group.add_argument(
        "--erode", type=whole_number, default=0, metavar="N", help="take N voxels off every surface"
    )
    group.add_argument(
        "--erode-2d", action="store_true", help="close, dilate and erode within the slices only, not along z"
    )
    group.add_argument(
        "--min-size",
        type=size,
        metavar="SIZE",
        help="remove objects smaller than so many voxels, or a volume: 2e6nm3, 0.002um3 (default: none)",
    )
    group.add_argument("--crop", type=crop, metavar="Z,Y,X", help="clear so many voxels at each border")


def _whole(text: str, least: int) -> int:
    try:
        number = int(text)
    except ValueError:
        number = least - 1
    if number < least:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of {least} or more")
    return number


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the option for the table with the flags of objects."""
    parser.add_argument(
        "--flags",
        metavar="TABLE",
        help="the table that 'objects --table' wrote with OBJECTS, or one exported in the window: which "
        "objects are open, doubtful or sheets; sheets are left out of means",
    )
