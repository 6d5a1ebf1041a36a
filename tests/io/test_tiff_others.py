"""TIFF as other programs write it: planes, MIB's box, printers' resolutions, broken promises."""

import numpy as np
import pytest
import tifffile

from sxtstudio.core.axes import AxisOrder
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.io import open_volume

ZYX = AxisOrder.from_text("zyx")


def read_all(path, axes=None):
    with open_volume(path, axes) as opened:
        return opened, opened.read(Box.whole(opened.shape))


# -- planes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("slices", [3, 4])
@pytest.mark.parametrize("dtype", ["u2", "i2", "f4", "f8", "u4", ">f4"])
def test_planes_of_more_than_8_bit_are_slices(tmp_path, volume, dtype, slices, compression):
    """What tifffile writes by default for a stack of 3 or 4."""
    data = volume(dtype, (slices, 40, 11))
    how = {"photometric": "rgb", "planarconfig": "separate", "compression": compression, "rowsperstrip": 16}
    tifffile.imwrite(tmp_path / "a.tif", data, **how)
    opened, got = read_all(tmp_path / "a.tif")
    assert opened.shape == data.shape and opened.dtype == data.dtype.newbyteorder("=")
    np.testing.assert_array_equal(got, data)
    with open_volume(tmp_path / "a.tif") as opened:
        box = Box((1, 2, 3), (3, 36, 10))
        np.testing.assert_array_equal(opened.read(box), data[box.slices])


def test_planes_of_8_bit_are_slices_if_the_file_or_the_user_says_so(tmp_path, volume):
    data = volume("u1", (3, 40, 11))
    tifffile.imwrite(tmp_path / "a.tif", data, photometric="rgb", planarconfig="separate")
    with pytest.raises(UserError, match=r"colour \(RGB\).* if its 3 planes are slices, name its axes"):
        open_volume(tmp_path / "a.tif")
    np.testing.assert_array_equal(read_all(tmp_path / "a.tif", ZYX)[1], data)
    tifffile.imwrite(tmp_path / "b.tif", data, photometric="minisblack", planarconfig="separate")
    np.testing.assert_array_equal(read_all(tmp_path / "b.tif")[1], data)
    how = {"photometric": "rgb", "planarconfig": "separate", "metadata": {"axes": "ZYX"}}
    tifffile.imwrite(tmp_path / "c.tif", data, **how)
    np.testing.assert_array_equal(read_all(tmp_path / "c.tif")[1], data)


@pytest.mark.parametrize("dtype", ["u1", "u2", "f4"])
def test_colours_pixel_by_pixel_stay_colours(tmp_path, dtype):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((20, 24, 3), dtype), photometric="rgb")
    for axes in (None, ZYX):
        with pytest.raises(UserError, match=r"colour \(RGB\) image\. Convert it to grey values first\."):
            open_volume(tmp_path / "a.tif", axes)


@pytest.mark.parametrize("how", ["imagej", "ome"])
@pytest.mark.parametrize("slices", [2, 3, 4])
@pytest.mark.parametrize("dtype", ["u1", "u2", "f4"])
def test_what_tifffile_calls_channels_by_default(tmp_path, volume, dtype, slices, how):
    data = volume(dtype, (slices, 7, 11))
    tifffile.imwrite(tmp_path / "a.tif", data, **{how: True})
    if dtype == "u1" and slices == 3:
        with pytest.raises(UserError, match=r"3 colour channels.* if they are slices, name its axes"):
            open_volume(tmp_path / "a.tif")
        np.testing.assert_array_equal(read_all(tmp_path / "a.tif", ZYX)[1], data)
    else:
        opened, got = read_all(tmp_path / "a.tif")
        np.testing.assert_array_equal(got, data)
        assert "the file calls its slices channels; they are taken as z" in opened.notes


# -- Microscopy Image Browser -------------------------------------------------------------------------


def write_mib(path, data, box, more="|MIB(2202021041): Segmentation|ImageJ=1.53t"):
    with tifffile.TiffWriter(path) as file:
        for number, page in enumerate(data):
            description = "BoundingBox " + " ".join(f"{value:.5f}" for value in box) + f" {more}"
            file.write(
                page,
                description=description if number == 0 else None,
                metadata=None,
                resolution=(25400 / 0.0125, 25400 / 0.013),
                resolutionunit="INCH",
                photometric="minisblack",
            )


@pytest.mark.parametrize("slices", [5, 2, 1])
def test_box_of_mib_spans_the_centres_of_voxels(tmp_path, volume, slices):
    """xmax = xmin + (max(n, 2) - 1) * size, in µm, as MIB's saveModel and getBoundingBox have it."""
    steps = max(slices, 2) - 1
    box = (-1.5, -1.5 + 10 * 0.0125, 2.0, 2.0 + 6 * 0.013, 0.5, 0.5 + steps * 0.02)
    write_mib(tmp_path / "a.tif", volume("u1", (slices, 7, 11)), box)
    opened, _ = read_all(tmp_path / "a.tif")
    assert opened.voxel_nm == pytest.approx((20, 13, 12.5))
    assert opened.origin_nm == pytest.approx((500, 2000, -1500))


@pytest.mark.parametrize("box", [(0, 0, 0, 0, 0, 0), (1, 0, 1, 0, 1, 0), (0, 10, 0, 6, 0, 4)], ids=str)
def test_a_box_that_says_nothing(tmp_path, volume, box):
    """Without a size, turned round, or in voxels, which is what a program writes that knows no size."""
    write_mib(tmp_path / "a.tif", volume("u1"), box)
    assert read_all(tmp_path / "a.tif")[0].voxel_nm is None


# -- resolutions for printing --------------------------------------------------------------------------


@pytest.mark.parametrize(("dpi", "unit"), [(72, "INCH"), (96, "INCH"), (300, "INCH"), (28.346, "CENTIMETER")])
@pytest.mark.parametrize("slices", [1, 5])
def test_dots_per_inch_are_no_pixel_size(tmp_path, volume, dpi, unit, slices):
    data = volume("u1", (slices, 7, 11))
    tifffile.imwrite(
        tmp_path / "a.tif",
        data,
        resolution=(dpi, dpi),
        resolutionunit=unit,
        metadata=None,
        photometric="minisblack",
    )
    opened, _ = read_all(tmp_path / "a.tif")
    assert opened.voxel_nm is None
    (note,) = opened.notes
    assert "no X-ray microscope" in note and "the pixel" not in note


@pytest.mark.parametrize(
    ("unit", "per_unit", "tag", "known"),
    [("micron", 80, "NONE", True), ("micron", 72, "INCH", False), ("micron", 72, "NONE", True)],
)
def test_a_printers_resolution_beside_imagejs_description(tmp_path, volume, unit, per_unit, tag, known):
    """1/72 of a µm is a likely pixel, but not where the unit of 72 is the inch."""
    description = f"ImageJ=1.54f\nimages=5\nslices=5\nunit={unit}\nspacing=0.02\n"
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        for page in volume("u1"):
            file.write(
                page,
                description=description,
                metadata=None,
                resolution=(per_unit, per_unit),
                resolutionunit=tag,
                photometric="minisblack",
            )
            description = None
    edge = 1000 / per_unit
    expected = pytest.approx((20, edge, edge)) if known else None
    assert read_all(tmp_path / "a.tif")[0].voxel_nm == expected


# -- promises ------------------------------------------------------------------------------------------


def write_ome(path, data, promised, planes):
    tiff_data = {
        "all": "<TiffData/>",
        "counted": f'<TiffData IFD="0" PlaneCount="{promised}"/>',
        "each": "".join(f'<TiffData FirstZ="{z}" IFD="{z}" PlaneCount="1"/>' for z in range(promised)),
        "named": "".join(
            f'<TiffData FirstZ="{z}" IFD="{z}" PlaneCount="1">'
            f'<UUID FileName="{path.name}">urn:uuid:1</UUID></TiffData>'
            for z in range(promised)
        ),
        "none": "",
    }[planes]
    xml = (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="urn:uuid:1">'
        '<Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint8" '
        f'SizeX="11" SizeY="7" SizeZ="{promised}" SizeC="1" SizeT="1">{tiff_data}</Pixels></Image></OME>'
    )
    with tifffile.TiffWriter(path) as file:
        for page in data:
            file.write(page, description=xml, metadata=None, photometric="minisblack")
            xml = None


@pytest.mark.parametrize("planes", ["all", "counted", "each", "named", "none"])
@pytest.mark.parametrize("promised", [3, 5, 9])
def test_an_ome_tiff_that_promises_other_slices_than_it_has(tmp_path, volume, promised, planes):
    write_ome(tmp_path / "a.ome.tif", volume("u1"), promised, planes)
    if promised > 5:
        with pytest.raises(UserError, match="truncated: it promises 9 slices and holds 5"):
            open_volume(tmp_path / "a.ome.tif")
        return
    opened, got = read_all(tmp_path / "a.ome.tif")
    np.testing.assert_array_equal(got, volume("u1")[: len(got)])
    told = any("5 images, of which it names the first 3" in note for note in opened.notes)
    assert told == (len(got) == 3)


def test_an_imagej_stack_that_names_fewer_slices_says_so(tmp_path, volume):
    tifffile.imwrite(tmp_path / "a.tif", volume("u1"), imagej=True, metadata={"axes": "ZYX"})
    data = (tmp_path / "a.tif").read_bytes()
    (tmp_path / "a.tif").write_bytes(data.replace(b"images=5", b"images=3").replace(b"slices=5", b"slices=3"))
    opened, got = read_all(tmp_path / "a.tif")
    np.testing.assert_array_equal(got, volume("u1")[:3])
    assert any("5 images, of which it names the first 3" in note for note in opened.notes)
