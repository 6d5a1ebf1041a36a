"""TXM and TXRM of Zeiss: streams as dxchange, txrm2tiff and Bio-Formats read them, in a compound file."""

import struct

import numpy as np
import olefile
import pytest

from sxtstudio.core.axes import AxisOrder
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.io import open_volume
from tests.io.compound import write_compound

VOXELS = np.random.default_rng(8).integers(0, 60_000, (5, 40, 60)).astype(np.uint16)


def streams(voxels=VOXELS, kind=5, pixel=0.0098, **more):
    count, height, width = voxels.shape
    held = {
        "ImageInfo/ImageWidth": struct.pack("<i", width),
        "ImageInfo/ImageHeight": struct.pack("<i", height),
        "ImageInfo/NoOfImages": struct.pack("<i", count),
        "ImageInfo/DataType": struct.pack("<i", kind),
        "ImageInfo/PixelSize": struct.pack("<f", pixel),
        "ImageInfo/Angles": np.zeros(count, "<f4").tobytes(),
        "ReconSettings/Filter": b"1234",
    }
    for n, image in enumerate(voxels, 1):
        held[f"ImageData{-(-n // 100)}/Image{n}"] = image[::-1].tobytes()  # the lowest row first
    return {name: data for name, data in (held | more).items() if data is not None}


def whole(volume):
    return volume.read(Box((0, 0, 0), volume.shape))


def test_the_compound_file_is_one(tmp_path):
    path = write_compound(tmp_path / "a.txm", streams())
    with olefile.OleFileIO(str(path)) as file:
        assert file.openstream("ImageInfo/ImageWidth").read() == struct.pack("<i", 60)
        assert file.openstream("ImageData1/Image5").read() == VOXELS[4, ::-1].tobytes()
        assert not file.parsing_issues


@pytest.mark.parametrize(("kind", "dtype"), [(3, "u1"), (5, "u2"), (10, "f4")])
def test_reconstructed_slices(tmp_path, kind, dtype):
    voxels = VOXELS.astype(dtype)
    path = write_compound(tmp_path / "a.txm", streams(voxels, kind))
    with open_volume(path) as volume:
        assert volume.format == "Zeiss TXM" and volume.dtype == np.dtype(dtype)
        assert volume.voxel_nm == pytest.approx((9.8, 9.8, 9.8)) and not volume.tilt_series
        np.testing.assert_array_equal(whole(volume), voxels)
        box = Box((1, 3, 5), (4, 30, 50))
        np.testing.assert_array_equal(volume.read(box), voxels[box.slices])
    with open_volume(path, AxisOrder("yzx")) as volume:
        np.testing.assert_array_equal(whole(volume), voxels.transpose(1, 0, 2))


def test_more_than_a_hundred_images_lie_in_several_storages(tmp_path):
    voxels = np.arange(205 * 8 * 9, dtype=np.uint16).reshape(205, 8, 9)
    with open_volume(write_compound(tmp_path / "a.txm", streams(voxels))) as volume:
        np.testing.assert_array_equal(whole(volume), voxels)


@pytest.mark.parametrize(
    ("name", "angles", "reconstructed", "told"),
    [
        ("a.txrm", np.zeros(5), False, "ends in .txrm"),
        ("a.txm", np.linspace(-60, 60, 5), False, "an angle for each of its 5 images"),
        ("a.txm", np.zeros(5), False, ""),
        ("a.txm", np.linspace(-60, 60, 5), True, ""),
    ],
)
def test_tilt_series_are_told(tmp_path, name, angles, reconstructed, told):
    more = {"ImageInfo/Angles": angles.astype("<f4").tobytes()}
    if not reconstructed:
        more["ReconSettings/Filter"] = None
    with open_volume(write_compound(tmp_path / name, streams(**more))) as volume:
        assert told in volume.tilt_series and bool(volume.tilt_series) == bool(told)
        assert volume.format == ("Zeiss TXRM" if told else "Zeiss TXM")
        assert (volume.voxel_nm is None) == bool(told)
        np.testing.assert_array_equal(whole(volume), VOXELS)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"ImageInfo/ImageWidth": None}, "document of Office"),
        ({"ImageInfo/DataType": struct.pack("<i", 7)}, "type 7"),
        ({"ImageInfo/NoOfImages": struct.pack("<i", 6)}, "image 6 of 6 is missing"),
        ({"ImageInfo/NoOfImages": struct.pack("<i", -1)}, "damaged"),
        ({"ImageInfo/ImageWidth": struct.pack("<i", 2**31 - 1)}, "damaged"),
        ({"ImageData1/Image1": b"short"}, "image 1"),
        ({"ImageInfo/PixelSize": None}, None),
        ({"ImageInfo/Angles": None, "ReconSettings/Filter": None}, None),
    ],
    ids=str,
)
def test_what_is_missing(tmp_path, more, words):
    path = write_compound(tmp_path / "a.txm", streams(**more))
    if words is None:
        open_volume(path).close()
        return
    with pytest.raises(UserError, match=words):
        open_volume(path)


def test_a_table_of_sectors_that_is_too_large(tmp_path):
    path = write_compound(tmp_path / "a.txm", streams())
    content = bytearray(path.read_bytes())
    content[44:48] = content[72:76] = b"\xff\xff\xff\x7f"
    path.write_bytes(bytes(content))
    with pytest.raises(UserError, match="damaged TXM"):
        open_volume(path)


def test_a_file_that_was_cut_off(tmp_path):
    path = write_compound(tmp_path / "a.txm", streams())
    path.write_bytes(path.read_bytes()[:20_000])
    with pytest.raises(UserError, match=r"damaged|truncated"):
        open_volume(path)
