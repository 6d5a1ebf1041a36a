"""What the pictures show, and how large they may be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sxtstudio.core.errors import UserError
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import ArrayVolume
from sxtstudio.workflow.beamtime import pictures as module
from sxtstudio.workflow.beamtime.pictures import MOST_PX, read_planes, write_pictures
from sxtstudio.workflow.beamtime.record import PictureKind

SHAPE = (12, 40, 60)


def arrays() -> tuple[np.ndarray, np.ndarray]:
    image = np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)
    labels = np.zeros(SHAPE, np.uint8)
    labels[4:9, 10:30, 20:50] = 255
    return image, labels


def volumes(voxel_nm=(20.0, 10.0, 10.0)) -> tuple[ArrayVolume, ArrayVolume]:
    image, labels = arrays()
    return ArrayVolume(image, voxel_nm), ArrayVolume(labels, voxel_nm)


def files(folder: Path):
    return lambda kind: folder / f"{kind.value}.png"


def test_planes_are_the_middle_ones_whatever_the_slabs(monkeypatch: pytest.MonkeyPatch) -> None:
    (image, labels), (grey, there) = volumes(), arrays()
    whole = read_planes(image, labels)
    assert np.array_equal(whole.images[0], grey[6])
    assert np.array_equal(whole.images[1], grey[:, 20])
    assert np.array_equal(whole.images[2], grey[:, :, 30])
    assert np.array_equal(whole.labels[2], there[:, :, 30] != 0)
    assert whole.labelled == pytest.approx(5 * 20 * 30 / np.prod(SHAPE))
    monkeypatch.setattr(module, "_READ_VOXELS", 5 * SHAPE[1] * SHAPE[2])
    monkeypatch.setattr(module, "_SURFACE_VOXELS", 10)
    steps: list[float] = []
    parts = read_planes(image, labels, Progress(listener=lambda state: steps.append(state.fraction)))
    assert steps[-1] == 1 and len(steps) == 3
    for one, other in zip((*whole.images, *whole.labels), (*parts.images, *parts.labels), strict=True):
        assert np.array_equal(one, other)
    high, wide, deep = parts.bins[1], parts.bins[2], parts.bins[0]
    padded = np.zeros([n * b for n, b in zip(parts.small.shape, parts.bins, strict=True)], bool)
    padded[: SHAPE[0], : SHAPE[1], : SHAPE[2]] = there != 0
    z, y, x = parts.small.shape
    truth = padded.reshape(z, deep, y, high, x, wide).any((1, 3, 5))
    assert parts.small.size < 2000 and np.array_equal(parts.small, truth)


def test_outlines_lie_where_the_labels_end(tmp_path: Path) -> None:
    image, labels = volumes()
    made, _ = write_pictures(read_planes(image, labels), files(tmp_path))
    assert made[:3] == (PictureKind.SMALL, PictureKind.SLICE, PictureKind.PLANES)
    with Image.open(tmp_path / "slice.png") as picture:
        assert picture.mode == "P" and picture.size == (640, 427)
        rgb = np.asarray(picture.convert("RGB"))
    orange = (rgb == module._OUTLINE_RGB).all(axis=2)
    rows, columns = np.flatnonzero(orange.any(axis=1)), np.flatnonzero(orange.any(axis=0))
    scale = 640 / 60
    assert np.allclose([rows[0], rows[-1] + 1], [10 * scale, 30 * scale], atol=scale / 2)
    assert np.allclose([columns[0], columns[-1] + 1], [20 * scale, 50 * scale], atol=scale / 2)
    inside = orange[round(12 * scale) : round(28 * scale), round(22 * scale) : round(48 * scale)]
    assert not inside.any(), "the inside is to be seen"
    with Image.open(tmp_path / "planes.png") as picture:
        width, height = picture.size
    # xy is 400 × 600 nm and the tomogram 240 nm thick.
    assert width / height == pytest.approx((600 + 240) / (400 + 240), rel=0.02) and max(width, height) <= 640


@pytest.mark.parametrize("edge", [700, 30], ids=["many-pixels", "few"])
def test_no_picture_is_larger_than_its_pixels_whatever_the_grain(edge: int, tmp_path: Path) -> None:
    image = np.random.default_rng(0).normal(size=(3, edge, edge)).astype(np.float32)
    image[0, 0, 0], image[1, 2, 2] = np.inf, np.nan
    planes = read_planes(ArrayVolume(image), ArrayVolume(np.zeros(image.shape, np.uint8)))
    made, trouble = write_pictures(planes, files(tmp_path))
    assert made == (PictureKind.SMALL, PictureKind.SLICE, PictureKind.PLANES) and trouble == "", (
        "nothing labelled, nothing in 3D"
    )
    for kind in made:
        path = tmp_path / f"{kind.value}.png"
        assert path.stat().st_size < MOST_PX[kind] ** 2 * 0.9 + 2000
        with Image.open(path) as picture:
            assert max(picture.size) <= MOST_PX[kind]


def test_where_nothing_can_be_drawn_in_3d_the_others_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object, **more: object) -> None:
        raise UserError("Pictures need OpenGL.")

    monkeypatch.setattr("sxtstudio.surface.render_picture", refuse)
    made, trouble = write_pictures(read_planes(*volumes()), files(tmp_path))
    assert (
        PictureKind.SURFACE not in made and PictureKind.SLICE in made and trouble == "Pictures need OpenGL."
    )


def test_the_3d_picture_is_in_real_lengths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []
    monkeypatch.setattr("sxtstudio.surface.render_picture", lambda path, mesh, **more: drawn.append(mesh))
    monkeypatch.setattr(module, "_SURFACE_VOXELS", 30)
    write_pictures(read_planes(*volumes()), files(tmp_path))
    low, high = drawn[0].points.min(axis=0), drawn[0].points.max(axis=0)
    assert np.allclose(high - low, (300, 200, 100), atol=45), "x, y, z in nm, to a block of voxels"
