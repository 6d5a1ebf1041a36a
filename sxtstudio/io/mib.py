"""What Microscopy Image Browser writes of a volume's place in space, and of its materials."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Triple
from sxtstudio.core.label_image import Legend, LegendEntry
from sxtstudio.core.object_classes import Rgb
from sxtstudio.core.object_colours import number_colours
from sxtstudio.core.plain_files import open_plain
from sxtstudio.core.volume import VoxelSize
from sxtstudio.io.axes import MATLAB_AXES, StoredAxes
from sxtstudio.io.mat5 import HEADER_BYTES, is_mat5, value_of, variables
from sxtstudio.io.units import judge_voxel

NM_PER_UM = 1000.0
_NUMBER = r"\s+([-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?)"
_BOX = re.compile(r"\bBoundingBox" + 6 * _NUMBER)

#: The variable of the labels; those that name another one, and the box, of MIB 2 and 3, and of version 1.
MODEL = "mibModel"
MODEL_NAMES, BOXES = ("modelVariable", "model_var"), ("BoundingBox", "bounding_box")
_NAMES, _COLOURS = ("modelMaterialNames", "material_list"), ("modelMaterialColors", "color_list")
_MOST_NAMES, _MOST_LETTERS, _MOST_COLOURS = 10_000, 200, 100_000
_DAMAGE = (struct.error, zlib.error, StopIteration)

Box6 = tuple[float, float, float, float, float, float]


def box_in(description: str) -> Box6 | None:
    """Return the numbers behind "BoundingBox" in the ImageDescription of a TIFF file, if they are there."""
    found = _BOX.search(description)
    try:
        return None if found is None else _six([float(number) for number in found.groups()])
    except ValueError:
        return None


def voxel_um_of_box(box: Sequence[float], shape: Triple) -> VoxelSize | None:
    """Return the voxel size (µm; z, y, x) of a bounding box in µm, or None if it is no box.

    The box is [xmin xmax ymin ymax zmin zmax] and spans the voxels' centres: (max - min) / (n - 1); that of
    a single slice is as deep as of two (MIB2 saveModel, getBoundingBox).
    """
    six = _six(box)
    if six is None:
        return None
    z, y, x = ((six[2 * i + 1] - six[2 * i]) / (max(n, 2) - 1) for i, n in zip((2, 1, 0), shape, strict=True))
    return (z, y, x)


def origin_of_box(box: Sequence[float]) -> VoxelSize | None:
    """Return where the first voxel lies (nm; z, y, x)."""
    six = _six(box)
    return None if six is None else (six[4] * NM_PER_UM, six[2] * NM_PER_UM, six[0] * NM_PER_UM)


def place_of_model(
    box: Sequence[float], axes: StoredAxes
) -> tuple[VoxelSize | None, tuple[str, ...], VoxelSize | None]:
    """Return voxel size, notes and origin (nm; z, y, x) of labels by the box beside them.

    The box is along the axes as MATLAB has them; where the user names others, lengths go with the axes.
    """
    letters = MATLAB_AXES.get(len(axes.shape), "")
    if len(letters) != len(axes.shape):
        return None, (), None
    sizes = {str(letter): n for letter, n in zip(letters, axes.shape, strict=True)}
    voxel = voxel_um_of_box(box, (sizes.get("z", 1), sizes.get("y", 1), sizes.get("x", 1)))
    first = origin_of_box(box)
    if voxel is None or first is None:
        return None, (), None
    lengths = dict(zip("zyx", voxel, strict=True))
    places = dict(zip("zyx", first, strict=True))
    deep = axes.volume_shape[0] > 1
    values = axes.pick([lengths.get(str(letter)) for letter in letters])
    origin = axes.pick([places.get(str(letter)) for letter in letters])
    if axes.places[0] is None:
        values[0], origin[0] = lengths["z"], places["z"]
    voxel_nm, notes = judge_voxel(values, NM_PER_UM, depth_matters=deep)
    z, y, x = (0.0 if value is None else value for value in origin)
    return voxel_nm, notes, (z, y, x)


def _six(numbers: Sequence[float]) -> Box6 | None:
    values = np.ravel(np.asarray(numbers, np.float64))
    if values.size != 6 or not np.isfinite(values).all() or (values[1::2] <= values[::2]).any():
        return None
    x0, x1, y0, y1, z0, z1 = (float(value) for value in values)
    return (x0, x1, y0, y1, z0, z1)


def model_legend(path: Path) -> Legend:
    """Return what a model of MIB calls its materials, and their colours; () where it says nothing.

    A model is a file of MATLAB; entry i of ``modelMaterialNames`` is the name of the value i (MIB2
    saveModel). Models of more than 255 materials have two names that are numbers, which say nothing.
    Whatever is not as it should be has no name.
    """
    found: tuple[list[object], NDArray[Any] | None] = ([], None)
    with suppress(OSError, KeyError, TypeError, ValueError, AttributeError, EOFError, UserError, *_DAMAGE):
        found = _texts_5(path) if is_mat5(_head(path)) else _texts_73(path)
    names, colours = found
    entries = []
    for value, name in enumerate(names[:_MOST_NAMES], 1):
        text = name.strip() if isinstance(name, str) else ""
        if text and text.isprintable() and not text.isdigit() and len(text) <= _MOST_LETTERS:
            entries.append(LegendEntry(value, text, _rgb(colours, value - 1)))
    return tuple(entries)


def _head(path: Path) -> bytes:
    with open_plain(path) as file:
        return file.read(HEADER_BYTES)


def _rgb(colours: NDArray[Any] | None, row: int) -> Rgb:
    """Return a colour of the list (n, 3) of 0 … 1; without one, that of its number."""
    if colours is None or colours.ndim != 2 or colours.shape[1] != 3 or not 0 <= row < len(colours):
        r, g, b = number_colours(np.array([row + 1]))[0].tolist()
        return (r, g, b)
    r, g, b = np.rint(np.clip(np.nan_to_num(colours[row].astype(np.float64)), 0, 1) * 255).astype(int)
    return (int(r), int(g), int(b))


def _texts_5(path: Path) -> tuple[list[object], NDArray[Any] | None]:
    held = variables(path)
    names = next((value_of(path, held[name]) for name in _NAMES if name in held), None)
    colours = next((value_of(path, held[name]) for name in _COLOURS if name in held), None)
    listed: list[object] = [*names] if isinstance(names, list) else []
    return listed, colours if isinstance(colours, np.ndarray) else None


def _texts_73(path: Path) -> tuple[list[object], NDArray[Any] | None]:
    import h5py  # takes long to load

    from sxtstudio.io.hdf5_links import Hdf5Tree

    tree = Hdf5Tree(path)
    names: list[object] = []
    try:
        # Links that lead out of the folder are refused, here as where voxels are read.
        cells = tree.follow(tree.root, next(name for name in _NAMES if name in tree.root))
        if not isinstance(cells, h5py.Dataset) or cells.dtype != h5py.ref_dtype or cells.size > _MOST_NAMES:
            return [], None
        tree.check_storage(cells)
        for reference in np.ravel(cells[()]):
            letters, name = cells.file[reference], ""
            if letters.dtype == np.uint16 and 0 < letters.size <= _MOST_LETTERS:
                tree.check_storage(letters)
                name = letters[()].ravel().tobytes().decode("utf-16-le", "ignore")
            names.append(name)
        listed = next((name for name in _COLOURS if name in tree.root), None)
        colours = None if listed is None else tree.follow(tree.root, listed)
        if not isinstance(colours, h5py.Dataset) or colours.ndim != 2 or colours.size > 3 * _MOST_COLOURS:
            return names, None
        return names, tree.values(colours).T  # MATLAB's axes, the other way round
    finally:
        tree.close()
