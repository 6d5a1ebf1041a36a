"""ome-zarr-py, which napari-ome-zarr reads with, opens what we write (make handover-test)."""

import warnings

import numpy as np
import pytest
from asymmetric_labels import COLOURS, NAMES, ORIGIN, VOXEL, asymmetric

from sxtstudio.core.label_image import LabelImage, LegendEntry
from sxtstudio.core.volume import ArrayVolume
from sxtstudio.io.handover import pyramid
from sxtstudio.io.handover.ome_labels import write_ome_labels

pytestmark = [pytest.mark.handover, pytest.mark.filterwarnings("ignore")]

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    reader = pytest.importorskip("ome_zarr.reader")
    parse_url = pytest.importorskip("ome_zarr.io").parse_url
    models = pytest.importorskip("ome_zarr_models")


@pytest.fixture(autouse=True)
def several_levels(monkeypatch):
    monkeypatch.setattr(pyramid, "_LARGEST_SMALL", 8)


@pytest.fixture
def image():
    legend = tuple(LegendEntry(value, name, COLOURS[value]) for value, name in NAMES.items())
    return LabelImage("Zelle", ArrayVolume(asymmetric()), legend, VOXEL, ORIGIN)


def test_image_with_labels(tmp_path, image):
    grey = asymmetric().astype(np.float32) / 7
    path = tmp_path / "cell.ome.zarr"
    write_ome_labels(path, image, image=ArrayVolume(grey), name="objects")
    nodes = list(reader.Reader(parse_url(str(path)))())
    (picture,) = [n for n in nodes if n.data and "color" not in n.metadata]
    (labels,) = [n for n in nodes if "color" in n.metadata]
    assert (np.asarray(picture.data[0]) == grey).all()
    assert (np.asarray(labels.data[0]) == asymmetric()).all()
    assert [d.shape for d in labels.data] == [d.shape for d in picture.data]
    colours = {k: v for k, v in labels.metadata["color"].items() if k}
    assert {k: [round(255 * part) for part in v[:3]] for k, v in colours.items()} == {
        k: list(rgb) for k, rgb in COLOURS.items()
    }
    assert {k: v["name"] for k, v in labels.metadata["properties"].items()} == NAMES
    scale, translation = labels.metadata["coordinateTransformations"][0]
    assert scale["scale"] == list(VOXEL) and translation["translation"] == list(ORIGIN)


def test_metadata_are_as_the_specification_wants_them(tmp_path, image):
    import zarr

    path = tmp_path / "cell.ome.zarr"
    write_ome_labels(path, image, image=ArrayVolume(asymmetric()), name="objects")
    from ome_zarr_models.v04.image import Image
    from ome_zarr_models.v04.image_label import ImageLabel

    found = Image.from_zarr(zarr.open_group(str(path), mode="r"))
    assert found.labels is not None
    ImageLabel.from_zarr(zarr.open_group(str(path / "labels" / "objects"), mode="r"))
    write_ome_labels(tmp_path / "alone.ome.zarr", image)
    ImageLabel.from_zarr(zarr.open_group(str(tmp_path / "alone.ome.zarr"), mode="r"))
