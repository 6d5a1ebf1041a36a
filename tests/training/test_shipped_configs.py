"""The configs beside the shipped models can be read, and say what the cards say."""

import json
import shutil
from pathlib import Path

import pytest

from sxtstudio.training.config import TrainConfig, load_config

MODELS = Path(__file__).parents[2] / "models"


def shipped(name: str, folder: Path) -> TrainConfig:
    """Read a shipped config from a folder that holds what it names."""
    for part in ("models", "runs/phantoms", "runs/outlined", "runs/unlabelled"):
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
