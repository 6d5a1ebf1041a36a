"""Is a file a tilt series, the projections of a tomogram? Name, files beside it, or header may say so.

What HDF5 files say of it is in hdf5_tilts.py.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from sxtstudio.core.plain_files import open_plain

FEWEST_IMAGES = 3

_ENDINGS = {
    ".st": "raw tilt series (stacks) of IMOD",
    ".ali": "aligned tilt series of IMOD",
    ".preali": "aligned tilt series of IMOD",
}
_ALIGNED = ("_ali", "_preali")  # cell_ali.mrc, as IMOD names them now
_RECONSTRUCTED = re.compile(r"(_|\b)(rec|recon|full|tomo\w*|labels?)$")
# Angle, piece of a montage, stage, magnification, intensity, dose (IMOD's description of MRC files).
_BYTES_OF_FLAGS = (2, 6, 4, 2, 2, 4)
_ANGLE_FILES = (".rawtlt", ".tlt")
_MOST_BYTES = 1 << 20


def tilt_series_by_files(path: Path, images: int) -> str:
    """Return why the file is held for a tilt series of ``images`` projections, or nothing.

    Names as IMOD gives them show it, and files of angles beside it: one angle for each image.
    """
    if images < FEWEST_IMAGES:
        return ""
    suffix, stem = path.suffix.lower(), path.stem.lower()
    if suffix in _ENDINGS:
        return f"its name ends in {suffix}, as those of {_ENDINGS[suffix]} do"
    if stem.endswith(_ALIGNED):
        return "its name ends in _ali, as those of aligned tilt series of IMOD do"
    if suffix == ".rec" or _RECONSTRUCTED.search(stem):
        return ""
    angle_files = (path.with_suffix(ending) for ending in _ANGLE_FILES)
    for beside in (*angle_files, path.with_name(f"{path.name}.mdoc")):
        if _angles_in(beside) == images:
            return f"{beside.name} beside it gives an angle for each of its {images} images"
    return ""


def tilt_series_by_header(extended: bytes, per_image: int, flags: int, images: int, order: str) -> str:
    """Return why the extended header of an MRC file speaks of a tilt series, or nothing.

    SerialEM and IMOD keep some values for each image there; ``flags`` (nreal) names them, the angle, in
    hundredths of a degree, first; ``per_image`` (nint) is their size in bytes, which marks this use of the
    two fields from others.
    """
    size = sum(n for bit, n in enumerate(_BYTES_OF_FLAGS) if flags >> bit & 1)
    if images < FEWEST_IMAGES or not flags & 1 or flags >> len(_BYTES_OF_FLAGS) or size != per_image:
        return ""
    words = np.frombuffer(extended[: len(extended) // 2 * 2], f"{order}i2")[:: per_image // 2][:images]
    if len(words) < images or np.ptp(words.astype(int)) == 0:
        return ""
    return f"its extended header gives an angle for each of its {images} images"


def _angles_in(path: Path) -> int:
    """Return how many angles a file lists, 0 if it is none."""
    try:
        with open_plain(path) as file:
            text = file.read(_MOST_BYTES).decode("utf-8", "replace")
    except (OSError, ValueError):
        return 0
    if path.suffix.lower() == ".mdoc":
        return len(re.findall(r"(?m)^[ \t]*+TiltAngle[ \t]*+=", text))
    lines = [line for line in text.splitlines() if line.strip()]
    try:
        angles = np.array([float(line.split()[0]) for line in lines])
    except ValueError:
        return 0
    return len(angles) if len(angles) and np.ptp(angles) > 0 else 0
