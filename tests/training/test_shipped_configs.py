"""The configs beside the shipped models can be used, and say what the cards say."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import tifffile

from sxtstudio.core.image_polarity import detect_polarity
from sxtstudio.core.volume import ArrayVolume
from sxtstudio.training.config import TrainConfig, load_config
from sxtstudio.training.dataset import open_dataset

MODELS = Path(__file__).parents[2] / "models"


def shipped(name: str, folder: Path) -> TrainConfig:
    """Read a shipped config from a folder that holds what it names."""
    for part in ("models", "runs/phantoms", "runs/aside", "runs/outlined", "runs/unlabelled"):
        (folder / part).mkdir(parents=True)
    (folder / "models" / "compact.onnx").touch()
    return load_config(shutil.copy(MODELS / f"{name}.toml", folder / "models"))


@pytest.mark.parametrize("name", ["compact", "full"])
def test_the_config_makes_a_model_of_its_name(name: str, tmp_path: Path) -> None:
    config = shipped(name, tmp_path)
    assert config.name == name
    assert config.labelled and config.unlabelled
    assert config.base_width == {"compact": 12, "full": 64}[name]
    assert config.slices == (3 if name == "compact" else None)


def test_the_shipped_card_agrees_with_its_config(tmp_path: Path) -> None:
    card = json.loads((MODELS / "compact.json").read_text(encoding="utf-8"))
    config = shipped("compact", tmp_path)
    assert (card["name"], card["base_width"], card["slices"]) == ("compact", config.base_width, config.slices)
    assert tuple(card["voxel_nm"]) == config.voxel_nm


def bright_looking(seed):
    """A slice whose brightest structures stand out from their surroundings: taken for a bright one."""
    rng = np.random.default_rng(seed)
    image = rng.normal(0, 1, (96, 96)).astype(np.float32)
    image[20:24, 10:80] = image[50:54, 10:80] = 12
    return image


@pytest.mark.parametrize("name", ["compact", "full"])
def test_the_config_takes_the_outlined_slices_for_dark_with_labels_and_without(tmp_path, name):
    (tmp_path / "models").mkdir()
    for file in (f"{name}.toml", "compact.onnx", "compact.json"):
        shutil.copy(MODELS / file, tmp_path / "models" / file)
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
