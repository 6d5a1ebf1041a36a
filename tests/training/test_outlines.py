"""The outlines of real slices are thin lines of three values, and go beside their images as they are dark."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import tifffile
from outlined_slices import OUTLINES, SLICES, OutlinedSlice, gather, main
from PIL import Image
from scipy import ndimage

from sxtstudio.core.errors import UserError
from sxtstudio.training.config import load_config
from sxtstudio.training.stacks import decode_labels, open_labelled

REAL = Path(__file__).parents[3] / "shared" / "data" / "real"
PATCH, ALBA, SURVOS = (196, 196), (974, 984), (661, 661)
CONFIG = 'name = "outlined"\n[[labelled]]\nfolder = "out"\npolarity = "dark"\n'
ONE = {one.name: one for one in SLICES}


def shape_of(name: str) -> tuple[int, int]:
    """Return the pixels (y, x) that the slice's authors published, without the frame of a screenshot."""
    return PATCH if name.startswith("unlabelled") else SURVOS if name.startswith("survos") else ALBA


def pictures(folder: Path) -> Path:
    """Write a picture of the size of each outlined slice: a slope, so that each pixel can be told."""
    for one in SLICES:
        height, width = (size + 2 * one.edge_px for size in shape_of(one.name))
        target = folder / one.image
        target.parent.mkdir(exist_ok=True)
        slope = np.add.outer(np.arange(height), np.arange(width))
        if target.suffix == ".png":
            Image.fromarray((slope % 251).astype(np.uint8)).save(target)
        else:
            tifffile.imwrite(target, slope.astype(np.float32), compression="deflate")
    return folder


def test_each_file_of_labels_belongs_to_a_slice() -> None:
    files = {path.name for path in OUTLINES.glob("*.tif")}
    assert files == {f"{one.name}.labels.tif" for one in SLICES}
    readme = (OUTLINES / "README.md").read_text(encoding="utf-8")
    whole = [
        one.name.removeprefix("Figure2_ALBA_") for one in SLICES if not one.name.startswith("unlabelled")
    ]
    unnamed = [name for name in whole if name not in readme]
    assert not unnamed, "the README tells of each"


@pytest.mark.parametrize("one", SLICES, ids=lambda one: one.name)
def test_outlines_are_lines_of_the_width_that_annotators_draw(one: OutlinedSlice) -> None:
    path = OUTLINES / f"{one.name}.labels.tif"
    labels = tifffile.imread(path)
    assert labels.shape == shape_of(one.name) and labels.dtype == np.uint8
    assert set(np.unique(labels)) <= {0, 128, 255}
    assert path.stat().st_size < 80_000
    truth = decode_labels(labels, signed=False, ignore=128)
    assert (truth != 0).mean() > 0.35, "most of the slice is told"
    line = truth == 1
    if not line.any():
        assert one.name == "unlabelled_07", "a slice of mere grain"
        return
    padded = np.pad(line, 1, mode="edge")  # an outline that leaves the slice has no end there
    depth = ndimage.distance_transform_edt(padded)
    ridge = padded & (depth == ndimage.maximum_filter(depth, 3))
    width = 2 * depth[ridge] - 1
    assert 3 <= np.median(width) <= 6.5, "px: lines, neither hairs nor areas"
    assert np.percentile(width, 99) < 13, "px: small bodies that are filled, and crossings"
    parts, count = ndimage.label(line, np.ones((3, 3)))
    assert np.bincount(parts.ravel())[1:].min() >= 20, f"no specks among {count} outlines"


def test_slices_come_beside_their_labels_with_dark_membranes(tmp_path: Path) -> None:
    paths = gather(pictures(tmp_path), tmp_path / "out")
    assert [path.stem for path in paths] == [one.name for one in SLICES]
    bright = tmp_path / "out" / "Figure2_ALBA_ALBA_NI-slice404.tif"
    assert tifffile.imread(bright)[3, 5] == -8, "turned around"
    assert tifffile.imread(tmp_path / "out" / "survos-slice.tif")[0, 0] == 20, "without its frame of 10 px"
    plain = "Figure2_ALBA_ALBA_8hpi-slice340.tif"
    assert (tmp_path / "out" / plain).read_bytes() == (tmp_path / "alba" / plain).read_bytes()
    (tmp_path / "c.toml").write_text(CONFIG)
    stacks, held_out = open_labelled(load_config(tmp_path / "c.toml").labelled[0], tmp_path)
    assert len(stacks) == len(SLICES) and not held_out
    assert {stack.polarity.value for stack in stacks} == {"dark"}
    for stack in stacks:
        assert stack.image(0).shape == stack.truth(0).shape == shape_of(Path(stack.name).stem)


def test_another_image_or_none_is_refused(tmp_path: Path) -> None:
    images = pictures(tmp_path)
    Image.fromarray(np.zeros((190, 196), np.uint8)).save(images / ONE["unlabelled_03"].image)
    with pytest.raises(UserError, match=r"unlabelled_03.png has 190 × 196 pixels, .* on 196 × 196"):
        gather(images, tmp_path / "out")
    last = ONE["survos-slice"].image
    Image.fromarray(np.zeros(PATCH, np.uint8)).save(images / ONE["unlabelled_03"].image)
    (images / last).write_bytes((images / last).read_bytes()[:900])
    with pytest.raises(UserError, match=r"slice\.tif"):
        gather(images, tmp_path / "out")
    assert not (tmp_path / "out").exists(), "all are looked at before one is written"
    shutil.rmtree(images / "survos")
    with pytest.raises(UserError, match=r"lacks survos/slice.tif: models/outlines/README.md"):
        gather(images, tmp_path / "out")


@pytest.mark.parametrize("into", ["file", "file/below"])
def test_what_is_no_folder_is_one_sentence(
    tmp_path: Path, into: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("mine")
    assert main([str(pictures(tmp_path)), "--into", str(tmp_path / into)]) == 2
    said = capsys.readouterr().err
    assert f"{tmp_path / 'file'} is a file, not a folder" in said and said.count("\n") == 1
    assert (tmp_path / "file").read_text() == "mine"
    for images in ("nowhere", "file"):
        assert main([str(tmp_path / images), "--into", str(tmp_path / "out")]) == 2
        assert capsys.readouterr().err.startswith(f"{tmp_path / images} is no folder")


@pytest.fixture(scope="module")
def gathered(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return the real slices beside their labels, by name."""
    if not REAL.is_dir():
        pytest.skip("needs ../shared/data/real")
    return {path.stem: path for path in gather(REAL, tmp_path_factory.mktemp("outlined"))}


@pytest.mark.parametrize("name", [name for name in ONE if name != "unlabelled_07"])
def test_outlines_lie_on_dark_lines_of_the_real_slice(name: str, gathered: dict[str, Path]) -> None:
    """Membranes are darker than what lies beside them (4 to 8 px away); under another image they are not."""
    path = gathered[name]
    image = (np.asarray(Image.open(path)) if path.suffix == ".png" else tifffile.imread(path)).astype(float)
    line = tifffile.imread(OUTLINES / f"{name}.labels.tif") == 255
    away = ndimage.distance_transform_edt(~line)
    beside = (away > 4) & (away < 8)
    assert (image[beside].mean() - image[line].mean()) / image.std() > 0.15, "SD of the slice"
