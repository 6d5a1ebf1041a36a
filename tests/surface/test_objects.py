"""Surfaces of numbered objects: each closed, in its place and of its volume, and exchangeable."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from vtkmodules.util.numpy_support import vtk_to_numpy

from sxtstudio.core.geometry import Box
from sxtstudio.core.wording import grouped
from sxtstudio.surface import objects as surface_objects
from sxtstudio.surface.mesh import Surface
from sxtstudio.surface.objects import ObjectMesh, ObjectSurface, SurfacePiece, object_bodies, polydata
from sxtstudio.surface.simplify import simplify

VOXEL_NM = (20.0, 10.0, 10.0)
LARGE = 2**31 + 9
CENTRES = {3: (14, 20, 18), 5: (14, 20, 42), LARGE: (40, 40, 30)}
RADIUS = 12


@pytest.fixture(scope="module")
def objects() -> NDArray[np.uint32]:
    """Two balls that touch along a plane, and another one."""
    z, y, x = np.ogrid[:60, :60, :60]
    numbers = np.zeros((60, 60, 60), np.uint32)
    for number, (cz, cy, cx) in CENTRES.items():
        numbers[(z - cz) ** 2 + (y - cy) ** 2 + (x - cx) ** 2 <= RADIUS**2] = number
    return numbers


@pytest.fixture(scope="module")
def bodies(objects: NDArray[np.uint32]) -> dict[int, ObjectSurface]:
    """Their surfaces; an object that is not there has none."""
    boxes = {}
    for number in CENTRES:
        where = np.argwhere(objects == number)
        low, high = where.min(0).tolist(), (where.max(0) + 1).tolist()
        boxes[number] = Box((low[0], low[1], low[2]), (high[0], high[1], high[2]))
    boxes[99] = boxes[3]
    return dict(object_bodies(objects, boxes, VOXEL_NM, max_faces=100_000, moving_faces=3_000).surfaces)


def volume(piece: SurfacePiece) -> float:
    return Surface(polydata(piece.points, piece.triangles), 1).volume()


def test_each_object_is_closed_in_its_place_and_of_its_volume(
    bodies: dict[int, ObjectSurface], objects: NDArray[np.uint32]
) -> None:
    assert set(bodies) == set(CENTRES)
    for number, body in bodies.items():
        exact = np.count_nonzero(objects == number) * np.prod(VOXEL_NM)
        assert volume(body.full) == pytest.approx(exact, rel=0.01)
        assert volume(body.light) == pytest.approx(exact, rel=0.06)
        edges = np.sort(body.full.triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
        assert (np.unique(edges, axis=0, return_counts=True)[1] == 2).all()
        middle = np.argwhere(objects == number).mean(0) * VOXEL_NM
        assert np.abs(body.full.points.mean(0)[::-1] - middle).max() < 5
        outwards = body.full.points - middle[::-1]
        assert (np.einsum("ij,ij->i", outwards, body.full.normals) > 0).all()
    assert sum(len(body.light.triangles) for body in bodies.values()) <= 3_000


def boxes_of(objects: NDArray[np.uint32]) -> dict[int, Box]:
    return {number: Box((0, 0, 0), (60, 60, 60)) for number in np.unique(objects[objects > 0]).tolist()}


def test_simplified_surfaces_say_so(objects: NDArray[np.uint32]) -> None:
    whole = object_bodies(objects, boxes_of(objects), VOXEL_NM, max_faces=100_000, moving_faces=3_000)
    fewer = object_bodies(objects, boxes_of(objects), VOXEL_NM, max_faces=4_000, moving_faces=3_000)
    before, after = (
        sum(len(body.full.triangles) for body in one.surfaces.values()) for one in (whole, fewer)
    )
    assert not whole.notes and after <= 4_000 < before
    (note,) = fewer.notes
    assert note.startswith(
        f"The surfaces of 3 objects were simplified from {grouped(before)} to {grouped(after)} faces "
        "(points closer than about "
    )
    edge = float(note.partition("than about ")[2].split()[0])
    # About as far apart are points of which one in each cube is left: the faces fall with its square.
    assert edge == pytest.approx(np.sqrt(before / after), rel=0.4)


def test_more_faces_than_can_be_held_leave_no_object_out(
    objects: NDArray[np.uint32], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What comes last is drawn as what comes first; the memory holds some of the faces at a time."""
    monkeypatch.setattr(surface_objects, "_MOST_HELD", 5_000)
    held: list[int] = []
    monkeypatch.setattr(
        surface_objects,
        "simplify",
        lambda found, *given: held.append(len(found.triangles)) or simplify(found, *given),
    )
    found = object_bodies(objects, boxes_of(objects), VOXEL_NM, max_faces=2_500, moving_faces=2_000)
    assert set(found.surfaces) == set(CENTRES) and len(held) > 2
    one = max(len(body.full.triangles) for body in found.surfaces.values())
    assert one < 1.6 * min(len(body.full.triangles) for body in found.surfaces.values())
    for number, body in found.surfaces.items():
        assert volume(body.full) == pytest.approx(
            np.count_nonzero(objects == number) * np.prod(VOXEL_NM), rel=0.06
        )


def test_small_objects_keep_a_shape_beside_large_ones_and_what_moves_stays_light() -> None:
    """A large ball has nearly all faces; with cubes that suit it none would be left of the small ones."""
    z, y, x = np.ogrid[:90, :90, :90]
    numbers = np.zeros((90, 90, 90), np.uint32)
    numbers[(z - 45) ** 2 + (y - 45) ** 2 + (x - 45) ** 2 <= 40**2] = 1
    boxes, number = {1: Box((5, 5, 5), (86, 86, 86))}, 1
    for cy in (4, 84):
        for cx in range(4, 90, 8):
            number += 1
            numbers[(z - 4) ** 2 + (y - cy) ** 2 + (x - cx) ** 2 <= 3**2] = number
            boxes[number] = Box((1, cy - 3, cx - 3), (8, cy + 4, cx + 4))
    found = object_bodies(numbers, boxes, None, max_faces=2_000, moving_faces=2_000).surfaces
    faces = {number: len(body.full.triangles) for number, body in found.items()}
    assert set(found) == set(boxes) and sum(faces.values()) <= 2_000
    small = [faces[number] for number in boxes if number > 1]
    assert min(small) >= 12 and faces[1] > 4 * max(small)
    shares = {n: volume(body.full) / np.count_nonzero(numbers == n) for n, body in found.items()}
    assert shares[1] == pytest.approx(1, abs=0.1)
    assert all(0.3 < share < 1.2 for share in shares.values()), "smoothed, they would be points"


def test_what_has_no_lighter_surface_is_drawn_in_motion_as_far_as_there_is_room() -> None:
    def piece(faces: int) -> SurfacePiece:
        return SurfacePiece(
            np.zeros((3, 3), np.float32), np.zeros((3, 3), np.float32), np.zeros((faces, 3), int)
        )

    full = {1: piece(900), 2: piece(40), 3: piece(50), 4: piece(30)}
    light = surface_objects._completed({1: piece(100)}, full, 195)
    assert {number: len(one.triangles) for number, one in light.items()} == {1: 100, 3: 50, 2: 40, 4: 0}
    mesh = ObjectMesh(light)
    assert mesh.face_count == 190 and mesh.number_of(189) == 3 and mesh.number_of(100) == 2


def test_colours_and_what_is_shown_change_without_other_surfaces(bodies: dict[int, ObjectSurface]) -> None:
    mesh = ObjectMesh({number: body.full for number, body in bodies.items()})
    assert mesh.numbers.tolist() == [3, 5, LARGE]
    points = vtk_to_numpy(mesh.mesh.GetPoints().GetData()).copy()
    faces = [len(bodies[number].full.triangles) for number in (3, 5, LARGE)]
    colours = np.array([(9, 8, 7), (1, 2, 3), (50, 60, 70)], np.uint8)
    before = mesh.mesh
    mesh.style(colours, np.array([True, False, True]))
    assert mesh.mesh is not before and before.GetNumberOfCells() == sum(faces)
    assert mesh.mesh.GetNumberOfCells() == faces[0] + faces[2] and mesh.face_count == sum(faces)
    drawn = vtk_to_numpy(mesh.mesh.GetPolys().GetConnectivityArray()).reshape(-1, 3)
    rgb = vtk_to_numpy(mesh.mesh.GetPointData().GetScalars())
    for face, number, colour in ((0, 3, colours[0]), (faces[0], LARGE, colours[2]), (-1, LARGE, colours[2])):
        assert mesh.number_of(face) == number
        assert (rgb[drawn[face]] == colour).all()
    mesh.style(colours, np.ones(3, bool))
    assert mesh.number_of(faces[0]) == 5
    assert (vtk_to_numpy(mesh.mesh.GetPoints().GetData()) == points).all()


def test_nothing_makes_an_empty_mesh() -> None:
    nothing = object_bodies(np.zeros((4, 4, 4), np.uint32), {}, None, max_faces=10, moving_faces=10)
    assert not nothing.surfaces and not nothing.notes
    mesh = ObjectMesh({})
    mesh.style(np.empty((0, 3), np.uint8), np.empty(0, bool))
    assert mesh.mesh.GetNumberOfCells() == 0
