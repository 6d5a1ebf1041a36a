"""OME-Zarr 0.4 and 0.5, and plain Zarr arrays of version 2 and 3.

Format: https://ngff.openmicroscopy.org/0.5/
"""

from __future__ import annotations

import math
import os
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.axes import AxisOrder
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.plain_files import read_plain
from sxtstudio.core.records import json_values, record_of
from sxtstudio.core.volume import VoxelSize
from sxtstudio.core.wording import reason_of
from sxtstudio.io.attributes import voxel_from_attributes
from sxtstudio.io.axes import NamedBy, StoredAxes, find_axes, is_volume, refuse_colour
from sxtstudio.io.axis_names import letter_of, names_in
from sxtstudio.io.chunks import ChunkedSlices
from sxtstudio.io.filevolume import FileVolume
from sxtstudio.io.limits import LARGE_CHUNK_BYTES, check_chunks, chunk_parts
from sxtstudio.io.several import SeveralVolumes, VolumeInside
from sxtstudio.io.units import judge_voxel, nm_per_unit

# 0.0.0, 0 (in folders 0/0), c.0.0, or c for a single number.
_CHUNK = re.compile(r"c|(c\.)?\d+(\.\d+)*")
_OF_FILE_MANAGERS = (".DS_Store", "Thumbs.db", "desktop.ini")
METADATA = ("zarr.json", ".zarray", ".zgroup", ".zattrs")

# Codecs that turn bytes into numbers and nothing else; "pickle" is not among them.
_CODECS = {
    "bytes", "endian", "transpose", "sharding_indexed", "crc32c", "gzip", "zstd", "blosc", "zlib", "bz2",
    "lzma", "lz4", "delta", "fixedscaleoffset", "shuffle", "bitround", "quantize", "astype", "packbits",
    "crc32", "adler32",
}  # fmt: skip
_MOST_ARRAYS = 200
_MOST_ENTRIES = 20_000
_MOST_CODECS = 32
_MOST_JSON_BYTES = 16 << 20


@dataclass(frozen=True)
class _Node:
    """What the metadata files of a group or an array say."""

    is_array: bool
    attributes: Mapping[str, Any]
    metadata: Mapping[str, Any]


def is_zarr(folder: Path) -> bool:
    """Return whether a folder is a Zarr group or array."""
    return any((folder / name).is_file() for name in METADATA)


def foreign_file(store: Path) -> Path | None:
    """Return a file in a store that is neither metadata nor a chunk, or None; those of file managers are."""
    for folder, _, names in os.walk(store):
        for name in names:
            if name in (*METADATA, ".zmetadata", *_OF_FILE_MANAGERS):
                continue
            if not _CHUNK.fullmatch(name):
                return Path(folder, name)
    return None


def open_zarr(path: Path, inside: str | None = None, order: AxisOrder | None = None) -> FileVolume:
    """Open the highest resolution of an OME-Zarr image, or a plain Zarr array.

    Parameters
    ----------
    path
        Folder of the store.
    inside
        Path of a group or an array in it; by default the image is looked for.
    order
        How the user names the stored axes, where the store does not or wrongly.

    Raises
    ------
    UserError
        If there is none or more than one, or if the metadata lead out of the folder.
    """
    folder = _inside(path, path, inside) if inside is not None else path
    node = _node(path, folder)
    if node.is_array:
        return _plain(path, folder, node, order)
    described = _multiscales(node)
    if described is None and node.attributes.get(
        "bioformats2raw.layout", _ome(node).get("bioformats2raw.layout")
    ):
        folder = folder / "0"
        node = _node(path, folder)
        described = _multiscales(node)
    if described is not None:
        return _multiscale(path, folder, described, order)
    if "plate" in node.attributes or "plate" in _ome(node):
        raise UserError(f"{path.name} is a plate of many images. Open one of its images.")
    return _only_array(path, folder, order)


def _multiscale(
    path: Path, folder: Path, described: Mapping[str, Any], order: AxisOrder | None
) -> FileVolume:
    array = _open_array(path, _highest(path, folder, described))
    first = described["datasets"][0]
    described_axes = [a if isinstance(a, dict) else {"name": a} for a in described.get("axes") or ()]
    if len(described_axes) != array.ndim:
        described_axes = []
    names = [letter_of(str(a.get("name", ""))) for a in described_axes]
    axes = find_axes(path.name, array.shape, names or None, order)
    scale, shift = _transformations((first, described), array.ndim)
    units = [nm_per_unit(a.get("unit")) for a in described_axes] or [None] * array.ndim
    voxel_nm, notes = judge_voxel(
        axes.pick(scale or [None] * array.ndim), axes.pick(units), depth_matters=axes.volume_shape[0] > 1
    )
    origin = None
    if voxel_nm is not None and shift is not None:
        moved = [a * (unit or 0.0) for a, unit in zip(shift, units, strict=True)]
        origin = _three([value or 0.0 for value in axes.pick(moved)])
    return _volume(path, "OME-Zarr", array, axes, voxel_nm, origin, notes)


def _plain(path: Path, folder: Path, node: _Node, order: AxisOrder | None) -> FileVolume:
    array = _open_array(path, folder)
    names = {"axes": node.metadata.get("dimension_names"), **node.attributes}
    axes = find_axes(path.name, array.shape, names_in(names, array.ndim), order)
    if axes.named_by is NamedBy.NOBODY:
        refuse_colour(path.name, array.shape, array.dtype)
    voxel_nm, notes = voxel_from_attributes(
        [node.attributes],
        depth_matters=axes.volume_shape[0] > 1,
        axes=None if axes.named_by is NamedBy.NOBODY else axes,
    )
    return _volume(path, "Zarr", array, axes, voxel_nm, None, notes)


def _only_array(path: Path, folder: Path, order: AxisOrder | None) -> FileVolume:
    """Open the one 3D array or image in a group that is no OME-Zarr image itself."""
    found: list[VolumeInside] = []
    for place, folders, _ in os.walk(folder):  # links to other folders are not followed
        here = Path(place)
        if not is_zarr(here):
            folders.clear()
            continue
        node = _node(path, here)
        if node.is_array:
            folders.clear()  # what lies below are chunks
            found.append(_described(path, here, node))
        elif (described := _multiscales(node)) is not None:
            folders.clear()  # its resolutions are one image
            level = _highest(path, here, described)
            found.append(replace(_described(path, level, _node(path, level)), inside=_name_in(path, here)))
        folders.sort()
        if len(found) > _MOST_ARRAYS:
            break
    for choice in ([f for f in found if is_volume(f.shape)], [f for f in found if len(f.shape) == 2]):
        if len(choice) == 1:
            return open_zarr(path, choice[0].inside, order)
        if choice:
            raise SeveralVolumes("", path, choice, "arrays")
    raise UserError(f"{path.name} holds no 3D array. Choose another folder.")


def _described(path: Path, folder: Path, node: _Node) -> VolumeInside:
    """Return what the metadata of an array say of it."""
    kind = str(node.metadata.get("data_type") or node.metadata.get("dtype") or "")
    try:
        numbers = np.dtype(kind)
    except TypeError:  # opening it will say what is wrong
        numbers = np.dtype("V")
    shape = tuple(int(n) for n in node.metadata.get("shape") or ())
    return VolumeInside(_name_in(path, folder), shape, numbers.kind, 8 * numbers.itemsize)


def _name_in(path: Path, folder: Path) -> str:
    return "/" + Path(os.path.realpath(folder)).relative_to(os.path.realpath(path)).as_posix()


def _highest(path: Path, folder: Path, described: Mapping[str, Any]) -> Path:
    """Return the folder of the highest resolution of an image."""
    try:
        where = str(described["datasets"][0]["path"])
    except (KeyError, IndexError, TypeError):
        raise UserError(f"{path.name}: the OME-Zarr metadata name no dataset. Export it again.") from None
    return _inside(path, folder, where)


def _volume(
    path: Path,
    name: str,
    array: Any,
    axes: StoredAxes,
    voxel_nm: VoxelSize | None,
    origin_nm: VoxelSize | None,
    notes: tuple[str, ...],
) -> FileVolume:
    check_chunks(path.name, axes, array.chunks, array.dtype.itemsize)
    chunks = array.shards or array.chunks
    shape = axes.volume_shape
    large = math.prod(array.chunks) * array.dtype.itemsize > LARGE_CHUNK_BYTES

    def read(box: Box) -> NDArray[Any]:
        index = axes.index(box)
        if not large:
            return axes.arranged(np.asarray(array[index]), box)
        selection = [i if isinstance(i, slice) else slice(i, i + 1) for i in index]
        voxels = np.empty([s.stop - s.start for s in selection], array.dtype)
        for offset, inside, target in chunk_parts(selection, array.chunks):
            part = zip(offset, inside, strict=True)
            voxels[target] = array[tuple(slice(o + i.start, o + i.stop) for o, i in part)]
        return axes.arranged(voxels, box)

    return FileVolume(
        path,
        format=name,
        shape=shape,
        dtype=array.dtype,
        reader=axes.mirrored(ChunkedSlices(read, shape, array.dtype, axes.depth(chunks)).read),
        voxel_nm=voxel_nm,
        origin_nm=origin_nm,
        notes=(*axes.notes, *notes),
        axes=axes,
        lacks_parts=lambda: (
            _count_chunks(array) < math.prod(-(-n // c) for n, c in zip(array.shape, chunks, strict=True))
        ),
    )


def _count_chunks(array: Any) -> int:
    """Return how many chunks (or shards) of an array are stored."""
    folder = Path(array.store.root, array.path)
    return sum(name not in METADATA for _, _, names in os.walk(folder) for name in names)


def _open_array(path: Path, folder: Path) -> Any:
    """Open an array after a look at its metadata: numbers only, and codecs that run no code."""
    node = _node(path, folder)
    if not node.is_array:
        raise UserError(f"{path.name}: {folder.name} is no Zarr array. The store is damaged; copy it again.")
    meta = node.metadata
    if "data_type" in meta:
        codecs, kind = meta.get("codecs"), meta["data_type"]
    else:
        codecs, kind = [*(meta.get("filters") or ()), meta.get("compressor")], meta.get("dtype")
    names = _codec_names(codecs)
    if len(names) > _MOST_CODECS:
        raise UserError(f"{path.name} is stored with {len(names)} codecs, which is absurd. Copy it again.")
    for name in names:
        if name.removeprefix("numcodecs.") not in _CODECS:
            raise UserError(
                f"{path.name} is stored with the codec {name!r}, which is refused. "
                "Save it with zstd or blosc."
            )
    if not isinstance(kind, str) or kind.lstrip("<>|=")[:1] not in tuple("iufbc"):
        raise UserError(f"{path.name} holds values of type {kind}, not grey values. Choose another array.")
    if 0 in (meta.get("shape") or [0]):
        sizes = " × ".join(str(n) for n in meta.get("shape") or ())
        raise UserError(f"{path.name} holds no voxels ({sizes}). Choose another file.")
    _refuse_links(path, folder)
    from sxtstudio.io.zarr_store import open_array  # half a second to load, which others need not wait for

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about specifications in progress
            return open_array(folder)
    except Exception as error:  # damaged metadata raise many kinds
        raise UserError(
            f"{path.name} is a damaged Zarr store ({reason_of(error)}). Copy it again."
        ) from error


def _codec_names(codecs: Any) -> list[str]:
    names: list[str] = []
    for codec in codecs or ():
        if not isinstance(codec, dict):
            continue
        names.append(str(codec.get("id", codec.get("name", "?"))))
        inner = codec.get("configuration")
        if isinstance(inner, dict):
            names += _codec_names(inner.get("codecs")) + _codec_names(inner.get("index_codecs"))
    return names


def _node(path: Path, folder: Path) -> _Node:
    v3 = _json(path, folder / "zarr.json")
    if v3 is not None:
        return _Node(v3.get("node_type") == "array", v3.get("attributes") or {}, v3)
    array = _json(path, folder / ".zarray")
    attributes = _json(path, folder / ".zattrs")
    if array is None and attributes is None and not (folder / ".zgroup").is_file():
        raise UserError(
            f"{path.name}: {folder.name} has no Zarr metadata. The store is incomplete; copy it again."
        )
    return _Node(array is not None, attributes or {}, array or {})


def _json(path: Path, file: Path) -> dict[str, Any] | None:
    if not file.is_file():
        return None
    what, advice = f"{path.name}: {file.name} is damaged", "Copy the store again."
    try:
        content = read_plain(file, _MOST_JSON_BYTES)
    except OSError as error:
        raise UserError(f"{what} ({error.strerror}). {advice}") from error
    # Fill values and attributes of other programs may be NaN, which is no JSON.
    return record_of(json_values(content, what, advice, nan=True), dict[str, Any], what, advice)


def _ome(node: _Node) -> Mapping[str, Any]:
    ome = node.attributes.get("ome")
    return ome if isinstance(ome, dict) else {}


def _multiscales(node: _Node) -> Mapping[str, Any] | None:
    found = _ome(node).get("multiscales") or node.attributes.get("multiscales")
    return found[0] if isinstance(found, list) and found and isinstance(found[0], dict) else None


def _transformations(
    places: Sequence[Mapping[str, Any]], dimensions: int
) -> tuple[list[float] | None, list[float] | None]:
    """Return scale and shift per axis: those of the dataset first, then those of the whole pyramid."""
    scale: list[float] | None = None
    shift: list[float] | None = None
    for place in places:
        for step in place.get("coordinateTransformations") or ():
            values = step.get(step.get("type")) if isinstance(step, dict) else None
            if not isinstance(values, list) or len(values) != dimensions:
                continue
            numbers = [float(v) for v in values]
            if step["type"] == "scale":
                scale = [a * b for a, b in zip(scale or [1.0] * dimensions, numbers, strict=True)]
                shift = [a * b for a, b in zip(shift, numbers, strict=True)] if shift else None
            elif step["type"] == "translation":
                shift = [a + b for a, b in zip(shift or [0.0] * dimensions, numbers, strict=True)]
    return scale, shift


def _inside(path: Path, folder: Path, name: str) -> Path:
    """Return a path within the store; metadata of a stranger may say anything."""
    root = Path(os.path.realpath(folder))
    target = Path(os.path.realpath(root / name.lstrip("/")))
    if not target.is_relative_to(root):
        raise UserError(f"{path.name} refers to a path outside its folder ({name}), which is refused.")
    if not target.is_dir():
        raise UserError(f"{path.name} holds no {name}. The store is incomplete, or the name is wrong.")
    return target


def _refuse_links(path: Path, folder: Path) -> None:
    """Refuse chunks that are links to files elsewhere; the first ones are looked at."""
    looked_at = 0
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            entry = os.path.join(place, name)
            if os.path.islink(entry) and not Path(os.path.realpath(entry)).is_relative_to(
                os.path.realpath(folder)
            ):
                raise UserError(
                    f"{path.name} refers to a path outside its folder (by the link {name}), which is refused."
                )
        looked_at += len(folders) + len(files)
        if looked_at > _MOST_ENTRIES:
            return


def _three(values: Sequence[float]) -> VoxelSize:
    z, y, x = values
    return (z, y, x)
