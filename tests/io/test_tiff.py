"""TIFF files written by tifffile and Pillow, and by hand where they are to be broken."""

import struct

import numpy as np
import pytest
import tifffile
from PIL import Image

from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.io import open_volume


def read_all(path):
    with open_volume(path) as opened:
        return opened, opened.read(Box.whole(opened.shape))


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "u4", "i4", "f2", "f4", "f8"])
@pytest.mark.parametrize("order", ["<", ">"], ids=["little", "big"])
def test_types_and_byte_orders(tmp_path, volume, dtype, order):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, volume(dtype), byteorder=order, photometric="minisblack")
    _, got = read_all(path)
    assert got.dtype == np.dtype(dtype) and got.dtype.isnative
    np.testing.assert_array_equal(got, volume(dtype))


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"bigtiff": True},
        {"metadata": None},
        {"compression": "zlib"},
        {"compression": "zlib", "predictor": True},
        {"compression": "lzw"},
        {"compression": "packbits"},
        {"compression": "zlib", "tile": (16, 16)},
        {"tile": (16, 16)},
        {"rowsperstrip": 2},
        {"imagej": True},
        {"imagej": True, "compression": "zlib"},
        {"ome": True},
        {"ome": True, "compression": "zlib"},
    ],
    ids=str,
)
def test_layouts(tmp_path, volume, how):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, volume("u2"), photometric="minisblack", **how)
    np.testing.assert_array_equal(read_all(path)[1], volume("u2"))
    with open_volume(path) as opened:
        for box in (Box((1, 2, 3), (4, 6, 10)), Box((3, 0, 4), (4, 7, 5)), Box((0, 6, 0), (5, 7, 11))):
            np.testing.assert_array_equal(opened.read(box), volume("u2")[box.slices])


def test_pages_in_any_order_within_the_file(tmp_path, volume):
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as writer:
        for page in volume("f4"):
            writer.write(page, metadata=None, rowsperstrip=3)
    np.testing.assert_array_equal(read_all(path)[1], volume("f4"))


def test_pillow_writes_what_we_read(tmp_path, volume):
    path = tmp_path / "a.tif"
    pages = [Image.fromarray(p) for p in volume("u1")]
    pages[0].save(path, save_all=True, append_images=pages[1:], compression="tiff_lzw")
    np.testing.assert_array_equal(read_all(path)[1], volume("u1"))


def test_bilevel_image_gives_0_and_1(tmp_path):
    path = tmp_path / "a.tif"
    mask = np.indices((5, 11)).sum(0) % 3 == 0
    Image.fromarray(mask).save(path)
    opened, got = read_all(path)
    assert opened.dtype == np.uint8
    np.testing.assert_array_equal(got[0], mask)


@pytest.mark.parametrize(
    ("unit", "factor"),
    [("nm", 1), ("um", 1e3), ("\\u00B5m", 1e3), ("µm", 1e3), ("micron", 1e3), ("cm", 1e7), ("inch", 2.54e7)],
)
def test_imagej_voxel_size(tmp_path, volume, unit, factor):
    path = tmp_path / "a.tif"
    lines = ["ImageJ=1.54f", "images=5", "slices=5", f"unit={unit}", f"spacing={20 / factor!r}"]
    tifffile.imwrite(
        path,
        volume("u1"),
        description="\n".join(lines).encode("latin-1"),
        metadata=None,
        resolution=(factor / 12.5, factor / 13),
        resolutionunit=1,
        photometric="minisblack",
    )
    opened, _ = read_all(path)
    assert opened.format == "ImageJ TIFF"
    assert opened.voxel_nm == pytest.approx((20, 13, 12.5), rel=1e-5)


def test_imagej_units_per_axis_and_origin(tmp_path, volume):
    path = tmp_path / "a.tif"
    lines = ["ImageJ=1.54f", "images=5", "slices=5", "unit=um", "yunit=nm", "zunit=nm", "spacing=20.0"]
    lines += ["xorigin=4.0", "zorigin=-2.0"]
    tifffile.imwrite(
        path,
        volume("u1"),
        description="\n".join(lines),
        metadata=None,
        resolution=(80, 1 / 13),
        resolutionunit=1,
    )
    opened, _ = read_all(path)
    assert opened.voxel_nm == pytest.approx((20, 13, 12.5))
    assert opened.origin_nm == pytest.approx((40, 0, -50))


@pytest.mark.parametrize(
    ("slices", "resolution", "meta", "told"),
    [
        (5, (80, 80), {"unit": "um"}, "not the distance of the slices"),
        (5, (80, 80), {"spacing": 0.02}, "no unit"),
        (5, (80, 80), {"unit": "pixel", "spacing": 2}, "no unit"),
        (5, (1, 1), {"unit": "um", "spacing": 1}, "exactly 1 µm"),
        (5, None, {}, "no unit"),
        (5, (80, 80), {"unit": "um", "spacing": 0}, "says 0"),
        (5, (80, 80), {"unit": "um", "spacing": -1}, "negative"),
        (5, (80, 80), {"unit": "um", "spacing": float("nan")}, "not finite"),
        (5, (80, 80), {"unit": "um", "spacing": 500}, "no X-ray microscope"),
    ],
)
def test_imagej_voxel_size_unknown(tmp_path, volume, slices, resolution, meta, told):
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path, volume("u1")[:slices], imagej=True, resolution=resolution, metadata={"axes": "ZYX", **meta}
    )
    opened, _ = read_all(path)
    assert opened.voxel_nm is None
    assert any(note.startswith("voxel size unknown") and told in note for note in opened.notes), opened.notes


@pytest.mark.parametrize(
    ("unit", "per_unit", "expected"),
    [
        ("CENTIMETER", (1e7 / 12.5, 1e7 / 13), (12.5, 13, 12.5)),
        ("INCH", (2.54e7 / 12.5, 2.54e7 / 13), (12.5, 13, 12.5)),
        ("INCH", (72, 72), None),
        ("INCH", (300, 300), None),
        ("CENTIMETER", (1, 1), None),
        ("NONE", (8, 8), None),
    ],
)
def test_resolution_tags_of_a_single_image(tmp_path, volume, unit, per_unit, expected):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, volume("u1")[0], resolution=per_unit, resolutionunit=unit, metadata=None)
    opened, _ = read_all(path)
    assert opened.shape == (1, 7, 11)
    assert opened.voxel_nm == (None if expected is None else pytest.approx(expected, rel=1e-5))


def test_stack_with_pixel_size_only_is_unknown_but_tells_the_pixel(tmp_path, volume):
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path,
        volume("u1"),
        resolution=(1e6, 1e6),
        resolutionunit="CENTIMETER",
        metadata=None,
        photometric="minisblack",
    )
    opened, _ = read_all(path)
    assert opened.voxel_nm is None
    assert "10 × 10 nm" in opened.notes[0]


@pytest.mark.parametrize(
    ("unit", "factor"),
    [("nm", 1), ("µm", 1e3), ("mm", 1e6), ("cm", 1e7), ("in", 2.54e7), ("Å", 0.1), (None, 1e3)],
)
def test_ome_physical_size(tmp_path, volume, unit, factor):
    path = tmp_path / "a.ome.tif"
    meta = {"axes": "ZYX"}
    for axis, size in zip("ZYX", (20, 13, 12.5), strict=True):
        meta[f"PhysicalSize{axis}"] = size / factor
        if unit:
            meta[f"PhysicalSize{axis}Unit"] = unit
    tifffile.imwrite(path, volume("u1"), ome=True, metadata=meta, photometric="minisblack")
    opened, _ = read_all(path)
    assert opened.format == "OME-TIFF"
    assert opened.voxel_nm == pytest.approx((20, 13, 12.5))


def test_ome_with_pixels_as_unit_is_unknown(tmp_path, volume):
    path = tmp_path / "a.ome.tif"
    meta = {"axes": "ZYX"}
    for axis in "ZYX":
        meta |= {f"PhysicalSize{axis}": 1.0, f"PhysicalSize{axis}Unit": "pixel"}
    tifffile.imwrite(path, volume("u1"), ome=True, metadata=meta, photometric="minisblack")
    assert read_all(path)[0].voxel_nm is None


@pytest.mark.parametrize("how", ["ome", "imagej"])
def test_axes_of_length_1_are_dropped(tmp_path, volume, how):
    path = tmp_path / "a.tif"
    axes, data = (
        ("TCZYX", volume("u1")[None, None]) if how == "ome" else ("TZCYX", volume("u1")[None, :, None])
    )
    tifffile.imwrite(path, data, metadata={"axes": axes}, photometric="minisblack", **{how: True})
    np.testing.assert_array_equal(read_all(path)[1], volume("u1"))


@pytest.mark.parametrize("how", ["ome", "imagej"])
@pytest.mark.parametrize("axes", ["TZYX", "ZCYX", "TZCYX"])
def test_real_4d_is_refused(tmp_path, how, axes):
    path = tmp_path / "a.tif"
    sizes = {"T": 2, "Z": 3, "C": 2, "Y": 7, "X": 11}
    data = np.zeros([sizes[a] for a in axes], "u1")
    tifffile.imwrite(path, data, metadata={"axes": axes}, photometric="minisblack", **{how: True})
    with pytest.raises(UserError, match="four or more dimensions"):
        open_volume(path)


def test_stack_saved_as_time_series_is_taken_as_z_with_a_note(tmp_path, volume):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, volume("u1"), imagej=True, metadata={"axes": "TYX"})
    opened, got = read_all(path)
    np.testing.assert_array_equal(got, volume("u1"))
    assert any("time points" in note for note in opened.notes)


@pytest.mark.parametrize(
    ("data", "how"),
    [
        (np.zeros((7, 11, 3), "u1"), {"photometric": "rgb"}),
        (np.zeros((5, 7, 11, 3), "u1"), {"photometric": "rgb"}),
        (np.zeros((3, 7, 11), "u1"), {"photometric": "rgb", "planarconfig": "separate"}),
        (np.zeros((7, 11, 4), "u1"), {"photometric": "rgb", "extrasamples": ["unassalpha"]}),
        (np.zeros((3, 7, 11), "u1"), {"imagej": True, "metadata": {"axes": "CYX"}}),
    ],
    ids=["image", "stack", "planar", "alpha", "channels"],
)
def test_colour_is_refused(tmp_path, data, how):
    tifffile.imwrite(tmp_path / "a.tif", data, **how)
    with pytest.raises(UserError, match="colour"):
        open_volume(tmp_path / "a.tif")


def test_four_slices_that_tifffile_calls_colours_are_slices_with_a_note(tmp_path):
    stack = np.random.default_rng(0).integers(0, 255, (4, 7, 11)).astype("u1")
    # As tifffile writes four slices where nobody tells it what they are; its warning says so, too.
    tifffile.imwrite(
        tmp_path / "a.tif",
        stack,
        photometric="rgb",
        planarconfig="separate",
        extrasamples=["unassalpha"],
    )
    opened, got = read_all(tmp_path / "a.tif")
    np.testing.assert_array_equal(got, stack)
    assert opened.notes[-1] == "the file calls its 4 slices colours; they are taken as z"


def test_complex_is_refused(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((5, 7, 11), "c8"), photometric="minisblack")
    with pytest.raises(UserError, match="complex"):
        open_volume(tmp_path / "a.tif")


def test_pages_of_different_size_are_refused(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        writer.write(np.zeros((7, 11), "u1"), metadata=None)
        writer.write(np.zeros((8, 11), "u1"), metadata=None)
    with pytest.raises(UserError, match="different"):
        open_volume(tmp_path / "a.tif")


@pytest.mark.parametrize(
    "how",
    [{}, {"imagej": True}, {"ome": True}, {"compression": "zlib"}, {"bigtiff": True}, {"metadata": None}],
    ids=str,
)
@pytest.mark.parametrize("keep", [0.15, 0.5, 0.9, 0.995], ids=str)
def test_truncated_files(tmp_path, how, keep):
    """Wherever the file ends, it is an error: never a volume with fewer slices."""
    path = tmp_path / "cut.tif"
    data = np.random.default_rng(1).integers(0, 255, (9, 40, 50)).astype("u1")
    tifffile.imwrite(path, data, photometric="minisblack", **how)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * keep)])
    with pytest.raises(UserError, match=r"cut\.tif"), open_volume(path) as opened:
        opened.read(Box.whole(opened.shape))


def with_bits(path, bits):
    """Let every page of a file say that its values take so many bits."""
    with tifffile.TiffFile(path) as tif:
        places = [page.tags["BitsPerSample"].valueoffset for page in tif.pages]
    stored = bytearray(path.read_bytes())
    for place in places:
        stored[place : place + 2] = bits.to_bytes(2, "little")
    path.write_bytes(stored)


@pytest.mark.parametrize("bits", [0, 33, 77, 128])
@pytest.mark.parametrize("dtype", ["u1", "f4"])
def test_values_of_so_many_bits_are_no_numbers(tmp_path, bits, dtype):
    path = tmp_path / "odd.tif"
    tifffile.imwrite(path, np.ones((3, 9, 10), dtype), photometric="minisblack", metadata=None)
    with_bits(path, bits)
    with pytest.raises(UserError, match=f"odd.tif says that a value takes {bits} bits"):
        open_volume(path)


def test_more_bits_than_there_are_bytes_are_told_at_once(tmp_path):
    path = tmp_path / "odd.tif"
    tifffile.imwrite(path, np.ones((3, 9, 10), "u2"), photometric="minisblack", metadata=None)
    with_bits(path, 24)
    with pytest.raises(UserError, match="fewer bytes than that takes"):
        open_volume(path)
    with_bits(path, 12)  # fewer are no fault
    with open_volume(path) as volume:
        assert volume.read(Box((0, 0, 0), volume.shape)).shape == (3, 9, 10)


def test_damaged_compressed_page_is_told_when_it_is_read(tmp_path):
    path = tmp_path / "a.tif"
    data = np.random.default_rng(1).integers(0, 255, (4, 40, 50)).astype("u1")
    tifffile.imwrite(path, data, photometric="minisblack", compression="zlib")
    with tifffile.TiffFile(path) as tif:
        where = tif.pages[2].dataoffsets[0]
    with open(path, "r+b") as file:
        file.seek(where)
        file.write(b"\xff" * 200)
    with open_volume(path) as opened:
        np.testing.assert_array_equal(opened.read(Box.slab(0, 2, opened.shape)), data[:2])
        with pytest.raises(UserError, match="slice 3 cannot be read"):
            opened.read(Box.slab(2, 3, opened.shape))


def test_directories_in_a_circle(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.zeros((7, 11), "u1"), metadata=None)
    with tifffile.TiffFile(path) as tif:
        offset, count = tif.pages[0].offset, len(tif.pages[0].tags)
    with open(path, "r+b") as file:
        file.seek(offset + 2 + 12 * count)
        file.write(struct.pack("<I", offset))
    with pytest.raises(UserError, match="damaged"):
        open_volume(path)


OME = '<?xml version="1.0" encoding="UTF-8"?>%s<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"'


def ome_of_two_files(folder, other):
    """Write the first half of an OME-TIFF whose second slice lies in the file ``other``."""
    planes = "".join(
        f'<TiffData IFD="0" FirstZ="{z}" PlaneCount="1">'
        f'<UUID FileName="{name}">urn:uuid:{z}</UUID></TiffData>'
        for z, name in enumerate(("first.ome.tif", other))
    )
    xml = (
        OME % "" + ' UUID="urn:uuid:0"><Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYZCT" '
        f'Type="uint8" SizeX="11" SizeY="7" SizeZ="2" SizeC="1" SizeT="1">{planes}</Pixels></Image></OME>'
    )
    tifffile.imwrite(folder / "first.ome.tif", np.full((7, 11), 1, "u1"), description=xml, metadata=None)
    return folder / "first.ome.tif"


def test_ome_in_several_files_of_one_folder(tmp_path):
    first = ome_of_two_files(tmp_path, "second.ome.tif")
    tifffile.imwrite(tmp_path / "second.ome.tif", np.full((7, 11), 2, "u1"), metadata=None)
    _, got = read_all(first)
    assert got.shape == (2, 7, 11) and got[0].max() == 1 and got[1].min() == 2


def test_ome_with_a_missing_file_is_no_black_slice(tmp_path):
    with pytest.raises(UserError, match="missing"):
        open_volume(ome_of_two_files(tmp_path, "second.ome.tif"))


@pytest.mark.parametrize("name", ["../secret.tif", "/etc/secret.tif", "..\\secret.tif", "C:\\secret.tif"])
def test_ome_never_leaves_its_folder(tmp_path, name):
    (tmp_path / "in").mkdir()
    tifffile.imwrite(tmp_path / "secret.tif", np.full((7, 11), 2, "u1"), metadata=None)
    with pytest.raises(UserError, match="another folder"):
        open_volume(ome_of_two_files(tmp_path / "in", name))


def test_ome_with_entities_is_refused(tmp_path):
    xml = (
        OME % '<!DOCTYPE OME [<!ENTITY a "aaaa">]>' + '><Image><Pixels SizeX="11">&a;</Pixels></Image></OME>'
    )
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((7, 11), "u1"), description=xml, metadata=None)
    with pytest.raises(UserError, match="OME description"):
        open_volume(tmp_path / "a.tif")


def test_imagej_stack_with_one_directory(tmp_path, volume):
    """Above 4 GB ImageJ writes one directory, and the slices one after another behind it."""
    path = tmp_path / "a.tif"
    data = volume(">u2")
    with tifffile.TiffWriter(path, byteorder=">") as writer:
        writer.write(data[0], description="ImageJ=1.54f\nimages=5\nslices=5\n", metadata=None)
        start = writer._fh.tell()
    with tifffile.TiffFile(path) as tif:
        start = tif.pages[0].dataoffsets[0] + data[0].nbytes
    with open(path, "r+b") as file:
        file.seek(start)
        file.write(data[1:].tobytes())
    _, got = read_all(path)
    np.testing.assert_array_equal(got, volume("u2"))
    with open(path, "r+b") as file:
        file.truncate(start + data[1:].nbytes - 1)
    with pytest.raises(UserError, match="truncated"):
        open_volume(path)
