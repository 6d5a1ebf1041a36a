import struct
import subprocess
import sys

import numpy as np
import pytest
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkIOGeometry import vtkOBJReader, vtkSTLReader
from vtkmodules.vtkIOPLY import vtkPLYReader
from vtkmodules.vtkIOXML import vtkXMLPolyDataReader

from sxtstudio.core.errors import Cancelled, UserError
from sxtstudio.core.progress import Progress
from sxtstudio.surface import MESH_SUFFIXES, SurfaceParameters, extract_surface, write_mesh
from sxtstudio.surface.colours import PLAIN_RGB
from sxtstudio.surface.handover import sink

VOXEL_NM = (10.0, 20.0, 30.0)


def letter_f():
    """An F that looks different from every side: no axis can be swapped or turned round unnoticed."""
    labels = np.zeros((10, 16, 12), np.uint8)
    labels[2:4, 2:14, 2:4] = 1  # the stem, along y
    labels[2:4, 2:4, 2:10] = 1  # the long arm, along x, at small y
    labels[2:4, 7:9, 2:7] = 1  # the short arm
    labels[2:8, 2:4, 2:4] = 1  # a foot along z
    return labels


@pytest.fixture(params=[False, True], ids=["plain", "objects"])
def surface(request):
    labels = letter_f()
    labels[8, 13:15, 9:11] = 1  # a second object
    return extract_surface(labels, VOXEL_NM, SurfaceParameters(objects=request.param, min_faces=0, smooth=0))


def test_letter_stands_as_in_the_volume():
    """Independent of any file: the corners of the F are where the labels say, in (x, y, z)."""
    points = extract_surface(letter_f(), VOXEL_NM, SurfaceParameters(smooth=0)).points / VOXEL_NM[::-1]
    np.testing.assert_allclose(points.min(axis=0), (1.5, 1.5, 1.5))
    np.testing.assert_allclose(points.max(axis=0), (9.5, 13.5, 7.5))
    assert points[points[:, 0] > 8][:, 1].max() <= 3.5, "the long arm lies at small y"
    assert points[points[:, 1] > 10][:, 0].max() <= 3.5, "the stem lies at small x"
    assert points[points[:, 2] > 5].max(axis=0).tolist() == [3.5, 3.5, 7.5], "the foot lies at small x and y"


def read_ply(path):
    """Parse binary PLY by hand."""
    data = path.read_bytes()
    header, _, body = data.partition(b"end_header\n")
    lines = header.decode("ascii").splitlines()
    assert lines[:2] == ["ply", "format binary_little_endian 1.0"]
    count = {line.split()[1]: int(line.split()[2]) for line in lines if line.startswith("element")}
    coloured = "property uchar red" in lines
    stride = 15 if coloured else 12
    rows = [
        struct.unpack_from("<3f3B" if coloured else "<3f", body, i * stride) for i in range(count["vertex"])
    ]
    points = np.array([row[:3] for row in rows])
    colours = np.array([row[3:] for row in rows], np.uint8) if coloured else None
    begin = stride * count["vertex"]
    faces = [struct.unpack_from("<B3i", body, begin + 13 * i) for i in range(count["face"])]
    assert len(body) == begin + 13 * count["face"], "nothing is missing and nothing is left over"
    assert {face[0] for face in faces} == {3}
    return points, np.array([face[1:] for face in faces]), colours


def read_stl(path):
    """Parse binary STL by hand; return corners (m, 3, 3) and normals."""
    data = path.read_bytes()
    assert not data.startswith(b"solid")
    (count,) = struct.unpack_from("<I", data, 80)
    assert len(data) == 84 + 50 * count
    rows = np.array([struct.unpack_from("<12f", data, 84 + 50 * i) for i in range(count)])
    return rows[:, 3:].reshape(-1, 3, 3), rows[:, :3]


def read_obj(path):
    points, faces, groups, group = [], [], [], None
    for line in path.read_text("utf-8").splitlines():
        kind, *words = line.split()
        if kind == "v":
            points.append([float(word) for word in words])
        elif kind == "f":
            faces.append([int(word) - 1 for word in words])
            groups.append(group)
        elif kind == "o":
            group = words[0]
    return np.array(points), np.array(faces), groups


def faces_at(values, faces, points=None):
    """Values at the corners of each face, the faces in an order that depends on where they are alone."""
    places = values if points is None else points
    rows = places[faces]
    first = np.lexsort(np.moveaxis(rows, 2, 0)[::-1], axis=1)[:, 0]
    turned = (np.arange(3) + first[:, None]) % 3
    corners = np.take_along_axis(rows, turned[..., None], axis=1).reshape(len(faces), 9)
    order = np.lexsort(corners.T[::-1])
    return values[np.take_along_axis(faces, turned, axis=1)][order]


def enclosed(corners):
    return float(np.einsum("ij,ij->", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) / 6)


def test_ply(tmp_path, surface):
    points, faces, colours = read_ply(write_mesh(tmp_path / "a.ply", surface))
    np.testing.assert_array_equal(faces_at(points, faces), faces_at(surface.points, surface.triangles))
    if surface.colours is None:
        assert np.unique(colours, axis=0).tolist() == [list(PLAIN_RGB)]
    else:
        np.testing.assert_array_equal(
            faces_at(colours, faces, points), faces_at(surface.colours, surface.triangles, surface.points)
        )
        assert len(np.unique(colours, axis=0)) == 2


def test_stl(tmp_path, surface):
    corners, normals = read_stl(write_mesh(tmp_path / "a.stl", surface))
    np.testing.assert_array_equal(
        faces_at(corners.reshape(-1, 3), np.arange(3 * len(corners)).reshape(-1, 3)),
        faces_at(surface.points, surface.triangles),
    )
    assert enclosed(corners) == pytest.approx(surface.volume(), rel=1e-5)
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1, atol=1e-5)
    turn = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert (np.einsum("ij,ij->i", turn, normals) > 0).all(), "written normals agree with the corners"


def test_obj(tmp_path, surface):
    points, faces, groups = read_obj(write_mesh(tmp_path / "a.obj", surface))
    ours = faces_at(surface.points, surface.triangles)
    np.testing.assert_allclose(faces_at(points[:, :3], faces), ours, atol=1e-3)
    assert enclosed(points[faces][..., :3]) == pytest.approx(surface.volume(), rel=1e-5)
    if surface.colours is None:
        np.testing.assert_allclose(points[:, 3:] * 255, [PLAIN_RGB] * len(points), atol=0.2)
        assert set(groups) == {"Labels"}
    else:
        colours = np.round(points[:, 3:] * 255).astype(np.uint8)
        np.testing.assert_array_equal(
            faces_at(colours, faces, points[:, :3].astype(np.float32)),
            faces_at(surface.colours, surface.triangles, surface.points),
        )
        counts = np.bincount(surface.objects[surface.triangles[:, 0]])
        assert [groups.count(f"Object_{number}") for number in (1, 2)] == counts[1:].tolist()


def test_vtp(tmp_path, surface):
    reader = vtkXMLPolyDataReader()
    reader.SetFileName(str(write_mesh(tmp_path / "a.vtp", surface)))
    reader.Update()
    mesh = reader.GetOutput()
    points = vtk_to_numpy(mesh.GetPoints().GetData())
    faces = vtk_to_numpy(mesh.GetPolys().GetConnectivityArray()).reshape(-1, 3)
    np.testing.assert_array_equal(faces_at(points, faces), faces_at(surface.points, surface.triangles))
    if surface.colours is not None:
        for name, ours in (("RGB", surface.colours), ("object", surface.objects)):
            theirs = vtk_to_numpy(mesh.GetPointData().GetArray(name))
            np.testing.assert_array_equal(
                faces_at(theirs, faces, points), faces_at(ours, surface.triangles, surface.points)
            )


@pytest.mark.parametrize(
    ("suffix", "reader"), [(".ply", vtkPLYReader), (".stl", vtkSTLReader), (".obj", vtkOBJReader)]
)
def test_vtk_reads_what_was_written(tmp_path, surface, suffix, reader):
    other = reader()
    other.SetFileName(str(write_mesh(tmp_path / f"a{suffix}", surface)))
    other.Update()
    mesh = other.GetOutput()
    assert mesh.GetNumberOfPolys() == surface.face_count
    np.testing.assert_allclose(mesh.GetBounds(), surface.mesh.bounds, atol=1e-2)
    if suffix == ".ply" and surface.colours is not None:
        theirs = vtk_to_numpy(mesh.GetPointData().GetScalars())
        assert np.unique(theirs, axis=0).tolist() == np.unique(surface.colours, axis=0).tolist()


def test_chunks_join_without_a_seam(tmp_path, surface, monkeypatch):
    whole = {suffix: write_mesh(tmp_path / f"a{suffix}", surface).read_bytes() for suffix in MESH_SUFFIXES}
    monkeypatch.setattr(sink, "ROWS", 7)
    for suffix, data in whole.items():
        assert write_mesh(tmp_path / f"a{suffix}", surface).read_bytes() == data


@pytest.mark.parametrize("name", ["mesh.xyz", "mesh", "mesh.ply.gz"])
def test_unknown_suffix_is_told_with_those_that_are_known(tmp_path, surface, name):
    with pytest.raises(UserError, match=r"\.ply, \.stl, \.obj, \.vtp, \.glb or \.pov"):
        write_mesh(tmp_path / name, surface)
    assert not list(tmp_path.iterdir())


def test_suffix_in_capitals(tmp_path, surface):
    read_ply(write_mesh(tmp_path / "A.PLY", surface))


@pytest.mark.parametrize("suffix", MESH_SUFFIXES)
def test_missing_folder_is_told(tmp_path, surface, suffix):
    with pytest.raises(UserError, match="does not exist"):
        write_mesh(tmp_path / "nowhere" / f"a{suffix}", surface)


@pytest.mark.parametrize("suffix", MESH_SUFFIXES)
def test_cancel_leaves_the_old_file(tmp_path, surface, suffix):
    path = tmp_path / f"a{suffix}"
    path.write_text("old")
    progress = Progress()
    progress.cancel()
    with pytest.raises(Cancelled):
        write_mesh(path, surface, progress)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


FULL_DISK = """
import resource, signal, sys
import numpy as np
from pathlib import Path
from sxtstudio.core.errors import UserError
from sxtstudio.surface import MESH_SUFFIXES, extract_surface, write_mesh
surface = extract_surface(np.ones((20, 20, 20), np.uint8), (1.0, 1.0, 1.0))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
for suffix in MESH_SUFFIXES:
    path = Path(sys.argv[1], "a" + suffix)
    path.write_text("old")
    try:
        write_mesh(path, surface)
    except UserError as error:
        print(suffix, error)
    assert path.read_text() == "old", suffix
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no limit of the file size to try it with")
def test_full_disk_leaves_the_old_file_and_is_told(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path)], capture_output=True, text=True, check=True
    )
    lines = done.stdout.splitlines()
    assert len(lines) == 6
    assert all("disk is full" in line for line in lines)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(f"a{suffix}" for suffix in MESH_SUFFIXES)
    assert done.stderr == ""
