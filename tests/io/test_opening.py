import bz2
import gzip
import io
import os
import zlib
from pathlib import Path

import h5py
import mrcfile
import numpy as np
import pytest
import tifffile
from PIL import Image

from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.volume import Volume
from sxtstudio.io import FileVolume, open_volume


@pytest.fixture
def mrc(tmp_path, volume):
    mrcfile.write(tmp_path / "a.mrc", volume("f4"), voxel_size=130.0)
    return tmp_path / "a.mrc"


def test_satisfies_the_protocol_of_volumes(mrc):
    with open_volume(str(mrc)) as opened:
        assert isinstance(opened, Volume) and isinstance(opened, FileVolume)
        assert opened.path == mrc


@pytest.mark.parametrize("wrong", [".tif", ".h5", ".zarr", ".png", ".txt", ""])
@pytest.mark.parametrize("kind", ["MRC", "TIFF", "HDF5", "PNG"])
def test_content_counts_not_the_suffix(tmp_path, volume, kind, wrong):
    path = tmp_path / f"a{wrong}"
    data = volume("u1") if kind == "PNG" else volume("f4")
    if kind == "MRC":
        with mrcfile.new(tmp_path / "b.mrc") as file:
            file.set_data(data)
        os.rename(tmp_path / "b.mrc", path)
    elif kind == "TIFF":
        tifffile.imwrite(path, data, photometric="minisblack", metadata=None)
    elif kind == "HDF5":
        with h5py.File(path, "w") as file:
            file["data"] = data
    else:
        data = data[:1]
        Image.fromarray(data[0]).save(path, "png")
    with open_volume(path) as opened:
        assert opened.format == kind
        np.testing.assert_array_equal(opened.read(Box.whole(opened.shape)), data)


@pytest.mark.parametrize(
    ("mode", "dtype"), [("L", "u1"), ("I;16", "u2"), ("1", "u1")], ids=["8 bit", "16 bit", "1 bit"]
)
def test_png(tmp_path, mode, dtype):
    image = (np.indices((7, 11)).sum(0) * (900 if dtype == "u2" else 9)).astype(dtype)
    if mode == "1":
        image = image > 50
    Image.fromarray(image).save(tmp_path / "a.png")
    with open_volume(tmp_path / "a.png") as opened:
        assert opened.shape == (1, 7, 11) and opened.dtype == dtype and opened.voxel_nm is None
        got = opened.read(Box.whole(opened.shape))[0]
    np.testing.assert_array_equal(got > 0 if mode == "1" else got, image)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "P"])
def test_colour_png_is_refused(tmp_path, mode):
    Image.new("L", (11, 7)).convert(mode).save(tmp_path / "a.png")
    with pytest.raises(UserError, match="colour"):
        open_volume(tmp_path / "a.png")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "empty"),
        (b"x", "no tomogram"),
        (bytes(3000), "no tomogram"),
        (b"just a text file\n" * 300, "no tomogram"),
        (gzip.compress(b"x" * 100), "gunzip"),
        (bz2.compress(b"x" * 100), "bunzip2"),
        (b"PK\x03\x04" + bytes(100), "ZIP"),
        (b"\xd0\xcf\x11\xe0" + bytes(100), "TXM"),
        (b"\xff\xd8\xff\xe0" + bytes(100), "JPEG"),
        (b"\x93NUMPY" + bytes(100), "damaged"),
        (b"# AmiraMesh BINARY", "no data section"),
        (b"II*\0", "damaged"),
        (b"MM\0*\0\0\0\0", "without an image"),
        (b"II*\0\x08\0\0\0", "truncated"),
        (b"II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0", "truncated"),
        (b"\x89HDF\r\n\x1a\n", "truncated HDF5"),
        (b"\x89PNG\r\n\x1a\n", "truncated"),
    ],
    ids=[
        *("nothing", "a byte", "zeros", "text", "gzip", "bzip2", "ZIP", "TXM", "JPEG", "NumPy", "Amira"),
        *("TIFF cut", "TIFF without image", "TIFF's head", "BigTIFF's head", "HDF5's head", "PNG's head"),
    ],
)
@pytest.mark.parametrize("suffix", [".mrc", ".tif"])
def test_files_that_are_no_tomograms(tmp_path, content, told, suffix):
    path = tmp_path / f"bad{suffix}"
    path.write_bytes(content)
    with pytest.raises(UserError, match=told) as caught:
        open_volume(path)
    text = str(caught.value)
    assert path.name in text and text.endswith((".", "slices.")) and "\n" not in text


def test_any_damage_gives_a_sentence_or_a_volume(tmp_path, volume):
    """Bytes spoilt at random in files of every kind: never a traceback of another kind, never a hang."""
    tifffile.imwrite(tmp_path / "a.tif", volume("u1"), imagej=True, metadata={"spacing": 1, "axes": "ZYX"})
    tifffile.imwrite(
        tmp_path / "b.tif", volume("u1"), bigtiff=True, compression="zlib", photometric="minisblack"
    )
    mrcfile.write(tmp_path / "a.mrc", volume("i2"), voxel_size=100.0)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["data"] = volume("u1")
    Image.fromarray(volume("u1")[0]).save(tmp_path / "a.png")
    rng = np.random.default_rng(5)
    seen = {"opened": 0, "refused": 0}
    for path in sorted(tmp_path.iterdir()):
        for _ in range(100):
            content = np.frombuffer(path.read_bytes(), "u1").copy()
            places = rng.integers(0, min(len(content), 1500), rng.choice([1, 2, 8]))
            content[places] = rng.choice([0, 1, 127, 255], len(places))
            spoilt = tmp_path / f"spoilt{path.suffix}"
            spoilt.write_bytes(content[: rng.choice([len(content), rng.integers(1, len(content))])].tobytes())
            try:
                with open_volume(spoilt) as opened:
                    opened.read(Box.slab(0, 1, opened.shape))
                seen["opened"] += 1
            except UserError:
                seen["refused"] += 1
        spoilt.unlink()
    assert min(seen.values()) > 50


def test_file_that_does_not_exist(tmp_path):
    with pytest.raises(UserError, match="does not exist"):
        open_volume(tmp_path / "none.mrc")
    with pytest.raises(UserError, match="does not exist"):
        open_volume(f"{tmp_path / 'none.h5'}::/data")


def test_dataset_of_a_file_that_has_none(mrc):
    with pytest.raises(UserError, match="no datasets inside"):
        open_volume(f"{mrc}::/data")


def test_no_permission(mrc, monkeypatch):
    """Tests may run as root, who may read everything: the refusal is simulated."""
    original = io.open

    def refuse(file, *args, **kwargs):
        if Path(str(file)) == mrc:
            raise PermissionError(13, "Permission denied", str(file))
        return original(file, *args, **kwargs)

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(UserError, match="No permission to read"):
        open_volume(mrc)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_pipe_is_refused_instead_of_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.mrc")
    with pytest.raises(UserError, match="not a file"):
        open_volume(tmp_path / "a.mrc")


def test_box_beyond_the_volume_and_closed_file(mrc):
    opened = open_volume(mrc)
    with pytest.raises(ValueError, match="beyond"):
        opened.read(Box((0, 0, 0), (6, 7, 11)))
    opened.close()
    opened.close()
    with pytest.raises(ValueError, match="closed"):
        opened.read(Box((0, 0, 0), (1, 1, 1)))


def test_slices_of_absurd_size_are_refused_before_memory_is_asked_for(tmp_path):
    """A few bytes of PNG can promise 2 × 10⁹ × 2 × 10⁹ pixels."""
    Image.new("L", (11, 7)).save(tmp_path / "a.png")
    content = bytearray((tmp_path / "a.png").read_bytes())
    content[16:24] = b"\x77\x35\x94\x00" * 2
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(UserError, match=r"a\.png is damaged"):  # its checksum is wrong
        open_volume(tmp_path / "a.png")
    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, "big")
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(UserError, match=r"a\.png is larger than any detector"):
        open_volume(tmp_path / "a.png")


def test_two_threads_read_one_file(tmp_path, volume):
    from concurrent.futures import ThreadPoolExecutor

    data = np.random.default_rng(0).integers(0, 255, (40, 30, 50)).astype("u1")
    tifffile.imwrite(tmp_path / "a.tif", data, photometric="minisblack", compression="zlib")
    mrcfile.write(tmp_path / "a.mrc", data.astype("i2"))
    for name in ("a.tif", "a.mrc"):
        with open_volume(tmp_path / name) as opened, ThreadPoolExecutor(4) as pool:
            parts = list(pool.map(lambda z: opened.read(Box.slab(z, z + 1, opened.shape)), range(40)))
        np.testing.assert_array_equal(np.concatenate(parts), data)


def test_a_number_without_end_is_told_in_plain_words(tmp_path):
    text = "NRRD0004\ntype: float\ndimension: 3\nencoding: raw\nsizes: 4 4 " + "9" * 9000
    (tmp_path / "a.nrrd").write_bytes(text.encode() + b"\n\n" + bytes(64))
    with pytest.raises(UserError, match="a number in it is too long") as caught:
        open_volume(tmp_path / "a.nrrd")
    assert "sys." not in str(caught.value)
    (tmp_path / "a.nrrd").write_bytes(text.replace("9" * 9000, "x" * 9000).encode() + b"\n\n" + bytes(64))
    with pytest.raises(UserError, match="damaged") as caught:
        open_volume(tmp_path / "a.nrrd")
    assert len(str(caught.value)) < 250
