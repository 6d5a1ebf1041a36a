import json
import os

import numcodecs
import numpy as np
import pytest
import zarr

from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.io import open_volume

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")


def read_all(path):
    with open_volume(path) as opened:
        return opened, opened.read(Box.whole(opened.shape))


def axes_of(names, unit="nanometer"):
    kinds = {"t": "time", "c": "channel"}
    return [
        {"name": n, "type": kinds.get(n, "space"), **({} if n in kinds or unit is None else {"unit": unit})}
        for n in names
    ]


def scales(*levels):
    return [
        {"path": str(i), "coordinateTransformations": [{"type": "scale", "scale": list(s)}]}
        for i, s in enumerate(levels)
    ]


def write_image(path, data, version, axes, datasets, chunks=None, extra=None):
    """Write the arrays with zarr, the metadata by hand."""
    path.mkdir()
    for level, entry in enumerate(datasets):
        part = data[..., :: 2**level, :: 2**level] if level else data
        zarr.create_array(
            str(path / entry["path"]),
            data=part,
            chunks=chunks or part.shape,
            zarr_format=2 if version == "0.4" else 3,
        )
    multiscales = [{"axes": axes, "datasets": datasets, **(extra or {})}]
    if version == "0.4":
        multiscales[0]["version"] = "0.4"
        (path / ".zgroup").write_text('{"zarr_format": 2}')
        (path / ".zattrs").write_text(json.dumps({"multiscales": multiscales}))
    else:
        attributes = {"ome": {"version": "0.5", "multiscales": multiscales}}
        (path / "zarr.json").write_text(
            json.dumps({"zarr_format": 3, "node_type": "group", "attributes": attributes})
        )
    return path


@pytest.mark.parametrize("version", ["0.4", "0.5"])
@pytest.mark.parametrize("chunks", [(5, 7, 11), (2, 3, 4), (1, 7, 11)], ids=str)
@pytest.mark.parametrize("dtype", ["u1", "<f4", ">i2"])
def test_highest_resolution(tmp_path, volume, version, chunks, dtype):
    if dtype == ">i2" and version == "0.5":
        dtype = "<i2"
    path = write_image(
        tmp_path / "a.zarr",
        volume(dtype),
        version,
        axes_of("zyx", "micrometer"),
        scales((0.02, 0.013, 0.0125), (0.02, 0.026, 0.025)),
        chunks,
    )
    opened, got = read_all(path)
    assert opened.format == "OME-Zarr"
    assert got.dtype.isnative
    np.testing.assert_array_equal(got, volume(dtype))
    assert opened.voxel_nm == pytest.approx((20, 13, 12.5))
    with open_volume(path) as opened:
        for box in (Box((1, 2, 3), (4, 6, 10)), Box((3, 0, 0), (4, 7, 11)), Box((2, 0, 0), (3, 7, 11))):
            np.testing.assert_array_equal(opened.read(box), volume(dtype)[box.slices])


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_time_and_channel_of_length_1(tmp_path, volume, version):
    path = write_image(
        tmp_path / "a.zarr",
        volume("u1")[None, None],
        version,
        axes_of("tczyx"),
        scales((1, 1, 20, 13, 12.5)),
    )
    opened, got = read_all(path)
    np.testing.assert_array_equal(got, volume("u1"))
    assert opened.voxel_nm == (20, 13, 12.5)


def test_stored_as_x_y_z_is_turned(tmp_path, volume):
    path = write_image(
        tmp_path / "a.zarr",
        np.ascontiguousarray(volume("u1").transpose(2, 1, 0)),
        "0.4",
        axes_of("xyz"),
        scales((12.5, 13, 20)),
    )
    opened, got = read_all(path)
    np.testing.assert_array_equal(got, volume("u1"))
    assert opened.voxel_nm == (20, 13, 12.5)
    with open_volume(path) as opened:
        box = Box((1, 2, 3), (4, 6, 10))
        np.testing.assert_array_equal(opened.read(box), volume("u1")[box.slices])


def test_single_image(tmp_path, volume):
    path = write_image(tmp_path / "a.zarr", volume("u1")[0], "0.4", axes_of("yx"), scales((13, 12.5)))
    opened, got = read_all(path)
    assert got.shape == (1, 7, 11) and opened.voxel_nm == (12.5, 13, 12.5)
    np.testing.assert_array_equal(got[0], volume("u1")[0])


def test_scale_of_pyramid_and_translation(tmp_path, volume):
    datasets = scales((2, 1.3, 1.25))
    datasets[0]["coordinateTransformations"].append({"type": "translation", "translation": [1, 2, 3]})
    extra = {"coordinateTransformations": [{"type": "scale", "scale": [10, 10, 10]}]}
    path = write_image(tmp_path / "a.zarr", volume("u1"), "0.4", axes_of("zyx"), datasets, extra=extra)
    opened, _ = read_all(path)
    assert opened.voxel_nm == pytest.approx((20, 13, 12.5))
    assert opened.origin_nm == pytest.approx((10, 20, 30))


@pytest.mark.parametrize(
    ("unit", "scale", "told"),
    [
        (None, (20, 13, 12.5), "no unit"),
        ("nanometer", (0, 13, 12.5), "says 0"),
        ("nanometer", (20, -13, 12.5), "negative"),
        ("micrometer", (1, 1, 1), "exactly 1 µm"),
    ],
)
def test_voxel_size_unknown(tmp_path, volume, unit, scale, told):
    path = write_image(tmp_path / "a.zarr", volume("u1"), "0.5", axes_of("zyx", unit), scales(scale))
    opened, _ = read_all(path)
    assert opened.voxel_nm is None and told in opened.notes[0]


@pytest.mark.parametrize("names", ["tzyx", "czyx"])
def test_real_4d_is_refused(tmp_path, names):
    path = write_image(
        tmp_path / "a.zarr", np.zeros((2, 5, 7, 11), "u1"), "0.4", axes_of(names), scales((1, 20, 13, 13))
    )
    with pytest.raises(UserError, match="four or more"):
        open_volume(path)


@pytest.mark.parametrize("version", [2, 3])
def test_plain_array(tmp_path, volume, version):
    array = zarr.create_array(
        str(tmp_path / "a.zarr"), data=volume("f4"), chunks=(2, 3, 4), zarr_format=version
    )
    array.attrs["voxel_size_nm"] = [20.0, 13.0, 12.5]
    opened, got = read_all(tmp_path / "a.zarr")
    assert opened.format == "Zarr" and opened.voxel_nm == (20, 13, 12.5)
    np.testing.assert_array_equal(got, volume("f4"))


@pytest.mark.parametrize(
    ("form", "how"),
    [
        (3, {"shards": (4, 8, 8), "chunks": (2, 4, 4)}),
        (3, {"chunks": (4, 8, 8), "compressors": None}),
        (2, {"chunks": (4, 8, 8), "compressors": None}),
    ],
    ids=["shards", "3 raw", "2 raw"],
)
def test_a_chunk_that_is_cut_short_is_told_in_bytes(tmp_path, form, how):
    """NumPy speaks of divisors and shapes."""
    data = np.random.default_rng(0).integers(1, 200, (4, 8, 8)).astype("u1")
    array = zarr.create_array(tmp_path / "a.zarr", shape=data.shape, dtype="u1", zarr_format=form, **how)
    array[:] = data
    with open_volume(tmp_path / "a.zarr") as opened:
        np.testing.assert_array_equal(opened.read(Box.whole(opened.shape)), data)
    name = {3: "c/0/0/0", 2: "0.0.0"}[form]
    chunk = tmp_path / "a.zarr" / name
    for size in (100, 3, 0):
        chunk.write_bytes(chunk.read_bytes()[:size])
        with open_volume(tmp_path / "a.zarr") as opened:
            with pytest.raises(
                UserError, match=rf"cannot be read \({name} has {size} bytes and needs \d+ at"
            ):
                opened.read(Box.whole(opened.shape))


def test_sharded_array(tmp_path, volume):
    zarr.create_array(
        str(tmp_path / "a.zarr"), data=np.tile(volume("f4"), (2, 1, 1)), chunks=(2, 7, 11), shards=(4, 7, 11)
    )
    _, got = read_all(tmp_path / "a.zarr")
    np.testing.assert_array_equal(got, np.tile(volume("f4"), (2, 1, 1)))


def test_group_with_one_array_and_with_two(tmp_path, volume):
    group = zarr.create_group(str(tmp_path / "a.zarr"))
    group.create_array("deep/volume", data=volume("u1"))
    group.create_array("angles", data=np.arange(9.0))
    np.testing.assert_array_equal(read_all(tmp_path / "a.zarr")[1], volume("u1"))
    group.create_array("labels", data=volume("u2"))
    with pytest.raises(UserError, match=r"deep/volume \(5 × 7 × 11\), /labels .*a\.zarr::/deep/volume"):
        open_volume(tmp_path / "a.zarr")
    np.testing.assert_array_equal(read_all(f"{tmp_path / 'a.zarr'}::/labels")[1], volume("u2"))


def test_image_within_a_bioformats_folder(tmp_path, volume):
    outer = tmp_path / "a.zarr"
    outer.mkdir()
    (outer / ".zgroup").write_text('{"zarr_format": 2}')
    (outer / ".zattrs").write_text('{"bioformats2raw.layout": 3}')
    write_image(outer / "0", volume("u1"), "0.4", axes_of("zyx"), scales((20, 13, 12.5)))
    opened, got = read_all(outer)
    np.testing.assert_array_equal(got, volume("u1"))
    assert opened.voxel_nm == (20, 13, 12.5)


@pytest.mark.parametrize("where", ["../secret.zarr", "0/../../secret.zarr"])
def test_paths_never_leave_the_store(tmp_path, volume, where):
    zarr.create_array(str(tmp_path / "secret.zarr"), data=volume("u1"), zarr_format=2)
    path = write_image(tmp_path / "a.zarr", volume("u1"), "0.4", axes_of("zyx"), scales((20, 13, 12.5)))
    meta = json.loads((path / ".zattrs").read_text())
    meta["multiscales"][0]["datasets"][0]["path"] = where
    (path / ".zattrs").write_text(json.dumps(meta))
    with pytest.raises(UserError, match="outside its folder"):
        open_volume(path)
    with pytest.raises(UserError, match="outside its folder"):
        open_volume(f"{path}::{where}")


@pytest.mark.parametrize("level", ["array", "chunk"])
def test_links_never_leave_the_store(tmp_path, volume, level):
    zarr.create_array(str(tmp_path / "secret.zarr"), data=volume("u1"), zarr_format=2)
    path = write_image(tmp_path / "a.zarr", volume("u1"), "0.4", axes_of("zyx"), scales((20, 13, 12.5)))
    if level == "array":
        (path / "0").rename(tmp_path / "moved")
        os.symlink(tmp_path / "moved", path / "0")
    else:
        (path / "0" / "0.0.0").unlink()
        os.symlink(tmp_path / "secret.zarr" / "0.0.0", path / "0" / "0.0.0")
    with pytest.raises(UserError, match="outside its folder"):
        open_volume(path)


def test_pickled_objects_are_never_loaded(tmp_path):
    """An array of Python objects runs code when it is read; it is refused by its metadata."""
    path = tmp_path / "a.zarr"
    path.mkdir()
    meta = {
        "zarr_format": 2,
        "shape": [1, 2, 2],
        "chunks": [1, 2, 2],
        "dtype": "|O",
        "compressor": None,
        "filters": [{"id": "pickle", "protocol": 4}],
        "fill_value": None,
        "order": "C",
    }
    (path / ".zarray").write_text(json.dumps(meta))
    (path / "0.0.0").write_bytes(numcodecs.Pickle().encode(np.array([[[1, 2], [3, 4]]], object)))
    with pytest.raises(UserError, match="codec 'pickle'"):
        open_volume(path)
    (path / ".zarray").write_text(json.dumps({**meta, "dtype": "<i4"}))
    with pytest.raises(UserError, match="codec 'pickle'"):
        open_volume(path)
    (path / ".zarray").write_text(json.dumps({**meta, "filters": None}))
    with pytest.raises(UserError, match="not grey values"):
        open_volume(path)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda p: (p / "0" / ".zarray").write_text("{"), "damaged"),
        (lambda p: (p / "0" / ".zarray").write_text("[]"), "damaged"),
        (
            lambda p: (p / "0" / ".zarray").write_text(
                '{"zarr_format": 2, "shape": [0, 2, 3], "dtype": "|u1"}'
            ),
            "no voxels",
        ),
        (
            lambda p: (p / "0" / ".zarray").write_text(
                '{"zarr_format": 2, "shape": [5, 2, 3], "dtype": "<c8"}'
            ),
            "damaged",
        ),
        (lambda p: (p / "0" / ".zarray").unlink(), "no Zarr array"),
        (lambda p: (p / ".zattrs").write_text('{"multiscales": [{}]}'), "no dataset"),
        (lambda p: (p / ".zattrs").write_text("{}"), None),
        (lambda p: (p / ".zattrs").write_bytes(b"\xff\xfe"), "damaged"),
    ],
)
def test_damaged_metadata(tmp_path, volume, spoil, told):
    path = write_image(tmp_path / "a.zarr", volume("u1"), "0.4", axes_of("zyx"), scales((20, 13, 12.5)))
    spoil(path)
    if told is None:  # without OME metadata it is a plain array
        np.testing.assert_array_equal(read_all(path)[1], volume("u1"))
        return
    with pytest.raises(UserError, match=told):
        open_volume(path)


def test_damaged_chunk_is_told_when_it_is_read(tmp_path, volume):
    path = write_image(
        tmp_path / "a.zarr", volume("f4"), "0.4", axes_of("zyx"), scales((20, 13, 12.5)), chunks=(1, 7, 11)
    )
    (path / "0" / "3.0.0").write_bytes(b"nonsense")
    with open_volume(path) as opened:
        opened.read(Box.slab(0, 3, opened.shape))
        with pytest.raises(UserError, match="slice 4 cannot be read"):
            opened.read(Box.slab(3, 4, opened.shape))


def test_complex_is_refused(tmp_path):
    zarr.create_array(str(tmp_path / "a.zarr"), data=np.zeros((3, 4, 5), "c8"), zarr_format=2)
    with pytest.raises(UserError, match="complex"):
        open_volume(tmp_path / "a.zarr")


def test_a_file_of_the_store_points_to_its_folder(tmp_path, volume):
    path = write_image(tmp_path / "a.zarr", volume("u1"), "0.5", axes_of("zyx"), scales((20, 13, 12.5)))
    with pytest.raises(UserError, match=r"Open the folder a\.zarr"):
        open_volume(path / "zarr.json")
