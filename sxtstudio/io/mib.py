"""What Microscopy Image Browser writes of a volume's place in space, and of its materials."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Triple
from sxtstudio.core.volume import VoxelSize

NM_PER_UM = 1000.0
_NUMBER = r"\s+([-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?)"
_BOX = re.compile(r"\bBoundingBox" + 6 * _NUMBER)

_NAMES, _MOST_NAMES, _MOST_LETTERS = "modelMaterialNames", 10_000, 200

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


def _six(numbers: Sequence[float]) -> Box6 | None:
    values = np.ravel(np.asarray(numbers, np.float64))
    if values.size != 6 or not np.isfinite(values).all() or (values[1::2] <= values[::2]).any():
        return None
    x0, x1, y0, y1, z0, z1 = (float(value) for value in values)
    return (x0, x1, y0, y1, z0, z1)


def material_names(path: Path) -> dict[int, str]:
    """Return what a model of MIB calls its materials, by the value of their voxels; {} where it says nothing.

    A model is a MATLAB file, version 7.3 (HDF5); entry i of ``modelMaterialNames`` is the name of the value
    i (MIB2 saveModel). Whatever is not as it should be has no name.
    """
    import h5py  # takes long to load

    from sxtstudio.io.hdf5_links import Hdf5Tree

    found: dict[int, str] = {}
    with suppress(OSError, KeyError, TypeError, ValueError, AttributeError, UserError):
        tree = Hdf5Tree(path)
        try:
            # Links that lead out of the folder are refused, here as where voxels are read.
            cells = tree.follow(tree.root, _NAMES)
            if (
                not isinstance(cells, h5py.Dataset)
                or cells.dtype != h5py.ref_dtype
                or cells.size > _MOST_NAMES
            ):
                return {}
            tree.check_storage(cells)
            for value, reference in enumerate(np.ravel(cells[()]), 1):
                letters = cells.file[reference]
                if letters.dtype == np.uint16 and 0 < letters.size <= _MOST_LETTERS:
                    tree.check_storage(letters)
                    name = letters[()].ravel().tobytes().decode("utf-16-le", "ignore").strip()
                    found.update({value: name} if name.isprintable() and name else {})
        finally:
            tree.close()
    return found
