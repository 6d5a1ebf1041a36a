"""Which dataset is the tomogram: marks of NeXus of all times, links that are not the data, projections."""

import h5py
import numpy as np
import pytest

from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.io import open_volume


@pytest.fixture
def file(tmp_path):
    with h5py.File(tmp_path / "a.nxs", "w") as opened:
        yield opened


def found(file, data, path):
    """Close the file, open it as a volume, and check that the voxels are those of ``data``."""
    name = file.filename
    file.close()
    with open_volume(name) as opened:
        assert opened.notes[0] == f"dataset {path}"
        np.testing.assert_array_equal(opened.read(Box.whole(opened.shape)), data)
        return opened


def refused(file, told):
    name = file.filename
    file.close()
    with pytest.raises(UserError, match=told):
        open_volume(name)


def nxdata(file, volume, path="entry/data"):
    group = file.create_group(path)
    group.attrs["NX_class"] = "NXdata"
    group["data"] = volume("f4")
    group["errors"] = np.zeros((5, 7, 11))
    return group


def text(*words):
    return np.array(words, dtype=h5py.string_dtype())


@pytest.mark.parametrize(
    "form", [str, np.bytes_, text, lambda word: np.array([word.encode()])], ids=[*"abcd"]
)
def test_marks_of_any_form_are_followed(file, volume, form):
    group = nxdata(file, volume)
    file.attrs["default"] = form("entry")
    file["entry"].attrs["default"] = form("data")
    group.attrs["signal"] = form("data")
    found(file, volume("f4"), "/entry/data/data")


def test_marks_may_be_paths_from_the_root(file, volume):
    nxdata(file, volume).attrs["signal"] = "/entry/data/data"
    file.attrs["default"] = "/entry/data"
    found(file, volume("f4"), "/entry/data/data")


def test_a_signal_without_a_default(file, volume):
    nxdata(file, volume).attrs["signal"] = "data"
    found(file, volume("f4"), "/entry/data/data")


@pytest.mark.parametrize("mark", [1, np.int32(1), np.array([1]), "1", b"1", text("1")], ids=repr)
def test_a_mark_of_before_2014(file, volume, mark):
    nxdata(file, volume)["data"].attrs["signal"] = mark
    found(file, volume("f4"), "/entry/data/data")


def test_only_one_is_the_signal_and_the_default_chain_may_hold_a_mark_of_before_2014(file, volume):
    nxdata(file, volume)["data"].attrs["signal"] = 1
    nxdata(file, volume, "entry/other")["errors"].attrs["signal"] = 1
    file.attrs["default"] = "entry/data"
    found(file, volume("f4"), "/entry/data/data")


def test_two_marks_are_no_choice(file, volume):
    for path in ("entry/one", "entry/two"):
        nxdata(file, volume, path).attrs["signal"] = "data"
    refused(file, "4 datasets that could be meant")


def test_a_signal_by_a_soft_link_is_described_by_its_group(file, volume):
    """As in NXtomo: the data lie with the detector, what they mean stands in NXdata."""
    file["entry/instrument/detector/data"] = volume("f4").transpose(2, 1, 0)
    file["entry/instrument/detector/dark"] = np.zeros((5, 7, 11))
    group = file.create_group("entry/data")
    group.attrs.update(NX_class="NXdata", signal="data", axes=["x", "y", "z"])
    group["data"] = h5py.SoftLink("/entry/instrument/detector/data")
    found(file, volume("f4"), "/entry/data/data")


def test_axes_without_coordinates(file, volume):
    group = nxdata(file, volume)
    group.attrs.update(signal="data", axes=[".", "y", "x"])
    for axis, n, step in (("y", 7, 0.013), ("x", 11, 0.0125)):
        group[axis] = np.arange(n) * step
        group[axis].attrs["units"] = "um"
    opened = found(file, volume("f4"), "/entry/data/data")
    assert opened.voxel_nm is None
    assert any("the pixel (13 × 12.5 nm) but not the distance of the slices" in note for note in opened.notes)


# -- links -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["raw.hdf", "../raw.hdf", "/etc/passwd", "a.nxs", "broken.hdf"])
def test_a_link_that_is_not_the_data_is_left_out_and_named(file, volume, tmp_path, target):
    (tmp_path / "broken.hdf").write_bytes(b"\x89HDF\r\n\x1a\n")
    file["processed/data"] = volume("f4")
    file["entry/detector/data"] = h5py.ExternalLink(target, "/entry/frames")
    opened = found(file, volume("f4"), "/processed/data")
    assert any("/entry/detector/data" in note and target in note for note in opened.notes)


@pytest.mark.parametrize("image", [False, True], ids=["alone", "beside an image"])
def test_a_link_behind_which_the_data_must_lie_is_an_error(file, image):
    file["entry/data"] = h5py.ExternalLink("raw.hdf", "/entry/frames")
    if image:
        file["thumbnail"] = np.zeros((4, 5))
    refused(file, "refers to raw.hdf, which is missing")


def test_a_signal_that_is_such_a_link_is_an_error(file, volume):
    file["other"] = volume("f4")
    group = file.create_group("entry")
    group.attrs.update(NX_class="NXdata", signal="data")
    group["data"] = h5py.ExternalLink("raw.hdf", "/entry/frames")
    file.attrs["default"] = "entry"
    refused(file, "refers to raw.hdf, which is missing")


def test_of_two_volumes_the_whole_one(file, volume):
    file["processed"] = volume("f4")
    layout = h5py.VirtualLayout((5, 7, 11), "f4")
    layout[...] = h5py.VirtualSource("raw.hdf", "data", (5, 7, 11))
    file.create_virtual_dataset("raw", layout)
    opened = found(file, volume("f4"), "/processed")
    assert "/raw is left out: parts of it are missing" in opened.notes


# -- tilt series -------------------------------------------------------------------------------------


def nxtomo(file, data):
    """NXtomo: a definition, image keys, and the angles of the sample."""
    entry = file.create_group("entry1/tomo_entry")
    entry["definition"] = "NXtomo"
    entry["instrument/detector/data"] = data
    entry["instrument/detector/image_key"] = np.zeros(len(data), int)
    entry["sample/rotation_angle"] = np.linspace(-60, 60, len(data))


def nxtomo_without_angles(file, data):
    file["entry/definition"] = np.array([b"NXtomo"])
    file["entry/instrument/detector/data"] = data


def alba(file, data):
    file["TomoNormalized/TomoNormalized"] = data
    file["TomoNormalized/rotation_angle"] = np.linspace(-65, 65, len(data))
    file["TomoNormalized/AverageFF"] = np.ones(data.shape[1:])


def alba_with_a_column_of_angles(file, data):
    file["TomoNormalized/Stack"] = data
    file["TomoNormalized/rotation_angle"] = np.linspace(-65, 65, len(data))[:, None]


def alba_without_angles(file, data):
    file["TomoNormalized/TomoNormalized"] = data


def data_exchange(file, data):
    file["exchange/data"] = data
    file["exchange/theta"] = np.linspace(0, 180, len(data))


def axes_of_angles(file, data):
    group = file.create_group("entry/data")
    group.attrs.update(NX_class="NXdata", signal="data", axes=["rotation_angle", "y", "x"])
    group["data"] = data


@pytest.mark.parametrize(
    "write",
    [
        nxtomo,
        nxtomo_without_angles,
        alba,
        alba_with_a_column_of_angles,
        alba_without_angles,
        data_exchange,
        axes_of_angles,
    ],
)
def test_tilt_series_are_known(file, volume, write):
    write(file, volume("f4"))
    name = file.filename
    file.close()
    with open_volume(name) as opened:
        assert opened.tilt_series


def test_a_reconstruction_that_keeps_its_angles_is_none(file, volume):
    file["entry/data"] = volume("f4")
    file["entry/rotation_angle"] = np.linspace(-60, 60, 121)
    file["energy"] = np.linspace(1, 5, 5)
    assert not found(file, volume("f4"), "/entry/data").tilt_series


def test_of_projections_and_a_tomogram_the_tomogram(file, volume):
    nxtomo(file, np.zeros((9, 7, 11), np.float32))
    file["entry/final_result_tomo/data"] = volume("f4")
    opened = found(file, volume("f4"), "/entry/final_result_tomo/data")
    assert not opened.tilt_series
    assert any("/detector/data is left out: it holds projections" in note for note in opened.notes)


def test_what_was_reconstructed_within_an_nxtomo_is_a_tomogram(file, volume):
    file["entry/definition"] = "NXtomo"
    file["entry/reconstruction/data"] = volume("f4")
    assert not found(file, volume("f4"), "/entry/reconstruction/data").tilt_series


def test_projections_with_their_flat_fields_are_told_as_such(file, volume):
    nxtomo_without_angles(file, volume("f4"))
    file["entry/instrument/detector/flats"] = volume("f4")
    refused(file, "tilt series, no tomogram: /entry is an NXtomo")
