"""Chunks that are unpacked with a bound hold what they held, and not a byte more."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable

import h5py
import numcodecs
import numpy as np
import pytest
import zarr
from numcodecs.zstd import Zstd

from sxtstudio.core.geometry import Box
from sxtstudio.io import hdf5_chunks, limits, open_volume, unpack
from sxtstudio.io import zarr as zarr_files

DATA = np.random.default_rng(3).integers(0, 9, 300_000).astype(np.uint8).tobytes()
PACKED: dict[str, tuple[bytes, Callable[[bytes, int], bytes]]] = {
    "zlib": (zlib.compress(DATA), unpack.inflate),
    "gzip": (gzip.compress(DATA), unpack.inflate),
    "gzip members": (gzip.compress(DATA[:7]) + gzip.compress(b"") + gzip.compress(DATA[7:]), unpack.inflate),
    "bz2": (bz2.compress(DATA), unpack.unpack_bz2),
    "xz": (lzma.compress(DATA), lambda data, most: unpack.unpack_lzma(data, most, lzma.FORMAT_XZ, None)),
}


@pytest.mark.parametrize(("packed", "method"), PACKED.values(), ids=PACKED.keys())
def test_unpacking_stops_at_the_bound(packed, method):
    assert method(packed, len(DATA)) == DATA
    with pytest.raises(unpack.TooLarge):
        method(packed, len(DATA) - 1)


@pytest.mark.parametrize("cut", [1, 20])
def test_truncated_data_are_told(cut):
    with pytest.raises(zlib.error, match="truncated"):
        unpack.inflate(zlib.compress(DATA)[:-cut], len(DATA))


CHECKED = {
    "zstd": (bytes(Zstd(level=1).encode(DATA)), unpack.check_zstd),
    "blosc": (numcodecs.Blosc("zstd").encode(DATA), unpack.check_blosc),
    "lz4": (bytes(numcodecs.LZ4().encode(DATA)), unpack.check_lz4),
}


@pytest.mark.parametrize(("packed", "check"), CHECKED.values(), ids=CHECKED.keys())
def test_size_is_looked_at_before(packed, check):
    check(packed, len(DATA))
    with pytest.raises(unpack.TooLarge):
        check(packed, 20_000)


def zstd_without_its_size(data: bytes) -> bytes:
    """Raw blocks in a frame that does not say what it unpacks to (RFC 8878)."""
    parts = [b"\x28\xb5\x2f\xfd\x00\x58"]
    for begin in range(0, len(data), 100_000):
        part = data[begin : begin + 100_000]
        header = len(part) << 3 | (begin + 100_000 >= len(data))
        parts += [header.to_bytes(3, "little"), part]
    return b"".join(parts)


def test_zstd_that_does_not_say_its_size():
    packed = zstd_without_its_size(DATA)
    assert bytes(Zstd().decode(packed)) == DATA
    skipped = b"\x50\x2a\x4d\x18\x03\x00\x00\x00abc"
    for content in (packed, skipped + packed, packed + packed):
        unpack.check_zstd(content, len(DATA) * content.count(packed))
    with pytest.raises(unpack.TooLarge):
        unpack.check_zstd(packed, 20_000)
    with pytest.raises(ValueError, match="truncated"):
        unpack.check_zstd(packed[:8], len(DATA))
    with pytest.raises(ValueError, match="not compressed with Zstandard"):
        unpack.check_zstd(b"nonsense", len(DATA))


@pytest.mark.parametrize("options", [{"compression": "gzip"}, {"compression": "lzf"}], ids=["gzip", "lzf"])
@pytest.mark.parametrize("shuffle", [False, True], ids=["", "shuffled"])
@pytest.mark.parametrize("checksum", [False, True], ids=["", "with checksum"])
@pytest.mark.parametrize("dtype", ["<f4", ">u2", "i1"])
def test_hdf5_chunks_unpacked_here(tmp_path, monkeypatch, options, shuffle, checksum, dtype):
    data = np.random.default_rng(0).normal(0, 30, (7, 45, 50)).astype(dtype)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        made = file.create_dataset(
            "data",
            data.shape,
            dtype,
            chunks=(3, 16, 20),
            fillvalue=5,
            shuffle=shuffle,
            fletcher32=checksum,
            **options,
        )
        made[:6] = data[:6]  # the last layer of chunks is not there
    expected = np.concatenate([data[:6], np.full_like(data[6:], 5)])
    monkeypatch.setattr(hdf5_chunks, "_HARMLESS_BYTES", 0)
    with open_volume(tmp_path / "a.h5") as opened:
        np.testing.assert_array_equal(opened.read(Box.whole(opened.shape)), expected)
        part = Box((1, 10, 19), (5, 33, 50))
        np.testing.assert_array_equal(opened.read(part), expected[part.slices])


def test_large_zarr_chunks_are_read_one_by_one(tmp_path, monkeypatch):
    data = np.random.default_rng(0).normal(0, 30, (7, 45, 50)).astype(np.float32)
    zarr.create_array(str(tmp_path / "a.zarr"), data=data, chunks=(3, 16, 20), zarr_format=2)
    monkeypatch.setattr(zarr_files, "LARGE_CHUNK_BYTES", 0)
    with open_volume(tmp_path / "a.zarr") as opened:
        np.testing.assert_array_equal(opened.read(Box.whole(opened.shape)), data)
        part = Box((1, 10, 19), (5, 33, 50))
        np.testing.assert_array_equal(opened.read(part), data[part.slices])


def test_parts_of_a_selection_by_chunks():
    found = list(limits.chunk_parts([slice(3, 9), slice(0, 2)], (4, 5)))
    assert found == [
        ((0, 0), (slice(3, 4), slice(0, 2)), (slice(0, 1), slice(0, 2))),
        ((4, 0), (slice(0, 4), slice(0, 2)), (slice(1, 5), slice(0, 2))),
        ((8, 0), (slice(0, 1), slice(0, 2)), (slice(5, 6), slice(0, 2))),
    ]
