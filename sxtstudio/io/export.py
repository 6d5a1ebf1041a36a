"""Labels and volumes out: written slab by slab, read back, and only then given their name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Triple
from sxtstudio.core.labels import LABEL
from sxtstudio.core.lengths import is_voxel_size
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import Volume, VoxelSize
from sxtstudio.io import export_mrc, export_tiff, export_zarr
from sxtstudio.io.export_plan import Kind, Plan
from sxtstudio.io.filevolume import FileVolume
from sxtstudio.io.handover import amira, nifti, nrrd
from sxtstudio.io.place import Place
from sxtstudio.io.writing import Format, slab_thickness, write_volume
from sxtstudio.io.zarr import foreign_file, is_zarr


@dataclass(frozen=True)
class ExportReceipt:
    """What was written, as it was read back from the disk.

    ``labelled`` is how many voxels are not 0 where labels or objects were written, else None; ``compared`` is
    what was read back and was the same.
    """

    path: Path
    format: str
    shape: Triple
    dtype: np.dtype[Any]
    voxel_nm: VoxelSize | None
    bytes: int
    compared: tuple[str, ...]
    labelled: int | None = None

    @property
    def verified(self) -> bool:
        """Whether it was read back and was the same."""
        return bool(self.compared)


_TIFF = Format(
    export_tiff.write_tiff,
    export_tiff.tiff_dtype,
    LABEL,
    compressed=lambda plan: plan.kind in ("labels", "objects"),
)
_MRC = Format(export_mrc.write_mrc, export_mrc.mrc_dtype, export_mrc.MRC_LABEL, np.int8)
_ZARR = Format(
    export_zarr.write_zarr,
    lambda dtype: dtype,
    LABEL,
    is_folder=True,
    slab_slices=export_zarr.CHUNK[0],
    compressed=lambda plan: True,
)
_NRRD = Format(
    nrrd.write_nrrd, nrrd.nrrd_dtype, LABEL, compressed=lambda plan: plan.kind in ("labels", "objects")
)
_AMIRA = Format(amira.write_amira, amira.amira_dtype, LABEL)
_NIFTI = Format(nifti.write_nifti, nifti.nifti_dtype, LABEL)
_FORMATS = {
    **dict.fromkeys((".tif", ".tiff"), _TIFF),
    **dict.fromkeys((".mrc", ".rec", ".map"), _MRC),
    ".zarr": _ZARR,
    ".am": _AMIRA,
    ".nrrd": _NRRD,
    ".nii": _NIFTI,
    ".nii.gz": replace(_NIFTI, compressed=lambda plan: True),
}


def export_volume(
    path: str | Path,
    volume: Volume,
    *,
    voxel_nm: VoxelSize | None = None,
    place: Place | None = None,
    kind: Kind = "labels",
    zstd: bool = False,
    progress: Progress | None = None,
) -> ExportReceipt:
    """Write a volume to TIFF, MRC, OME-Zarr, AmiraMesh, NRRD or NIfTI, by the suffix of ``path``.

    The file is written under a temporary name in the same folder, read back and compared, and
    then renamed; until then a former file of that name stays as it was. The order of the axes is kept.

    Parameters
    ----------
    path
        ``.tif``, ``.tiff`` (BigTIFF above 4 GB), ``.mrc``, ``.rec``, ``.map``, ``.zarr`` (OME-Zarr 0.4),
        ``.am``, ``.nrrd``, ``.nii``, or ``.nii.gz``.
    volume
        What to write (z, y, x).
    voxel_nm, place
        Voxel size and position of the first voxel in nm (z, y, x); by default those of ``volume``. An
        unknown voxel size stays unknown.
    kind
        "labels": every voxel that is not 0 becomes 255 (uint8), in MRC 127 (mode 0 holds signed bytes).
        "objects", "probability" and "image" keep values and type, except float16 in TIFF (written as
        float32), NRRD, NIfTI and AmiraMesh; uint8 in MRC (written as mode 6, 16 bit) and int8 in AmiraMesh
        (int16).
    zstd
        Pack OME-Zarr with zstd rather than zlib: twice as fast, and known to fewer programs.
    progress
        Counts slices, once for writing and once for reading back.

    Raises
    ------
    UserError
        If the suffix is unknown, the folder is missing or not writable, the disk is full, the type of
        the voxels does not fit the format, or the read-back differs.
    Cancelled
        If the user stopped the job; nothing is left behind.
    """
    target = Path(path)
    form = _format_of(target)
    _check_target(target, form)
    plan = replace(_plan(target, volume, voxel_nm, place, kind, form), zstd=zstd)
    written = write_volume(
        target, volume, plan, form, lambda slab: _convert(slab, plan, form), progress or Progress()
    )
    return ExportReceipt(
        target,
        written.format,
        plan.shape,
        plan.dtype,
        plan.voxel_nm,
        written.bytes,
        written.compared,
        written.labelled,
    )


def suffix_of(target: Path) -> str:
    """Return the ending of a name that gives the format, ".nii.gz", too."""
    return next(
        (suffix for suffix in _FORMATS if target.name.lower().endswith(suffix)), target.suffix.lower()
    )


def _format_of(target: Path) -> Format:
    form = _FORMATS.get(suffix_of(target))
    if form is None:
        known = ", ".join(_FORMATS)
        raise UserError(f"{target.name}: cannot tell the format from the name. End it in one of {known}.")
    return form


def _check_target(target: Path, form: Format) -> None:
    """Refuse at once what would fail, or do harm, at the end."""
    if not form.is_folder and target.is_dir():
        raise UserError(f"{target} is a folder and cannot be replaced by a file. Choose another name.")
    if form.is_folder:
        refuse_foreign_folder(target)


def refuse_foreign_folder(target: Path) -> None:
    """Raise UserError where a folder is no Zarr store, or holds a file of the user's that would be lost."""
    if not target.exists():
        return
    if not (target.is_dir() and (is_zarr(target) or not any(target.iterdir()))):
        raise UserError(
            f"{target} exists and is no Zarr store. Choose another name, so that nothing is lost."
        )
    other = foreign_file(target)
    if other is not None:
        raise UserError(
            f"{target} holds {other.relative_to(target)}, which is no part of a Zarr store and would be "
            "lost. Move it elsewhere, or choose another name."
        )


def _plan(
    target: Path,
    volume: Volume,
    voxel_nm: Sequence[float] | None,
    place: Place | None,
    kind: Kind,
    form: Format,
) -> Plan:
    voxel = voxel_nm if voxel_nm is not None else volume.voxel_nm
    if voxel is not None and not is_voxel_size(voxel):
        raise UserError(f"The voxel size {tuple(voxel)} nm makes no sense. Give three lengths of nanometres.")
    if place is None:
        place = volume.place if isinstance(volume, FileVolume) else Place()
    if min(volume.shape) <= 0:
        raise UserError(f"{target.name} was not written: there are no voxels to write.")
    if volume.dtype.kind not in "biuf":
        raise UserError(f"{target.name} was not written: {volume.dtype} values are no grey values.")
    dtype = np.dtype(np.uint8) if volume.dtype.kind == "b" else volume.dtype
    dtype = np.dtype(form.label_dtype) if kind == "labels" else form.dtype(dtype.newbyteorder("="))
    return Plan(
        name=target.name[: -len(suffix_of(target))].removesuffix(".ome"),
        shape=volume.shape,
        dtype=dtype,
        kind=kind,
        thickness=slab_thickness(volume, dtype, form),
        voxel_nm=None if voxel is None else _three(voxel),
        place=place,
    )


def _convert(slab: NDArray[Any], plan: Plan, form: Format) -> NDArray[Any]:
    if plan.kind == "labels":
        labels: NDArray[Any] = np.multiply(slab != 0, form.label, dtype=plan.dtype)
        return labels
    return np.ascontiguousarray(slab, dtype=plan.dtype)


def _three(values: Sequence[float]) -> VoxelSize:
    z, y, x = (float(v) for v in values)
    return (z, y, x)
