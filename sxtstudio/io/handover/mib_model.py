"""Models and masks of Microscopy Image Browser (MIB): files of MATLAB with labels, names and colours.

Written by the sources of MIB 2.91 beta 21 (github.com/Ajaxels/MIB2, commit 3495814: saveModel, loadModel,
saveMask, loadMask, getBoundingBox) and of MIB 3 (github.com/Ajaxels/MIB3, commit 06136a8: MatModelLoader,
MatlabSaver), which were read and not run; GNU Octave loads what is written here in the tests.

MIB loads with MATLAB's ``load``, which takes any version of its files. Version 5 is written, which Octave and
SciPy read as well; a variable of 2 GB or more fits into version 7.3 only, which is HDF5.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.label_image import HandedOver, LabelImage, Legend, LegendEntry, unique_names
from sxtstudio.core.object_classes import Rgb
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import VoxelSize
from sxtstudio.io import mat5
from sxtstudio.io.export_plan import Plan
from sxtstudio.io.handover.label_volumes import Write, check_legend, write_label_volume
from sxtstudio.io.mat73 import Mat73Writer
from sxtstudio.io.mib import MODEL, model_legend
from sxtstudio.io.mib import NM_PER_UM as _NM_PER_UM

#: Models of more materials have no names and colours in MIB, which shows their numbers.
MOST_NAMED = 255
_MODEL_TYPES = (63, 255, 65_535, 4_294_967_295)
_MASK = "maskImg"
_GREY: Rgb = (160, 160, 160)
_TEXT = "written by SXT Studio for Microscopy Image Browser"


def write_mib_model(path: Path, image: LabelImage, progress: Progress) -> HandedOver:
    """Write a model (.model) that MIB 2 and MIB 3 load over the image of the same size.

    Value i is material i; a value without a name becomes "Material i". The BoundingBox, in µm, spans the
    centres of the first and the last voxel, as MIB 2 computes it; it is left out where the voxel size is
    unknown, as MIB 3 would take it for the image's.

    Raises
    ------
    UserError
        As ``write_label_volume``.
    """
    wanted: list[Legend] = [()]

    def write(largest: Callable[[], int]) -> Write:
        def model(target: Path, plan: Plan, slabs: Iterable[NDArray[Any]]) -> str:
            is_large = plan.bytes >= mat5.MOST_BYTES
            (_write_73 if is_large else _write_5)(target, plan, slabs, MODEL, lambda: described(plan))
            return "MIB model (MATLAB 7.3)" if is_large else "MIB model (MATLAB 5)"

        def described(plan: Plan) -> _Described:
            wanted[0] = named_materials(image.legend, largest())
            return _Described(wanted[0], largest(), _box(plan))

        return model

    def check(temporary: Path) -> bool:
        return check_legend(path, model_legend(temporary), wanted[0])

    done = write_label_volume(path, image, write, progress, check=check)
    kind = _model_type(done.largest)
    losses = []
    if done.largest > MOST_NAMED:
        losses.append(
            f"MIB shows more than {MOST_NAMED} materials by their numbers: names and colours are lost."
        )
    if image.voxel_nm is None:
        losses.append("The voxel size is unknown: MIB takes that of its image.")
    details = (("Type of the model", f"{kind} materials at most"), ("Largest value", str(done.largest)))
    return HandedOver(path, done.format, done.bytes, done.verified, details, tuple(losses))


def write_mib_mask(path: Path, image: LabelImage, progress: Progress) -> HandedOver:
    """Write a mask (.mask) that MIB 2 and MIB 3 load over the image of the same size: 1 for all labels.

    Raises
    ------
    UserError
        As ``write_label_volume``.
    """

    def write(largest: Callable[[], int]) -> Write:
        def mask(target: Path, plan: Plan, slabs: Iterable[NDArray[Any]]) -> str:
            is_large = plan.bytes >= mat5.MOST_BYTES
            (_write_73 if is_large else _write_5)(target, plan, slabs, _MASK, lambda: None)
            return "MIB mask (MATLAB 7.3)" if is_large else "MIB mask (MATLAB 5)"

        return mask

    binary = LabelImage(image.name, _Binary(image), (), image.voxel_nm, image.origin_nm)
    done = write_label_volume(path, binary, write, progress, holds_voxel=False)
    losses = ["A mask of MIB has no voxel size, names or colours."]
    return HandedOver(path, done.format, done.bytes, done.verified, (), tuple(losses))


def named_materials(legend: Legend, largest: int) -> Legend:
    """Return a material for each value from 1 to ``largest``, with names that occur once; none above 255."""
    if largest > MOST_NAMED:
        return ()
    known = {entry.value: entry for entry in legend}
    entries = [known.get(value) or LegendEntry(value, "", _GREY) for value in range(1, largest + 1)]
    tidy = ["".join(filter(str.isprintable, entry.name)).strip() for entry in entries]
    names = unique_names(
        name if name and not name.isdigit() else f"Material {name or entry.value}"
        for name, entry in zip(tidy, entries, strict=True)
    )
    return tuple(
        LegendEntry(entry.value, name, entry.rgb) for entry, name in zip(entries, names, strict=True)
    )


def bounding_box(shape: tuple[int, int, int], voxel_nm: VoxelSize, origin_nm: VoxelSize) -> NDArray[Any]:
    """Return (1, 6) float64 [xmin xmax ymin ymax zmin zmax] in µm, between the centres of voxels.

    A single slice is as deep as two (MIB2 getBoundingBox).
    """
    box = []
    for size, edge, first in zip(shape[::-1], voxel_nm[::-1], origin_nm[::-1], strict=True):
        box += [first / _NM_PER_UM, (first + (max(size, 2) - 1) * edge) / _NM_PER_UM]
    return np.array([box], np.float64)


class _Described:
    """What stands beside the labels of a model."""

    def __init__(self, legend: Legend, largest: int, box: NDArray[Any] | None) -> None:
        # MIB shows the numbers of large models, and wants to find two of them.
        self.names = [entry.name for entry in legend] if largest <= MOST_NAMED else ["1", "2"]
        self.colours = np.array([entry.rgb for entry in legend], np.float64).reshape(-1, 3) / 255
        if largest > MOST_NAMED:
            self.colours = np.array([[1, 0, 0], [0, 1, 0]], np.float64)
        self.model_type = np.array([[_model_type(largest)]], np.float64)
        self.box = box


def _model_type(largest: int) -> int:
    return next(kind for kind in _MODEL_TYPES if largest <= kind)


def _box(plan: Plan) -> NDArray[Any] | None:
    if plan.voxel_nm is None:
        return None
    return bounding_box(plan.shape, plan.voxel_nm, plan.origin_nm or (0.0, 0.0, 0.0))


def _parts(slabs: Iterable[NDArray[Any]]) -> Iterator[NDArray[Any]]:
    """Yield the slices of slabs as MATLAB stores them: the rows of a column lie together."""
    for slab in slabs:
        for one in slab:
            yield np.ascontiguousarray(one.T)


def _size(plan: Plan) -> tuple[int, ...]:
    depth, height, width = plan.shape
    return (height, width, depth) if depth > 1 else (height, width)


def _write_5(
    path: Path,
    plan: Plan,
    slabs: Iterable[NDArray[Any]],
    name: str,
    described: Callable[[], _Described | None],
) -> None:
    with open(path, "wb") as file:
        mat5.write_header(file, _TEXT)
        mat5.write_numbers(file, name, _size(plan), plan.dtype, _parts(slabs))
        beside = described()
        if beside is not None:
            file.write(mat5.texts_element("modelMaterialNames", beside.names))
            file.write(mat5.number_element("modelMaterialColors", beside.colours))
            if beside.box is not None:
                file.write(mat5.number_element("BoundingBox", beside.box))
            file.write(mat5.text_element("modelVariable", name))
            file.write(mat5.number_element("modelType", beside.model_type))


def _write_73(
    path: Path,
    plan: Plan,
    slabs: Iterable[NDArray[Any]],
    name: str,
    described: Callable[[], _Described | None],
) -> None:
    with Mat73Writer(path, _TEXT) as file:
        parts = (part[None] if plan.shape[0] > 1 else part for part in _parts(slabs))
        file.large(name, _size(plan), plan.dtype, parts)
        beside = described()
        if beside is not None:
            file.texts("modelMaterialNames", beside.names)
            file.numbers("modelMaterialColors", beside.colours)
            if beside.box is not None:
                file.numbers("BoundingBox", beside.box)
            file.text("modelVariable", name)
            file.numbers("modelType", beside.model_type)


class _Binary:
    """A label volume of which each voxel that is not 0 is 1."""

    def __init__(self, image: LabelImage) -> None:
        self._volume = image.volume
        self.shape = image.shape
        self.voxel_nm = image.voxel_nm
        self.dtype: np.dtype[Any] = np.dtype(np.uint8)

    def read(self, box: Any) -> NDArray[np.uint8]:
        ones: NDArray[np.uint8] = (self._volume.read(box) != 0).astype(np.uint8)
        return ones
