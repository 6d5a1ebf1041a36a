"""Contact sites: caps of balls over planes, whose areas are known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from sxtstudio.core.measure import faces
from sxtstudio.core.measure.columns import Column, Measurements, Quantity
from sxtstudio.core.measure.contacts import (
    ContactRule,
    Contacts,
    contacts_group,
    find_contacts,
    patch_mesh,
    sites_table,
    with_contacts,
)
from sxtstudio.core.measure.faces import Surfaces
from sxtstudio.core.measure.inventory import take_inventory
from sxtstudio.core.measure.measure import measure_objects
from sxtstudio.core.measure.subject import Subject
from sxtstudio.core.progress import Progress

Voxel = tuple[float, float, float]
VOXELS = pytest.mark.parametrize(
    "voxel", [(10.0, 10.0, 10.0), (20.0, 10.0, 10.0)], ids=["isotropic", "2:1 voxels"]
)
CLASSES = {1: "Vesicle", 2: "ER", 3: "Vesicle", 4: "ER"}
RULE = ContactRule("Vesicle", "ER", 60)


def grid(size: tuple[float, float, float], voxel: Voxel) -> NDArray[np.float64]:
    axes = [(np.arange(n := round(s / e)) - (n - 1) / 2) * e for s, e in zip(size, voxel, strict=True)]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)


def surfaces_of(objects: NDArray[np.uint32], voxel: Voxel) -> Surfaces:
    return Surfaces(Subject(objects, voxel, True, take_inventory(objects, Progress())))


def contacts(objects: NDArray[np.uint32], voxel: Voxel, rule: ContactRule = RULE) -> Contacts:
    return find_contacts(surfaces_of(objects, voxel), CLASSES, rule)


def ball_over_plane(
    voxel: Voxel, normal: tuple[float, float, float], gap: float, radius: float = 150
) -> NDArray[np.uint32]:
    """A vesicle (1) over an ER (2) that ends in a plane below the middle of the volume."""
    places = grid((620, 620, 620), voxel)
    unit = np.array(normal) / np.linalg.norm(normal)
    height = places @ unit + 130
    objects = np.where((height < 0) & (height > -70), np.uint32(2), np.uint32(0))
    objects[np.linalg.norm(places + unit * 130 - unit * (gap + radius), axis=-1) <= radius] = 1
    return objects


@VOXELS
@pytest.mark.parametrize("normal", [(0, 0, 1), (1, 0, 0), (1, 1, 1), (1, -2, 2)], ids=str)
def test_a_cap_over_a_plane(normal: tuple[float, float, float], voxel: Voxel) -> None:
    found = contacts(ball_over_plane(voxel, normal, gap=10), voxel)
    cap = 2 * math.pi * 150 * (60 - 10)
    disc = math.pi * ((150 + 60) ** 2 - (150 + 10) ** 2)
    # By so much the areas change if the distance is off by half a voxel's edge.
    edge = math.sqrt(np.square(np.array(normal) * voxel).sum() / np.square(normal).sum())
    assert found.area[0] == pytest.approx(cap, abs=2 * math.pi * 150 * 0.6 * edge)
    assert found.area[1] == pytest.approx(disc, abs=2 * math.pi * 210 * 0.6 * edge)
    assert list(found.patches) == [1, 1]
    (site,) = found.sites
    assert (site.first, site.second) == (1, 2)
    assert site.area == pytest.approx(found.area[0])
    assert site.distance == pytest.approx(10, abs=1.1 * edge)
    unit = np.array(normal) / np.linalg.norm(normal)
    places = grid((620, 620, 620), voxel)
    centre = places[0, 0, 0] + np.array(site.centre) * voxel
    assert centre @ unit == pytest.approx(-130 + 10 + 25, abs=voxel[0])
    assert np.linalg.norm(centre - (centre @ unit) * unit) < voxel[0]


@VOXELS
def test_areas_of_all_faces_are_the_area_of_a_ball(voxel: Voxel) -> None:
    places = grid((420, 420, 420), voxel)
    for centre in ((0, 0, 0), (3, -4, 2)):
        objects = (np.linalg.norm(places - centre, axis=-1) <= 150).astype(np.uint32)
        surfaces = surfaces_of(objects, voxel)
        every = np.arange(len(surfaces.faces[0]))
        normals = surfaces.normals(0, every)
        assert surfaces.areas(0, every, normals).sum() == pytest.approx(4 * math.pi * 150**2, rel=0.02)
        outwards = surfaces.points(0) - surfaces.points(0).mean(axis=0)
        outwards /= np.linalg.norm(outwards, axis=1, keepdims=True)
        assert np.einsum("ij,ij->i", normals, outwards).min() > 0.95


def test_a_large_surface_is_taken_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    places = grid((600, 300, 300), (10, 10, 10))
    surfaces = surfaces_of(
        (np.linalg.norm(places / (2, 1, 1), axis=-1) <= 120).astype(np.uint32), (10, 10, 10)
    )
    every = np.arange(len(surfaces.faces[0]))
    expected = surfaces.normals(0, every)
    monkeypatch.setattr(faces, "_CHUNK_VOXELS", 9000)
    np.testing.assert_allclose(surfaces.normals(0, every), expected, atol=1e-4)


def test_only_the_side_of_a_sheet_that_faces_counts() -> None:
    objects = np.zeros((40, 50, 50), np.uint32)
    objects[20:22, 2:48, 2:48] = 2  # thinner than the distance asked for
    objects[24:30, 15:35, 15:35] = 1
    found = contacts(objects, (10, 10, 10), ContactRule("Vesicle", "ER", 45))
    reach = math.sqrt(45**2 - 20**2)  # of the vesicle's edges over the sheet
    footprint = 200**2 + 4 * 200 * reach + math.pi * reach**2
    assert found.area[1] == pytest.approx(footprint, rel=0.05)
    assert 200**2 < found.area[0] < 200**2 + 4 * 200 * 20  # with its lower edges, which are rounded


def test_patches_of_one_object_and_faces_near_two() -> None:
    """A dumbbell stands on a sheet with two feet; a second vesicle covers the same place as one of them."""
    objects = np.zeros((50, 40, 80), np.uint32)
    objects[10:14, 2:38, 2:78] = 2
    objects[15:25, 15:25, 10:20] = objects[15:25, 15:25, 60:70] = 1
    objects[23:30, 15:25, 10:70] = 1
    alone = contacts(objects, (10, 10, 10), ContactRule("Vesicle", "ER", 20))
    assert list(alone.patches) == [2, 2]
    assert [site.area for site in alone.sites] == pytest.approx([100**2, 100**2], rel=0.2)
    assert sorted(round(site.centre[2], 1) for site in alone.sites) == [14.5, 64.5]
    objects[7:9, 15:25, 10:20] = 3  # below the sheet
    objects[15:25, 26:30, 10:20] = 3  # and beside the foot
    both = contacts(objects, (10, 10, 10), ContactRule("Vesicle", "ER", 20))
    apart = sum(site.area for site in both.sites)
    assert apart == pytest.approx(both.area[0] + both.area[2])
    assert alone.area[1] < both.area[1]
    reverse = contacts(objects, (10, 10, 10), ContactRule("ER", "Vesicle", 20))
    np.testing.assert_allclose(reverse.area, both.area)
    assert sum(site.area for site in reverse.sites) > reverse.area[1]  # the same faces, near both


def test_contacts_within_a_class_and_none() -> None:
    objects = np.zeros((20, 20, 60), np.uint32)
    objects[5:15, 5:15, 5:15] = 1
    objects[5:15, 5:15, 16:26] = 3
    objects[5:15, 5:15, 45:55] = 2
    found = contacts(objects, (10, 10, 10), ContactRule("Vesicle", "Vesicle", 15))
    assert len(found.sites) == 1
    assert found.area[[0, 2]] == pytest.approx([100**2, 100**2], rel=0.2)
    assert found.area[0] == pytest.approx(found.area[2], rel=0.01)
    assert np.isnan(found.area[1])
    found = contacts(objects, (10, 10, 10))
    assert list(found.area) == [0, 0, 0] and list(found.patches) == [0, 0, 0] and not found.sites


def test_columns_and_the_table_of_sites() -> None:
    objects = ball_over_plane((10, 10, 10), (0, 0, 1), gap=10)
    found = contacts(objects, (10, 10, 10))
    table = measure_objects(objects, (10, 10, 10), groups=[contacts_group(CLASSES, [RULE])])
    assert [c.name(calibrated=True) for c in table.columns] == [
        "contact_area_vesicle_er_nm2",
        "contact_patches_vesicle_er",
    ]
    np.testing.assert_array_equal(table.values["contact_area_vesicle_er"], found.area)
    sites = sites_table([found], {"program": "x"}, calibrated=True)
    values = {column.name: column.values.tolist() for column in sites.columns}
    assert values["patch_area_nm2"] == pytest.approx([found.area[0]])
    assert [values[key] for key in ("site", "first_number", "second_number")] == [[1], [1], [2]]
    assert values["contact_of"] == ["Vesicle and ER"]
    assert sites.about["contacts"] == "Vesicle and ER, 60 nm apart at most"
    none = Contacts(RULE, found.numbers, [], found.area, found.patches)
    assert len(sites_table([none], {}, calibrated=True)) == 0


def test_the_mesh_of_a_patch_lies_on_its_voxels() -> None:
    objects = np.zeros((9, 9, 9), np.uint32)
    objects[4, 4, 4] = 1
    objects[4, 4, 6] = 2
    (site,) = contacts(objects, (10, 10, 10), ContactRule("Vesicle", "ER", 12)).sites
    corners, squares = patch_mesh([site])
    assert squares.tolist() == [[0, 1, 2, 3]]
    assert sorted(corners.tolist()) == [[3.5, 3.5, 4.5], [3.5, 4.5, 4.5], [4.5, 3.5, 4.5], [4.5, 4.5, 4.5]]
    assert patch_mesh([])[1].shape == (0, 4)


def test_squares_of_a_patch_look_outwards() -> None:
    places = grid((420, 420, 420), (10, 10, 10))
    r = np.linalg.norm(places, axis=-1)
    objects = np.where(r <= 100, np.uint32(1), np.where(r > 130, np.uint32(2), np.uint32(0)))
    sites = contacts(objects, (10, 10, 10)).sites
    corners, squares = patch_mesh(sites)
    xyz = corners[:, ::-1]
    first, second, third = (xyz[squares[:, i]] for i in range(3))
    normals = np.cross(second - first, third - second)
    outwards = xyz[squares].mean(axis=1) - 20.5
    assert np.linalg.norm(normals, axis=1) == pytest.approx(np.ones(len(squares)))
    assert (np.einsum("ij,ij->i", normals, outwards) > 0).all()


def test_contacts_join_a_table_and_replace_former_ones() -> None:
    objects = ball_over_plane((10, 10, 10), (0, 0, 1), gap=10)
    found = contacts(objects, (10, 10, 10))
    table = Measurements(np.array([1, 2, 9]))
    table.add(Column("voxels", "Voxels", Quantity.NUMBER, "n"), np.array([1, 2, 3]))
    once = with_contacts(table, found)
    twice = with_contacts(once, found)
    assert twice.columns == once.columns and len(once.columns) == 3
    np.testing.assert_array_equal(twice.values["contact_area_vesicle_er"], [*found.area, np.nan])
    assert list(twice.values["contact_patches_vesicle_er"]) == [1, 1, 0]
