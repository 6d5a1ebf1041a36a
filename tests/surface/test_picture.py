import os
import sys

import numpy as np
import pytest
from PIL import Image

from sxtstudio.core.errors import UserError
from sxtstudio.core.lengths import round_length
from sxtstudio.core.wording import length_text
from sxtstudio.surface import SurfaceParameters, extract_surface, find_opengl, offscreen, render_picture
from sxtstudio.surface.scene import VIEWS

SIZE = (400, 300)


@pytest.fixture(scope="module", autouse=True)
def opengl():
    try:
        return find_opengl()
    except UserError as error:
        pytest.skip(str(error))


def ball(labels, z, y, x, radius):
    grid = np.ogrid[tuple(slice(0, n) for n in labels.shape)]
    labels[sum((g - c) ** 2 for g, c in zip(grid, (z, y, x), strict=True)) <= radius**2] = 1


def draw(path, surface, **options):
    render_picture(path, surface, options.pop("size", SIZE), **options)
    with Image.open(path) as image:
        return np.asarray(image).astype(int)


def coloured(image):
    """Pixels of the surface: neither grey nor white nor black; without the axes at the bottom left."""
    mask = np.ptp(image[..., :3], axis=2) > 30
    mask[int(0.75 * mask.shape[0]) :, : mask.shape[1] // 3] = False
    return mask


def bar_length(image):
    """Length in pixels of the scale bar: the longest run of dark grey in the lower right quarter."""
    height, width, _ = image.shape
    dark = (image.max(axis=2) < 90) & (np.ptp(image, axis=2) < 12)
    dark[: 3 * height // 4] = False
    dark[:, : width // 3] = False
    return int(dark.sum(axis=1).max())


@pytest.fixture(scope="module")
def asymmetric():
    """A large ball at small x and y in the first slices, a small one at large x, y and z."""
    labels = np.zeros((30, 60, 80), np.uint8)
    ball(labels, 9, 15, 18, 8)
    ball(labels, 24, 48, 68, 4)
    return extract_surface(labels, (10.0, 10.0, 10.0), SurfaceParameters(objects=True, min_faces=0))


def middles(image, surface):
    """Where (row, column) each object of the surface is drawn, by the hue of its colour."""
    found = []
    mask = coloured(image)
    palette = [surface.colours[surface.objects == i][0].astype(float) for i in (1, 2)]
    shade = image[..., :3] / np.maximum(np.linalg.norm(image[..., :3], axis=2, keepdims=True), 1)
    likeness = np.stack([shade @ (colour / np.linalg.norm(colour)) for colour in palette])
    for i in range(2):
        rows, columns = np.nonzero(mask & (likeness.argmax(axis=0) == i))
        assert len(rows) > 20, "each object is seen in its own colour"
        found.append((rows.mean(), columns.mean()))
    return found


@pytest.mark.parametrize("view", VIEWS)
def test_view_shows_the_axes_the_right_way_round(tmp_path, asymmetric, view):
    """In each view the second ball, at larger x, y and z, lies to the right of and below the first."""
    image = draw(tmp_path / "a.png", asymmetric, view=view)
    (row_1, column_1), (row_2, column_2) = middles(image, asymmetric)
    assert column_2 - column_1 > 20
    if view != "oblique":
        assert row_2 - row_1 > 20


@pytest.mark.parametrize("voxel_nm", [10.0, 37.0], ids=["nm", "um"])
def test_scale_bar_has_a_round_length_and_the_scale_of_the_picture(tmp_path, voxel_nm):
    labels = np.zeros((44, 44, 44), np.uint8)
    ball(labels, 21, 21, 21, 20)
    surface = extract_surface(labels, (voxel_nm,) * 3)
    image = draw(tmp_path / "a.png", surface, view="xy", size=(640, 480))
    columns = np.flatnonzero(coloured(image).any(axis=0))
    diameter_px = columns[-1] - columns[0] + 1
    length = bar_length(image) / diameter_px * 40 * voxel_nm
    # A ball looks a little larger than its middle plane because of the perspective.
    nearest = min((m * 10.0**p for m in (1, 2, 5) for p in range(1, 5)), key=lambda n: abs(n - length))
    assert length == pytest.approx(nearest, rel=0.04)
    assert 50 < bar_length(image) <= 0.25 * 640


@pytest.mark.parametrize(
    ("longest", "length", "text"),
    [(999.0, 500.0, "500 nm"), (1000.0, 1000.0, "1 µm"), (4999.0, 2000.0, "2 µm"), (73.0, 50.0, "50 nm")],
)
def test_round_lengths(longest, length, text):
    assert round_length(longest) == length
    assert length_text(length, "nm") == text
    assert length_text(50, "voxel") == "50 voxels"


def test_surface_fills_the_picture_and_stays_inside(tmp_path, asymmetric):
    for view in VIEWS:
        image = draw(tmp_path / "a.png", asymmetric, view=view)
        rows, columns = np.nonzero(coloured(image))
        extent = (np.ptp(columns) / SIZE[0], np.ptp(rows) / SIZE[1])
        assert max(extent) > 0.6, view
        assert 2 < columns.min() and columns.max() < SIZE[0] - 3, view
        assert 2 < rows.min() and rows.max() < SIZE[1] - 3, view


def test_objects_far_from_the_origin_are_drawn(tmp_path, asymmetric):
    labels = np.zeros((12, 12, 12), np.uint8)
    ball(labels, 6, 6, 6, 4)
    surface = extract_surface(labels, (10.0,) * 3, origin_nm=(5e4, -3e4, 2e4))
    assert coloured(draw(tmp_path / "a.png", surface)).sum() > 2000


@pytest.mark.parametrize(("background", "value"), [("white", 255), ("black", 0)])
def test_background(tmp_path, asymmetric, background, value):
    image = draw(tmp_path / "a.png", asymmetric, background=background)
    assert image.shape == (SIZE[1], SIZE[0], 3)
    assert (image[2, 2] == value).all()
    assert coloured(image).sum() > 500


def test_transparent_background(tmp_path, asymmetric):
    image = draw(tmp_path / "a.png", asymmetric, background="transparent")
    assert image.shape == (SIZE[1], SIZE[0], 4)
    assert image[2, 2, 3] == 0
    opaque = image[..., 3] == 255
    assert coloured(image)[opaque].sum() > 500


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("a.jpg", {}, "PNG"),
        ("a.png", {"view": "above"}, "xy"),
        ("a.png", {"background": "pink"}, "white"),
        ("a.png", {"size": (10, 10)}, "pixels"),
    ],
    ids=["suffix", "view", "background", "size"],
)
def test_bad_choices_are_told(tmp_path, asymmetric, name, options, message):
    with pytest.raises(UserError, match=message):
        render_picture(tmp_path / name, asymmetric, **options)
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="takes away the drivers of Linux")
def test_without_opengl_the_packages_are_named_and_the_process_lives(tmp_path, asymmetric, monkeypatch):
    """VTK itself would end with a segmentation fault."""
    monkeypatch.setenv("__EGL_VENDOR_LIBRARY_DIRS", str(tmp_path))
    monkeypatch.delenv("DISPLAY", raising=False)
    offscreen._find.cache_clear()
    try:
        with pytest.raises(UserError, match="libgl1 libegl1 libgl1-mesa-dri"):
            render_picture(tmp_path / "a.png", asymmetric)
    finally:
        offscreen._find.cache_clear()
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in for the bundled program is a shell script")
def test_a_bundled_program_starts_itself_to_try_opengl(tmp_path, monkeypatch):
    program = tmp_path / "sxtstudio"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m sxtstudio "$@"\n')
    program.chmod(0o755)
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", str(program))
    assert offscreen._probe(find_opengl().window) == find_opengl()
    assert offscreen._probe("vtkNoSuchWindow") is None


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Mesa")
def test_a_broken_driver_leads_to_drawing_by_the_processor(tmp_path, monkeypatch):
    """Only the child that is told to leave the graphics card alone survives."""
    program = tmp_path / "sxtstudio"
    program.write_text(
        '#!/bin/sh\n[ "$LIBGL_ALWAYS_SOFTWARE" = 1 ] || kill -SEGV $$\n'
        """printf '{"drawn": true, "renderer": "llvmpipe"}' > "$3"\n"""
    )
    program.chmod(0o755)
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", str(program))
    monkeypatch.setenv("LIBGL_ALWAYS_SOFTWARE", "0")
    monkeypatch.delenv("LIBGL_ALWAYS_SOFTWARE")
    offscreen._find.cache_clear()
    try:
        assert find_opengl().software
        assert os.environ["LIBGL_ALWAYS_SOFTWARE"] == "1"
    finally:
        offscreen._find.cache_clear()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts in /proc")
def test_windows_are_released(tmp_path, asymmetric, live_windows):
    def resources():
        return live_windows(), len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))

    small = (120, 100)
    with offscreen.offscreen_window(find_opengl(), small) as window:
        assert live_windows() == 1, "an open window is counted, or this test could not fail"
    del window
    render_picture(tmp_path / "a.png", asymmetric, small)
    before = resources()
    for _ in range(3):
        render_picture(tmp_path / "a.png", asymmetric, small)
    after = resources()
    assert after[0] == 0
    assert all(now <= then for then, now in zip(before, after, strict=True)), (before, after)
