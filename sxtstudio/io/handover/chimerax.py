"""Labels for ChimeraX: a map of their numbers, and a script that shows each as a surface, named and coloured.

The commands are those of https://www.rbvi.ucsf.edu/chimerax/docs/user/commands (open, segmentation, rename,
color, hide, view); what they accept follows ChimeraX's own sources (segcmd.py, atomspec.py, mrc_format.py).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sxtstudio.core.atomic import atomic_write
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box, Triple
from sxtstudio.core.label_image import HandedOver, LabelImage, LegendEntry, unique_names
from sxtstudio.core.object_classes import Rgb
from sxtstudio.core.progress import Progress
from sxtstudio.core.verified import EVERY_LETTER, read_back, write_content
from sxtstudio.core.wording import grouped
from sxtstudio.io.export_mrc import write_mrc
from sxtstudio.io.export_plan import Plan
from sxtstudio.io.handover.values import FIRST_LOOK, NamedValues, find_values, whole
from sxtstudio.io.place import Place
from sxtstudio.io.writing import Format, slab_thickness, write_volume

_TYPES = (np.int16, np.uint16, np.float32)
_EXACT = (2**15 - 1, 2**16 - 1, 2**24)  # what they hold to the number
_FORMAT = Format(write_mrc, lambda dtype: dtype, 1)


def write_chimerax(
    path: Path,
    label_image: LabelImage,
    progress: Progress | None = None,
    *,
    tomogram: Path | None = None,
    surfaces: Mapping[int, Path] | None = None,
) -> HandedOver:
    """Write ``NAME.cxc`` and, beside it, ``NAME.cxc.mrc``: the script shows the labels in ChimeraX.

    Each label becomes a surface of its own, with its name and colour: ChimeraX makes it of the map, or opens
    the file that the caller has written. Other models that are open stay.

    Parameters
    ----------
    path
        Of the script, ends in ``.cxc``.
    label_image
        The labels.
    progress
        Counts slices: of a first look, of writing, and of reading back.
    tomogram
        A file of the tomogram that the script opens, too.
    surfaces
        A file for labels that have one (STL, OBJ, GLB, in Å), instead of a surface made by ChimeraX. Paths
        are written as seen from the script.

    Raises
    ------
    UserError
        If a value is above 16,777,216, or it cannot be written.
    Cancelled
        If the user stopped the job; nothing is left behind.
    """
    path, progress = Path(path), progress or Progress()
    found = find_values(label_image, progress.part(FIRST_LOOK))
    writing = progress.part(1 - FIRST_LOOK)
    dtype = _type_for(path, found.largest)
    map_path = path.with_name(f"{path.name}.mrc")  # a name that labels of the user do not have
    with atomic_write(path) as temporary:
        lines = _script(path, map_path, label_image, found, tomogram, surfaces or {})
        text = "".join(f"{line}\n" for line in lines)
        write_content(temporary, path, text.encode())
        written = write_volume(
            map_path,
            label_image.volume,
            _plan(map_path, label_image, dtype),
            _FORMAT,
            lambda slab: whole(slab, label_image.name).astype(dtype),
            writing,
        )
        size = temporary.stat().st_size + written.bytes
    details = (("Labels", grouped(len(found.boxes))), ("Map of the labels", map_path.name))
    verified = read_back(
        *(f"{what} of the map" for what in written.compared), f"{EVERY_LETTER} of the script"
    )
    losses = tuple(_losses(label_image, found, surfaces))
    return HandedOver(path, "ChimeraX script", size, verified, details, losses)


def _type_for(path: Path, largest: int) -> np.dtype[Any]:
    for dtype, most in zip(_TYPES, _EXACT, strict=True):
        if largest <= most:
            return np.dtype(dtype)
    raise UserError(
        f"{path.name} was not written: MRC maps hold whole numbers up to {grouped(_EXACT[-1])}, and there is "
        f"label {grouped(largest)}. Number the objects anew, or hand over classes."
    )


def _plan(path: Path, image: LabelImage, dtype: np.dtype[Any]) -> Plan:
    return Plan(
        name=path.name,
        shape=image.shape,
        dtype=dtype,
        kind="objects",
        thickness=slab_thickness(image.volume, dtype, _FORMAT),
        voxel_nm=image.voxel_nm,
        place=Place(image.origin_nm),
    )


def _script(
    path: Path,
    map_path: Path,
    image: LabelImage,
    found: NamedValues,
    tomogram: Path | None,
    surfaces: Mapping[int, Path],
) -> Iterator[str]:
    """Yield the lines of the script. ChimeraX runs it in its own folder."""
    # Models are found by their names: their numbers depend on what else is open.
    model = re.sub(r"[^A-Za-z0-9_]+", "_", map_path.stem) or "labels"
    yield f"# {_plain(image.name)}: labels of SXT Studio, lengths in Å. Open this file in ChimeraX."
    if tomogram is not None:
        yield f"open {_seen_from(path, tomogram)} name {_quoted(image.name)}"
    yield f"open {_seen_from(path, map_path)} name {model}"
    yield f"hide ##name={model} models"
    names = unique_names(_plain(entry.name) for entry in found.legend)
    made: list[tuple[LegendEntry, str]] = []
    for entry, name in zip(found.legend, names, strict=True):
        if entry.value in surfaces:
            known = f'"{model} file {entry.value}"'
            yield f"open {_seen_from(path, surfaces[entry.value])} name {known}"
            yield f"color ##name={known} {_hex(entry.rgb)}"
            yield f"rename ##name={known} {_quoted(name)}"
        elif found.largest <= _EXACT[1]:  # else the map has no whole numbers for ChimeraX
            region = _region(found.boxes[entry.value], image.shape)
            yield (
                f"segmentation surfaces ##name={model} where {entry.value} region {region} step 1 "
                f"color {_hex(entry.rgb)}"
            )
            made.append((entry, name))
    yield "view"
    for entry, name in made:
        yield f'rename ##name="{model} segment {entry.value}" {_quoted(name)}'


def _region(box: Box, shape: Triple) -> str:
    """The voxels around a label, (x, y, z), both ends inside: ChimeraX need not look at others."""
    grown = box.grown((1, 1, 1), shape)
    low, high = reversed(grown.start), (stop - 1 for stop in reversed(grown.stop))
    return ",".join(map(str, (*low, *high)))


def _hex(rgb: Rgb) -> str:
    return "#" + bytes(rgb).hex()


def _plain(text: str) -> str:
    """A text without what has a meaning in commands: they come from files of strangers, too."""
    letters = (letter if letter.isprintable() else " " for letter in text)
    return " ".join("".join(letters).translate(_MEANINGS).split()) or "label"


_MEANINGS = str.maketrans({'"': "'", "\\": "/", ";": ","})


def _quoted(text: str) -> str:
    return f'"{_plain(text)}"'


def _seen_from(script: Path, file: Path) -> str:
    """The path of a file from the folder of the script, where it is below it."""
    folder = Path(os.path.abspath(script)).parent
    full = Path(os.path.abspath(file))
    path = full.relative_to(folder) if full.is_relative_to(folder) else full
    quote = "'" if '"' in path.as_posix() else '"'
    return f"{quote}{path.as_posix()}{quote}"


def _losses(image: LabelImage, found: NamedValues, surfaces: Mapping[int, Path] | None) -> Iterator[str]:
    if found.largest > _EXACT[1] and set(found.boxes) - set(surfaces or {}):
        yield (
            f"ChimeraX makes surfaces of labels up to {_EXACT[1]}: these are shown as a map only. Number the "
            "objects anew, or hand over classes."
        )
    if image.voxel_nm is None:
        yield "The voxel size is not known: ChimeraX takes a voxel for 1 Å."
