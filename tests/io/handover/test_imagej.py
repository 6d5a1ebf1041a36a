"""Label images for ImageJ, read by tifffile and by our own reader of any TIFF."""

import numpy as np
import pytest
import tifffile
from asymmetric_labels import COLOURS, NAMES, ORIGIN, VOXEL, asymmetric

from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.label_image import LabelImage, LegendEntry
from sxtstudio.core.progress import Progress
from sxtstudio.core.verified import NotAsWritten
from sxtstudio.core.volume import ArrayVolume
from sxtstudio.io import open_volume
from sxtstudio.io.handover import imagej
from sxtstudio.io.handover.imagej import write_imagej
from sxtstudio.io.legend import read_legend


def image_of(labels, names=NAMES, voxel=VOXEL, origin=ORIGIN):
    legend = tuple(LegendEntry(value, name, COLOURS.get(value, (9, 8, 7))) for value, name in names.items())
    return LabelImage("Zelle", ArrayVolume(labels, voxel), legend, voxel, origin)


def contents(folder):
    return sorted(p.name for p in folder.iterdir())


def colours_of(path):
    with tifffile.TiffFile(path) as file:
        tables = [np.array(page.tags[320].value).reshape(3, 256) for page in file.pages]
    assert all((table == tables[0]).all() for table in tables)  # else ImageJ takes it for single images
    return (tables[0] >> 8).T


def test_values_lengths_names_and_colours(tmp_path):
    path = tmp_path / "labels.tif"
    receipt = write_imagej(path, image_of(asymmetric()))
    with tifffile.TiffFile(path) as file:
        assert file.is_imagej and not file.is_bigtiff
        pages = file.asarray()
        meta = file.imagej_metadata
        x = file.pages[0].tags["XResolution"].value
    assert pages.dtype == np.uint8 and (pages == asymmetric()).all()
    assert meta["unit"] == "um" and meta["spacing"] == pytest.approx(0.02) and meta["slices"] == 6
    assert x[0] / x[1] == pytest.approx(1 / 0.013)
    assert (meta["zorigin"], meta["yorigin"]) == (-5.0, 2.0)
    assert meta["Info"].splitlines() == ["Label = name", *(f"{v} = {n}" for v, n in NAMES.items())]
    colours = colours_of(path)
    assert {i: tuple(rgb) for i, rgb in enumerate(colours.tolist()) if any(rgb)} == COLOURS
    with open_volume(path) as back:
        assert back.voxel_nm == pytest.approx(VOXEL) and back.origin_nm == pytest.approx(ORIGIN)
    assert receipt.bytes == path.stat().st_size and receipt.losses == ()
    assert dict(receipt.details)["Labels"] == "3"


def test_sixteen_bit(tmp_path):
    """ImageJ spreads the 256 colours over 0 … the largest number."""
    labels = asymmetric() * np.uint32(7000)
    image = image_of(labels, {value * 7000: name for value, name in NAMES.items()})
    receipt = write_imagej(tmp_path / "a.tif", image)
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        assert file.asarray().dtype == np.uint16 and (file.asarray() == labels).all()
        assert (file.imagej_metadata["min"], file.imagej_metadata["max"]) == (0, 63_000)
    colours = colours_of(tmp_path / "a.tif")
    assert tuple(colours[21_000 * 256 // 63_001]) == (9, 8, 7) and tuple(colours[255]) == (9, 8, 7)
    assert "256 colours" in receipt.losses[0]


def test_labels_without_a_name_and_names_without_a_label(tmp_path):
    write_imagej(tmp_path / "a.tif", image_of(asymmetric(), {3: "Zellkern", 40: "nowhere"}, None, None))
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        info = file.imagej_metadata["Info"]
    assert info.splitlines()[1:] == ["3 = Zellkern", "7 = Label 7", "9 = Label 9", "40 = nowhere"]


@pytest.mark.parametrize("count", [0, 10_000])
def test_no_labels_and_many(tmp_path, count):
    labels = np.zeros((3, 100, 200), np.uint32)
    labels.ravel()[:count] = np.arange(1, count + 1)
    write_imagej(tmp_path / "a.tif", image_of(labels, {}))
    with open_volume(tmp_path / "a.tif") as back:
        assert (back.read(Box.whole(back.shape)) == labels).all()


@pytest.mark.parametrize("factor", [1, 100], ids=["8 bit", "16 bit"])
def test_names_and_colours_are_read_again(tmp_path, factor):
    labels = asymmetric() * np.uint16(factor)
    image = image_of(labels, {value * factor: name for value, name in NAMES.items()})
    write_imagej(tmp_path / "a.tif", image)
    assert read_legend(tmp_path / "a.tif") == image.legend


def test_legends_of_others(tmp_path):
    """Damaged at any place, without Info, or with another one."""
    path = tmp_path / "a.tif"
    for info in (None, "", "Label = name", "Label = name\nnothing\n7 = A", "0 = a\n7 = A"):
        tifffile.imwrite(path, asymmetric(), imagej=True, metadata={} if info is None else {"Info": info})
        assert read_legend(path) == ()
    write_imagej(path, image_of(asymmetric()))
    good = path.read_bytes()
    rng = np.random.default_rng(4)
    for _ in range(100):
        raw = bytearray(good)
        for place in rng.integers(0, len(raw), 6):
            raw[place] = rng.integers(0, 256)
        path.write_bytes(raw[: rng.integers(8, len(raw))] if rng.random() < 0.3 else raw)
        assert isinstance(read_legend(path), tuple)


def test_too_many_and_too_large(tmp_path, monkeypatch):
    labels = np.zeros((2, 3, 4), np.uint32)
    labels[1, 1, 1] = 65_536
    with pytest.raises(UserError, match=r"up to 65535, and there is label 65.536\. Hand over classes"):
        write_imagej(tmp_path / "a.tif", image_of(labels, {}))
    monkeypatch.setattr(imagej, "CLASSIC_LIMIT_BYTES", 3599)
    with pytest.raises(UserError, match=r"6 × 20 × 30 voxels are .* up to 4 GB\. Export a crop, or OME-Zarr"):
        write_imagej(tmp_path / "a.tif", image_of(asymmetric()))
    assert contents(tmp_path) == []


def test_names_or_colours_that_are_read_back_differently(tmp_path, monkeypatch):
    real = imagej._colour_map
    monkeypatch.setattr(imagej, "_colour_map", lambda lut: real(lut ^ 1))
    with pytest.raises(NotAsWritten, match="names or colours"):
        write_imagej(tmp_path / "a.tif", image_of(asymmetric()))
    assert contents(tmp_path) == []


def test_full_disk(tmp_path):
    resource = pytest.importorskip("resource")
    (tmp_path / "a.tif").write_text("former")
    noise = np.random.default_rng(0).integers(0, 250, (4, 100, 100)).astype("u1")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises(UserError, match="disk is full"):
            write_imagej(tmp_path / "a.tif", image_of(noise, {}))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert contents(tmp_path) == ["a.tif"] and (tmp_path / "a.tif").read_text() == "former"


def test_progress_goes_on_to_the_end(tmp_path):
    seen = []
    progress = Progress(listener=lambda state: seen.append(state.fraction))
    write_imagej(tmp_path / "a.tif", image_of(asymmetric()), progress)
    assert seen[-1] == pytest.approx(1) and seen == sorted(seen) and len(seen) > 2
