"""OME-Zarr with labels, read by zarr-python and by the rules of the specification (0.4)."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import zarr
from asymmetric_labels import COLOURS, NAMES, ORIGIN, VOXEL, asymmetric

from sxtstudio.core.errors import Cancelled, UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.label_image import LabelImage, LegendEntry
from sxtstudio.core.progress import Progress
from sxtstudio.core.verified import NotAsWritten
from sxtstudio.core.volume import ArrayVolume
from sxtstudio.io import open_volume
from sxtstudio.io.handover import ome_labels, pyramid
from sxtstudio.io.handover.ome_labels import write_ome_labels
from sxtstudio.io.handover.ome_read import ome_legend
from sxtstudio.io.handover.pyramid import levels_of, means
from sxtstudio.io.legend import read_legend


def image_of(labels, names=NAMES, voxel=VOXEL, origin=ORIGIN):
    legend = tuple(LegendEntry(value, name, COLOURS.get(value, (9, 8, 7))) for value, name in names.items())
    return LabelImage("Zelle", ArrayVolume(labels, voxel), legend, voxel, origin)


def attributes(folder):
    return json.loads((folder / ".zattrs").read_text(encoding="utf-8"))


def contents(folder):
    return sorted(p.name for p in folder.iterdir())


@pytest.fixture
def small_levels(monkeypatch):
    monkeypatch.setattr(pyramid, "_LARGEST_SMALL", 8)


@pytest.mark.usefixtures("small_levels")
def test_beside_an_image(tmp_path):
    labels = asymmetric()
    grey = np.random.default_rng(1).normal(size=labels.shape).astype(np.float32)
    path = tmp_path / "cell.ome.zarr"
    receipt = write_ome_labels(
        path, image_of(labels), image=ArrayVolume(grey, VOXEL), name="Objekte", classes={3: "Nucleus"}
    )
    root, inner = attributes(path), attributes(path / "labels" / "Objekte")
    assert attributes(path / "labels") == {"labels": ["Objekte"]}
    assert all((folder / ".zgroup").is_file() for folder in (path, path / "labels", path / "labels/Objekte"))
    described, of_labels = root["multiscales"][0], inner["multiscales"][0]
    assert described["version"] == of_labels["version"] == "0.4"
    assert [axis["name"] for axis in described["axes"]] == ["z", "y", "x"]
    assert {axis["unit"] for axis in of_labels["axes"]} == {"nanometer"}
    # As many levels, of the same shapes.
    assert shapes_of(labels.shape) == [(6, 20, 30), (3, 10, 15), (3, 5, 8)]
    for found, folder in ((described, path), (of_labels, path / "labels" / "Objekte")):
        arrays = [zarr.open_array(folder / level["path"], mode="r") for level in found["datasets"]]
        assert [array.shape for array in arrays] == shapes_of(labels.shape)
        assert all(array.metadata.zarr_format == 2 for array in arrays)
    steps = [level["coordinateTransformations"] for level in of_labels["datasets"]]
    assert steps[0] == [
        {"type": "scale", "scale": list(VOXEL)},
        {"type": "translation", "translation": list(ORIGIN)},
    ]
    assert steps[1][0]["scale"] == [VOXEL[0] * levels_of(labels.shape)[1].total[0], 26, 26]
    assert steps[1][1]["translation"] == list(ORIGIN)  # every second label, from the first on
    # Means lie between the voxels that they were made of.
    assert described["datasets"][1]["coordinateTransformations"][1]["translation"][1:] == [
        -26 + 6.5,
        25 + 6.5,
    ]
    about = inner["image-label"]
    assert about["version"] == "0.4" and about["source"] == {"image": "../../"}
    assert about["colors"] == [{"label-value": v, "rgba": [*COLOURS[v], 255]} for v in NAMES]
    assert about["properties"] == [
        {"label-value": 3, "name": NAMES[3], "class": "Nucleus"},
        {"label-value": 7, "name": NAMES[7]},
        {"label-value": 9, "name": NAMES[9]},
    ]
    stored = zarr.open_array(path / "labels" / "Objekte" / "0", mode="r")
    assert stored.dtype == np.uint8 and (stored[:] == labels).all()
    assert (zarr.open_array(path / "0", mode="r")[:] == grey).all()
    assert receipt.bytes == sum(p.stat().st_size for p in path.rglob("*") if p.is_file())
    assert dict(receipt.details) == {"Labels": "3", "Levels": str(len(levels_of(labels.shape)))}


def shapes_of(shape):
    return [size.shape for size in levels_of(shape)]


@pytest.mark.usefixtures("small_levels")
def test_coarse_labels_are_labels_and_coarse_images_means(tmp_path, monkeypatch):
    monkeypatch.setattr(pyramid, "_VOXELS", 300)
    rng = np.random.default_rng(2)
    labels = rng.integers(0, 70_000, (33, 19, 21)).astype(np.uint32)
    grey = rng.integers(0, 65_536, labels.shape).astype(np.uint16)
    path = tmp_path / "a.zarr"
    write_ome_labels(path, image_of(labels, {}), image=ArrayVolume(grey))
    sizes = levels_of(labels.shape)
    assert [size.shape for size in sizes] == [(33, 19, 21), (17, 10, 11), (9, 5, 6), (5, 3, 3)]
    for number, size in enumerate(sizes[1:], 1):
        z, y, x = size.total
        coarse = zarr.open_array(path / "labels" / "labels" / str(number), mode="r")[:]
        assert (coarse == labels[::z, ::y, ::x]).all()
    half = zarr.open_array(path / "1", mode="r")[:16, :9, :10]
    expected = grey[:32, :18, :20].astype(float).reshape(16, 2, 9, 2, 10, 2).mean(axis=(1, 3, 5))
    assert abs(half - expected).max() <= 1.5  # rounded once for each axis
    floats = means(rng.normal(size=(4, 6, 8)), (2, 2, 2))
    assert floats.shape == (2, 3, 4)


def test_alone(tmp_path):
    """A label image of its own, which our own reader opens as any other."""
    path = tmp_path / "cell.ome.zarr"
    write_ome_labels(path, image_of(asymmetric()))
    about = attributes(path)["image-label"]
    assert "source" not in about and len(about["colors"]) == 3
    assert contents(path) == [".zattrs", ".zgroup", "0"]
    with open_volume(path) as back:
        assert back.voxel_nm == pytest.approx(VOXEL) and back.origin_nm == pytest.approx(ORIGIN)
        assert (back.read(Box.whole(back.shape)) == asymmetric()).all()
    assert [(e.value, e.name, e.rgb) for e in ome_legend(path)] == [(v, NAMES[v], COLOURS[v]) for v in NAMES]


def test_our_own_reader_opens_the_image_and_its_labels(tmp_path):
    path = tmp_path / "cell.ome.zarr"
    labels = asymmetric()
    write_ome_labels(path, image_of(labels), image=ArrayVolume(labels.astype(np.float32) / 3))
    with open_volume(path) as image:
        assert image.dtype == np.float32
    for name in ("labels/labels", "labels/labels/0"):
        assert [entry.name for entry in read_legend(f"{path}::{name}")] == list(NAMES.values())
    assert read_legend(path) == read_legend(f"{path}::labels") == read_legend(f"{path}::../..") == ()
    with open_volume(f"{path}::labels/labels") as back:
        assert (back.read(Box.whole(back.shape)) == labels).all()


@pytest.mark.parametrize("count", [0, 10_000])
def test_no_labels_and_many(tmp_path, count):
    labels = np.zeros((3, 100, 200), np.uint32)
    labels.ravel()[:count] = np.arange(1, count + 1)
    path = tmp_path / "a.zarr"
    receipt = write_ome_labels(path, image_of(labels, {}, None, None))
    about = attributes(path)["image-label"]
    assert ("colors" in about) == (count > 0)
    assert len(ome_legend(path)) == count and "voxel size is not known" in receipt.losses[0]
    assert (zarr.open_array(path / "0", mode="r")[:] == labels).all()
    assert "unit" not in attributes(path)["multiscales"][0]["axes"][0]


def test_names_of_labels_that_are_no_names_of_folders(tmp_path):
    labels = asymmetric()
    path = tmp_path / "a.zarr"
    write_ome_labels(path, image_of(labels), image=ArrayVolume(labels), name="../../x y/ä")
    assert attributes(path / "labels") == {"labels": ["x_y_ä"]}
    assert contents(tmp_path) == ["a.zarr"]


def test_shapes_that_differ_and_folders_of_others(tmp_path):
    with pytest.raises(UserError, match="Choose those that belong together"):
        write_ome_labels(
            tmp_path / "a.zarr", image_of(asymmetric()), image=ArrayVolume(np.zeros((6, 20, 31), "u1"))
        )
    (tmp_path / "a.zarr").mkdir()
    (tmp_path / "a.zarr" / "thesis.docx").write_text("all")
    with pytest.raises(UserError, match="no Zarr store"):
        write_ome_labels(tmp_path / "a.zarr", image_of(asymmetric()))
    assert contents(tmp_path / "a.zarr") == ["thesis.docx"]


def test_what_is_read_back_differently_is_not_kept(tmp_path, monkeypatch):
    real = ome_labels.Pyramid.compare

    def spoiled(self, progress):
        first = next(p for p in (self._folder / "0").rglob("*") if p.is_file() and p.name[0] != ".")
        first.unlink()
        real(self, progress)

    monkeypatch.setattr(ome_labels.Pyramid, "compare", spoiled)
    with pytest.raises(NotAsWritten, match="differs in level 0"):
        write_ome_labels(tmp_path / "a.zarr", image_of(asymmetric()))
    assert contents(tmp_path) == []


def test_full_disk(tmp_path):
    resource = pytest.importorskip("resource")
    write_ome_labels(tmp_path / "a.zarr", image_of(asymmetric()))
    noise = np.random.default_rng(0).integers(0, 250, (4, 200, 200)).astype("u1")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises(UserError, match="disk is full"):
            write_ome_labels(tmp_path / "a.zarr", image_of(noise, {}))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert contents(tmp_path) == ["a.zarr"] and len(ome_legend(tmp_path / "a.zarr")) == 3


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a folder that not even root can write to")
def test_folder_that_cannot_be_written_to():
    with pytest.raises(UserError, match=r"cannot be written|No permission"):
        write_ome_labels(Path("/proc/a.zarr"), image_of(asymmetric()))


def test_cancel(tmp_path):
    progress = Progress()
    progress._listener = lambda state: progress.cancel() if state.stage.startswith("Writing") else None
    with pytest.raises(Cancelled):
        write_ome_labels(tmp_path / "a.zarr", image_of(asymmetric()), progress)
    assert contents(tmp_path) == []


@pytest.mark.parametrize(
    "about",
    [
        None,
        [],
        {"colors": 7, "properties": {"a": 1}},
        {
            "colors": [
                3,
                {"label-value": "1"},
                {"label-value": -1, "rgba": [1, 2, 3]},
                {"label-value": 1, "rgba": 7},
            ]
        },
        {"colors": [{"label-value": 1, "rgba": ["x", 2, 3]}, {"label-value": 2, "rgba": [1, 2]}]},
        {"colors": [{"label-value": True, "rgba": [1, 2, 3]}, {"label-value": 2**40, "rgba": [1, 2, 3]}]},
        {"colors": [{"label-value": 1, "rgba": [1, 2, 300]}], "properties": [{"label-value": 1, "name": 5}]},
    ],
    ids=str,
)
def test_legends_of_others_that_are_none(tmp_path, about):
    (tmp_path / ".zattrs").write_text(json.dumps({"image-label": about}))
    assert ome_legend(tmp_path) == ()


def test_legends_of_others(tmp_path):
    about = {
        "colors": [{"label-value": 4, "rgba": [1, 2, 3, 255]}, {"label-value": 0, "rgba": [0, 0, 0, 0]}],
        "properties": [{"label-value": 2, "class": "ER", "size": 7}],
    }
    (tmp_path / ".zattrs").write_text(json.dumps({"image-label": about}))
    assert [(e.value, e.name, e.rgb) for e in ome_legend(tmp_path)] == [
        (2, "ER", (128, 128, 128)),
        (4, "Label 4", (1, 2, 3)),
    ]
    (tmp_path / ".zattrs").write_text("{")
    with pytest.raises(UserError, match="no JSON"):
        ome_legend(tmp_path)
    os.remove(tmp_path / ".zattrs")
    assert ome_legend(tmp_path) == ()
    version_5 = {"zarr_format": 3, "attributes": {"ome": {"version": "0.5", "image-label": about}}}
    (tmp_path / "zarr.json").write_text(json.dumps(version_5))
    assert [entry.name for entry in ome_legend(tmp_path)] == ["ER", "Label 4"]


def test_progress_goes_on_to_the_end(tmp_path):
    seen = []
    progress = Progress(listener=lambda state: seen.append(state.fraction))
    write_ome_labels(tmp_path / "a.zarr", image_of(asymmetric()), progress)
    assert seen[-1] == pytest.approx(1) and seen == sorted(seen) and len(seen) > 2
