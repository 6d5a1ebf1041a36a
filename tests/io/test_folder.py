import os

import numpy as np
import pytest
import tifffile
from PIL import Image

from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.io import open_volume


def write(path, image, **how):
    if path.suffix == ".png":
        Image.fromarray(image).save(path)
    else:
        tifffile.imwrite(path, image, **how)


def fill(folder, data, names):
    folder.mkdir(exist_ok=True)
    for name, image in zip(names, data, strict=True):
        write(folder / name, image)
    return folder


def read_all(path):
    with open_volume(path) as opened:
        return opened, opened.read(Box.whole(opened.shape))


@pytest.mark.parametrize("name", ["", "project.json", "open.sxtproject"])
def test_a_project_is_named_as_one(tmp_path, name):
    folder = tmp_path / "cell.sxt"
    folder.mkdir()
    for file in ("project.json", "open.sxtproject"):
        (folder / file).write_text("{}")
    with pytest.raises(UserError, match=r"is a project of SXT Studio.*open it in the window"):
        open_volume(folder / name)


@pytest.mark.parametrize("suffix", [".tif", ".tiff", ".png", ".TIF"])
@pytest.mark.parametrize("dtype", ["u1", "u2"])
def test_numbers_are_sorted_by_value(tmp_path, volume, suffix, dtype):
    """Without leading zeros, slice 10 would come before slice 2."""
    folder = fill(tmp_path / "s", volume(dtype), [f"cell3_slice{n}_raw{suffix}" for n in (1, 2, 9, 10, 11)])
    (folder / "notes.txt").write_text("ignored")
    (folder / ".hidden.tif").write_bytes(b"ignored")
    opened, got = read_all(folder)
    assert "folder" in opened.format
    np.testing.assert_array_equal(got, volume(dtype))
    with open_volume(folder) as opened:
        box = Box((1, 2, 3), (4, 6, 10))
        np.testing.assert_array_equal(opened.read(box), volume(dtype)[box.slices])


def test_float_slices(tmp_path, volume):
    np.testing.assert_array_equal(
        read_all(fill(tmp_path / "s", volume("f4"), [f"{n:03}.tif" for n in range(5)]))[1], volume("f4")
    )


def test_voxel_size_of_imagej_slices(tmp_path, volume):
    for n, image in enumerate(volume("u1")):
        lines = "ImageJ=1.54f\nunit=nm\nspacing=20.0\n"
        write(
            tmp_path / f"{n}.tif",
            image,
            description=lines,
            metadata=None,
            resolution=(1 / 12.5, 1 / 13),
            resolutionunit=1,
        )
    assert read_all(tmp_path)[0].voxel_nm == pytest.approx((20, 13, 12.5))


def test_a_missing_slice_is_noted(tmp_path, volume):
    opened, _ = read_all(fill(tmp_path / "s", volume("u1"), [f"s{n}.tif" for n in (1, 2, 3, 5, 6)]))
    assert any("s3.tif" in note for note in opened.notes)


def test_every_second_number_is_no_gap(tmp_path, volume):
    opened, _ = read_all(fill(tmp_path / "s", volume("u1"), [f"s{n}.tif" for n in (2, 4, 6, 8, 10)]))
    assert not any("gap" in note for note in opened.notes)


def test_folder_of_one_slice(tmp_path, volume):
    assert read_all(fill(tmp_path / "s", volume("u1")[:1], ["cell.tif"]))[1].shape == (1, 7, 11)


@pytest.mark.parametrize("suffix", [".tif", ".png"])
@pytest.mark.parametrize(
    ("odd", "told"),
    [
        (np.zeros((7, 12), "u1"), "7 × 12 px"),
        (np.zeros((7, 11), "u2"), "another type"),
        (np.zeros((7, 11, 3), "u1"), "colour"),
    ],
    ids=["size", "type", "RGB"],
)
def test_a_slice_that_differs_is_named(tmp_path, volume, suffix, odd, told):
    folder = fill(tmp_path / "s", volume("u1"), [f"s{n}{suffix}" for n in range(5)])
    write(folder / f"s3{suffix}", odd)
    with pytest.raises(UserError, match=told) as caught:
        open_volume(folder)
    assert f"s3{suffix}" in str(caught.value)


def test_slice_with_several_pages(tmp_path, volume):
    folder = fill(tmp_path / "s", volume("u1"), [f"s{n}.tif" for n in range(5)])
    write(folder / "s3.tif", volume("u1"))
    with pytest.raises(UserError, match=r"s3\.tif in s holds several slices"):
        open_volume(folder)


@pytest.mark.parametrize("suffix", [".tif", ".png"])
@pytest.mark.parametrize("cut", [0, 20, -20])
def test_broken_slice_is_named(tmp_path, volume, suffix, cut):
    folder = fill(tmp_path / "s", volume("u1"), [f"s{n}{suffix}" for n in range(5)])
    content = (folder / f"s3{suffix}").read_bytes()
    (folder / f"s3{suffix}").write_bytes(content[:cut])
    with pytest.raises(UserError, match=rf"s3\{suffix}"):
        open_volume(folder)


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["s1.tif", "s2.tif", "mask1.tif", "mask2.tif", "s3.tif"], "several series"),
        (["s1.tif", "s2.tif", "overview.tif", "s4.tif", "s5.tif"], r"overview\.tif in s has no number"),
        (["s1.tif", "s2.tif", "s3.png", "s4.tif", "s5.tif"], "both TIFF and PNG"),
    ],
)
def test_mixed_folders(tmp_path, volume, names, told):
    with pytest.raises(UserError, match=told):
        open_volume(fill(tmp_path / "s", volume("u1"), names))


def test_folder_without_slices(tmp_path):
    with pytest.raises(UserError, match="no TIFF or PNG slices"):
        open_volume(tmp_path)


def test_slice_that_vanishes(tmp_path, volume):
    folder = fill(tmp_path / "s", volume("u1"), [f"s{n}.tif" for n in range(5)])
    with open_volume(folder) as opened:
        (folder / "s2.tif").unlink()
        with pytest.raises(UserError, match="slice 3 cannot be read"):
            opened.read(Box.slab(2, 3, opened.shape))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes and links")
def test_a_last_slice_that_is_no_file_is_noted(tmp_path, volume):
    """No gap tells that the end is missing."""
    data = volume("u1")
    folder = fill(tmp_path / "s", data, [f"s{n}.tif" for n in range(len(data))])
    (folder / "s97.tif").symlink_to("s97.tif")
    (folder / "s98.tif").symlink_to("nowhere")
    (folder / "old.tif").mkdir()
    os.mkfifo(folder / "s99.tif")
    opened, got = read_all(folder)
    np.testing.assert_array_equal(got, data)
    left_out = [
        note.partition(" is left out: it is no file")[0] for note in opened.notes if "left out" in note
    ]
    assert left_out == ["s97.tif", "s98.tif", "s99.tif"]
    os.mkfifo(folder / "s100.tif")
    opened, _ = read_all(folder)
    assert "of 1 more the same is true" in opened.notes
