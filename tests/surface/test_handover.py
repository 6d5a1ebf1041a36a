"""Meshes for other programs, read by trimesh and by hand: places, colours, names, units; what is refused."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import subprocess
import sys
import weakref
from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

from sxtstudio.core.errors import Cancelled, UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.length_unit import LengthUnit
from sxtstudio.core.object_classes import ObjectClass
from sxtstudio.core.object_table import ObjectRow, ObjectTable
from sxtstudio.core.progress import Progress
from sxtstudio.surface import MESH_SUFFIXES, SurfaceParameters
from sxtstudio.surface.handover import glb
from sxtstudio.surface.handover.kinds import MeshFormat, Per
from sxtstudio.surface.handover.names import file_stem
from sxtstudio.surface.handover.part import MeshPart, object_parts
from sxtstudio.surface.handover.sink import Lengths
from sxtstudio.surface.handover.write import LISTING, write_file, write_folder
from sxtstudio.surface.povray import meshes

VOXEL_NM = (10.0, 20.0, 30.0)
ORIGIN_NM = (1000.0, -200.0, 50.0)  # x, y, z
LIPID = ObjectClass("Lipidtröpfchen", (245, 190, 65))
GOLD = ObjectClass("Gold", (200, 200, 110))
TABLE = ObjectTable({1: ObjectRow("Gold"), 4: ObjectRow("Lipidtröpfchen"), 9: ObjectRow()}, (LIPID, GOLD))


def numbered():
    """Three objects: an L that has another shape in every mirror, a block that touches it, and a bead."""
    numbers = np.zeros((12, 18, 14), np.uint16)
    numbers[2:4, 2:14, 2:4] = 4  # along y
    numbers[2:4, 2:4, 2:10] = 4  # along x, at small y
    numbers[2:9, 2:4, 2:4] = 4  # along z, at small x and y
    numbers[4:6, 4:8, 4:7] = 9
    numbers[9:11, 14:16, 10:12] = 1
    return numbers


WHOLE = Box((0, 0, 0), (12, 18, 14))


def parts(table=TABLE):
    numbers = numbered()
    boxes = dict.fromkeys((1, 4, 9), WHOLE)
    return object_parts(numbers, boxes, table, VOXEL_NM, SurfaceParameters(smooth=0))


def corners_of(number):
    """Where the surface of an object must begin and end (x, y, z) in nm, without smoothing."""
    places = np.argwhere(numbered() == number)[:, ::-1]
    size = np.array(VOXEL_NM[::-1])
    return (places.min(axis=0) - 0.5) * size + ORIGIN_NM, (places.max(axis=0) + 0.5) * size + ORIGIN_NM


def volume_of(number):
    """Half a voxel is cut off at each corner and edge, no more than that."""
    return np.count_nonzero(numbered() == number) * np.prod(VOXEL_NM)


LENGTHS = {unit: Lengths(unit, ORIGIN_NM) for unit in LengthUnit}
TURNED = np.diag([1.0, -1.0, -1.0])


def scene_of(path):
    return trimesh.load_scene(path, process=False)


@pytest.mark.parametrize("unit", LengthUnit)
@pytest.mark.parametrize("kind", MeshFormat)
def test_trimesh_finds_everything_where_it_is(tmp_path, kind, unit):
    path = tmp_path / f"zelle{kind.suffix}"
    written = write_file(path, parts(), LENGTHS[unit], "Zelle Ä")
    assert written.path == path and written.format.startswith(kind.value.upper())
    assert dict(written.details)["Objects"] == "3 in 2 classes"
    if kind is MeshFormat.VTP:
        import pyvista as pv

        read = pv.read(path)
        mesh = trimesh.Trimesh(read.points, read.regular_faces, process=True)
    elif kind is MeshFormat.POV:
        mesh = trimesh.util.concatenate([trimesh.Trimesh(*one) for one in pov_meshes(path)])
    else:
        mesh = scene_of(path).to_mesh()
        mesh.merge_vertices()
    if (
        kind is MeshFormat.GLB
    ):  # the front view shows what a slice shows: y and z are turned, nothing mirrored
        mesh.apply_transform(np.block([[TURNED, np.zeros((3, 1))], [np.zeros(3), 1]]))
    low, high = np.stack([corners_of(number) for number in (1, 4, 9)]).swapaxes(0, 1)
    scale = {"nm": 1, "A": 10, "um": 1e-3}[unit]
    np.testing.assert_allclose(mesh.bounds[0], low.min(axis=0) * scale, rtol=1e-5, atol=1e-3 * scale)
    np.testing.assert_allclose(mesh.bounds[1], high.max(axis=0) * scale, rtol=1e-5, atol=1e-3 * scale)
    # A positive volume means that triangles look outwards, and that nothing is mirrored.
    expected = sum(volume_of(number) for number in (1, 4, 9)) * scale**3
    assert 0.75 * expected < mesh.volume < expected
    assert mesh.is_watertight


def test_glb_has_a_node_a_colour_and_a_name_for_each_object(tmp_path):
    path = tmp_path / "a.glb"
    write_file(path, parts(), LENGTHS[LengthUnit.NM], "Zelle")
    scene = scene_of(path)
    assert set(scene.geometry) == {"Gold 1", "Lipidtröpfchen 4", "Object 9"}
    for number, name in ((1, "Gold 1"), (4, "Lipidtröpfchen 4"), (9, "Object 9")):
        turned, _ = scene.graph[name]
        np.testing.assert_allclose(turned[:3, :3], TURNED, atol=1e-9)
        mesh = scene.geometry[name].copy()
        mesh.apply_transform(turned)
        low, high = corners_of(number)
        np.testing.assert_allclose(np.sort(mesh.bounds @ TURNED, axis=0), [low, high], rtol=1e-5)
        outside = mesh.vertices - mesh.vertices.mean(axis=0)
        if number == 1:  # a block: its normals look away from its middle
            assert (np.einsum("ij,ij->i", mesh.vertex_normals, outside) > 0).all()
    # IEC 61966-2-1, worked out by hand for 245, 190 and 65.
    colour = scene.geometry["Lipidtröpfchen 4"].visual.material.baseColorFactor
    assert np.abs(np.array(colour[:3], float) - 255 * np.array([0.9131, 0.5149, 0.0529])).max() <= 1
    assert glb.linear((0, 255, 8)) == [0, 1, pytest.approx(8 / 255 / 12.92, abs=1e-6)]
    contents = contents_of(path)
    tree = {node["name"]: node for node in contents["nodes"]}
    assert [contents["nodes"][child]["name"] for child in tree["Zelle"]["children"]] == [
        "Lipidtröpfchen",
        "Gold",
        "without class",
    ]
    assert tree["Gold 1"]["extras"] == {"number": 1, "class": "Gold"}
    assert contents["asset"]["extras"]["unit"] == "nm"


def pov_meshes(path):
    """Read the meshes of a scene by hand."""
    text = path.with_suffix(".inc").read_text("utf-8")
    for mesh in re.findall(r"mesh2 \{\n(.*?^\}\n)\}\n", text, re.S | re.M):
        lists = re.findall(r"^(\w+) \{ (\d+),$(.*?)^\}$", mesh, re.S | re.M)
        names, counts, rows = zip(*lists, strict=True)
        assert names == ("vertex_vectors", "normal_vectors", "face_indices")
        numbers = [np.array([line[1:-1].split(",") for line in part.split()], float) for part in rows]
        assert [len(one) for one in numbers] == [int(count) for count in counts]
        yield numbers[0], numbers[2].astype(int)


def contents_of(path):
    data = path.read_bytes()
    assert data[:4] == b"glTF" and int.from_bytes(data[8:12], "little") == len(data)
    length = int.from_bytes(data[12:16], "little")
    assert length % 4 == 0 and data[16:20] == b"JSON"
    return json.loads(data[20 : 20 + length])


def test_obj_has_names_and_materials(tmp_path):
    path = tmp_path / "zelle é.obj"
    write_file(path, parts(), LENGTHS[LengthUnit.NM], "Zelle")
    scene = trimesh.load_scene(path, process=False, split_objects=True, group_material=False)
    found = {tuple(mesh.visual.material.diffuse[:3]): mesh for mesh in scene.geometry.values()}
    assert set(found) >= {(245, 190, 65), (200, 200, 110)}
    text = path.read_text("utf-8")
    assert [line for line in text.splitlines() if line.startswith("o ")] == [
        "o Lipidtröpfchen_4",
        "o Gold_1",
        "o Object_9",
    ]
    assert "mtllib zelle é.mtl" in text
    low, high = corners_of(4)
    np.testing.assert_allclose(found[245, 190, 65].bounds, [low, high], atol=1e-3)


def test_ply_keeps_the_colours(tmp_path):
    path = tmp_path / "a.ply"
    write_file(path, parts(), LENGTHS[LengthUnit.NM], "Zelle")
    mesh = trimesh.load_mesh(path, process=False)
    gold = (mesh.visual.vertex_colors[:, :3] == GOLD.rgb).all(axis=1)
    low, high = corners_of(1)
    np.testing.assert_allclose(
        [mesh.vertices[gold].min(axis=0), mesh.vertices[gold].max(axis=0)], [low, high], rtol=1e-5
    )


@pytest.mark.parametrize("kind", MeshFormat)
def test_folders_per_class_and_per_object(tmp_path, kind):
    for per, stems in (
        (Per.CLASS, ["Gold", "Lipidtröpfchen", "without_class"]),
        (Per.OBJECT, ["Gold_00001", "Lipidtröpfchen_00004", "object_00009"]),
    ):
        folder = tmp_path / per
        written = write_folder(folder, parts(), kind, per, LENGTHS[LengthUnit.UM], "Zelle")
        if kind is MeshFormat.POV:  # it opens no other names
            stems = [stem.replace("ö", "o") for stem in stems]
        expected = {LISTING} | {f"{stem}{kind.suffix}" for stem in stems}
        if kind.kind.beside is not None:
            expected |= {kind.kind.beside(folder / f"{stem}{kind.suffix}").name for stem in stems}
        assert {path.name for path in folder.iterdir()} == expected
        assert written.bytes == sum(path.stat().st_size for path in folder.iterdir())
        with open(folder / LISTING, encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
        assert [(row["file"], row["object"], row["class"]) for row in rows] == [
            (f"{stems[1]}{kind.suffix}", "4", "Lipidtröpfchen"),
            (f"{stems[0]}{kind.suffix}", "1", "Gold"),
            (f"{stems[2]}{kind.suffix}", "9", ""),
        ]
        assert rows[0]["unit"] == "um" and [rows[1][c] for c in ("red", "green", "blue")] == [
            "200",
            "200",
            "110",
        ]
        if kind not in (MeshFormat.VTP, MeshFormat.POV):
            mesh = scene_of(folder / rows[1]["file"]).to_mesh()
            assert np.ptp(mesh.bounds, axis=0) * 1000 == pytest.approx(
                np.ptp(corners_of(1), axis=0), rel=1e-4
            )
        # Written again, it replaces what was written here, and only that.
        write_folder(folder, iter(()), kind, per, LENGTHS[LengthUnit.UM], "Zelle")
        assert [path.name for path in folder.iterdir()] == [LISTING]


def test_folder_of_somebody_else_is_left_alone(tmp_path):
    for name in ("notes.txt", "mine.ply"):
        folder = tmp_path / name.partition(".")[0]
        folder.mkdir()
        (folder / name).write_text("mine")
        with pytest.raises(UserError, match=name):
            write_folder(folder, parts(), MeshFormat.PLY, Per.OBJECT, LENGTHS[LengthUnit.NM], "Zelle")
        assert [path.name for path in folder.iterdir()] == [name]


@pytest.mark.parametrize("kind", MeshFormat)
def test_nothing_at_all_is_a_file_without_triangles(tmp_path, kind):
    path = tmp_path / f"a{kind.suffix}"
    written = write_file(path, iter(()), LENGTHS[LengthUnit.NM], "Zelle")
    assert dict(written.details)["Size"] == "0 triangles, 0 points"
    if kind is MeshFormat.VTP:
        import pyvista as pv

        assert pv.read(path).n_cells == 0
    elif kind is MeshFormat.GLB:
        assert "meshes" not in contents_of(path) and not scene_of(path).geometry
    elif kind is MeshFormat.POV:
        assert not list(pov_meshes(path)) and "camera" in path.read_text("utf-8")
    elif kind is not MeshFormat.OBJ:  # trimesh refuses an OBJ without faces
        assert not scene_of(path).geometry or scene_of(path).to_mesh().faces.size == 0


def many(count):
    """Tetrahedra far apart, made as they are asked for; only a few of them are in memory at a time."""
    alive = weakref.WeakSet()
    points = np.array([(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)], np.float32)
    triangles = np.array([(0, 2, 1), (0, 1, 3), (0, 3, 2), (1, 2, 3)], np.int32)
    for number in range(1, count + 1):
        shifted = points + np.float32(number)
        part = MeshPart(f"Object {number}", (number % 256, 0, 9), shifted, triangles, number)
        alive.add(part)
        assert len(alive) <= 4
        yield part


@pytest.mark.parametrize("kind", MeshFormat)
def test_ten_thousand_objects(tmp_path, kind):
    path = tmp_path / f"a{kind.suffix}"
    write_file(path, many(10_000), Lengths(), "Zelle")
    if kind in (MeshFormat.STL, MeshFormat.PLY):
        mesh = trimesh.load_mesh(path, process=False)
        assert len(mesh.faces) == 40_000 and mesh.volume == pytest.approx(10_000 / 6, rel=1e-3)
    elif kind is MeshFormat.GLB:
        contents = contents_of(path)
        assert len(contents["meshes"]) == len(contents["materials"]) == 10_000
    names = write_folder(tmp_path / "all", many(300), kind, Per.OBJECT, Lengths(), "Zelle")
    assert dict(names.details)["Files"].startswith("300 files")


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("Lipidtröpfchen", "Lipidtröpfchen"),
        ("Lipidtro\u0308pfchen", "Lipidtröpfchen"),
        ("a/b\\c:d", "a_b_c_d"),
        ("CON", "CON_"),
        ("lpt1", "lpt1_"),
        ("  ..", "object"),
        ("", "object"),
        ("x\n\u202ey\0", "x_y"),
        ("end. ", "end"),
        ("細" * 200, "細" * 40),
    ],
)
def test_names_of_files(name, stem):
    assert file_stem(name) == stem


def test_names_that_differ_only_in_case_or_signs(tmp_path):
    table = ObjectTable(
        {1: ObjectRow("gold"), 4: ObjectRow("Gold"), 9: ObjectRow("Gold?")},
        (ObjectClass("gold", (1, 2, 3)), GOLD, ObjectClass("Gold?", (4, 5, 6))),
    )
    folder = tmp_path / "f"
    write_folder(folder, parts(table), MeshFormat.STL, Per.CLASS, Lengths(), "Zelle")
    assert {path.name for path in folder.iterdir()} == {"gold.stl", "Gold_2.stl", "Gold_3.stl", LISTING}


def test_a_file_that_is_damaged_on_the_disk_is_told(tmp_path, monkeypatch):
    for kind in MeshFormat:
        finish = kind.kind.sink.finish

        def damaged(self, finish=finish):
            finish(self)
            os.truncate(self.path, self.path.stat().st_size - 40)

        monkeypatch.setattr(kind.kind.sink, "finish", damaged)
        with pytest.raises((UserError, ValueError)):
            write_file(tmp_path / f"a{kind.suffix}", parts(), Lengths(), "Zelle")
    assert not list(tmp_path.iterdir())


def test_names_of_strangers_are_made_fit(tmp_path):
    """A project may hold lone surrogates, line breaks and escape sequences in the name of a class."""
    odd = "a\ud800\n}\x1b[0m"
    table = ObjectTable({n: ObjectRow(odd) for n in (1, 4, 9)}, (ObjectClass(odd, (1, 2, 3)),))
    for kind in MeshFormat:
        write_file(tmp_path / f"a{kind.suffix}", parts(table), Lengths(), odd)
        write_folder(tmp_path / kind, parts(table), kind, Per.CLASS, Lengths(), odd)
    assert contents_of(tmp_path / "a.glb")["materials"][0]["name"] == r"a\ud800\n}\x1b[0m 1"
    assert len(list(pov_meshes(tmp_path / "a.pov"))) == 3


@pytest.mark.skipif(not os.path.exists("/proc/self"), reason="there is no folder in which nobody can write")
@pytest.mark.parametrize("kind", MeshFormat)
def test_folder_that_cannot_be_written_is_told(kind):
    with pytest.raises(UserError):
        write_file(Path(f"/proc/self/a{kind.suffix}"), parts(), Lengths(), "Zelle")
    with pytest.raises(UserError):
        write_folder(Path("/proc/self/a"), parts(), kind, Per.OBJECT, Lengths(), "Zelle")


@pytest.mark.parametrize("kind", MeshFormat)
def test_cancel_takes_effect_while_it_is_read_back(tmp_path, kind, monkeypatch):
    progress = Progress()
    read_back = kind.kind.sink.read_back

    def cancelled(self):
        progress.cancel()
        return read_back(self)

    monkeypatch.setattr(kind.kind.sink, "read_back", cancelled)
    monkeypatch.setattr(meshes, "_ROWS", 50)
    with pytest.raises(Cancelled):
        write_file(tmp_path / f"a{kind.suffix}", parts(), Lengths(), "Zelle", progress.step)
    assert not list(tmp_path.iterdir())


def test_an_object_in_a_large_box_is_read_a_few_slices_at_a_time():
    """As an array would be that counts what is compared at once."""

    class Counting(np.ndarray):
        most = 0

        def __eq__(self, other):
            Counting.most = max(Counting.most, self.size)
            return np.asarray(self) == other

    numbers = np.zeros((40, 300, 300), np.uint16).view(Counting)
    numbers[2, 2, 2] = numbers[38, 290, 290] = 7
    (part,) = object_parts(numbers, {7: Box((0, 0, 0), numbers.shape)}, ObjectTable(), VOXEL_NM)
    assert len(part.triangles) == 16 and Counting.most <= 2 * 300 * 300


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from sxtstudio.core.errors import Cancelled, UserError
from sxtstudio.surface.handover.kinds import MeshFormat, Per
from sxtstudio.surface.handover.sink import Lengths
from sxtstudio.surface.handover.write import write_file, write_folder
sys.path.insert(0, sys.argv[2])
from test_handover import many
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
for kind in MeshFormat:
    for write in (
        lambda: write_file(Path(sys.argv[1], "a" + kind.suffix), many(2000), Lengths(), "Zelle"),
        lambda: write_folder(Path(sys.argv[1], kind), many(2000), kind, Per.CLASS, Lengths(), "Zelle"),
    ):
        try:
            write()
        except UserError as error:
            print(kind, error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no limit of the file size to try it with")
def test_full_disk_leaves_nothing(tmp_path):
    words = [sys.executable, "-c", FULL_DISK, str(tmp_path), os.path.dirname(__file__)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert len(lines) == 2 * len(MESH_SUFFIXES) and all("disk is full" in line for line in lines)
    assert not list(tmp_path.iterdir())


def test_names_that_povray_cannot_open_are_told_with_one_that_it_can(tmp_path):
    with pytest.raises(UserError, match=r"Call it Zelle_A_x\.pov"):
        write_file(tmp_path / 'Zelle Ä "x.pov', parts(), Lengths(), "Zelle")
    assert not list(tmp_path.iterdir())
    write_folder(tmp_path / "f", parts(), MeshFormat.POV, Per.CLASS, Lengths(), "Zelle")
    assert (tmp_path / "f" / "Lipidtropfchen.pov").is_file()


def odd_part():
    """A tetrahedron, a triangle without area at one of its corners, one alone, one with its back, a point.

    The last of these have no direction, whatever one takes for it.
    """
    points = [[0, 0, 0], [90, 0, 0], [0, 90, 0], [0, 0, 90]]  # the tetrahedron
    points += [[90, 0, 0], [90, 0, 0], [200, 0, 0], [200, 0, 0], [200, 0, 9]]
    points += [[300, 0, 0], [390, 0, 0], [300, 90, 0], [400, 400, 400]]
    triangles = [[0, 2, 1], [0, 1, 3], [1, 2, 3], [0, 3, 2], [1, 4, 5], [6, 7, 8], [9, 10, 11], [9, 11, 10]]
    return np.array(points, np.float32), np.array(triangles, np.int32)


@pytest.mark.parametrize("known", [False, True], ids=["found", "of the view"])
def test_each_point_has_a_direction(known):
    points, triangles = odd_part()
    normals = np.zeros_like(points)
    outwards = points[:4] - points[:4].mean(axis=0)
    normals[:4] = outwards / np.linalg.norm(outwards, axis=1)[:, None]
    found = MeshPart("x", (1, 2, 3), points, triangles, normals=normals if known else None).with_normals
    assert np.linalg.norm(found, axis=1) == pytest.approx(np.ones(len(points)), abs=1e-5)
    assert (np.sum(found[:4] * outwards, axis=1) > 0).all(), "those of the tetrahedron look outwards"
    assert found[4:6] == pytest.approx(found[[1, 1]], abs=1e-6), "as the point that they lie at"
    assert (found[6:] == (0, 0, 1)).all()


@pytest.mark.skipif(shutil.which("povray") is None, reason="POV-Ray is not installed")
def test_povray_is_content_with_triangles_without_area(tmp_path):
    write_file(tmp_path / "odd.pov", [MeshPart("odd", (200, 20, 20), *odd_part())], Lengths(), "odd")
    words = ["povray", "+Iodd.pov", "+Oa.png", "+W64", "+H48", "-D"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert not re.search("(Error|Warning):", done.stderr), done.stderr[-2000:]


@pytest.mark.skipif(shutil.which("povray") is None, reason="POV-Ray is not installed")
def test_povray_draws_a_scene_of_meshes_alone(tmp_path):
    """As the program's own picture of such meshes from the same side."""
    path = tmp_path / "zelle 1.pov"
    write_file(path, parts(), LENGTHS[LengthUnit.UM], "Zelle Ä")
    words = ["povray", f'+I"{path.name}"', "+Oa.png", "+W320", "+H240", "-D", "+A0.1"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert not re.search("(Error|Warning):", done.stderr), done.stderr[-2000:]
    with Image.open(tmp_path / "a.png") as image:
        picture = np.asarray(image.convert("RGB")).astype(int)
    assert (picture[2, 2] == 255).all()
    seen = (picture != 255).any(axis=2)
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    assert (4 < rows[0] < 40 and 200 < rows[-1] < 236) or (4 < columns[0] < 40 and 280 < columns[-1] < 316)
    red, green, blue = picture[seen].T
    assert ((red > green) & (green > 1.3 * blue)).sum() > 1000, "the droplet"
    assert ((blue > green) & (green > red)).sum() > 100, "the object without a class"
