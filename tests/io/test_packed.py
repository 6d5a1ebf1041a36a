"""What is packed as one stream is read from any place, the same as unpacked by Python's own modules."""

import bz2
import gzip
import random
import zlib
from concurrent.futures import ThreadPoolExecutor

import mrcfile
import numpy as np
import pytest

from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.io import open_volume, packed
from sxtstudio.io.packed import open_packed
from sxtstudio.io.raw import read_some

RANDOM = np.random.default_rng(1)
DATA = np.repeat(RANDOM.integers(0, 255, 300_000, np.uint8), RANDOM.integers(1, 9, 300_000)).tobytes()


def runs(data):
    """HxByteRLE as it is described: n and a byte to repeat, or 128 + n and n bytes as they are."""
    out, at = bytearray(), 0
    while at < len(data):
        end = at
        while end < len(data) and data[end] == data[at] and end - at < 127:
            end += 1
        if end - at > 2:
            out += bytes((end - at, data[at]))
        else:
            end = at
            while end < len(data) and end - at < 127 and data[end : end + 3] != data[end : end + 1] * 3:
                end += 1
            out += bytes((128 | end - at,)) + data[at:end]
        at = end
    return bytes(out)


PACKED = {
    "gzip": ("gzip", lambda data: gzip.compress(data)),
    "zlib": ("gzip", zlib.compress),
    "gzip of two members": ("gzip", lambda data: gzip.compress(data[:70_001]) + gzip.compress(data[70_001:])),
    "bzip2": ("bzip2", bz2.compress),
    "bzip2 of small blocks": ("bzip2", lambda data: bz2.compress(data, 1)),
    "bzip2 of two streams": ("bzip2", lambda data: bz2.compress(data[:70_001]) + bz2.compress(data[70_001:])),
    "runs": ("rle", runs),
}


@pytest.fixture(autouse=True)
def many_marks(monkeypatch):
    monkeypatch.setattr(packed, "_MARK_EVERY", 100_000)


@pytest.mark.parametrize("name", PACKED)
def test_any_place_in_any_order(tmp_path, name):
    kind, pack = PACKED[name]
    (tmp_path / "file").write_bytes(b"before" + pack(DATA) + b"behind" * (kind == "gzip"))
    source = open_packed(tmp_path / "file", kind, 6)
    chance = random.Random(2)
    for _ in range(40):
        offset = chance.randrange(len(DATA))
        length = chance.randrange(1, min(len(DATA) - offset, 60_000) + 1)
        assert read_some(source, offset, length) == DATA[offset : offset + length]
    assert read_some(source, 0, len(DATA)) == DATA
    if name != "runs":
        with pytest.raises(EOFError):
            read_some(source, len(DATA) - 2, 3)
    assert read_some(source, 3, 5) == DATA[3:8]  # an error does not spoil what comes after it
    source.close()


@pytest.mark.parametrize("name", PACKED)
def test_a_file_that_was_cut_off(tmp_path, name):
    kind, pack = PACKED[name]
    (tmp_path / "file").write_bytes(pack(DATA)[:-2000])
    source = open_packed(tmp_path / "file", kind)
    with pytest.raises((EOFError, ValueError, OSError, zlib.error)):
        read_some(source, 0, len(DATA))
    source.close()


def volume(tmp_path, name, pack):
    voxels = np.random.default_rng(3).normal(0, 1, (6, 40, 50)).astype(np.float32)
    with mrcfile.new(tmp_path / "cell.mrc", overwrite=True) as file:
        file.set_data(voxels)
        file.voxel_size = (98.0, 98.0, 120.0)
    content = (tmp_path / "cell.mrc").read_bytes()
    (tmp_path / name).write_bytes(pack(content))
    return tmp_path / name, voxels


@pytest.mark.parametrize(
    ("name", "pack"), [("cell.mrc.gz", gzip.compress), ("cell.rec.bz2", bz2.compress)], ids=["gzip", "bzip2"]
)
def test_mrc(tmp_path, name, pack):
    path, voxels = volume(tmp_path, name, pack)
    with open_volume(path) as opened:
        assert opened.shape == (6, 40, 50) and opened.voxel_nm == pytest.approx((12.0, 9.8, 9.8))
        for box in (Box((4, 3, 2), (6, 30, 44)), Box((0, 0, 0), (6, 40, 50)), Box((1, 39, 0), (2, 40, 50))):
            np.testing.assert_array_equal(opened.read(box), voxels[box.slices])
        assert not opened.tilt_series
    with open_volume(f"{path}::axes=yzx") as opened:
        np.testing.assert_array_equal(opened.read(Box((0, 0, 0), (40, 6, 50))), voxels.transpose(1, 0, 2))


def test_names_of_tilt_series_are_known_without_the_ending_of_the_packing(tmp_path):
    path, _ = volume(tmp_path, "cell.st.gz", gzip.compress)
    with open_volume(path) as opened:
        assert "its name ends in .st" in opened.tilt_series


def test_a_header_that_promises_more_than_can_be_packed_in_the_file(tmp_path):
    path, _ = volume(tmp_path, "cell.mrc.gz", lambda content: gzip.compress(content[:1024]))
    with open_volume(path) as opened, pytest.raises(UserError, match=r"slice 1 cannot be read|slices"):
        opened.read(Box((0, 0, 0), (1, 40, 50)))
    large = bytearray(gzip.decompress(path.read_bytes()))
    large[0:12] = np.array([4096, 4096, 4096], "<i4").tobytes()
    path.write_bytes(gzip.compress(bytes(large)))
    with pytest.raises(UserError, match="truncated"):
        open_volume(path)


def test_other_things_in_gzip_are_said(tmp_path):
    (tmp_path / "notes.txt.gz").write_bytes(gzip.compress(b"nothing" * 500))
    with pytest.raises(UserError, match="holds no MRC"):
        open_volume(tmp_path / "notes.txt.gz")


def test_several_threads_read_at_once(tmp_path):
    path, voxels = volume(tmp_path, "cell.mrc.gz", gzip.compress)
    with open_volume(path) as opened, ThreadPoolExecutor(4) as pool:
        boxes = [Box((z, y, 0), (z + 1, y + 9, 50)) for z in (5, 0, 3, 1) for y in (0, 30)] * 5
        for box, found in zip(boxes, pool.map(opened.read, boxes), strict=True):
            np.testing.assert_array_equal(found, voxels[box.slices])
