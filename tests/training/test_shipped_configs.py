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


@pytest.mark.parametrize("name", ["compact", "medium", "full"])
def test_the_config_makes_a_model_of_its_name(name: str, tmp_path: Path) -> None:
    config = shipped(name, tmp_path)
    assert config.name == name
    assert config.labelled and config.unlabelled
    assert config.base_width == {"compact": 12, "medium": 24, "full": 64}[name]
    assert config.slices == (3 if name == "compact" else None)


@pytest.mark.parametrize("name", ["compact", "medium"])
def test_the_shipped_card_agrees_with_its_config(name: str, tmp_path: Path) -> None:
    card = json.loads((MODELS / f"{name}.json").read_text(encoding="utf-8"))
    assert (card["name"], card["base_width"]) == (name, shipped(name, tmp_path).base_width)
