import itertools
import math

import numpy as np
import pytest
from scipy import ndimage
from vtkmodules.vtkFiltersCore import vtkWindowedSincPolyDataFilter

from sxtstudio.core.errors import Cancelled, UserError
from sxtstudio.core.progress import Progress
from sxtstudio.core.wording import grouped
from sxtstudio.surface import SurfaceParameters, extract_surface
from sxtstudio.surface import extract as extract_module
from sxtstudio.surface import smooth as smooth_module
from sxtstudio.surface.contour import contour
from sxtstudio.surface.mesh import polydata
from sxtstudio.surface.smooth import smooth

PLAIN = SurfaceParameters(smooth=0)


def ellipsoid(half_axes_nm, voxel_nm, margin=3):
    """Labels (z, y, x) of an ellipsoid and the position (z, y, x) of its middle in nm."""
    size = [2 * math.ceil(a / v) + 2 * margin for a, v in zip(half_axes_nm, voxel_nm, strict=True)]
    middle = [(n / 2 - 0.3) * v for n, v in zip(size, voxel_nm, strict=True)]
    axes = np.ogrid[tuple(slice(0, n) for n in size)]
    square = sum(
        ((axis * v - m) / a) ** 2 for axis, v, m, a in zip(axes, voxel_nm, middle, half_axes_nm, strict=True)
    )
    return (square <= 1).astype(np.uint8), middle


def ellipsoid_area(a, b, c):
    """Knud Thomsen's formula, right within 1.1 %."""
    p = 1.6075
    return 4 * math.pi * (((a * b) ** p + (a * c) ** p + (b * c) ** p) / 3) ** (1 / p)


def directed_edges(triangles):
    return np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]).astype(np.int64)


def is_closed(surface):
    """Each edge is passed as often in one direction as in the other."""
    edges = directed_edges(surface.triangles)
    base = len(surface.points)
    forward = np.sort(edges[:, 0] * base + edges[:, 1])
    backward = np.sort(edges[:, 1] * base + edges[:, 0])
    return bool((forward == backward).all())


def is_manifold(surface):
    edges = directed_edges(surface.triangles)
    keys = edges[:, 0] * len(surface.points) + edges[:, 1]
    return len(np.unique(keys)) == len(keys)


VOXELS = pytest.mark.parametrize(
    "voxel_nm",
    [(10.0, 10.0, 10.0), (10.0, 20.0, 20.0), (24.0, 12.0, 9.0)],
    ids=["cubic", "flat", "three-sizes"],
)


@VOXELS
@pytest.mark.parametrize("iterations", [0, 20], ids=["steps", "smooth"])
def test_ellipsoid_has_its_volume_area_and_place(voxel_nm, iterations):
    half = (150.0, 260.0, 340.0)
    labels, middle = ellipsoid(half, voxel_nm)
    origin = (1000.0, -500.0, 250.0)
    surface = extract_surface(labels, voxel_nm, SurfaceParameters(smooth=iterations), origin_nm=origin)
    assert surface.unit == "nm"
    assert surface.volume() == pytest.approx(4 / 3 * math.pi * math.prod(half), rel=0.02)
    if iterations:
        assert surface.area() == pytest.approx(ellipsoid_area(*half), rel=0.025)
    expected = (np.array(middle) + origin)[::-1]
    low, high = surface.points.min(axis=0), surface.points.max(axis=0)
    assert np.abs((low + high) / 2 - expected).max() < max(voxel_nm) / 2
    np.testing.assert_allclose((high - low) / 2, half[::-1], atol=0.6 * max(voxel_nm))
    assert is_closed(surface) and is_manifold(surface)


@pytest.mark.parametrize(("radius", "tolerance"), [(4, 0.02), (8, 0.01), (20, 0.002)])
def test_smoothing_keeps_the_volume_of_a_sphere_and_takes_the_steps_away(radius, tolerance):
    labels, _ = ellipsoid((radius,) * 3, (1.0, 1.0, 1.0))
    raw = extract_surface(labels, (1.0, 1.0, 1.0), PLAIN)
    done = extract_surface(labels, (1.0, 1.0, 1.0), SurfaceParameters(smooth=20))
    assert done.volume() == pytest.approx(raw.volume(), rel=tolerance)
    true = 4 * math.pi * radius**2
    assert abs(done.area() / true - 1) < 0.02 < raw.area() / true - 1


def test_every_face_of_a_convex_body_looks_outwards():
    labels, _ = ellipsoid((9.0, 12.0, 15.0), (1.0, 1.0, 1.0))
    surface = extract_surface(labels, (1.0, 1.0, 1.0))
    corners = surface.points[surface.triangles].astype(float)
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    outwards = corners.mean(axis=1) - surface.points.mean(axis=0)
    assert (np.einsum("ij,ij->i", normals, outwards) > 0).all()


def test_hollow_body_encloses_only_its_wall():
    outer, _ = ellipsoid((14.0,) * 3, (1.0,) * 3)
    inner, _ = ellipsoid((9.0,) * 3, (1.0,) * 3, margin=8)
    wall = outer - inner
    surface = extract_surface(wall, (1.0, 1.0, 1.0))
    assert surface.volume() == pytest.approx(4 / 3 * math.pi * (14**3 - 9**3), rel=0.02)


def test_one_voxel_lies_half_a_voxel_round_its_centre():
    labels = np.zeros((6, 9, 12), np.uint8)
    labels[3, 5, 7] = 255
    surface = extract_surface(labels, (10.0, 20.0, 30.0), PLAIN, origin_nm=(1.0, 2.0, 3.0))
    np.testing.assert_allclose(surface.points.min(axis=0), (7 * 30 + 3 - 15, 5 * 20 + 2 - 10, 3 * 10 + 1 - 5))
    np.testing.assert_allclose(surface.points.max(axis=0), (7 * 30 + 3 + 15, 5 * 20 + 2 + 10, 3 * 10 + 1 + 5))


def test_closed_at_all_borders_of_the_volume():
    surface = extract_surface(np.ones((5, 6, 7), np.uint8), (2.0, 3.0, 4.0), PLAIN)
    assert is_closed(surface) and is_manifold(surface)
    np.testing.assert_allclose(surface.points.min(axis=0), (-2.0, -1.5, -1.0))
    np.testing.assert_allclose(surface.points.max(axis=0), (26.0, 16.5, 9.0))
    # Only the cut edges of the block are missing.
    assert 0.9 < surface.volume() / (5 * 6 * 7 * 24) < 1


def noise(shape=(24, 30, 26), share=0.25, seed=4):
    return (np.random.default_rng(seed).random(shape) < share).astype(np.uint8)


@pytest.mark.parametrize("with_objects", [False, True], ids=["plain", "objects"])
@pytest.mark.parametrize("slab_voxels", [1, 3000, 6000])
def test_result_does_not_depend_on_the_slabs(slab_voxels, with_objects):
    labels = noise(share=0.12)
    whole = contour(labels, with_objects=with_objects, face_limit=10**9)
    parts = contour(labels, with_objects=with_objects, face_limit=10**9, slab_voxels=slab_voxels)

    def sorted_faces(found):
        corners = found.points[found.triangles]
        # Start each face at its lowest corner, keeping the direction of travel.
        first = np.lexsort(corners.transpose(2, 0, 1), axis=1)[:, 0]
        turned = np.stack([corners[np.arange(len(corners)), (first + k) % 3] for k in range(3)], axis=1)
        rows = turned.reshape(len(turned), 9)
        order = np.lexsort(rows.T)
        return rows[order], order

    assert len(parts.points) == len(whole.points)
    (a, order_a), (b, order_b) = sorted_faces(whole), sorted_faces(parts)
    np.testing.assert_array_equal(a, b)
    if with_objects:
        pairs = np.stack([f.objects[f.triangles[:, 0]][o] for f, o in ((whole, order_a), (parts, order_b))])
        # The same faces belong together: numbers map one to one.
        assert len(np.unique(pairs, axis=1).T) == len(np.unique(pairs[0])) == len(np.unique(pairs[1]))


@pytest.mark.parametrize("slab_voxels", [1, 10**8], ids=["slice-by-slice", "at-once"])
def test_objects_agree_with_another_labelling(slab_voxels):
    labels = noise(share=0.05)
    named, count = ndimage.label(labels, structure=np.ones((3, 3, 3)))
    found = contour(labels, with_objects=True, face_limit=10**9, slab_voxels=slab_voxels)
    assert found.objects.max() + 1 == count
    # Each point touches label voxels of one scipy object only: the one at either side of it.
    padded = np.pad(named, 1)
    low, high = (tuple(f(found.points + 1).astype(int).T[::-1]) for f in (np.floor, np.ceil))
    theirs = np.maximum(padded[low], padded[high])
    assert len(np.unique(np.stack([found.objects, theirs]), axis=1).T) == count


def test_voxels_that_touch_at_a_corner_are_one_object():
    labels = np.zeros((6, 6, 12), np.uint8)
    labels[2, 2, 2] = labels[3, 3, 3] = 1
    labels[3, 3, 8] = 1
    surface = extract_surface(labels, (1.0,) * 3, SurfaceParameters(objects=True, min_faces=0))
    assert surface.object_count == 2
    assert set(np.unique(surface.objects)) == {1, 2}
    assert (surface.points[surface.objects == 2][:, 0] > 6).all(), "the larger object comes first"


def test_objects_have_distinct_reproducible_colours_one_per_object():
    labels = np.zeros((8, 8, 80), np.uint8)
    for i in range(8):
        labels[2:6, 2:6, 10 * i + 2 : 10 * i + 4 + i % 4] = 1
    make = SurfaceParameters(objects=True, min_faces=0)
    surface = extract_surface(labels, (1.0,) * 3, make)
    again = extract_surface(labels, (1.0,) * 3, make)
    other = extract_surface(labels, (1.0,) * 3, SurfaceParameters(objects=True, min_faces=0, seed=2))
    assert surface.colours.dtype == np.uint8 and surface.colours.shape == surface.points.shape
    np.testing.assert_array_equal(surface.colours, again.colours)
    assert (surface.colours != other.colours).any()
    palette = [np.unique(surface.colours[surface.objects == i], axis=0) for i in range(1, 9)]
    assert all(len(colours) == 1 for colours in palette)
    distances = [np.abs(a[0].astype(int) - b[0]).max() for a, b in itertools.combinations(palette, 2)]
    assert min(distances) > 40
    owner = surface.objects[surface.triangles]
    assert (owner == owner[:, :1]).all(), "no face joins two objects"


def blobs():
    """One large and three small objects."""
    labels = np.zeros((24, 24, 60), np.uint8)
    labels[4:20, 4:20, 4:20] = 1
    for x in (30, 40, 50):
        labels[10:13, 10:13, x : x + 3] = 1
    return labels


@pytest.mark.parametrize("objects", [True, False])
def test_small_objects_are_left_out_and_counted(objects):
    surface = extract_surface(blobs(), (1.0,) * 3, SurfaceParameters(objects=objects, min_faces=200))
    assert surface.object_count == 1
    assert any("3 objects" in note and "200 faces" in note for note in surface.notes)
    assert surface.points[:, 0].max() < 25
    assert (surface.colours is not None) == objects


def test_paper_limit_is_usual_for_objects_only():
    assert SurfaceParameters(objects=True).smallest == 1000
    assert SurfaceParameters().smallest == 0
    assert extract_surface(blobs(), (1.0,) * 3).points[:, 0].max() > 50


def test_all_objects_too_small_is_told():
    with pytest.raises(UserError, match=r"All 4 objects have fewer than 1.000.000 faces.*largest object has"):
        extract_surface(blobs(), (1.0,) * 3, SurfaceParameters(min_faces=1_000_000))


@pytest.mark.parametrize("dtype", [np.bool_, np.uint8, np.int8, np.uint16, np.float32])
def test_any_number_type_and_value_is_label(dtype):
    labels = blobs().astype(dtype) * dtype(1 if dtype is np.bool_ else 127)
    assert extract_surface(labels, (1.0,) * 3).face_count == extract_surface(blobs(), (1.0,) * 3).face_count


def test_read_only_memory_map_gives_the_same(tmp_path):
    labels = noise()
    labels.tofile(tmp_path / "labels.raw")
    mapped = np.memmap(tmp_path / "labels.raw", np.uint8, "r", shape=labels.shape)
    make = SurfaceParameters(objects=True, min_faces=0)
    a, b = extract_surface(labels, (1.0,) * 3, make), extract_surface(mapped, (1.0,) * 3, make)
    np.testing.assert_array_equal(a.points, b.points)
    np.testing.assert_array_equal(a.objects, b.objects)


def test_large_mesh_is_simplified_with_a_note():
    labels, _ = ellipsoid((30.0, 40.0, 50.0), (1.0,) * 3)
    full = extract_surface(labels, (1.0,) * 3)
    less = extract_surface(labels, (1.0,) * 3, SurfaceParameters(max_faces=6000))
    assert 2000 < less.face_count <= 6000 < full.face_count
    assert any(
        f"from {grouped(full.face_count)} to {grouped(less.face_count)} faces" in note for note in less.notes
    )
    assert is_closed(less)
    assert less.volume() == pytest.approx(full.volume(), rel=0.02)


def test_simplified_sheet_keeps_both_sides():
    labels = np.zeros((12, 80, 80), np.uint8)
    labels[5:7, 3:-3, 3:-3] = 1
    sheet = extract_surface(labels, (1.0,) * 3, SurfaceParameters(max_faces=2000))
    assert is_closed(sheet)
    assert sheet.volume() == pytest.approx(2 * 74 * 74, rel=0.2)


def test_simplified_thin_wall_is_not_folded():
    """The walls of a bubble look outwards outside and inwards inside, though cubes hold both of them."""
    labels, middle = ellipsoid((40.0,) * 3, (1.0,) * 3)
    z, y, x = (axis - m for axis, m in zip(np.ogrid[tuple(map(slice, labels.shape))], middle, strict=True))
    labels[z * z + y * y + x * x < 36**2] = 0
    full = extract_surface(labels, (1.0,) * 3)
    less = extract_surface(labels, (1.0,) * 3, SurfaceParameters(max_faces=full.face_count // 10))
    corners = less.points[less.triangles].astype(float) - middle[::-1]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    centres = corners.mean(axis=1)
    outside = np.linalg.norm(centres, axis=1) > 38
    outwards = np.einsum("ij,ij->i", normals, centres) > 0
    assert np.mean(outside != outwards) < 0.01
    assert less.volume() == pytest.approx(full.volume(), rel=0.1)


def test_simplifying_never_joins_objects():
    labels = np.zeros((10, 60, 60), np.uint8)
    labels[2:4] = 1
    labels[5:7] = 1
    make = SurfaceParameters(objects=True, min_faces=0, max_faces=2000)
    surface = extract_surface(labels, (1.0,) * 3, make)
    assert surface.object_count == 2
    owner = surface.objects[surface.triangles]
    assert (owner == owner[:, :1]).all()


def test_noise_ends_below_the_limit_too():
    surface = extract_surface(noise(share=0.5), (1.0,) * 3, SurfaceParameters(max_faces=10_000))
    assert 0 < surface.face_count <= 10_000
    assert is_closed(surface)


def test_noise_of_which_nothing_is_left_is_told():
    with pytest.raises(UserError, match="look like noise"):
        extract_surface(noise(share=0.5), (1.0,) * 3, SurfaceParameters(max_faces=100))


def test_objects_that_vanish_when_simplified_are_counted():
    labels = np.zeros((60, 60, 90), np.uint8)
    labels[5:55, 5:55, 5:55] = 1
    labels[30, 30, 60:90:3] = 1
    make = SurfaceParameters(objects=True, min_faces=0, max_faces=800)
    surface = extract_surface(labels, (1.0,) * 3, make)
    vanished = 11 - surface.object_count
    assert vanished > 0
    assert any(note.startswith(f"{vanished} small objects vanished") for note in surface.notes)
    assert surface.objects.max() == len(np.unique(surface.objects)) == surface.object_count


def test_too_large_for_memory_is_binned_with_a_note(monkeypatch):
    labels, middle = ellipsoid((30.0, 30.0, 30.0), (2.0, 2.0, 2.0))
    full = extract_surface(labels, (2.0,) * 3)
    monkeypatch.setattr(extract_module, "HELD_FACES", full.face_count // 2)
    make = SurfaceParameters(max_faces=full.face_count // 2)
    binned = extract_surface(labels, (2.0,) * 3, make)
    assert any("2×2×2 voxels were taken as one" in note for note in binned.notes)
    assert binned.volume() == pytest.approx(full.volume(), rel=0.05)
    np.testing.assert_allclose(binned.points.mean(axis=0), middle[::-1], atol=1.0)


def test_smoothing_agrees_with_vtk():
    labels, _ = ellipsoid((9.0, 12.0, 15.0), (1.0,) * 3)
    found = contour(labels, with_objects=False, face_limit=10**9)
    theirs = vtkWindowedSincPolyDataFilter()
    theirs.SetInputData(polydata(found.points.copy(), found.triangles))
    theirs.SetNumberOfIterations(20)
    theirs.SetPassBand(0.06)
    theirs.SetWindowFunctionToHamming()
    theirs.FeatureEdgeSmoothingOff()
    theirs.NormalizeCoordinatesOff()
    theirs.Update()
    raw = found.points.copy()
    smooth(found.points, found.triangles, 20, pass_band=0.06)
    expected = polydata_points(theirs.GetOutput())
    # VTK's coefficients do not sum to 1: take the growth of the whole scene out.
    expected *= np.sum(found.points * expected) / np.sum(expected * expected)
    assert np.abs(expected - raw).max() > 0.2, "the filter must move points for this to mean anything"
    assert np.abs(found.points - expected).max() < 0.02


def test_small_meshes_are_smoothed_without_threads(monkeypatch):
    """Of ten thousand small objects most of the time went into telling threads; the result is the same."""
    labels = blobs()
    monkeypatch.setattr(smooth_module, "_FEW_POINTS", 0)
    threaded = extract_surface(labels, (1.0,) * 3).points
    monkeypatch.undo()
    monkeypatch.setattr(smooth_module, "ThreadPoolExecutor", None)
    assert (extract_surface(labels, (1.0,) * 3).points == threaded).all()


def polydata_points(data):
    return np.array([data.GetPoint(i) for i in range(data.GetNumberOfPoints())])


@pytest.mark.parametrize(
    ("labels", "voxel_nm", "message"),
    [
        (np.zeros((4, 5, 6), np.uint8), (1.0, 1.0, 1.0), "empty"),
        (np.ones((4, 5), np.uint8), (1.0, 1.0, 1.0), "three axes"),
        (np.ones((0, 5, 5), np.uint8), (1.0, 1.0, 1.0), "three axes"),
        (np.ones((4, 5, 6), np.uint8), (1.0, 0.0, 1.0), "voxel size"),
        (np.ones((4, 5, 6), np.uint8), (1.0, float("nan"), 1.0), "voxel size"),
    ],
    ids=["empty", "two-axes", "no-slices", "zero-voxel", "nan-voxel"],
)
def test_bad_input_is_told(labels, voxel_nm, message):
    with pytest.raises(UserError, match=message):
        extract_surface(labels, voxel_nm)


@pytest.mark.parametrize("bad", [{"min_faces": -1}, {"smooth": -1}, {"smooth": 9999}, {"max_faces": 0}])
def test_bad_parameters_are_told(bad):
    with pytest.raises(UserError):
        SurfaceParameters(**bad)


def test_unknown_voxel_size_is_said_not_invented():
    surface = extract_surface(blobs(), None)
    assert surface.unit == "voxel"
    assert any("voxel size is unknown" in note for note in surface.notes)


def test_progress_runs_to_its_end_and_only_forwards():
    seen = []
    extract_surface(
        blobs(), (1.0,) * 3, progress=Progress(listener=lambda state: seen.append(state.fraction))
    )
    assert seen == sorted(seen) and seen[-1] == pytest.approx(1)


@pytest.mark.parametrize("stage", ["surface", "simplifying", "smoothing"])
def test_cancel_takes_effect_in_each_stage(stage):
    progress = Progress()
    progress._listener = lambda state: progress.cancel() if state.stage == stage else None
    with pytest.raises(Cancelled):
        extract_surface(blobs(), (1.0,) * 3, progress=progress)


def test_values_that_touch_have_surfaces_of_their_own():
    """Two boxes side by side and one apart: numbered objects stay three, and each is closed."""
    labels = np.zeros((20, 24, 40), np.uint16)
    labels[4:14, 4:20, 4:14], labels[4:14, 4:20, 14:26], labels[8:18, 6:12, 30:36] = 7, 300, 2
    make = SurfaceParameters(objects=True, min_faces=0, smooth=0)
    assert extract_surface(labels, (1.0,) * 3, make).object_count == 2
    apart = extract_surface(labels, (1.0,) * 3, make, apart=(2, 7, 300))
    assert apart.object_count == 3 and is_closed(apart)
    for value, number in ((300, 1), (7, 2), (2, 3)):  # the largest first
        own = apart.points[apart.objects == number]
        z, y, x = np.nonzero(labels == value)
        low, high = np.array((x.min(), y.min(), z.min())), np.array((x.max(), y.max(), z.max()))
        assert own.min(0) == pytest.approx(low, abs=0.51) and own.max(0) == pytest.approx(high, abs=0.51)
