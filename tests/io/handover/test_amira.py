"""AmiraMesh: read back by a few lines from its description, by ahds, and what others write."""

import re
import zlib

import numpy as np
import pytest

from sxtstudio.core.axes import AxisOrder
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.label_image import LegendEntry
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import ArrayVolume
from sxtstudio.io import export_volume, open_volume
from sxtstudio.io.handover.amira import write_amira_labels
from sxtstudio.io.legend import read_legend
from sxtstudio.io.place import Place
from tests.io.handover.cases import ORIGIN, VOXEL, asymmetric, label_image, many_objects
from tests.io.test_packed import runs

GREY = np.random.default_rng(7).normal(0, 1, (4, 5, 7)).astype(np.float32)
NAMES = ["Koerper", "Mitochondrium_2_gross", "Material_3", "Material_4", "ER"]


def whole(volume):
    return volume.read(Box((0, 0, 0), volume.shape))


def by_description(path):
    """Header and voxels (z, y, x) as MIB's amiraLabels2bitmap and getAmiraMeshHeader find them."""
    content = path.read_bytes()
    head, data = content.split(b"# Data section follows\n@1\n")
    text = head.decode()
    x, y, z = map(int, re.search(r"define Lattice (\d+) (\d+) (\d+)\n", text).groups())
    kind = re.search(r"\nLattice \{ (\w+) \w+ \} @1\n", text).group(1)
    dtype = {"byte": "<u1", "ushort": "<u2", "int": "<u4", "short": "<i2", "float": "<f4", "double": "<f8"}[
        kind
    ]
    voxels = np.frombuffer(data[:-1], dtype).reshape(z, y, x)
    assert data[-1:] == b"\n"
    return text, voxels


def test_labels_by_the_description(tmp_path):
    done = write_amira_labels(tmp_path / "a.am", label_image(), Progress())
    text, voxels = by_description(done.path)
    assert text.startswith("# AmiraMesh BINARY-LITTLE-ENDIAN 2.1\n") and voxels.dtype == np.uint8
    np.testing.assert_array_equal(voxels, asymmetric())
    listed = re.findall(
        r"        (\S+) \{\n            Id (\d+),\n            Color (\S+) (\S+) (\S+)\n", text
    )
    assert [(name, int(number)) for name, number, *_ in listed] == [*zip(NAMES, range(1, 6), strict=True)]
    np.testing.assert_allclose([float(c) * 255 for c in listed[1][2:]], (0, 128, 255), atol=1e-3)
    box = [float(n) for n in re.search(r"BoundingBox ([^,]*),", text).group(1).split()]
    z, y, x = ((box[2 * i + 1] - box[2 * i]) / (n - 1) for i, n in ((2, 4), (1, 6), (0, 9)))
    assert (z, y, x) == pytest.approx(np.array(VOXEL) / 1000)
    assert box[::2] == pytest.approx(np.array(ORIGIN[::-1]) / 1000)
    assert done.losses == ("Names of materials have letters without accents, digits and _ only.",)


def test_what_was_written_is_read(tmp_path):
    write_amira_labels(tmp_path / "a.am", label_image(), Progress())
    with open_volume(tmp_path / "a.am") as back:
        assert back.voxel_nm == pytest.approx(VOXEL) and back.origin_nm == pytest.approx(ORIGIN)
        assert back.dtype == np.uint8 and back.format == "AmiraMesh labels" and back.notes == ()
        np.testing.assert_array_equal(whole(back), asymmetric())
    assert [entry.name for entry in read_legend(tmp_path / "a.am")] == NAMES
    assert read_legend(tmp_path / "a.am")[1].rgb == (0, 128, 255)


def test_nothing_and_ten_thousand_objects(tmp_path):
    write_amira_labels(tmp_path / "a.am", label_image(np.zeros((2, 3, 4), np.uint8), ()), Progress())
    assert not by_description(tmp_path / "a.am")[1].any() and read_legend(tmp_path / "a.am") == ()
    image = many_objects(10_000)
    write_amira_labels(tmp_path / "b.am", image, Progress())
    np.testing.assert_array_equal(by_description(tmp_path / "b.am")[1], image.volume.array)
    legend = read_legend(tmp_path / "b.am")
    assert len(legend) == 10_000 and legend[-1].name == "Objekt_ae10000"


def test_names_that_amira_does_not_take(tmp_path):
    odd = ("7", "a b{c}", 'a"b"c', "Exterior", "", "a b c", "A_B_C", "Größe", "日本")
    legend = tuple(LegendEntry(n, name, (1, 2, 3)) for n, name in enumerate(odd, 1))
    write_amira_labels(tmp_path / "a.am", label_image(legend=legend), Progress())
    names = [entry.name for entry in read_legend(tmp_path / "a.am")]
    assert len({name.casefold() for name in names}) == 9 and all(
        re.fullmatch(r"[A-Za-z]\w*", n) for n in names
    )
    assert names[0] == "Material_7" and names[3] == "Material_Exterior" and names[4] == "Material_5"
    assert names[7:] == ["Groesse", "Material_9"]


def test_a_single_slice_and_an_unknown_voxel_size(tmp_path):
    write_amira_labels(tmp_path / "a.am", label_image(asymmetric()[:1]), Progress())
    with open_volume(tmp_path / "a.am") as back:
        assert back.shape == (1, 6, 9) and back.voxel_nm == pytest.approx(VOXEL)
    done = write_amira_labels(tmp_path / "b.am", label_image(voxel=None, origin=None), Progress())
    assert "unknown" in done.losses[-1]
    with open_volume(done.path) as back:
        assert back.voxel_nm is None and back.origin_nm is None


@pytest.mark.parametrize("dtype", ["i1", "u1", "i2", "u2", "i4", "f2", "f4", "f8"])
def test_grey_values(tmp_path, dtype):
    voxels = (GREY * 50).astype(dtype)
    export_volume(tmp_path / "a.am", ArrayVolume(voxels, VOXEL), place=Place(ORIGIN), kind="image")
    if dtype != "i4":
        np.testing.assert_array_equal(by_description(tmp_path / "a.am")[1], voxels)
    with open_volume(tmp_path / "a.am") as back:
        np.testing.assert_array_equal(whole(back), voxels)


def test_grey_values_that_amira_has_no_type_for(tmp_path):
    with pytest.raises(UserError, match="cannot hold uint32"):
        export_volume(tmp_path / "a.am", ArrayVolume(GREY.astype("u4"), VOXEL), kind="image")


HEAD = """# Avizo BINARY-LITTLE-ENDIAN 2.1

define Lattice 9 6 4

Parameters {
    Colormap "labels.am",
    Materials {
        Exterior {
            Color 0 0 0,
            Id 1
        }
        "Cell wall" {
            Color 1 0.5 0,
            Id 7
        }
        Inside {
            Id 4
        }
    }
    Content "9x6x4 byte, uniform coordinates",
    BoundingBox 1 1.08 -0.04 0.0225 0.3 0.375,
    CoordType "uniform"
}

Lattice { float[3] Vectors } @1
Lattice { byte Labels } @2%s

# Data section follows
"""
RUNS = runs(asymmetric().astype("u1").tobytes())
ZIPPED = zlib.compress(asymmetric().astype("u1").tobytes())


@pytest.mark.parametrize(
    ("packing", "data"),
    [
        ("", asymmetric().astype("u1").tobytes()),
        (f"(HxByteRLE,{len(RUNS)})", RUNS),
        (f"(HxZip,{len(ZIPPED)})", ZIPPED),
    ],
    ids=["raw", "runs", "zip"],
)
def test_files_of_amira(tmp_path, packing, data):
    """The second data of a file; the voxels are places in the list, whatever "Id" says."""
    before = bytes(4 * 3 * 9 * 6 * 4)
    (tmp_path / "a.am").write_bytes((HEAD % packing).encode() + b"@1\n" + before + b"\n\n@2\n" + data + b"\n")
    with open_volume(tmp_path / "a.am") as back:
        np.testing.assert_array_equal(whole(back), asymmetric())
        np.testing.assert_array_equal(back.read(Box((1, 2, 3), (4, 6, 9))), asymmetric()[1:, 2:, 3:])
        assert back.voxel_nm == pytest.approx((25, 12.5, 10)) and back.origin_nm == pytest.approx(ORIGIN)
        assert "read as µm" in back.notes[0]
    assert [(e.value, e.name) for e in read_legend(tmp_path / "a.am")] == [(1, "Cell wall"), (2, "Inside")]
    assert read_legend(tmp_path / "a.am")[0].rgb == (255, 128, 0)
    with open_volume(tmp_path / "a.am", AxisOrder("yzx")) as back:
        np.testing.assert_array_equal(whole(back), asymmetric().transpose(1, 0, 2))


@pytest.mark.parametrize(
    ("old", "new", "voxel"),
    [
        ('CoordType "uniform"', 'Units {\n Coordinates "nm"\n }\n CoordType "uniform"', None),
        ("1 1.08 -0.04 0.0225 0.3 0.375", "0 8000 0 5000 0 3000", None),
        ('CoordType "uniform"', 'CoordType "stacked"', None),
        ('CoordType "uniform"', 'Units {\n Coordinates "mm"\n }\n', None),
    ],
    ids=["too small in nm", "too large in µm", "stacked", "too large in mm"],
)
def test_lengths_that_are_not_believed(tmp_path, old, new, voxel):
    data = b"@1\n" + bytes(4 * 3 * 9 * 6 * 4) + b"\n@2\n" + asymmetric().astype("u1").tobytes()
    (tmp_path / "a.am").write_bytes((HEAD % "").replace(old, new).encode() + data)
    with open_volume(tmp_path / "a.am") as back:
        assert back.voxel_nm == voxel and any("voxel size unknown" in note for note in back.notes)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("BINARY-LITTLE-ENDIAN 2.1", "3D ASCII 2.0", "as text"),
        ("define Lattice 9 6 4", "define Vertices 9", "no regular volume"),
        ("byte Labels", "byte[4] Labels", "values for each voxel"),
        ("9 6 4\n", "9 6 400\n", "damaged|truncated"),
        ("# Data section follows", "", "no data section"),
        ("@2%s", "@2(HxOther,5)", "packed with HxOther"),
        ("byte Labels } @2%s", "ushort Labels } @2(HxByteRLE,5)", "packed with HxByteRLE"),
        ('CoordType "uniform"\n}', 'CoordType "uniform"\n', "without an end"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_is_refused(tmp_path, old, new, words):
    data = b"@1\n" + bytes(4 * 3 * 9 * 6 * 4) + b"\n@2\n" + asymmetric().astype("u1").tobytes()
    text = HEAD.replace(old, new)
    (tmp_path / "a.am").write_bytes((text % "" if "%s" in text else text).encode() + data)
    with pytest.raises(UserError, match=words):
        open_volume(tmp_path / "a.am")


@pytest.mark.handover
def test_ahds_reads_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(np, "string_", np.bytes_, raising=False)  # ahds is older than NumPy 2
    ahds = pytest.importorskip("ahds")
    write_amira_labels(tmp_path / "a.am", label_image(), Progress())
    found = ahds.AmiraFile(str(tmp_path / "a.am"))
    np.testing.assert_array_equal(found.data_streams.Labels.data, asymmetric())
    materials = found.header.Parameters.Materials
    assert [one.name for one in materials if one.name != "Exterior"] == NAMES
    assert [float(n) for n in found.header.Parameters.BoundingBox][::2] == pytest.approx((1.0, -0.04, 0.3))
