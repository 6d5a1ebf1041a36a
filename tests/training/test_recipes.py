"""The recipes of models/ can be used as they are, with the folders that their heads name."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import tifffile

from sxtstudio.core.image_polarity import detect_polarity
from sxtstudio.core.volume import ArrayVolume
from sxtstudio.training.config import load_config
from sxtstudio.training.dataset import open_dataset

RECIPES = Path(__file__).parents[2] / "models"


def bright_looking(seed):
    """A slice whose brightest structures stand out from their surroundings: taken for a bright one."""
    rng = np.random.default_rng(seed)
    image = rng.normal(0, 1, (96, 96)).astype(np.float32)
    image[20:24, 10:80] = image[50:54, 10:80] = 12
    return image


@pytest.mark.parametrize("name", ["compact", "full"])
def test_a_recipe_takes_the_outlined_slices_for_dark_with_labels_and_without(tmp_path, name):
    (tmp_path / "models").mkdir()
    for file in (f"{name}.toml", "compact.onnx", "compact.json"):
        shutil.copy(RECIPES / file, tmp_path / "models" / file)
    for folder, count in (("phantoms", 3), ("aside", 2), ("outlined", 3), ("unlabelled", 1)):
        (tmp_path / "runs" / folder).mkdir(parents=True)
        for i in range(count):
            image = bright_looking(i)
            assert detect_polarity(ArrayVolume(image[None])).value == "bright"
            tifffile.imwrite(tmp_path / "runs" / folder / f"{i}.tif", image)
            labels = np.where(image > 8, 255, 0).astype(np.uint8)
            if folder != "unlabelled":
                tifffile.imwrite(tmp_path / "runs" / folder / f"{i}.labels.tif", labels)
    data = open_dataset(load_config(tmp_path / "models" / f"{name}.toml"), tmp_path / "unpacked")
    if name == "compact":  # it goes on from a model that has learned from all outlined slices
        assert {ref.stack.source.folder.name for ref in data.held_out} == {"aside"}
        assert len(data.labelled) == 6
    without = {ref.stack.source.folder.name: [] for ref in data.unlabelled}
    for ref in data.unlabelled:
        without[ref.stack.source.folder.name].append(ref.stack.polarity.value)
    assert without == {"outlined": ["dark"] * 3, "unlabelled": ["bright"]}
    assert {ref.stack.polarity.value for ref in (*data.labelled, *data.held_out)} == {"dark"}
