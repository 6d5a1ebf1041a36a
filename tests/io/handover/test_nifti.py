"""NIfTI, read and written by nibabel, and by ITK."""

import nibabel
import numpy as np
import pytest

from sxtstudio.core.axes import AxisOrder
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import ArrayVolume
from sxtstudio.io import export_volume, open_volume
from sxtstudio.io.handover.nifti import write_nifti_labels
from sxtstudio.io.legend import read_legend
from sxtstudio.io.place import Place
from tests.io.handover.cases import LEGEND, ORIGIN, VOXEL, asymmetric, label_image, many_objects

GREY = np.random.default_rng(6).normal(0, 1, (4, 5, 7)).astype(np.float32)
NAMES = ["a.nii", "a.nii.gz"]


def whole(volume):
    return volume.read(Box((0, 0, 0), volume.shape))


@pytest.mark.parametrize("name", NAMES)
def test_labels_as_nibabel_reads_them(tmp_path, name):
    done = write_nifti_labels(tmp_path / name, label_image(), Progress())
    image = nibabel.load(done.path)
    assert image.get_data_dtype() == np.uint8 and image.header["intent_code"] == 1002
    np.testing.assert_array_equal(np.asarray(image.dataobj).transpose(2, 1, 0), asymmetric())
    assert image.header.get_xyzt_units()[0] == "micron"
    np.testing.assert_allclose(image.header.get_zooms(), np.array(VOXEL[::-1]) / 1000, rtol=1e-6)
    # RAS: x and y against those of LPS, in which 3D Slicer and ITK count.
    z, y, x = np.array(VOXEL) / 1000
    oz, oy, ox = np.array(ORIGIN) / 1000
    right = [[-x, 0, 0, -ox], [0, -y, 0, -oy], [0, 0, z, oz], [0, 0, 0, 1]]
    np.testing.assert_allclose(image.affine, right, rtol=1e-6)
    np.testing.assert_allclose(image.header.get_qform(), right, rtol=1e-5, atol=1e-7)
    comment = image.header.extensions[0]
    assert comment.get_code() == 6 and "Körper" in comment.text


@pytest.mark.parametrize("name", NAMES)
def test_what_was_written_is_read(tmp_path, name):
    write_nifti_labels(tmp_path / name, label_image(), Progress())
    with open_volume(tmp_path / name) as back:
        assert back.voxel_nm == pytest.approx(VOXEL) and back.origin_nm == pytest.approx(ORIGIN, rel=1e-5)
        assert back.dtype == np.uint8 and back.notes == ()
        np.testing.assert_array_equal(whole(back), asymmetric())
    assert read_legend(tmp_path / name) == LEGEND


@pytest.mark.parametrize("name", NAMES)
def test_nothing_and_ten_thousand_objects(tmp_path, name):
    write_nifti_labels(tmp_path / name, label_image(np.zeros((2, 3, 4), np.uint8), ()), Progress())
    assert not np.asarray(nibabel.load(tmp_path / name).dataobj).any() and read_legend(tmp_path / name) == ()
    image = many_objects(10_000)
    write_nifti_labels(tmp_path / name, image, Progress())
    found = nibabel.load(tmp_path / name)
    assert found.get_data_dtype() == np.uint16
    np.testing.assert_array_equal(np.asarray(found.dataobj).transpose(2, 1, 0), image.volume.array)
    assert read_legend(tmp_path / name) == image.legend


def test_an_unknown_voxel_size_is_not_made_up(tmp_path):
    done = write_nifti_labels(tmp_path / "a.nii", label_image(voxel=None, origin=None), Progress())
    assert nibabel.load(done.path).header.get_xyzt_units()[0] == "unknown" and "unknown" in done.losses[1]
    with open_volume(done.path) as back:
        assert back.voxel_nm is None and back.origin_nm is None


@pytest.mark.parametrize("dtype", ["i1", "u1", "i2", "u2", "i4", "u4", "f2", "f4", "f8"])
@pytest.mark.parametrize("name", NAMES)
def test_grey_values(tmp_path, dtype, name):
    voxels = (GREY * 50).astype(dtype)
    export_volume(tmp_path / name, ArrayVolume(voxels, VOXEL), place=Place(ORIGIN), kind="image")
    np.testing.assert_array_equal(
        np.asarray(nibabel.load(tmp_path / name).dataobj).transpose(2, 1, 0), voxels
    )
    with open_volume(tmp_path / name) as back:
        np.testing.assert_array_equal(whole(back), voxels)
        assert back.voxel_nm == pytest.approx(VOXEL)


@pytest.mark.parametrize("kind", [nibabel.Nifti1Image, nibabel.Nifti2Image], ids=["1", "2"])
@pytest.mark.parametrize("form", ["sform", "qform", "neither"])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("name", NAMES)
def test_files_of_nibabel(tmp_path, kind, form, order, name):
    turn = np.array([[0, -1.0, 0], [1, 0, 0], [0, 0, 1]])  # 90 degrees round z
    affine = np.eye(4)
    affine[:3, :3] = turn * (np.array(VOXEL[::-1]) / 1000)
    affine[:3, 3] = 1.0, -0.04, 0.3
    image = kind(GREY.astype(f"{order}f4").transpose(2, 1, 0), affine, kind.header_class(endianness=order))
    image.header.set_xyzt_units("micron")
    image.set_sform(affine, 1 if form == "sform" else 0)
    image.set_qform(affine, 1 if form == "qform" else 0)
    nibabel.save(image, tmp_path / name)
    with open_volume(tmp_path / name) as back:
        np.testing.assert_array_equal(whole(back), GREY)
        assert back.voxel_nm == pytest.approx(VOXEL)
        if form == "neither":
            assert back.origin_nm is None
        else:
            along = turn.T @ (1.0, -0.04, 0.3) * 1000
            assert back.origin_nm == pytest.approx(along[::-1], rel=1e-4)
            assert "exchanges or mirrors axes" in back.notes[0]
    with open_volume(tmp_path / name, AxisOrder("yxz")) as back:
        np.testing.assert_array_equal(whole(back), GREY.transpose(2, 0, 1))


@pytest.mark.parametrize("dtype", ["i2", "u1", "i4", "f8"])
def test_scaled_values(tmp_path, dtype):
    stored = np.arange(4 * 5 * 7).reshape(7, 5, 4).astype(dtype)
    image = nibabel.Nifti1Image(stored, np.diag([2.0, 2, 3, 1]))
    image.header.set_slope_inter(0.25, -3.0)
    nibabel.save(image, tmp_path / "a.nii")
    raw = bytearray((tmp_path / "a.nii").read_bytes())
    raw[112:120] = np.array([0.25, -3.0], "<f4").tobytes()
    raw[352:] = stored.tobytes(order="F")
    (tmp_path / "a.nii").write_bytes(bytes(raw))
    with open_volume(tmp_path / "a.nii") as back:
        np.testing.assert_allclose(whole(back), stored.transpose(2, 1, 0) * 0.25 - 3, rtol=1e-6)
        np.testing.assert_allclose(
            nibabel.load(tmp_path / "a.nii").get_fdata().transpose(2, 1, 0), whole(back)
        )
        assert back.dtype == (np.float64 if dtype in ("i4", "f8") else np.float32)


@pytest.mark.parametrize(
    ("voxels", "words"),
    [
        (np.zeros((3, 4, 5, 6), np.float32), "dimensions"),
        (np.zeros((3, 4, 5), np.complex64), "complex"),
        (np.zeros((3, 4, 5), [("R", "u1"), ("G", "u1"), ("B", "u1")]), "colours"),
    ],
    ids=["4D", "complex", "colours"],
)
def test_what_is_no_volume(tmp_path, voxels, words):
    nibabel.save(nibabel.Nifti1Image(voxels, np.eye(4)), tmp_path / "a.nii")
    with pytest.raises(UserError, match=words):
        open_volume(tmp_path / "a.nii")


def test_pairs_and_cut_files(tmp_path):
    nibabel.save(nibabel.Nifti1Pair(GREY, np.eye(4)), tmp_path / "a.hdr")
    with pytest.raises(UserError, match=r"in another file \(.img\)"):
        open_volume(tmp_path / "a.hdr")
    export_volume(tmp_path / "b.nii", ArrayVolume(GREY, VOXEL), kind="image")
    content = (tmp_path / "b.nii").read_bytes()
    (tmp_path / "b.nii").write_bytes(content[:-4])
    with pytest.raises(UserError, match="truncated"):
        open_volume(tmp_path / "b.nii")


@pytest.mark.handover
@pytest.mark.parametrize("name", NAMES)
def test_itk_reads_the_same_place_as_from_nrrd(tmp_path, name):
    """ITK turns NIfTI's RAS into its own LPS, and µm into mm."""
    itk = pytest.importorskip("SimpleITK")
    write_nifti_labels(tmp_path / name, label_image(), Progress())
    image = itk.ReadImage(str(tmp_path / name))
    np.testing.assert_array_equal(itk.GetArrayFromImage(image), asymmetric())
    np.testing.assert_allclose(image.GetSpacing(), np.array(VOXEL[::-1]) * 1e-6, rtol=1e-5)
    np.testing.assert_allclose(image.GetOrigin(), np.array(ORIGIN[::-1]) * 1e-6, rtol=1e-5)
    np.testing.assert_allclose(image.GetDirection(), np.eye(3).ravel(), atol=1e-6)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("code", "slope"), [("<i2", 3e38), ("<f4", 1e29), ("<f8", 3e38)])
def test_a_huge_slope_warns_of_nothing(tmp_path, code, slope):
    stored = np.array([[[0, 2], [100, -7]]], code) * np.array(1e10 if code == "<f4" else 1, code)
    image = nibabel.Nifti1Image(stored.transpose(2, 1, 0), np.eye(4))
    image.header.set_slope_inter(slope, 0)
    nibabel.save(image, tmp_path / "a.nii")
    head = bytearray((tmp_path / "a.nii").read_bytes())
    head[112:116] = np.float32(slope).tobytes()  # nibabel keeps its own slope
    (tmp_path / "a.nii").write_bytes(head)
    with open_volume(tmp_path / "a.nii") as volume:
        found = whole(volume)
    with np.errstate(over="ignore"):
        right = (stored.astype(np.float64) * float(np.float32(slope))).astype(found.dtype)
    np.testing.assert_allclose(found, right, rtol=1e-6)
