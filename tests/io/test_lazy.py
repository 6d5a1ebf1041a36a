"""Gigabytes on the disk, megabytes in memory. The big files are sparse: they take no space."""

import json
import subprocess
import sys
from pathlib import Path

import h5py
import mrcfile.dtypes
import numpy as np
import pytest
import tifffile

from sxtstudio.core.geometry import Box
from sxtstudio.core.volume import ArrayVolume
from sxtstudio.io import chunks, export_volume

SHAPE = (500, 1324, 1284)  # 3.4 GB of float32
SLICE_MB = 1324 * 1284 * 4 / 1e6

# Run in a process of its own, so that its peak is that of this reading and nothing else. The peak of
# getrusage would begin with that of the parent.
PEAK = """
import json, sys, time
def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) / 1e3 for line in status if line.startswith("VmHWM"))
"""
READ = """
from sxtstudio.core.geometry import Box
from sxtstudio.io import open_volume
before, begin = peak(), time.process_time()
volume = open_volume(sys.argv[1])
seconds, peaks = time.process_time() - begin, [before, peak()]
for first, last in ((0, 4), (4, 24)):
    for z in range(first, last):
        volume.read(Box.slab(z, z + 1, volume.shape))
    peaks.append(peak())
print(json.dumps([volume.shape, seconds, peaks]))
"""
needs_proc = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="reads its peak memory from /proc"
)


def in_new_process(code, *arguments):
    command = [sys.executable, "-c", PEAK + code, *map(str, arguments)]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def big_mrc(path):
    header = np.zeros((), mrcfile.dtypes.HEADER_DTYPE)
    header["nz"], header["ny"], header["nx"] = SHAPE
    header["mode"], header["map"], header["machst"] = 2, b"MAP ", (0x44, 0x44, 0, 0)
    with open(path, "wb") as file:
        file.write(header.tobytes())
        file.truncate(1024 + int(np.prod(SHAPE)) * 4)


def big_tiff(path):
    """One directory, as ImageJ writes a stack."""
    with tifffile.TiffWriter(path) as writer:
        writer.write(
            np.zeros(SHAPE[1:], "f4"), description="ImageJ=1.54f\nimages=500\nslices=500\n", metadata=None
        )
    with open(path, "r+b") as file:
        file.truncate(10_000 + int(np.prod(SHAPE)) * 4)


def big_hdf5(path):
    with h5py.File(path, "w") as file:
        data = file.create_dataset("data", SHAPE, "f4")
        data[0, 0, 0] = 1


@needs_proc
@pytest.mark.parametrize("write", [big_mrc, big_tiff, big_hdf5])
def test_3_gb_open_at_once_and_stay_on_the_disk(tmp_path, write):
    write(tmp_path / "big.dat")
    assert (tmp_path / "big.dat").stat().st_size > 3.39e9 or write is big_hdf5
    shape, seconds, (before, opened, few, many) = in_new_process(READ, tmp_path / "big.dat")
    (tmp_path / "big.dat").unlink()
    assert tuple(shape) == SHAPE
    assert seconds < 1
    assert opened - before < 60  # h5py itself takes a part of that
    assert many - few < 1.5 * SLICE_MB  # 20 slices are 136 MB


EXPORT = """
import numpy as np
from sxtstudio.io import export_volume, writing
writing.SLAB_BYTES = 4 << 20
class Made:
    dtype, voxel_nm = np.dtype("uint8"), (10.0, 10.0, 10.0)
    def __init__(self, slices): self.shape = (slices, 512, 512)
    def read(self, box): return np.ones(box.shape, np.uint8)
peaks = []
for slices in (64, 64, 320):
    export_volume(sys.argv[1], Made(slices))
    peaks.append(peak())
print(json.dumps(peaks))
"""


@needs_proc
@pytest.mark.parametrize("name", ["a.tif", "a.mrc", "a.zarr"])
def test_memory_of_an_export_does_not_grow_with_the_slices(tmp_path, name):
    _, few, many = in_new_process(EXPORT, tmp_path / name)  # the first run starts threads and loads libraries
    assert many - few < 20  # the difference in voxels is 67 MB


def test_a_layer_of_chunks_is_decoded_once():
    """Slice after slice of a deep-chunked file must not decode each chunk again and again."""
    data = np.random.default_rng(0).integers(0, 255, (20, 8, 9)).astype("u1")
    source, calls = ArrayVolume(data), []

    def read(box):
        calls.append(box)
        return source.read(box)

    chunked = chunks.ChunkedSlices(read, data.shape, data.dtype, depth=8)
    got = np.concatenate([chunked.read(Box.slab(z, z + 1, data.shape)) for z in range(20)])
    np.testing.assert_array_equal(got, data)
    assert [b.shape[0] for b in calls] == [8, 8, 4]
    calls.clear()
    np.testing.assert_array_equal(chunked.read(Box((0, 3, 0), (20, 4, 9))), data[:, 3:4])  # an xz view
    np.testing.assert_array_equal(chunked.read(Box((1, 2, 2), (3, 4, 5))), data[1:3, 2:4, 2:5])  # a small box
    np.testing.assert_array_equal(chunked.read(Box.slab(4, 12, data.shape)), data[4:12])  # across two layers
    assert len(calls) == 3


def test_of_a_layer_too_big_a_part_is_kept(monkeypatch):
    data = np.random.default_rng(0).integers(0, 255, (20, 8, 9)).astype("u1")
    monkeypatch.setattr(chunks, "MOST_KEPT_BYTES", 3 * 72 + 1)
    source, calls = ArrayVolume(data), []

    def read(box):
        calls.append((box.start[0], box.stop[0]))
        return source.read(box)

    chunked = chunks.ChunkedSlices(read, data.shape, data.dtype, depth=8)
    got = np.concatenate([chunked.read(Box.slab(z, z + 1, data.shape)) for z in range(20)])
    np.testing.assert_array_equal(got, data)
    assert calls == [(0, 3), (3, 6), (6, 8), (8, 11), (11, 14), (14, 16), (16, 19), (19, 20)]


def test_temporary_files_do_not_stay(tmp_path):
    export_volume(tmp_path / "a.tif", ArrayVolume(np.ones((3, 4, 5), "u1")))
    assert [Path(p).name for p in tmp_path.iterdir()] == ["a.tif"]
