"""Files made to fill the memory, or to keep the program busy for ever; each is small.

Every function takes an empty folder and returns the path to open. What is right for each: exit code 2 with
one sentence within 10 s and 2 GB (or, where it says so, that it opens).
"""

from __future__ import annotations

import bz2
import gzip
import itertools
import json
import lzma
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import h5py
import numcodecs
import numpy as np
import onnx
import tifffile
from onnx import TensorProto, helper, numpy_helper

GIGABYTE = 1 << 30
Bomb = Callable[[Path], Path]


def zeros_deflated(count: int, wbits: int = 15) -> bytes:
    """Deflate ``count`` zeros (zlib, or gzip with 31) without packing them all: one block again and again.

    The checksum of gzip is that of other data; who ever reads as far as that has unpacked everything.
    """
    packer = zlib.compressobj(9, zlib.DEFLATED, wbits)
    head = packer.compress(b"") + packer.flush(zlib.Z_FULL_FLUSH)
    size = min(count, 1 << 24)
    block = packer.compress(bytes(size)) + packer.flush(zlib.Z_FULL_FLUSH)
    rest = zlib.compressobj(9, zlib.DEFLATED, -15)
    end = rest.compress(bytes(count % size)) + rest.flush()
    trailer = (
        struct.pack(">I", (count % 65521) << 16 | 1)
        if wbits == 15
        else struct.pack("<II", 0, count & 0xFFFFFFFF)
    )
    return head + block * (count // size) + end + trailer


def zeros_zstd(count: int, *, promised: bool) -> bytes:
    """Return a Zstandard frame of RLE blocks that unpacks to ``count`` zeros (RFC 8878)."""
    head = b"\x28\xb5\x2f\xfd"
    head += b"\xc0\x58" + struct.pack("<Q", count) if promised else b"\x00\x58"
    size = 128 << 10
    blocks = count // size
    body = [struct.pack("<I", size << 3 | 1 << 1 | (n == blocks - 1))[:3] + b"\0" for n in range(blocks)]
    return head + b"".join(body)


def _blosc(count: int) -> bytes:
    """A real Blosc chunk of few zeros whose header says that it holds ``count`` bytes."""
    chunk = bytearray(numcodecs.Blosc("lz4").encode(np.zeros(1 << 20, np.uint8)))
    struct.pack_into("<I", chunk, 4, count)
    return bytes(chunk)


PACKED: dict[str, tuple[dict[str, object], Callable[[], bytes]]] = {
    "gzip": ({"id": "gzip", "level": 9}, lambda: zeros_deflated(4 * GIGABYTE, 31)),
    "gzip of many members": ({"id": "gzip", "level": 9}, lambda: zeros_deflated(GIGABYTE // 4, 31) * 16),
    "zlib": ({"id": "zlib", "level": 9}, lambda: zeros_deflated(4 * GIGABYTE)),
    "bz2": ({"id": "bz2", "level": 9}, lambda: bz2.compress(bytes(GIGABYTE // 64)) * 256),
    "lzma": ({"id": "lzma"}, lambda: lzma.compress(bytes(GIGABYTE // 64), preset=0) * 256),
    "zstd": ({"id": "zstd", "level": 1}, lambda: zeros_zstd(4 * GIGABYTE, promised=True)),
    "zstd that promises nothing": (
        {"id": "zstd", "level": 1},
        lambda: zeros_zstd(4 * GIGABYTE, promised=False),
    ),
    "blosc": ({"id": "blosc", "cname": "lz4", "clevel": 5, "shuffle": 1}, lambda: _blosc(4 * GIGABYTE - 1)),
    "lz4": ({"id": "lz4", "acceleration": 1}, lambda: struct.pack("<i", 2**31 - 1) + bytes(1000)),
}


def zarr_chunk(name: str, version: int = 2) -> Bomb:
    """A small Zarr array whose only chunk unpacks to 4 GB."""

    def write(folder: Path) -> Path:
        config, make = PACKED[name]
        path = folder / "bomb.zarr"
        if version == 2:
            path.mkdir()
            meta = zarr2((2, 1024, 1024), (2, 1024, 1024), compressor=config)
            (path / ".zarray").write_text(json.dumps(meta))
            (path / "0.0.0").write_bytes(make())
            return path
        rest = {key: value for key, value in config.items() if key != "id"}
        if config["id"] == "blosc":
            rest |= {"shuffle": "shuffle", "typesize": 4, "blocksize": 0}
        if config["id"] == "zstd":
            rest |= {"checksum": False}
        own = str(config["id"]) if config["id"] in ("gzip", "zstd", "blosc") else f"numcodecs.{config['id']}"
        codecs = [
            {"name": "bytes", "configuration": {"endian": "little"}},
            {"name": own, "configuration": rest},
        ]
        (path / "c" / "0" / "0").mkdir(parents=True)
        (path / "zarr.json").write_text(json.dumps(zarr3((2, 1024, 1024), (2, 1024, 1024), codecs)))
        (path / "c" / "0" / "0" / "0").write_bytes(make())
        return path

    return write


def zarr2(shape: tuple[int, ...], chunks: tuple[int, ...], **more: object) -> dict[str, object]:
    return {
        "zarr_format": 2,
        "shape": list(shape),
        "chunks": list(chunks),
        "dtype": "<f4",
        "compressor": None,
        "filters": None,
        "fill_value": 0,
        "order": "C",
        **more,
    }


def zarr3(shape: tuple[int, ...], chunks: tuple[int, ...], codecs: list[object]) -> dict[str, object]:
    return {
        "zarr_format": 3,
        "node_type": "array",
        "shape": list(shape),
        "data_type": "float32",
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": list(chunks)}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "fill_value": 0,
        "codecs": codecs,
        "attributes": {},
    }


def zarr_metadata(**changes: object) -> Bomb:
    """A Zarr array of one small chunk, with other metadata than it should have."""

    def write(folder: Path) -> Path:
        path = folder / "bomb.zarr"
        path.mkdir()
        meta = zarr2((2, 64, 64), (2, 64, 64), compressor={"id": "zlib", "level": 1}) | changes
        (path / ".zarray").write_text(json.dumps(meta))
        (path / "0.0.0").write_bytes(zlib.compress(bytes(2 * 64 * 64 * 4)))
        return path

    return write


def zarr_shard(folder: Path) -> Path:
    """A shard whose inner chunk unpacks to 4 GB."""
    path = folder / "bomb.zarr"
    bytes_codec = {"name": "bytes", "configuration": {"endian": "little"}}
    inner = [bytes_codec, {"name": "gzip", "configuration": {"level": 9}}]
    configuration = {"chunk_shape": [1, 1024, 1024], "codecs": inner, "index_codecs": [bytes_codec]}
    codecs: list[object] = [{"name": "sharding_indexed", "configuration": configuration}]
    (path / "c" / "0" / "0").mkdir(parents=True)
    (path / "zarr.json").write_text(json.dumps(zarr3((2, 1024, 1024), (2, 1024, 1024), codecs)))
    packed = zeros_deflated(4 * GIGABYTE, 31)
    index = struct.pack("<4Q", 0, len(packed), 0, len(packed))
    (path / "c" / "0" / "0" / "0").write_bytes(packed + index)
    return path


def zarr_chunk_is(what: str) -> Bomb:
    """A Zarr array with a chunk that is a pipe, or a link to a device."""

    def write(folder: Path) -> Path:
        path = zarr_metadata()(folder)
        (path / "0.0.0").unlink()
        if what == "a pipe":
            os.mkfifo(path / "0.0.0")
        else:
            (path / "0.0.0").symlink_to("/dev/zero")
        return path

    return write


def hdf5_chunk(pack: Callable[[], bytes], **options: object) -> Bomb:
    """A small HDF5 dataset whose only chunk unpacks to gigabytes."""

    def write(folder: Path) -> Path:
        path = folder / "bomb.h5"
        with h5py.File(path, "w") as file:
            made = file.create_dataset("data", (4, 64, 64), "u1", chunks=(4, 64, 64), **options)
            made.id.write_direct_chunk((0, 0, 0), pack())
        return path

    return write


def hdf5_shape(shape: tuple[int, ...], chunks: tuple[int, ...] | None, *, fill: bool = False) -> Bomb:
    """An HDF5 dataset that is large by what it says; ``fill`` writes the first chunk, well packed."""

    def write(folder: Path) -> Path:
        path = folder / "bomb.h5"
        with h5py.File(path, "w") as file:
            made = file.create_dataset(
                "data", shape, "u1", chunks=chunks, compression="gzip" if chunks else None
            )
            if fill:
                made.id.write_direct_chunk((0, 0, 0), zeros_deflated(int(np.prod(chunks or shape))))
        return path

    return write


def hdf5_soft_links(folder: Path) -> Path:
    """28 soft links, each of which goes twice through the one before: 2^28 steps."""
    path = folder / "bomb.nxs"
    with h5py.File(path, "w") as file:
        entry = file.create_group("entry")
        entry["data"] = np.zeros((3, 20, 20), np.float32)
        file["x0"] = h5py.SoftLink("/")
        for n in range(1, 29):
            file[f"x{n}"] = h5py.SoftLink(f"/x{n - 1}/x{n - 1}")
        file.attrs["default"] = "x28/entry"
        entry.attrs["signal"] = "data"
    return path


def hdf5_attribute(folder: Path) -> Path:
    """An attribute of 4000 texts, all of which are the same 4 MB of the file: 16 GB to read."""
    path = folder / "bomb.h5"
    with h5py.File(path, "w") as file:
        data = file.create_dataset("data", data=np.zeros((3, 20, 20), np.float32))
        text = h5py.string_dtype()
        data.attrs.create("units", np.array(["x" * (4 << 20)] + [""] * 3999, object), dtype=text)
    content = bytearray(path.read_bytes())
    # The first element (length, address, index of its heap object) stands for all of them.
    first = struct.pack("<I", 4 << 20)
    where = content.find(first)
    element = bytes(content[where : where + 16])
    content[where : where + 16 * 4000] = element * 4000
    path.write_bytes(content)
    return path


def png(columns: int, rows: int) -> Bomb:
    """A PNG picture of a colour that says it is large, with as many pixels as it says."""

    def write(folder: Path) -> Path:
        def chunk(kind: bytes, data: bytes) -> bytes:
            return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

        head = struct.pack(">IIBBBBB", columns, rows, 8, 0, 0, 0, 0)
        data = zeros_deflated((columns + 1) * rows)
        path = folder / "bomb.png"
        path.write_bytes(
            b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
        )
        return path

    return write


def tiff_strip(compression: int, packed: Callable[[], bytes]) -> Bomb:
    """A small TIFF whose strip unpacks to gigabytes."""

    def write(folder: Path) -> Path:
        return tiff(folder, [(256, 64), (257, 64), (259, compression), (278, 64)], packed())

    return write


def tiff_tags(*tags: tuple[int, int]) -> Bomb:
    """A TIFF of one strip of 4 kB with other tags than it should have."""

    def write(folder: Path) -> Path:
        given = {256: 64, 257: 64, 259: 1, 278: 64}
        return tiff(folder, sorted((given | dict(tags)).items()), bytes(4096))

    return write


def tiff(folder: Path, tags: list[tuple[int, int]], data: bytes) -> Path:
    """Write a TIFF of one page by hand; the data follow the header."""
    path = folder / "bomb.tif"
    own = dict(tags) | {258: 8, 262: 1, 277: 1}
    if 324 not in own:
        own |= {273: 8, 279: len(data)}
    else:
        own |= {324: 8, 325: len(data)}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted(own.items()))
    directory = struct.pack("<H", len(own)) + entries + struct.pack("<I", 0)
    path.write_bytes(b"II*\0" + struct.pack("<I", 8 + len(data)) + data + directory)
    return path


def tiff_many_strips(folder: Path) -> Path:
    """2000 pages that share one list of 200,000 strips: 400 million numbers in 900 kB."""
    count, pages = 200_000, 2000
    path = folder / "bomb.tif"
    data, where = bytes(16), 8 + 16
    lists = struct.pack("<I", 8) * count
    content = bytearray(b"II*\0" + struct.pack("<I", where + len(lists)) + data + lists)
    for page in range(pages):
        entries = [(256, 4, 1, 4), (257, 4, 1, count), (258, 4, 1, 8), (259, 4, 1, 1), (262, 4, 1, 1)]
        entries += [(273, 4, count, where), (277, 4, 1, 1), (278, 4, 1, 1), (279, 4, count, where)]
        packed = b"".join(struct.pack("<HHII", *entry) for entry in entries)
        following = len(content) + 2 + len(packed) + 4 if page < pages - 1 else 0
        content += struct.pack("<H", len(entries)) + packed + struct.pack("<I", following)
    path.write_bytes(content)
    return path


def ome_tiff(xml: str, **parts: str) -> Bomb:
    """An OME-TIFF with such a description; ``parts`` names files beside it that are pipes or links."""

    def write(folder: Path) -> Path:
        path = folder / "bomb.ome.tif"
        tifffile.imwrite(path, np.zeros((16, 16), np.uint8), description=xml, metadata=None)
        for what, name in parts.items():
            if what == "pipe":
                os.mkfifo(folder / name)
            else:
                (folder / name).symlink_to("/dev/zero")
        return path

    return write


def _ome(pixels: str, inside: str = "") -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" '
        'UUID="urn:uuid:0"><Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint8" '
        f"{pixels}>{inside}</Pixels></Image></OME>"
    )


_TWO = 'SizeX="16" SizeY="16" SizeZ="2" SizeC="1" SizeT="1"'


def _in_other_file(name: str) -> str:
    parts = [
        f'<TiffData IFD="0" FirstZ="{n}" PlaneCount="1"><UUID FileName="{file}">urn:uuid:{n}</UUID>'
        "</TiffData>"
        for n, file in enumerate(("bomb.ome.tif", name))
    ]
    return _ome(_TWO, "".join(parts))


def imagej(folder: Path) -> Path:
    """An ImageJ stack that promises 10^12 images."""
    path = folder / "bomb.tif"
    text = "ImageJ=1.53t\nimages=1000000000000\nslices=1000000000000\n"
    tifffile.imwrite(path, np.zeros((16, 16), np.uint8), description=text, metadata=None)
    return path


def shaped(folder: Path) -> Path:
    """A TIFF of tifffile's own kind that promises 10^12 slices."""
    path = folder / "bomb.tif"
    tifffile.imwrite(
        path, np.zeros((16, 16), np.uint8), description='{"shape": [1000000000000, 16, 16]}', metadata=None
    )
    return path


def sparse(make: Bomb, name: str, size: int = 30 * GIGABYTE) -> Bomb:
    """The same, with a file that says it has 30 GB, though hardly any lie on the disk."""

    def write(folder: Path) -> Path:
        path = make(folder)
        with open(path / name if name else path, "r+b") as file:
            file.truncate(size)
        return path

    return write


def sharded(chunk_shape: list[int], packed: bytes, index: bytes, size: int = 0) -> Bomb:
    """A Zarr array in one shard of (2, 1024, 1024) with inner chunks."""

    def write(folder: Path) -> Path:
        path = folder / "bomb.zarr"
        bytes_codec = {"name": "bytes", "configuration": {"endian": "little"}}
        configuration = {"chunk_shape": chunk_shape, "codecs": [bytes_codec], "index_codecs": [bytes_codec]}
        codecs: list[object] = [{"name": "sharding_indexed", "configuration": configuration}]
        (path / "c" / "0" / "0").mkdir(parents=True)
        (path / "zarr.json").write_text(json.dumps(zarr3((2, 1024, 1024), (2, 1024, 1024), codecs)))
        with open(path / "c" / "0" / "0" / "0", "wb") as file:
            file.write(packed)
            file.seek(max(size, len(packed)))
            file.write(index)
        return path

    return write


def tiff_description(folder: Path) -> Path:
    """A TIFF with a description of 3 GB, in a file with a hole."""
    path = tiff(folder, [(256, 64), (257, 64), (259, 1), (278, 64), (270, 5000)], bytes(4096))
    content = bytearray(path.read_bytes())
    where = content.find(struct.pack("<HHII", 270, 4, 1, 5000))
    struct.pack_into("<HHII", content, where, 270, 2, 3 * GIGABYTE, 5000)
    path.write_bytes(content)
    os.truncate(path, 5000 + 3 * GIGABYTE)
    return path


def tiff_sparse_strip(folder: Path) -> Path:
    """A TIFF whose compressed strip has 3.9 GB, in a file with a hole."""
    path = tiff(folder, [(256, 64), (257, 64), (259, 8), (278, 64)], bytes(4096))
    content = bytearray(path.read_bytes())
    where = content.find(struct.pack("<HHII", 279, 4, 1, 4096))
    struct.pack_into("<HHII", content, where, 279, 4, 1, 0xF000_0000)
    path.write_bytes(content)
    os.truncate(path, 4 * GIGABYTE)
    return path


def mrc(**numbers: int) -> Bomb:
    """An MRC header without voxels that says it is large."""

    def write(folder: Path) -> Path:
        head = bytearray(1024)
        places = {"nx": 0, "ny": 4, "nz": 8, "mode": 12, "nsymbt": 92}
        for name, value in ({"nx": 8, "ny": 8, "nz": 8, "mode": 2} | numbers).items():
            struct.pack_into("<i", head, places[name], value)
        struct.pack_into("<3i", head, 64, 1, 2, 3)
        head[208:216] = b"MAP DD\0\0"
        path = folder / "bomb.mrc"
        path.write_bytes(bytes(head) + bytes(8 * 8 * 8 * 4))
        return path

    return write


def imod(size: int, **numbers: int) -> Bomb:
    """A model of IMOD with one contour, in a file of this size; what follows are zeros."""

    def write(folder: Path) -> Path:
        told = {"nx": 64, "ny": 64, "nz": 8, "objects": 1, "contours": 1, "points": 4} | numbers
        head = (
            b"IMODV1.2" + bytes(128) + struct.pack(">4i", *(told[k] for k in ("nx", "ny", "nz", "objects")))
        )
        one = b"OBJT" + bytes(128) + struct.pack(">i", told["contours"]) + bytes(44)
        contour = b"CONT" + struct.pack(">4i", told["points"], 0, 0, 0)
        points = struct.pack(">12f", 1, 1, 1, 60, 1, 1, 60, 60, 1, 1, 60, 1)
        path = folder / "bomb.mod"
        path.write_bytes(head.ljust(240, b"\0") + one + contour + points + b"IEOF")
        if size:
            os.truncate(path, size)
        return path

    return write


def file_of(name: str, *parts: bytes | Callable[[], bytes], size: int = 0) -> Bomb:
    """A file of these parts; ``size`` makes it so large, with a hole at its end."""

    def write(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(b"".join(part() if callable(part) else part for part in parts))
        if size:
            os.truncate(path, size)
        return path

    return write


def nrrd(sizes: str, encoding: str = "raw", **fields: str) -> bytes:
    lines = ["NRRD0004", "type: float", "dimension: 3", f"sizes: {sizes}", f"encoding: {encoding}"]
    return "\n".join([*lines, *(f"{k.replace('_', ' ')}: {v}" for k, v in fields.items())]).encode() + b"\n\n"


def mdoc(folder: Path) -> Path:
    """A volume beside a list of tilt angles that is nothing but ends of lines."""
    (folder / "bomb.nrrd.mdoc").write_bytes(b"\n" * (1 << 20))
    return file_of("bomb.nrrd", nrrd("16 16 100"), bytes(102_400))(folder)


def nrrd_pipe(folder: Path) -> Path:
    """A header whose data are a pipe."""
    os.mkfifo(folder / "data.raw")
    return file_of("bomb.nhdr", nrrd("64 64 2", data_file="data.raw"))(folder)


def nifti(*size: int) -> bytes:
    head = bytearray(352)
    struct.pack_into("<i", head, 0, 348)
    struct.pack_into("<8h", head, 40, 3, *size, 1, 1, 1, 1)
    struct.pack_into("<2h", head, 70, 16, 32)
    struct.pack_into("<f", head, 108, 352)
    head[344:348] = b"n+1\0"
    return bytes(head)


def amira(parameters: str, size: str = "64 64 2", data: str = "@1") -> bytes:
    text = f"# AmiraMesh BINARY-LITTLE-ENDIAN 2.1\ndefine Lattice {size}\nParameters {{\n{parameters}\n}}\n"
    return f"{text}Lattice {{ byte Labels }} {data}\n# Data section follows\n@1\n".encode()


def mat5(*elements: bytes) -> bytes:
    return b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM" + b"".join(elements)


def variable(name: bytes, size: tuple[int, ...], kind: int, values: bytes, promised: int = 0) -> bytes:
    def element(code: int, data: bytes, length: int = 0) -> bytes:
        return struct.pack("<II", code, length or len(data)) + data + bytes(-len(data) % 8)

    head = element(6, struct.pack("<II", kind, 0)) + element(5, struct.pack(f"<{len(size)}i", *size))
    return element(14, head + element(1, name) + element(2, values, promised))


def packed_zeros(count: int) -> bytes:
    """A variable of MATLAB that unpacks to zeros."""
    data = zeros_deflated(count)
    return struct.pack("<II", 15, len(data)) + data


def folder_of(what: str) -> Bomb:
    """A folder of slices in which one is a pipe, or a link to a device."""

    def write(folder: Path) -> Path:
        path = folder / "slices"
        path.mkdir()
        for n in range(3):
            tifffile.imwrite(path / f"slice{n}.tif", np.zeros((16, 16), np.uint8))
        if what == "a pipe":
            os.mkfifo(path / "slice3.tif")
        else:
            (path / "slice3.tif").symlink_to("/dev/zero")
        return path

    return write


TOMOGRAMS: dict[str, Bomb] = {
    "IMOD, 2^31 points in 30 GB": imod(30 * GIGABYTE, points=2**31 - 1),
    "IMOD, 10^9 points in 30 GB": imod(30 * GIGABYTE, points=10**9),
    "IMOD, 2^31 objects in 30 GB": imod(30 * GIGABYTE, objects=2**31 - 1),
    "IMOD, 2^31 contours": imod(0, contours=2**31 - 1),
    "IMOD, slices of 2^31²": imod(0, nx=2**31 - 1, ny=2**31 - 1),
    "IMOD, 2^31 slices": imod(0, nz=2**31 - 1),
    **{f"Zarr 2, {name}": zarr_chunk(name) for name in PACKED},
    **{f"Zarr 3, {name}": zarr_chunk(name, 3) for name in PACKED},
    "Zarr, shard": zarr_shard,
    "Zarr, file of 30 GB": sparse(zarr_metadata(), "0.0.0"),
    "Zarr, metadata of 30 GB": sparse(zarr_metadata(), ".zarray"),
    "Zarr, shard of 30 GB": sharded(
        [1, 1024, 1024], b"", struct.pack("<4Q", 0, 1 << 22, 1 << 22, 1 << 22), 30 << 30
    ),
    "Zarr, chunk of 29 GB in a shard": sharded(
        [1, 1024, 1024], b"", struct.pack("<4Q", 0, 29 << 30, 0, 29 << 30), 30 << 30
    ),
    "Zarr, shard of 2 million chunks": sharded([1, 1, 1], bytes(1000), bytes(32 << 20)),
    "Zarr, chunk of 4 GB": zarr_metadata(shape=[1024] * 3, chunks=[1024] * 3),
    "Zarr, 10^9 chunks": zarr_metadata(shape=[2, 32768, 32768], chunks=[1, 1, 1]),
    "Zarr, 10^18 voxels": zarr_metadata(shape=[10**6] * 3, chunks=[1, 64, 64]),
    "Zarr, shape of 10^30": zarr_metadata(shape=[10**30, 64, 64]),
    "Zarr, chunks of 0": zarr_metadata(chunks=[0, 0, 0]),
    "Zarr, negative shape": zarr_metadata(shape=[-2, 64, 64]),
    "Zarr, shape of text": zarr_metadata(shape=["2", "64", "64"]),
    "Zarr, lzma in a filter": zarr_metadata(filters=[{"id": "zlib"}, {"id": "lzma"}]),
    "Zarr, nested codecs": zarr_metadata(filters=[{"id": "delta", "dtype": "<f4"}] * 10_000),
    "Zarr, chunk that is a pipe": zarr_chunk_is("a pipe"),
    "Zarr, chunk that is a device": zarr_chunk_is("a device"),
    "HDF5, gzip": hdf5_chunk(lambda: zeros_deflated(4 * GIGABYTE), compression="gzip"),
    "HDF5, shuffled gzip": hdf5_chunk(lambda: zeros_deflated(4 * GIGABYTE), compression="gzip", shuffle=True),
    "HDF5, gzip with checksum": hdf5_chunk(
        lambda: zeros_deflated(4 * GIGABYTE) + bytes(4), compression="gzip", fletcher32=True
    ),
    "HDF5, LZF": hdf5_chunk(lambda: b"\0\0" + b"\xe0\xff\0" * (8 << 20), compression="lzf"),
    "HDF5, chunk of 3 GB": hdf5_shape((3 << 10, 1024, 1024), (3 << 10, 1024, 1024), fill=True),
    "HDF5, 10^9 chunks": hdf5_shape((2, 32768, 32768), (1, 1, 1)),
    "HDF5, slices of 4 GB": hdf5_shape((2, 65000, 65000), (1, 512, 512)),
    "HDF5, 2^28 soft links": hdf5_soft_links,
    "HDF5, attribute of 16 GB": hdf5_attribute,
    "PNG of 65000²": png(65000, 65000),
    "PNG of 30000²": png(30000, 30000),
    "PNG, file of 30 GB": sparse(png(64, 64), ""),
    "TIFF, zlib": tiff_strip(8, lambda: zeros_deflated(4 * GIGABYTE)),
    "TIFF, LZMA": tiff_strip(34925, lambda: lzma.compress(bytes(GIGABYTE // 8), preset=0)),
    "TIFF, zstd": tiff_strip(50000, lambda: zeros_zstd(4 * GIGABYTE, promised=True)),
    "TIFF, PNG": tiff_strip(34933, lambda: _bytes_of(png(60000, 60000))),
    "TIFF, JPEG": tiff_strip(7, lambda: _jpeg(65000, 65000)),
    "TIFF, JPEG 2000": tiff_strip(34712, lambda: _jpeg_2000(60000, 60000)),
    "TIFF of 65000²": tiff_tags((256, 65000), (257, 65000)),
    "TIFF, tiles of 65536²": tiff_tags((322, 65536), (323, 65536), (324, 8)),
    "TIFF, description of 3 GB": tiff_description,
    "TIFF, strip of 3.9 GB": tiff_sparse_strip,
    "TIFF, many strips": tiff_many_strips,
    "TIFF, ImageJ": imagej,
    "TIFF, shaped": shaped,
    "OME-TIFF, 10^12 slices": ome_tiff(
        _ome('SizeX="16" SizeY="16" SizeZ="1000000000000" SizeC="1" SizeT="1"')
    ),
    "OME-TIFF, open tag": ome_tiff(_ome(_TWO, "<" + "Pixels " * 200_000)),
    "mdoc of lines": mdoc,
    "OME-TIFF, 10^9 channels": ome_tiff(
        _ome('SizeX="16" SizeY="16" SizeZ="1" SizeC="1000000000" SizeT="1"', "<TiffData/>")
    ),
    "OME-TIFF, part that is a pipe": ome_tiff(_in_other_file("part.tif"), pipe="part.tif"),
    "OME-TIFF, part that is a device": ome_tiff(_in_other_file("part.tif"), link="part.tif"),
    "MRC of 2^31 columns": mrc(nx=2**31 - 1, ny=2**31 - 1),
    "MRC, extended header of 2 GB": mrc(nsymbt=2**31 - 1),
    "NRRD, 10^18 voxels": file_of("bomb.nrrd", nrrd("1000000 1000000 1000000")),
    "NRRD, slices of 4 GB in gzip": file_of(
        "bomb.nrrd", nrrd("65000 65000 2", "gzip"), lambda: zeros_deflated(GIGABYTE, 31)
    ),
    "NRRD, gzip of 4 GB": file_of(
        "bomb.nrrd", nrrd("64 64 2", "gzip"), lambda: zeros_deflated(4 * GIGABYTE, 31)
    ),
    "NRRD, header of 30 GB": file_of("bomb.nrrd", b"NRRD0004\ntype: float\n", size=30 * GIGABYTE),
    "NRRD, 10^7 fields": file_of(
        "bomb.nrrd", b"NRRD0004\n", b"".join(b"%d:=\n" % n for n in range(3_000_000))
    ),
    "NRRD, 7 million lines": file_of("bomb.nrrd", nrrd("64 64 2")[:-1], lambda: b"#\n" * 7_000_000, b"\n"),
    "NRRD, 32 million lines": file_of("bomb.nrrd", nrrd("64 64 2")[:-1], lambda: b"#\n" * 32_000_000),
    "NRRD, 10,000 lines of a hole": file_of(
        "bomb.nrrd", nrrd("64 64 2", line_skip="10000"), size=20 * GIGABYTE
    ),
    "NRRD, brackets": file_of("bomb.nrrd", nrrd("64 64 2", space_directions="(" * 1_000_000), bytes(32768)),
    "NRRD, data in a pipe": nrrd_pipe,
    "NRRD, skips of 10^18 bytes": file_of(
        "bomb.nrrd", nrrd("64 64 2", "gzip", byte_skip=str(10**18)), lambda: zeros_deflated(1 << 20, 31)
    ),
    "NIfTI, 2^45 voxels": file_of("bomb.nii", nifti(32767, 32767, 32767)),
    "NIfTI, gzip of 4 GB": file_of(
        "bomb.nii.gz",
        lambda: zlib.compress(b"")[:0],
        lambda: gzip.compress(nifti(64, 64, 2)) + zeros_deflated(4 * GIGABYTE, 31),
    ),
    "gzip, 10^6 empty members": file_of("bomb.mrc.gz", gzip.compress(b"", mtime=0) * 1_000_000),
    "bzip2 of 4 GB": file_of("bomb.mrc.bz2", lambda: bz2.compress(bytes(GIGABYTE // 64)) * 256),
    "bzip2 of streams of one byte": file_of("bomb.mrc.bz2", lambda: bz2.compress(b"a") * 500_000),
    "bzip2 of streams of nothing": file_of("bomb.mrc.bz2", lambda: bz2.compress(b"") * 4_000_000),
    "AmiraMesh, 10^18 voxels": file_of("bomb.am", amira("", "1000000 1000000 1000000")),
    "AmiraMesh, slices of 4 GB": file_of(
        "bomb.am", amira("", "65000 65000 2", "@1(HxByteRLE,200000000)"), size=GIGABYTE
    ),
    "AmiraMesh, header of 30 GB": file_of(
        "bomb.am", b"# AmiraMesh BINARY-LITTLE-ENDIAN 2.1\n", size=30 * GIGABYTE
    ),
    "AmiraMesh, nested groups": file_of("bomb.am", amira("a {\n" * 1_000_000)),
    "AmiraMesh, quotes": file_of("bomb.am", amira('"\\' * 4_000_000)),
    "AmiraMesh, spaces": file_of("bomb.am", amira("", data=" " * 300_000 + "x")),
    "AmiraMesh, lines": file_of("bomb.am", amira("\n" * 15_000_000)),
    "NumPy, 10^18 voxels": file_of(
        "bomb.npy",
        b"\x93NUMPY\x01\x00\x76\x00",
        b"{'descr': '<f4', 'fortran_order': False, 'shape': (1000000, 1000000, 1000000), }".ljust(118),
    ),
    "NumPy, header of 4 GB": file_of("bomb.npy", b"\x93NUMPY\x02\x00\xf0\xff\xff\xff", size=5 * GIGABYTE),
    "NumPy, nested header": file_of("bomb.npy", b"\x93NUMPY\x01\x00\x00\x20", b"(" * 8192),
    "MATLAB, empty parts": file_of("bomb.mat", mat5(), size=1 << 27),
    "MATLAB, 10^18 voxels": file_of("bomb.mat", mat5(variable(b"a", (10**6, 10**6, 10**6), 9, bytes(64)))),
    "MATLAB, values of 4 GB": file_of(
        "bomb.mat", mat5(variable(b"a", (64, 64, 10**6), 9, bytes(64), 0xFFFFFFF0))
    ),
    "MATLAB, name of 4 GB": file_of(
        "bomb.model",
        mat5(variable(b"mibModel", (8, 8, 8), 9, bytes(512))),
        lambda: packed_zeros(4 * GIGABYTE),
    ),
    "TXM, tables of sectors": file_of(
        "bomb.txm",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        b"\0" * 16,
        struct.pack("<5H", 0x3E, 3, 0xFFFE, 9, 6),
        b"\0" * 6,
        b"\xff" * 468,
        size=30 * GIGABYTE,
    ),
    "folder, pipe": folder_of("a pipe"),
    "folder, device": folder_of("a device"),
}
Nodes = list[onnx.NodeProto]


def network(
    nodes: Callable[[], Nodes],
    *weights: tuple[str, np.ndarray],
    functions: tuple[onnx.FunctionProto, ...] = (),
) -> Bomb:
    """A model whose ``nodes`` lead from "input" to "sum"; tanh of that is the label."""

    def write(folder: Path) -> Path:
        free = ["n", 1, "y", "x"]
        graph = helper.make_graph(
            [*nodes(), helper.make_node("Tanh", ["sum"], ["label"])],
            "bomb",
            [helper.make_tensor_value_info("input", TensorProto.FLOAT, free)],
            [helper.make_tensor_value_info("label", TensorProto.FLOAT, free)],
            [numpy_helper.from_array(values, name) for name, values in weights],
        )
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
        made = helper.make_model(graph, opset_imports=opsets, ir_version=9, functions=functions)
        path = folder / "bomb.onnx"
        path.write_bytes(made.SerializeToString())
        return path

    return write


def chain(*kinds: tuple[str, list[str], dict[str, object]]) -> Callable[[], Nodes]:
    """Nodes of which each reads the one before it first."""

    def make() -> Nodes:
        made, name = [], "input"
        for number, (kind, others, attributes) in enumerate(kinds):
            output = "sum" if number == len(kinds) - 1 else f"t{number}"
            made.append(helper.make_node(kind, [name, *others], [output], **attributes))
            name = output
        return made

    return make


def nested(depth: int) -> tuple[onnx.FunctionProto, ...]:
    """Functions of which each calls the one before it twice: 2^depth nodes."""
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    found = [
        helper.make_function("own", "f0", ["a"], ["b"], [helper.make_node("Relu", ["a"], ["b"])], opsets)
    ]
    for n in range(1, depth + 1):
        calls = [helper.make_node(f"f{n - 1}", [a], [b], domain="own") for a, b in (("a", "m"), ("m", "b"))]
        found.append(helper.make_function("own", f"f{n}", ["a"], ["b"], calls, opsets))
    return tuple(found)


def itself() -> tuple[onnx.FunctionProto, ...]:
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    call = helper.make_node("f", ["a"], ["b"], domain="own")
    return (helper.make_function("own", "f", ["a"], ["b"], [call], opsets),)


def _sized(*sizes: int) -> np.ndarray:
    return np.array(sizes, np.int64)


def _from_shape(kind: str) -> Callable[[], Nodes]:
    """A layer whose size is computed: a million times the size of the slice."""
    node = helper.make_node

    def make() -> Nodes:
        return [
            node("Shape", ["input"], ["shape"]),
            node("Mul", ["shape", "factors"], ["large"]),
            node("Expand", ["input", "large"], ["wide"])
            if kind == "Expand"
            else node("ConstantOfShape", ["large"], ["wide"])
            if kind == "ConstantOfShape"
            else node("Tile", ["input", "factors"], ["wide"]),
            node("ReduceMax", ["wide"], ["most"], keepdims=1),
            node("Add", ["input", "most"], ["sum"]),
        ]

    return make


def _from_data() -> Nodes:
    """A layer whose size depends on what is seen in the slice."""
    node = helper.make_node
    return [
        node("NonZero", ["input"], ["where"]),
        node("Cast", ["where"], ["places"], to=TensorProto.FLOAT),
        node("Transpose", ["places"], ["turned"]),
        node("MatMul", ["turned", "places"], ["all"]),
        node("ReduceMax", ["all"], ["most"], keepdims=0),
        node("Add", ["input", "most"], ["sum"]),
    ]


def _attention() -> Nodes:
    node = helper.make_node
    return [
        node("Reshape", ["input", "column"], ["a"]),
        node("Reshape", ["input", "row"], ["b"]),
        node("MatMul", ["a", "b"], ["all"]),
        node("ReduceMax", ["all"], ["most"], keepdims=0),
        node("Add", ["input", "most"], ["sum"]),
    ]


def _einsum() -> Nodes:
    node = helper.make_node
    return [
        node("Reshape", ["input", "flat"], ["a"]),
        node("Einsum", ["a", "a", "a", "a"], ["all"], equation="a,b,c,d->abcd"),
        node("ReduceMax", ["all"], ["most"], keepdims=0),
        node("Add", ["input", "most"], ["sum"]),
    ]


def _made_kernel() -> Nodes:
    node = helper.make_node
    return [
        node("ConstantOfShape", ["kernel size"], ["kernel"]),
        node("Conv", ["input", "kernel"], ["sum"], pads=[1000] * 4),
    ]


def _loaded() -> Nodes:
    """Constants that are computed when the model is loaded: 64 of 400 MB."""
    node = helper.make_node
    made = [node("ConstantOfShape", ["size"], ["c0"])]
    made += [node("Add", [f"c{n}", "one"], [f"c{n + 1}"]) for n in range(64)]
    made += [node("ReduceMax", [f"c{n}"], [f"m{n}"], keepdims=0) for n in range(65)]
    made.append(node("Sum", ["input", *(f"m{n}" for n in range(65))], ["sum"]))
    return made


def _many() -> Nodes:
    names = ["input", *(f"t{n}" for n in range(199_999)), "sum"]
    return [helper.make_node("Relu", [a], [b]) for a, b in itertools.pairwise(names)]


_WIDE = ("w", np.full((32768, 1, 1, 1), 0.01, np.float32)), ("v", np.full((1, 32768, 1, 1), 0.01, np.float32))
_SCALES = ("s", np.array([1, 1, 100, 100], np.float32))
_SMALL = {"kernel_shape": [100, 100], "strides": [100, 100]}
MODELS: dict[str, Bomb] = {
    "ONNX, 131 kB of weights": network(chain(("Conv", ["w"], {}), ("Conv", ["v"], {})), *_WIDE),
    "ONNX, 131 kB and many layers": network(
        chain(("Conv", ["w"], {}), *[("Relu", [], {})] * 40, ("Conv", ["v"], {})), *_WIDE
    ),
    "ONNX, enlarged": network(
        chain(("Resize", ["", "s"], {"mode": "nearest"}), ("MaxPool", [], _SMALL)), _SCALES
    ),
    "ONNX, computed Expand": network(_from_shape("Expand"), ("factors", _sized(1, 1000, 1000, 1))),
    "ONNX, computed ConstantOfShape": network(
        _from_shape("ConstantOfShape"), ("factors", _sized(1, 1000, 1000, 1))
    ),
    "ONNX, computed Tile": network(_from_shape("Tile"), ("factors", _sized(1, 1000, 1000, 1))),
    "ONNX, size from data": network(_from_data),
    "ONNX, quadratic": network(_attention, ("column", _sized(-1, 1)), ("row", _sized(1, -1))),
    "ONNX, Einsum": network(_einsum, ("flat", _sized(-1))),
    "ONNX, made kernel": network(_made_kernel, ("kernel size", _sized(1, 1, 2001, 2001))),
    "ONNX, pools of 1023": network(
        chain(*[("MaxPool", [], {"kernel_shape": [1023, 1023], "pads": [511] * 4})] * 50)
    ),
    "ONNX, pools of 10^6": network(chain(("AveragePool", [], {"kernel_shape": [10**6, 1]}))),
    "ONNX, made when loaded": network(
        _loaded, ("size", _sized(100, 1000, 1000)), ("one", np.float32(1).reshape(1))
    ),
    "ONNX, 200,000 nodes": network(_many),
    "ONNX, functions 2^40": network(chain(("f40", [], {"domain": "own"})), functions=nested(40)),
    "ONNX, functions 2^12": network(chain(("f12", [], {"domain": "own"})), functions=nested(12)),
    "ONNX, function of itself": network(chain(("f", [], {"domain": "own"})), functions=itself()),
}
# These open: what is odd about them is left out, or does no harm.
OPENS = {
    "NRRD, brackets",
    "mdoc of lines",
    "OME-TIFF, open tag",
    "NRRD, gzip of 4 GB",
    "NIfTI, gzip of 4 GB",
    "MATLAB, name of 4 GB",
    "folder, pipe",
    "folder, device",
    "HDF5, attribute of 16 GB",
    "TIFF, LZMA",
    "ONNX, functions 2^12",
}


def _bytes_of(make: Bomb) -> bytes:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        return make(Path(folder)).read_bytes()


def _jpeg(columns: int, rows: int) -> bytes:
    """A real small JPEG whose header says that it is large."""
    import imagecodecs

    content = bytearray(imagecodecs.jpeg_encode(np.zeros((64, 64), np.uint8)))
    where = content.find(b"\xff\xc0")
    struct.pack_into(">HH", content, where + 5, rows, columns)
    return bytes(content)


def _jpeg_2000(columns: int, rows: int) -> bytes:
    import imagecodecs

    content = bytearray(imagecodecs.jpeg2k_encode(np.zeros((64, 64), np.uint8), codecformat="j2k"))
    where = content.find(b"\xff\x51")
    struct.pack_into(">II", content, where + 6, columns, rows)
    struct.pack_into(">II", content, where + 22, columns, rows)
    return bytes(content)


__all__ = ["MODELS", "OPENS", "TOMOGRAMS", "Bomb"]
