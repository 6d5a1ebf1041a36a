"""Models of IMOD, written: read by imodmodel, and by a reader made from the published format."""

import errno
import itertools
import os
import struct
from pathlib import Path

import imodmodel
import numpy as np
import pytest
from asymmetric_labels import COLOURS, NAMES, ORIGIN, VOXEL, asymmetric
from skimage.draw import polygon2mask

from sxtstudio.core.errors import Cancelled, UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.label_image import LabelImage, LegendEntry
from sxtstudio.core.progress import Progress
from sxtstudio.core.verified import NotAsWritten
from sxtstudio.core.volume import ArrayVolume
from sxtstudio.io import open_volume
from sxtstudio.io.handover import imod as writer
from sxtstudio.io.handover.imod import write_imod
from sxtstudio.io.handover.meshes import MeshArrays


def image_of(labels, names=NAMES, voxel=VOXEL, origin=ORIGIN):
    legend = tuple(LegendEntry(value, name, COLOURS.get(value, (9, 8, 7))) for value, name in names.items())
    return LabelImage("Zelle Nr. 4", ArrayVolume(labels, voxel), legend, voxel, origin)


def contents(folder):
    return sorted(p.name for p in folder.iterdir())


def filled(contours, shape, y_of=lambda y: y):
    """Labels of the contours of an object by even and odd; centres of voxels are at (i + 0.5, j + 0.5, k)."""
    inside = np.zeros(shape, int)
    for points in contours:
        z = {float(value) for value in points[:, 2]}
        assert len(z) == 1
        corners = np.stack((y_of(points[:, 1]) - 0.5, points[:, 0] - 0.5), axis=1)
        inside[int(z.pop())] += polygon2mask(shape[1:], corners)
    return inside % 2 == 1


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    path = tmp_path_factory.mktemp("imod") / "cell.mod"
    return write_imod(path, image_of(asymmetric())), path


def test_imodmodel_reads_names_colours_sizes_and_contours(written):
    receipt, path = written
    model = imodmodel.ImodModel.from_file(path)
    head, labels = model.header, asymmetric()
    assert (head.xmax, head.ymax, head.zmax) == labels.shape[::-1]
    assert (head.pixelsize, head.units, head.xscale, head.yscale) == (13.0, -9, 1, 1)
    assert head.zscale == pytest.approx(20 / 13) and head.name == "Zelle Nr. 4 [first row at the bottom]"
    assert (head.object, head.contour, head.point, head.res, head.thresh) == (0, -1, -1, 3, 128)
    assert (head.csum, head.alpha, head.beta, head.gamma) == (0, 0, 0, 0)
    assert head.flags.mat1_and_mat3_are_bytes and head.flags.otrans_has_image_origin_values
    assert model.minx.cscale == (130, 130, 200)
    assert model.minx.ctrans == model.minx.otrans == (-250, 260, -1000)  # minus the place of the first voxel
    assert [found.header.name for found in model.objects] == list(NAMES.values())
    for found, (value, rgb) in zip(model.objects, COLOURS.items(), strict=True):
        colour = (found.header.red, found.header.green, found.header.blue)
        assert colour == pytest.approx([part / 255 for part in rgb])
        assert not (found.header.flags.open or found.header.flags.scattered or found.header.flags.mesh)
        assert (found.imat.ambient, found.imat.diffuse, found.imat.specular) == (102, 255, 127)
        back = filled([contour.points for contour in found.contours], labels.shape)
        assert (back == (labels == value)).all()
    assert receipt.format == "IMOD model" and receipt.bytes == path.stat().st_size
    assert dict(receipt.details)["Objects"] == "3" and receipt.losses == ()


def test_length_of_every_part_is_as_published(written):
    """The parts in their order, and nothing between them (binspec.html)."""
    raw = written[1].read_bytes()
    assert raw[:8] == b"IMODV1.2"
    place, seen = 240, []
    while raw[place : place + 4] != b"IEOF":
        name = raw[place : place + 4].decode()
        seen.append(name)
        if name == "OBJT":
            place += 4 + 176
        elif name == "CONT":
            place += 4 + 16 + 12 * struct.unpack_from(">i", raw, place + 4)[0]
        else:
            place += 8 + struct.unpack_from(">i", raw, place + 4)[0]
    assert place + 4 == len(raw)
    assert [name for name, _ in itertools.groupby(seen)] == ["OBJT", "CONT", "IMAT"] * 3 + ["MINX"]


def test_rows_from_the_top(tmp_path):
    """IMOD shows the first row of a TIFF image at the top, where y is large."""
    labels = asymmetric()
    write_imod(tmp_path / "a.mod", image_of(labels), rows_from_top=True)
    model = imodmodel.ImodModel.from_file(tmp_path / "a.mod")
    for found, value in zip(model.objects, NAMES, strict=True):
        back = filled([c.points for c in found.contours], labels.shape, lambda y: labels.shape[1] - y)
        assert (back == (labels == value)).all()


@pytest.mark.parametrize("turned", [False, True], ids=["mrc", "tiff"])
def test_meshes(tmp_path, turned):
    """A box between voxel centres; seen from outside its triangles turn as the normals say."""
    corners = np.array(list(itertools.product((0, 1), repeat=3)))
    points = corners * (5 * 13.0, 3 * 13.0, 2 * 20.0) + (4 * 13.0, 3 * 13.0, 20.0)  # x, y, z in nm
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    triangles = np.array([t for a, b, c, d in quads for t in ((a, b, c), (a, c, d))], np.int32)
    centre = points.mean(axis=0)
    normals = (points - centre) / np.linalg.norm(points - centre, axis=1, keepdims=True)
    mesh = MeshArrays(points.astype("f4"), normals.astype("f4"), triangles)
    asked = []

    def mesh_of(value):
        asked.append(value)
        return mesh if value == 3 else None

    image = image_of(asymmetric())
    receipt = write_imod(tmp_path / "a.mod", image, meshes=mesh_of, rows_from_top=turned)
    assert asked == [3, 7, 9] and dict(receipt.details)["Faces of meshes"] == "12"
    model = imodmodel.ImodModel.from_file(tmp_path / "a.mod")
    assert [len(found.meshes) for found in model.objects] == [1, 0, 0]
    flags = model.objects[0].header.flags
    assert flags.mesh and flags.fill and flags.noline
    raw = (tmp_path / "a.mod").read_bytes()
    at = raw.index(b"MESH") + 4
    vertices, entries = struct.unpack_from(">2i", raw, at)
    pairs = np.frombuffer(raw, ">f4", 3 * vertices, at + 16).reshape(-1, 2, 3)
    listed = np.frombuffer(raw, ">i4", entries, at + 16 + 12 * vertices)
    assert listed[0] == -25 and listed[-2:].tolist() == [-22, -1] and (listed[1:-2] % 2 == 0).all()
    y_low, y_high = (20 - 6.5, 20 - 3.5) if turned else (3.5, 6.5)
    np.testing.assert_allclose(pairs[:, 0].min(axis=0), (4.5, y_low, 1), rtol=1e-6)
    np.testing.assert_allclose(pairs[:, 0].max(axis=0), (9.5, y_high, 3), rtol=1e-6)
    faces = listed[1:-2].reshape(-1, 3) // 2
    a, b, c = (pairs[faces[:, i], 0].astype(float) * (13, 13, 20) for i in range(3))
    outwards = np.einsum("ij,ij->i", np.cross(b - a, c - a), pairs[faces, 1].sum(axis=1).astype(float))
    assert (outwards > 0).all()


@pytest.mark.parametrize("meshes", [None, lambda value: None], ids=["contours", "meshes"])
def test_progress_reaches_the_end_and_not_before(tmp_path, meshes):
    seen = []
    progress = Progress(listener=lambda state: seen.append(state.fraction))
    write_imod(tmp_path / "a.mod", image_of(asymmetric()), progress, meshes=meshes)
    assert seen[-1] == pytest.approx(1) and max(seen[:-1]) < 1 and seen == sorted(seen)


def test_no_objects(tmp_path):
    receipt = write_imod(tmp_path / "a.mod", image_of(np.zeros((3, 4, 5), np.uint8), {}))
    assert dict(receipt.details)["Objects"] == "0"
    assert imodmodel.ImodModel.from_file(tmp_path / "a.mod").objects == []
    with open_volume(tmp_path / "a.mod") as back:
        assert not back.read(Box.whole(back.shape)).any()


def test_ten_thousand_objects(tmp_path):
    labels = np.zeros((4, 200, 200), np.uint32)
    labels[1, ::2, ::2] = np.arange(1, 10_001).reshape(100, 100) * 7
    receipt = write_imod(tmp_path / "a.mod", image_of(labels, {}))
    assert dict(receipt.details)["Objects"].replace("\u202f", "") == "10000"
    with open_volume(tmp_path / "a.mod") as back:
        assert (back.read(Box.whole(back.shape)).astype("u4") * 7 == labels).all()


def test_unknown_sizes_places_and_names_that_are_long(tmp_path):
    labels = asymmetric()
    image = image_of(labels, {3: "ü" * 40, 500: "nothing has this value"}, None, None)
    receipt = write_imod(tmp_path / "a.mod", image)
    model = imodmodel.ImodModel.from_file(tmp_path / "a.mod")
    assert model.minx is None and (model.header.pixelsize, model.header.units) == (1, 0)
    names = [found.header.name for found in model.objects]
    assert names == ["ü" * 31, "Label 7", "Label 9", "nothing has this value"]
    assert len(model.objects[3].contours) == 0
    assert len(receipt.losses) == 2


def test_slabs_of_few_slices_give_the_same_file(tmp_path, written, monkeypatch):
    monkeypatch.setattr("sxtstudio.core.walk.SLAB_VOXELS", 700)
    write_imod(tmp_path / "a.mod", image_of(asymmetric()))
    assert (tmp_path / "a.mod").read_bytes() == written[1].read_bytes()


def test_what_is_read_back_differently_is_not_kept(tmp_path, monkeypatch):
    real = writer.pixel_edges

    def wrong(labels):
        found = real(labels)
        found.points[:1] += 1
        return found

    monkeypatch.setattr(writer, "pixel_edges", wrong)
    with pytest.raises(NotAsWritten, match="differs in slice"):
        write_imod(tmp_path / "a.mod", image_of(asymmetric()))
    assert contents(tmp_path) == []


def test_more_outlines_than_are_read_again(tmp_path, monkeypatch):
    monkeypatch.setattr(writer, "MOST_CONTOURS", 2)
    monkeypatch.setattr("sxtstudio.core.walk.SLAB_VOXELS", 700)
    with pytest.raises(UserError, match="more than 2 outlines"):
        write_imod(tmp_path / "a.mod", image_of(asymmetric()))
    assert contents(tmp_path) == []


def test_numbers_that_are_none(tmp_path):
    for labels in (-asymmetric().astype(np.int16), asymmetric() / np.float32(2)):
        with pytest.raises(UserError, match="no numbers of labels"):
            write_imod(tmp_path / "a.mod", image_of(labels))
    assert contents(tmp_path) == []


def test_full_disk(tmp_path):
    resource = pytest.importorskip("resource")
    (tmp_path / "a.mod").write_text("former")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    noise = np.random.default_rng(0).integers(0, 3, (3, 60, 60)).astype("u1")
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises(UserError, match="disk is full"):
            write_imod(tmp_path / "a.mod", image_of(noise))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert contents(tmp_path) == ["a.mod"] and (tmp_path / "a.mod").read_text() == "former"


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs POSIX permissions")
def test_read_only_folder(tmp_path, monkeypatch):
    def refuse(path, *args, **kwargs):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    if os.geteuid() == 0:  # root may write everywhere: the refusal is simulated
        monkeypatch.setattr("builtins.open", refuse)
    else:
        tmp_path.chmod(0o500)
    with pytest.raises(UserError, match="No permission to write"):
        write_imod(tmp_path / "a.mod", image_of(asymmetric()))


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a folder that not even root can write to")
def test_folder_that_cannot_be_written_to():
    with pytest.raises(UserError, match=r"cannot be written|No permission"):
        write_imod(Path("/proc/a.mod"), image_of(asymmetric()))


def test_cancel(tmp_path, monkeypatch):
    monkeypatch.setattr("sxtstudio.core.walk.SLAB_VOXELS", 700)
    progress = Progress()
    progress._listener = lambda state: progress.cancel()
    with pytest.raises(Cancelled):
        write_imod(tmp_path / "a.mod", image_of(asymmetric()), progress)
    assert contents(tmp_path) == []


@pytest.mark.parametrize(
    ("part", "wrong", "what"),
    [
        ("_object", lambda made: b"X" + made[1:], "names or colours"),
        ("_object", lambda made: made[:144] + struct.pack(">f", 0.5) + made[148:], "names or colours"),
        ("_header", lambda made: made.replace(struct.pack(">f", 13), struct.pack(">f", 14)), "voxel size"),
        ("_place", lambda made: made.replace(struct.pack(">f", -250), struct.pack(">f", -260)), "position"),
        ("_place", lambda made: made[:12] + struct.pack(">3f", 1, 2, 3) + made[24:], "beyond the tomogram"),
    ],
    ids=["name", "colour", "voxel size", "position", "shift"],
)
def test_what_stands_beside_the_contours_is_compared_too(tmp_path, monkeypatch, part, wrong, what):
    real = getattr(writer, part)
    monkeypatch.setattr(writer, part, lambda *given, **named: wrong(real(*given, **named)))
    with pytest.raises(NotAsWritten, match=what):
        write_imod(tmp_path / "a.mod", image_of(asymmetric()))
    assert contents(tmp_path) == []


def test_meshes_are_counted_when_they_are_read_back(tmp_path, monkeypatch):
    corners = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], "f4")
    triangles = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]], np.int32)
    mesh = MeshArrays(corners, corners, triangles)
    receipt = write_imod(tmp_path / "a.mod", image_of(asymmetric()), meshes=lambda value: mesh)
    assert receipt.verified.endswith("the number of all points and triangles")
    real = writer._write_mesh
    fewer = MeshArrays(corners, corners, triangles[:3])
    monkeypatch.setattr(writer, "_write_mesh", lambda file, mesh, *given: real(file, fewer, *given))
    with pytest.raises(NotAsWritten, match="its meshes"):
        write_imod(tmp_path / "b.mod", image_of(asymmetric()), meshes=lambda value: mesh)
    assert contents(tmp_path) == ["a.mod"]
