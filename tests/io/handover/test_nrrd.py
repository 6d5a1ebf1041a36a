"""NRRD and .seg.nrrd, read by pynrrd and ITK, and what others write."""

import bz2
import gzip

import nrrd
import numpy as np
import pytest

from sxtstudio.core.axes import AxisOrder
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.label_image import LegendEntry
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import ArrayVolume
from sxtstudio.io import export_volume, open_labels, open_volume
from sxtstudio.io.handover.nrrd import write_seg_nrrd
from sxtstudio.io.legend import read_legend
from sxtstudio.io.place import Place
from tests.io.handover.cases import LEGEND, ORIGIN, VOXEL, asymmetric, label_image, many_objects

GREY = np.random.default_rng(5).normal(0, 1, (4, 5, 7)).astype(np.float32)


def whole(volume):
    return volume.read(Box((0, 0, 0), volume.shape))


def test_a_segmentation_as_pynrrd_reads_it(tmp_path):
    done = write_seg_nrrd(tmp_path / "cell.seg.nrrd", label_image(), Progress())
    data, header = nrrd.read(str(done.path))
    np.testing.assert_array_equal(data.transpose(2, 1, 0), asymmetric())  # pynrrd: (i, j, k)
    assert header["space"] == "left-posterior-superior" and header["kinds"] == ["domain"] * 3
    np.testing.assert_allclose(header["space directions"], np.diag(VOXEL[::-1]) / 1000)
    np.testing.assert_allclose(header["space origin"], np.array(ORIGIN[::-1]) / 1000)
    assert header["space units"] == ["um"] * 3 and header["encoding"] == "gzip"
    segments = [
        (header[f"Segment{n}_Name"], header[f"Segment{n}_LabelValue"], header[f"Segment{n}_Color"])
        for n in range(3)
    ]
    # pynrrd drops what is not ASCII; ITK does not (test_itk_reads_the_same).
    assert segments[1] == ("Mitochondrium 2 (gro)", "2", "0.000000 0.501961 1.000000")
    assert [value for _, value, _ in segments] == ["1", "2", "5"]
    assert len({header[f"Segment{n}_ID"] for n in range(3)}) == 3
    assert header["Segment2_Extent"] == "0 8 0 5 0 3" and header["Segment0_Tags"].endswith("|")
    assert header["Segmentation_MasterRepresentation"] == "Binary labelmap"
    assert "mm" in done.losses[0]


def test_what_was_written_is_read(tmp_path):
    write_seg_nrrd(tmp_path / "a.seg.nrrd", label_image(), Progress())
    with open_volume(tmp_path / "a.seg.nrrd") as back:
        assert back.voxel_nm == pytest.approx(VOXEL) and back.origin_nm == pytest.approx(ORIGIN)
        assert back.dtype == np.uint8 and back.format == "NRRD segmentation"
        np.testing.assert_array_equal(whole(back), asymmetric())
    assert read_legend(tmp_path / "a.seg.nrrd") == LEGEND


def test_nothing_ten_thousand_objects_and_names_that_end_a_line(tmp_path):
    write_seg_nrrd(tmp_path / "a.seg.nrrd", label_image(np.zeros((2, 3, 4), np.uint8), ()), Progress())
    assert not nrrd.read(str(tmp_path / "a.seg.nrrd"))[0].any() and read_legend(tmp_path / "a.seg.nrrd") == ()
    image = many_objects(10_000)
    write_seg_nrrd(tmp_path / "b.seg.nrrd", image, Progress())
    data, header = nrrd.read(str(tmp_path / "b.seg.nrrd"))
    np.testing.assert_array_equal(data.transpose(2, 1, 0), image.volume.array)
    assert data.dtype == np.uint16 and header["Segment9999_Name"] == "Objekt 10000"
    assert read_legend(tmp_path / "b.seg.nrrd") == image.legend
    odd = (
        LegendEntry(1, "a\n\nb\\n", (1, 2, 3)),
        LegendEntry(2, "", (1, 2, 3)),
        LegendEntry(3, "ab\\n", (0, 0, 0)),
    )
    write_seg_nrrd(tmp_path / "c.seg.nrrd", label_image(legend=odd), Progress())
    assert [entry.name for entry in read_legend(tmp_path / "c.seg.nrrd")] == [
        "ab\\n",
        "Segment 2",
        "ab\\n (2)",
    ]


def test_an_unknown_voxel_size_is_not_made_up(tmp_path):
    done = write_seg_nrrd(tmp_path / "a.seg.nrrd", label_image(voxel=None, origin=None), Progress())
    assert "space directions" not in nrrd.read_header(str(done.path)) and "unknown" in done.losses[0]
    with open_volume(done.path) as back:
        assert back.voxel_nm is None and "voxel size unknown" in back.notes[-1]


def test_what_slicer_has_cropped_lies_where_it_was_drawn(tmp_path):
    write_seg_nrrd(tmp_path / "a.seg.nrrd", label_image(), Progress())
    content = (tmp_path / "a.seg.nrrd").read_bytes()
    (tmp_path / "a.seg.nrrd").write_bytes(content.replace(b"ExtentOffset:=0 0 0", b"ExtentOffset:=3 2 1"))
    right = np.zeros((6, 10, 20), np.uint8)
    right[1:5, 2:8, 3:12] = asymmetric()
    with open_labels(tmp_path / "a.seg.nrrd", right.shape) as back:
        np.testing.assert_array_equal(whole(back), right)
        for box in (Box((0, 0, 0), (1, 10, 20)), Box((2, 1, 2), (4, 5, 9)), Box((5, 8, 12), (6, 10, 20))):
            np.testing.assert_array_equal(back.read(box), right[box.slices])
        assert back.origin_nm == pytest.approx(np.array(ORIGIN) - np.array((1, 2, 3)) * VOXEL)
        assert "begins at voxel 3, 2, 1" in back.notes[-1]
    with open_labels(tmp_path / "a.seg.nrrd", (4, 6, 10)) as back:  # of another tomogram
        assert back.shape == (4, 6, 9)
    with open_labels(tmp_path / "a.seg.nrrd", (4, 6, 9)) as back:
        np.testing.assert_array_equal(whole(back), asymmetric())


@pytest.mark.parametrize("dtype", ["i1", "u1", "i2", "u2", "i4", "u4", "f2", "f4", "f8"])
def test_grey_values(tmp_path, dtype):
    voxels = (GREY * 50).astype(dtype)
    export_volume(tmp_path / "a.nrrd", ArrayVolume(voxels, VOXEL), place=Place(ORIGIN), kind="image")
    data, header = nrrd.read(str(tmp_path / "a.nrrd"))
    np.testing.assert_array_equal(data.transpose(2, 1, 0), voxels)
    assert header["encoding"] == "raw"
    with open_volume(tmp_path / "a.nrrd") as back:
        np.testing.assert_array_equal(whole(back), voxels)
        assert back.origin_nm == pytest.approx(ORIGIN)


@pytest.mark.parametrize("encoding", ["raw", "gzip", "bzip2"])
@pytest.mark.parametrize("detached", [False, True])
@pytest.mark.parametrize("dtype", ["<i2", ">f4"])
def test_files_of_pynrrd(tmp_path, encoding, detached, dtype):
    name = "a.nhdr" if detached else "a.nrrd"
    header = {"encoding": encoding, "spacings": [10.0, 12.5, 25.0], "units": ["nm", "nm", "nm"]}
    header |= {"axis mins": [1000.0, -40.0, 300.0]}
    nrrd.write(str(tmp_path / name), GREY.astype(dtype).transpose(2, 1, 0), header, detached_header=detached)
    with open_volume(tmp_path / name) as back:
        np.testing.assert_array_equal(whole(back), GREY.astype(dtype))
        assert back.voxel_nm == pytest.approx(VOXEL) and back.origin_nm == pytest.approx(ORIGIN)
        np.testing.assert_array_equal(back.read(Box((1, 2, 3), (3, 4, 7))), GREY.astype(dtype)[1:3, 2:4, 3:7])
        assert len(back.files) == 1 + detached
    with open_volume(tmp_path / name, AxisOrder("xyz")) as back:
        np.testing.assert_array_equal(whole(back), GREY.astype(dtype).transpose(2, 1, 0))
        assert back.voxel_nm == pytest.approx(VOXEL[::-1])


def nrrd_file(path, fields, data):
    lines = ["NRRD0004", "# a comment", *(f"{key}: {value}" for key, value in fields.items())]
    path.write_bytes(("\n".join(lines) + "\n\n").encode() + data)
    return path


FIELDS = {"type": "float", "dimension": 3, "sizes": "7 5 4", "encoding": "raw", "endian": "little"}


@pytest.mark.parametrize(
    ("more", "data"),
    [
        ({"line skip": 2}, b"one\ntwo\n" + GREY.tobytes()),
        ({"byte skip": 5}, b"12345" + GREY.tobytes()),
        ({"byte skip": -1}, b"whatever stands before" + GREY.tobytes()),
        ({"encoding": "gz", "byte skip": 3}, gzip.compress(b"abc" + GREY.tobytes())),
        ({"encoding": "bz2", "line skip": 1}, b"a line\n" + bz2.compress(GREY.tobytes())),
    ],
    ids=["lines", "bytes", "at the end", "bytes in gzip", "a line before bzip2"],
)
def test_skips(tmp_path, more, data):
    path = nrrd_file(tmp_path / "a.nrrd", FIELDS | more, data)
    with open_volume(path) as back:
        np.testing.assert_array_equal(whole(back), GREY)


def test_axes_of_other_spaces_keep_their_voxels_and_their_place(tmp_path):
    fields = FIELDS | {
        "space": "right-anterior-superior",
        "space directions": "(0,0.0125,0) (0.010,0,0) (0,0,0.025)",
        "space units": '"um" "um" "um"',
        "space origin": "(1.0,-0.04,0.3)",
    }
    with open_volume(nrrd_file(tmp_path / "a.nrrd", fields, GREY.tobytes())) as back:
        np.testing.assert_array_equal(whole(back), GREY)
        assert back.voxel_nm == pytest.approx((25, 10, 12.5))
        assert back.origin_nm == pytest.approx((300, 1000, -40))
        assert "exchanges or mirrors axes" in back.notes[0]
    fields["space directions"] = "(0.0098,0.0020,0) (-0.0020,0.0098,0) (0,0,0.025)"
    with open_volume(nrrd_file(tmp_path / "b.nrrd", fields, GREY.tobytes())) as back:
        assert back.voxel_nm == pytest.approx((25, np.hypot(9.8, 2), np.hypot(9.8, 2)))
        assert "turns its axes" in back.notes[0]


def test_a_length_without_a_unit_is_none(tmp_path):
    fields = FIELDS | {
        "space": "left-posterior-superior",
        "space directions": "(9.8,0,0) (0,9.8,0) (0,0,9.8)",
    }
    with open_volume(nrrd_file(tmp_path / "a.nrrd", fields, GREY.tobytes())) as back:
        assert back.voxel_nm is None and "no unit" in back.notes[-1]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"sizes": "7 5 4 3", "dimension": 4}, "dimensions"),
        ({"sizes": "3 7 5 4", "dimension": 4, "kinds": "list domain domain domain"}, "3 layers of segments"),
        ({"sizes": "3 7 5 4", "dimension": 4, "kinds": "RGB-color domain domain domain"}, "3 values"),
        ({"encoding": "ascii"}, "written as ascii"),
        ({"type": "block"}, "type"),
        ({"sizes": "7 5 40"}, "truncated"),
        ({"sizes": "7 5 0"}, "no voxels"),
        ({"data file": "../a.raw"}, "refused"),
        ({"data file": "LIST"}, "refused"),
        ({"data file": "slice%03d.raw 1 4 1"}, "refused"),
        ({"data file": "link.raw"}, "is a link"),
        ({"data file": "none.raw"}, "missing"),
        ({"dimension": 2}, "without sizes"),
    ],
    ids=str,
)
def test_what_is_refused(tmp_path, more, words):
    (tmp_path / "real.raw").write_bytes(GREY.tobytes())
    (tmp_path / "link.raw").symlink_to(tmp_path / "real.raw")
    path = nrrd_file(tmp_path / "a.nrrd", FIELDS | more, GREY.tobytes())
    with pytest.raises(UserError, match=words):
        open_volume(path)


@pytest.mark.handover
@pytest.mark.parametrize("name", ["a.seg.nrrd", "a.nrrd"])
def test_itk_reads_the_same(tmp_path, name):
    itk = pytest.importorskip("SimpleITK")
    if name == "a.nrrd":
        export_volume(tmp_path / name, ArrayVolume(GREY, VOXEL), place=Place(ORIGIN), kind="image")
    else:
        write_seg_nrrd(tmp_path / name, label_image(), Progress())
    image = itk.ReadImage(str(tmp_path / name))
    np.testing.assert_array_equal(itk.GetArrayFromImage(image), GREY if name == "a.nrrd" else asymmetric())
    np.testing.assert_allclose(image.GetSpacing(), np.array(VOXEL[::-1]) / 1000)
    np.testing.assert_allclose(image.GetOrigin(), np.array(ORIGIN[::-1]) / 1000)
    np.testing.assert_array_equal(image.GetDirection(), np.eye(3).ravel())
    if name == "a.seg.nrrd":
        assert image.GetMetaData("Segment0_Name") == "Körper"


@pytest.mark.handover
def test_files_of_itk(tmp_path):
    itk = pytest.importorskip("SimpleITK")
    image = itk.GetImageFromArray(GREY)
    itk.WriteImage(image, str(tmp_path / "a.nrrd"), True)
    with open_volume(tmp_path / "a.nrrd") as back:
        np.testing.assert_array_equal(whole(back), GREY)


@pytest.mark.handover
def test_slicerio_reads_the_same_segments(tmp_path):
    """The reader of 3D Slicer's own makers."""
    slicerio = pytest.importorskip("slicerio")
    write_seg_nrrd(tmp_path / "a.seg.nrrd", label_image(), Progress())
    found = slicerio.read_segmentation(str(tmp_path / "a.seg.nrrd"))
    np.testing.assert_array_equal(found["voxels"].transpose(2, 1, 0), asymmetric())
    z, y, x = np.array(VOXEL) / 1000
    oz, oy, ox = np.array(ORIGIN) / 1000
    right = [[x, 0, 0, ox], [0, y, 0, oy], [0, 0, z, oz], [0, 0, 0, 1]]
    np.testing.assert_allclose(found["ijkToLPS"], right)
    assert [segment["labelValue"] for segment in found["segments"]] == [1, 2, 5]
    assert found["segments"][2]["name"] == "ER" and len({s["id"] for s in found["segments"]}) == 3
    one = slicerio.extract_segments(found, [("ER", 7)])["voxels"]
    np.testing.assert_array_equal(one.transpose(2, 1, 0), (asymmetric() == 5) * 7)


@pytest.mark.handover
def test_files_of_slicerio(tmp_path):
    slicerio = pytest.importorskip("slicerio")
    write_seg_nrrd(tmp_path / "a.seg.nrrd", label_image(), Progress())
    found = slicerio.read_segmentation(str(tmp_path / "a.seg.nrrd"))
    slicerio.write_segmentation(str(tmp_path / "b.seg.nrrd"), found)
    with open_volume(tmp_path / "b.seg.nrrd") as back:
        np.testing.assert_array_equal(whole(back), asymmetric())
        assert back.voxel_nm in (None, pytest.approx(VOXEL))
    assert [(e.value, e.rgb) for e in read_legend(tmp_path / "b.seg.nrrd")] == [
        (e.value, e.rgb) for e in LEGEND
    ]
