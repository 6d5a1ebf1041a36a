"""Exports are checked by other readers than those that verify them in the program."""

import errno
import json
import os
import struct
import warnings
import zlib
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import mrcfile
import numpy as np
import pytest
import tifffile
import zarr
from PIL import Image

from sxtstudio.core.errors import Cancelled, UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import ArrayVolume
from sxtstudio.io import export as export_module
from sxtstudio.io import export_tiff, export_volume, open_volume, writing
from sxtstudio.io.place import Place
from sxtstudio.io.zarr import foreign_file

VOXEL = (20.0, 13.0, 12.5)
ORIGIN = (100.0, -26.0, 25.0)
NAMES = ["out.tif", "out.mrc", "out.ome.zarr", "out.am", "out.nrrd", "out.nii", "out.nii.gz"]


@pytest.fixture
def labels():
    """Corners that differ, and more voxels along each axis than along the one before it."""
    array = np.zeros((5, 7, 11), "u1")
    array[0, 0, 0] = 1
    array[0, 0, -3:] = 2
    array[0, -2:, 0] = 255
    array[-1, 0, 0:2] = 7
    return array


def contents(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*"))


def parse_tiff(path):
    """Read a TIFF by hand: tags of the first page, and all pages, as (tags, pixels)."""
    raw = path.read_bytes()
    order = "<" if raw[:2] == b"II" else ">"
    big = struct.unpack_from(order + "H", raw, 2)[0] == 43
    sizes = {1: ("B", 1), 2: ("s", 1), 3: ("H", 2), 4: ("I", 4), 5: ("II", 8), 16: ("Q", 8)}
    offset = struct.unpack_from(order + ("Q" if big else "I"), raw, 8 if big else 4)[0]
    first, pages = None, []
    while offset:
        count = struct.unpack_from(order + ("Q" if big else "H"), raw, offset)[0]
        tags, position = {}, offset + (8 if big else 2)
        for _ in range(count):
            tag, kind, number = struct.unpack_from(order + ("HHQ" if big else "HHI"), raw, position)
            code, size = sizes[kind]
            inline = 8 if big else 4
            where = position + (12 if big else 8)
            if number * size > inline:
                where = struct.unpack_from(order + ("Q" if big else "I"), raw, where)[0]
            if kind == 2:
                tags[tag] = raw[where : where + number].rstrip(b"\0").decode("ascii")
            else:
                tags[tag] = struct.unpack_from(order + code * number, raw, where)
            position += 20 if big else 12
        strips = zip(tags[273], tags[279], strict=True)
        data = [raw[a : a + n] for a, n in strips]
        if tags[259][0] == 8:  # Adobe deflate
            data = [zlib.decompress(part) for part in data]
        dtype = order + {1: "u", 2: "i", 3: "f"}[tags.get(339, (1,))[0]] + str(tags[258][0] // 8)
        pages.append(np.frombuffer(b"".join(data), dtype).reshape(tags[257][0], tags[256][0]))
        first = first or tags
        offset = struct.unpack_from(order + ("Q" if big else "I"), raw, position)[0]
    return first, np.array(pages), big


@pytest.mark.parametrize("big", [False, True], ids=["classic", "BigTIFF"])
def test_label_tiff_by_hand(tmp_path, labels, big, monkeypatch):
    if big:
        monkeypatch.setattr(export_tiff, "CLASSIC_LIMIT_BYTES", 100)
    receipt = export_volume(tmp_path / "out.tif", ArrayVolume(labels, VOXEL))
    tags, pages, is_big = parse_tiff(tmp_path / "out.tif")
    assert is_big == big and receipt.format == ("ImageJ BigTIFF" if big else "ImageJ TIFF")
    assert pages.dtype == np.uint8
    np.testing.assert_array_equal(pages, np.where(labels, 255, 0))
    assert tags[259] == (8,) and tags[262] == (1,) and tags[277] == (1,)
    described = dict(line.split("=", 1) for line in tags[270].splitlines())
    assert described["ImageJ"] and described["images"] == described["slices"] == "5"
    assert described["unit"] == "nm" and float(described["spacing"]) == 20
    assert tags[283][1] / tags[283][0] == pytest.approx(13)  # YResolution, pixels per unit
    assert tags[282][1] / tags[282][0] == pytest.approx(12.5)
    assert tags[296] == (1,)  # the unit is ImageJ's, not inch


def test_label_tiff_by_other_libraries(tmp_path, labels):
    export_volume(tmp_path / "out.tif", ArrayVolume(labels, VOXEL))
    with tifffile.TiffFile(tmp_path / "out.tif") as tif:
        assert tif.is_imagej and tif.series[0].axes == "ZYX"
        assert tif.imagej_metadata["unit"] == "nm" and tif.imagej_metadata["spacing"] == 20
        np.testing.assert_array_equal(tif.asarray(), np.where(labels, 255, 0))
    with Image.open(tmp_path / "out.tif") as image:
        assert image.n_frames == 5 and image.mode == "L"
        for z in range(5):
            image.seek(z)
            np.testing.assert_array_equal(np.asarray(image), np.where(labels[z], 255, 0))


def test_label_mrc_by_mrcfile(tmp_path, labels):
    volume = ArrayVolume(labels, VOXEL)
    export_volume(tmp_path / "out.mrc", volume, place=Place(ORIGIN))
    assert mrcfile.validate(tmp_path / "out.mrc")
    with mrcfile.open(tmp_path / "out.mrc") as mrc:
        assert mrc.header.mode == 0 and mrc.data.dtype == np.int8 and mrc.is_volume()
        np.testing.assert_array_equal(mrc.data, np.where(labels, 127, 0))
        assert mrc.voxel_size.tolist() == pytest.approx((125, 130, 200))  # x, y, z in Å
        assert mrc.header.origin.tolist() == pytest.approx((250, -260, 1000))
        assert mrc.header.dmin == 0 and mrc.header.dmax == 127
        assert mrc.header.dmean == pytest.approx(mrc.data.mean())
        assert mrc.header.rms == pytest.approx(mrc.data.std())


def test_label_zarr_by_zarr(tmp_path, labels):
    export_volume(tmp_path / "out.ome.zarr", ArrayVolume(labels, VOXEL), place=Place(ORIGIN))
    group = zarr.open_group(str(tmp_path / "out.ome.zarr"), mode="r")
    (image,) = group.attrs["multiscales"]
    assert image["version"] == "0.4" and image["name"] == "out"
    assert [(a["name"], a["type"], a["unit"]) for a in image["axes"]] == [
        (n, "space", "nanometer") for n in "zyx"
    ]
    scale, shift = image["datasets"][0]["coordinateTransformations"]
    assert scale == {"type": "scale", "scale": [20, 13, 12.5]}
    assert shift == {"type": "translation", "translation": list(ORIGIN)}
    array = group[image["datasets"][0]["path"]]
    assert array.dtype == np.uint8
    np.testing.assert_array_equal(array[:], np.where(labels, 255, 0))


def test_zarr_chunks_by_hand(tmp_path):
    """A chunk decompressed by hand lies where the specification says: z / y / x."""
    array = np.zeros((20, 300, 270), "u1")
    array[17, 260, 3] = 1
    export_volume(tmp_path / "out.zarr", ArrayVolume(array))
    meta = json.loads((tmp_path / "out.zarr" / "0" / ".zarray").read_text())
    assert meta["chunks"] == [16, 256, 256] and meta["dimension_separator"] == "/"
    chunks = [p for p in contents(tmp_path / "out.zarr" / "0") if p[0].isdigit() and p.count("/") == 2]
    assert chunks == ["1/1/0"]
    chunk = np.frombuffer(zlib.decompress((tmp_path / "out.zarr/0/1/1/0").read_bytes()), "u1")
    assert np.argwhere(chunk.reshape(16, 256, 256)).tolist() == [[1, 4, 3]]


@pytest.mark.parametrize("name", NAMES)
def test_the_same_labels_give_the_same_files(tmp_path, labels, name):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    for folder in "ab":
        export_volume(tmp_path / folder / name, ArrayVolume(labels, VOXEL))
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    for file in contents(tmp_path / "a"):
        if (tmp_path / "a" / file).is_file():
            assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


@pytest.mark.parametrize("name", [*NAMES, "out.tiff", "out.rec", "out.map", "out.zarr", "OUT.TIF"])
@pytest.mark.parametrize("voxel", [VOXEL, None], ids=["known", "unknown"])
def test_round_trip_of_labels(tmp_path, labels, name, voxel):
    volume = ArrayVolume(labels, voxel)
    receipt = export_volume(tmp_path / name, volume, place=Place(ORIGIN) if voxel else None)
    assert receipt.verified and receipt.path == tmp_path / name
    assert receipt.shape == labels.shape and receipt.voxel_nm == voxel
    with open_volume(receipt.path) as back:
        assert back.shape == receipt.shape and back.dtype == receipt.dtype
        np.testing.assert_array_equal(back.read(Box.whole(back.shape)) != 0, labels != 0)
        if voxel is None:
            assert back.voxel_nm is None
        else:
            assert back.voxel_nm == pytest.approx(voxel)
            assert back.origin_nm == pytest.approx(ORIGIN)
    assert contents(tmp_path)[0] == name  # nothing temporary is left
    size = sum(p.stat().st_size for p in tmp_path.rglob("*") if p.is_file())
    assert receipt.bytes == size


@pytest.mark.parametrize("kind", ["image", "probability"])
@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "f4", "f2"])
@pytest.mark.parametrize("name", NAMES[:3])  # of the others: tests/io/handover
def test_values_and_types_are_kept(tmp_path, volume, name, dtype, kind):
    data = volume(dtype)
    receipt = export_volume(tmp_path / name, ArrayVolume(data, VOXEL), kind=kind)
    expected = {("out.tif", "f2"): "f4", ("out.mrc", "u1"): "u2"}.get((name, dtype), dtype)
    assert receipt.dtype == np.dtype(expected)
    if name == "out.mrc":
        with mrcfile.open(tmp_path / name) as mrc:
            assert mrc.header.mode == {"i1": 0, "i2": 1, "u2": 6, "f4": 2, "f2": 12}[expected]
            got = mrc.data.copy()
    elif name == "out.tif":
        got = tifffile.imread(tmp_path / name)
    else:
        got = zarr.open_array(str(tmp_path / name / "0"), mode="r")[:]
    assert got.dtype == np.dtype(expected)
    np.testing.assert_array_equal(got, data)


def test_nan_survives_and_leaves_mrc_statistics_undetermined(tmp_path, volume):
    data = volume("f4")
    data[2, 3, 4] = np.nan
    for name in NAMES:
        export_volume(tmp_path / name, ArrayVolume(data, VOXEL), kind="image")
        with open_volume(tmp_path / name) as back:
            np.testing.assert_array_equal(back.read(Box.whole(back.shape)), data)
    with mrcfile.open(tmp_path / "out.mrc") as mrc:
        assert mrc.header.dmax < mrc.header.dmin and mrc.header.rms < 0


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [bool, "i8", "f4"])
def test_labels_of_any_type(tmp_path, labels, name, dtype):
    receipt = export_volume(tmp_path / name, ArrayVolume(labels.astype(dtype)))
    assert receipt.dtype.itemsize == 1
    with open_volume(tmp_path / name) as back:
        np.testing.assert_array_equal(back.read(Box.whole(back.shape)) != 0, labels != 0)


@pytest.mark.parametrize("name", NAMES)
def test_single_slice_keeps_its_thickness(tmp_path, labels, name):
    export_volume(tmp_path / name, ArrayVolume(labels[:1], VOXEL))
    with open_volume(tmp_path / name) as back:
        assert back.shape == (1, 7, 11) and back.voxel_nm == pytest.approx(VOXEL)


@pytest.mark.parametrize("voxel", [(25.6, 25.6, 25.6), (9.8, 9.8, 9.8), (1000 / 3, 1.0, 32.7)], ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_odd_voxel_sizes_survive(tmp_path, labels, name, voxel):
    export_volume(tmp_path / name, ArrayVolume(labels), voxel_nm=voxel)
    with open_volume(tmp_path / name) as back:
        assert back.voxel_nm == pytest.approx(voxel, rel=1e-6)


def test_voxel_and_origin_come_from_the_file_by_default(tmp_path, labels):
    export_volume(tmp_path / "a.mrc", ArrayVolume(labels, VOXEL), place=Place(ORIGIN))
    with open_volume(tmp_path / "a.mrc") as source:
        for name in NAMES:
            export_volume(tmp_path / name, source)
            with open_volume(tmp_path / name) as back:
                assert back.voxel_nm == pytest.approx(VOXEL) and back.origin_nm == pytest.approx(ORIGIN)


@pytest.mark.parametrize("name", NAMES)
def test_many_slabs(tmp_path, name, monkeypatch):
    """With slabs of a few slices the result is the same, and the bar reaches its end."""
    monkeypatch.setattr(writing, "SLAB_BYTES", 2000)
    data = np.random.default_rng(0).integers(0, 2, (37, 20, 30)).astype("u1")
    states = []
    export_volume(tmp_path / name, ArrayVolume(data, VOXEL), progress=Progress(listener=states.append))
    assert len(states) >= 4 and states[-1].fraction == pytest.approx(1)
    assert all(a.fraction <= b.fraction for a, b in pairwise(states))
    with open_volume(tmp_path / name) as back:
        np.testing.assert_array_equal(back.read(Box.whole(back.shape)) != 0, data != 0)


# What goes wrong leaves the former output, and nothing else.


@pytest.fixture(params=NAMES)
def former(request, tmp_path, labels):
    """An output of an earlier run, its name, and a check that it was not touched."""
    folder = tmp_path / "results"
    folder.mkdir()
    path = folder / request.param
    export_volume(path, ArrayVolume(labels, VOXEL))
    before = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}

    def check():
        assert {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()} == before

    return path, check


class Failing(ArrayVolume):
    """A volume whose later slabs cannot be read."""

    def __init__(self, array, error):
        super().__init__(array, VOXEL)
        self.error = error

    def read(self, box):
        if box.start[0] > 0:
            raise self.error
        return super().read(box)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), UserError),
        (UserError("the input is damaged"), UserError),
        (RuntimeError("a bug"), RuntimeError),
        (KeyboardInterrupt(), KeyboardInterrupt),
    ],
    ids=["full disk", "input", "bug", "ctrl-c"],
)
def test_failure_half_way(former, monkeypatch, error, expected):
    path, check = former
    monkeypatch.setattr(writing, "SLAB_BYTES", 100)
    with pytest.raises(expected):
        export_volume(path, Failing(np.ones((40, 7, 11), "u1"), error))
    check()


def test_cancel_half_way(former, monkeypatch):
    path, check = former
    monkeypatch.setattr(writing, "SLAB_BYTES", 100)
    progress = Progress()
    progress._listener = lambda state: progress.cancel()
    with pytest.raises(Cancelled):
        export_volume(path, ArrayVolume(np.ones((40, 7, 11), "u1")), progress=progress)
    check()


def test_success_replaces_the_former_output_completely(former):
    path, _ = former
    export_volume(path, ArrayVolume(np.ones((40, 3, 4), "u1"), VOXEL))
    with open_volume(path) as back:
        assert back.shape == (40, 3, 4) and back.read(Box.whole(back.shape)).all()
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_disk_that_is_really_full(former):
    """The system refuses files above a size, as it refuses to fill a full disk."""
    resource = pytest.importorskip("resource")
    path, check = former
    noise = np.random.default_rng(0).integers(0, 255, (9, 200, 300)).astype("u1")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(UserError, match="disk is full"):
            export_volume(path, ArrayVolume(noise, VOXEL), kind="image")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    check()


@pytest.mark.parametrize("name", ["out.tif", "out.mrc"])
def test_disk_too_small_is_told_before_the_work(tmp_path, labels, monkeypatch, name):
    monkeypatch.setattr(writing.shutil, "disk_usage", lambda path: SimpleNamespace(free=100))
    with pytest.raises(UserError, match="too full"):
        export_volume(tmp_path / name, ArrayVolume(labels.astype("f4")), kind="image")
    assert contents(tmp_path) == []


@pytest.mark.parametrize("name", NAMES)
def test_missing_folder_and_folder_that_is_a_file(tmp_path, labels, name):
    with pytest.raises(UserError, match="does not exist"):
        export_volume(tmp_path / "no" / name, ArrayVolume(labels))
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="not a folder"):
        export_volume(tmp_path / "file" / name, ArrayVolume(labels))
    assert contents(tmp_path) == ["file"]


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a folder that not even root can write to")
@pytest.mark.parametrize("name", NAMES)
def test_folder_that_cannot_be_written_to(labels, name):
    with pytest.raises(UserError, match=r"cannot be written|No permission"):
        export_volume(Path("/proc") / name, ArrayVolume(labels))


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs POSIX permissions")
@pytest.mark.parametrize("name", NAMES)
def test_no_permission(tmp_path, labels, name, monkeypatch):
    def refuse(path, *args, **kwargs):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    if os.geteuid() == 0:  # root may write everywhere: the refusal is simulated
        monkeypatch.setattr("builtins.open", refuse)
    else:
        tmp_path.chmod(0o500)
    with pytest.raises(UserError, match="No permission to write"):
        export_volume(tmp_path / name, ArrayVolume(labels))


@pytest.mark.parametrize("name", ["out", "out.png", "out.h5", "out.gz"])
def test_unknown_suffix(tmp_path, labels, name):
    with pytest.raises(UserError, match="End it in one of"):
        export_volume(tmp_path / name, ArrayVolume(labels))


@pytest.mark.parametrize("voxel", [(0, 1, 1), (-1, 1, 1), (float("nan"), 1, 1), (1, 1)], ids=str)
def test_voxel_size_that_makes_no_sense(tmp_path, labels, voxel):
    with pytest.raises(UserError, match="voxel size"):
        export_volume(tmp_path / "out.tif", ArrayVolume(labels), voxel_nm=voxel)


@pytest.mark.parametrize(
    ("name", "dtype"),
    [("out.tif", "i8"), ("out.tif", "u8"), ("out.mrc", "f8"), ("out.mrc", "i4"), ("out.mrc", "c8")],
)
def test_types_that_the_format_cannot_hold(tmp_path, labels, name, dtype):
    with pytest.raises(UserError, match=r"Export as|no grey values"):
        export_volume(tmp_path / name, ArrayVolume(labels.astype(dtype)), kind="image")
    assert contents(tmp_path) == []


@pytest.mark.parametrize("name", ["thesis.txt", "0/notes/of.txt", "0/0/1.tif", ".hidden"])
def test_a_zarr_store_that_holds_a_file_of_the_users_is_not_replaced(tmp_path, labels, name):
    path, volume = tmp_path / "labels.zarr", ArrayVolume(labels)
    export_volume(path, volume)
    for own in (".DS_Store", "0/Thumbs.db"):  # nobody made these
        (path / own).write_text("")
    export_volume(path, volume)  # its own files only
    (path / name).parent.mkdir(exist_ok=True)
    (path / name).write_text("years")
    with pytest.raises(UserError, match=rf"holds {name}, which is no part of a Zarr store"):
        export_volume(path, volume)
    assert (path / name).read_text() == "years"


@pytest.mark.parametrize("form", [2, 3])
@pytest.mark.parametrize("shape", [(4, 6, 6), (6,), ()], ids=str)
def test_all_files_of_a_zarr_store_are_its_own(tmp_path, form, shape):
    for separator in "./":
        encoding = {"name": "v2" if form == 2 else "default", "separator": separator}
        group = zarr.create_group(tmp_path / f"{form}{separator == '.'}.zarr", zarr_format=form)
        array = group.create_array(
            "scale 0", shape=shape, chunks=tuple(2 for _ in shape), dtype="u1", chunk_key_encoding=encoding
        )
        array[...] = 1
        with warnings.catch_warnings(action="ignore"):  # it is no part of the third format yet
            zarr.consolidate_metadata(group.store)
        assert foreign_file(tmp_path / f"{form}{separator == '.'}.zarr") is None


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
@pytest.mark.parametrize("name", ["out.tif", "out.mrc", "out.zarr"])
def test_a_pipe_is_not_replaced(tmp_path, labels, name):
    os.mkfifo(tmp_path / name)
    with pytest.raises(UserError, match=r"pipe or a device|no Zarr store"):
        export_volume(tmp_path / name, ArrayVolume(labels))
    assert (tmp_path / name).is_fifo() and contents(tmp_path) == [name]


def test_a_folder_that_is_no_zarr_store_is_never_replaced(tmp_path, labels):
    (tmp_path / "precious.zarr").mkdir()
    (tmp_path / "precious.zarr" / "thesis.txt").write_text("years")
    with pytest.raises(UserError, match="no Zarr store"):
        export_volume(tmp_path / "precious.zarr", ArrayVolume(labels))
    (tmp_path / "out.tif").mkdir()
    with pytest.raises(UserError, match="is a folder"):
        export_volume(tmp_path / "out.tif", ArrayVolume(labels))
    assert contents(tmp_path) == ["out.tif", "precious.zarr", "precious.zarr/thesis.txt"]


@pytest.mark.parametrize("fault", ["voxel", "swap", "half"])
@pytest.mark.parametrize("name", NAMES)
def test_reading_back_finds_faults(tmp_path, labels, name, fault, monkeypatch):
    """A writer that spoils something is found out: the check can fail."""
    form = export_module._format_of(Path(name))

    def spoiling(path, plan, slabs):
        if fault == "voxel":
            plan = type(plan)(**{**plan.__dict__, "voxel_nm": (20.0, 12.5, 13.0)})
        if fault == "swap":
            slabs = (s[:, ::-1] for s in slabs)
        if fault == "half":
            slabs = (np.where(np.arange(11) < 5, s, 0).astype(s.dtype) for s in slabs)
        return form.write(path, plan, slabs)

    spoilt = type(form)(**{**form.__dict__, "write": spoiling})
    monkeypatch.setitem(export_module._FORMATS, export_module.suffix_of(Path(name)), spoilt)
    with pytest.raises(UserError, match="was not written: what was read back"):
        export_volume(tmp_path / name, ArrayVolume(labels, VOXEL))
    assert contents(tmp_path) == []


def test_export_onto_the_open_input(tmp_path, labels):
    """Cleaning labels in place: the input is read to the end before it is replaced."""
    for name in ("a.tif", "a.mrc", "a.zarr"):
        export_volume(tmp_path / name, ArrayVolume(labels, VOXEL))
        with open_volume(tmp_path / name) as source:
            export_volume(tmp_path / name, source)
        with open_volume(tmp_path / name) as back:
            np.testing.assert_array_equal(back.read(Box.whole(back.shape)) != 0, labels != 0)
