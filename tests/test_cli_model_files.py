"""``sxtstudio models import`` and ``export``: from the authors' files to a model that is used by its name."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from sxtstudio.cli import main
from sxtstudio.segment import load_card
from sxtstudio.segment.registry import user_folder
from sxtstudio.workflow.jobs.importing import config_beside, import_command, suggested_name

FIXTURE = Path(__file__).parent / "data" / "deep_sxt_m4"
WEIGHTS = FIXTURE / "weights.h5"


@pytest.fixture(autouse=True)
def own_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for variable in ("XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(variable, str(tmp_path / "data"))
    return user_folder()


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the model that the weights become; exporting it takes seconds."""
    folder = tmp_path_factory.mktemp("imported")
    assert main(["models", "import", str(WEIGHTS), "-o", str(folder / "authors.onnx")]) == 0
    return folder


def import_weights(*words: str | Path) -> int:
    return main(["models", "import", *map(str, words)])


def differences(model: Path) -> tuple[float, float]:
    """How far the outputs are from those that TensorFlow computed."""
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    with np.load(FIXTURE / "reference.npz", allow_pickle=False) as reference:
        label, image = session.run(["label", "image"], {"input": reference["slices"][:, None]})
        return tuple(
            float(np.abs(ours[:, 0] - reference[name]).max())
            for ours, name in ((label, "label"), (image, "image"))
        )


def test_weights_are_installed_under_a_name(own_models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert import_weights(WEIGHTS, "-o", "authors") == 0
    card = load_card("authors")
    assert card.path is not None and card.path.parent == own_models
    assert card.base_width == 4 and "weights.h5" in card.description
    assert max(differences(card.path)) < 1e-4
    assert "authors" in capsys.readouterr().out
    assert len(list(own_models.iterdir())) == 2


def test_weights_are_written_to_a_file_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = shutil.copy(FIXTURE / "model_config.json", tmp_path / "other name.json")
    file = tmp_path / "mine.onnx"
    assert import_weights(WEIGHTS, "--config", config, "-o", file, "--float16") == 0
    assert load_card(file).name == "mine"
    assert 1e-4 < max(differences(file)) < 0.1
    before = file.read_bytes()
    assert import_weights(WEIGHTS, "-o", file) == 2
    assert "--replace" in capsys.readouterr().err
    assert file.read_bytes() == before and not user_folder().exists()


def test_another_model_of_the_name_is_replaced_only_when_asked(
    toy_model: Path, own_models: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sxtstudio.training.export.parity", lambda *_: 0.0)  # compared in other tests
    own_models.mkdir(parents=True)
    shutil.copy(toy_model, own_models / "authors.onnx")
    assert import_weights(WEIGHTS, "-o", "authors") == 2
    assert "--replace" in capsys.readouterr().err
    assert load_card("authors").base_width != 4
    assert import_weights(WEIGHTS, "-o", "authors", "--replace") == 0
    assert load_card("authors").base_width == 4


def test_what_does_not_fit_leaves_nothing(
    tmp_path: Path, own_models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "model_config.json"
    config.write_text(json.dumps({"m_f": 8}))
    assert import_weights(WEIGHTS, "--config", config, "-o", "authors") == 2
    assert "encoder.stem.0" in capsys.readouterr().err
    alone = shutil.copy(WEIGHTS, tmp_path / "data.h5")
    config.unlink()
    assert import_weights(alone) == 2
    assert "--config" in capsys.readouterr().err
    assert import_weights(WEIGHTS, "-o", "no/name") == 2
    assert "no name for a model" in capsys.readouterr().err
    assert not own_models.exists()


def test_weights_are_imported_and_halved_without_pytorch(
    tmp_path: Path, own_models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The installed program has no PyTorch: nothing of it may be asked for."""
    for name in [name for name in sys.modules if name.startswith("sxtstudio.training")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)
    assert import_weights(WEIGHTS, "-o", "authors") == 0
    installed = load_card("authors").path
    assert installed is not None and max(differences(installed)) < 1e-4
    half = tmp_path / "half.onnx"
    assert main(["models", "export", "authors", "-o", str(half), "--float16"]) == 0
    assert 1e-6 < max(differences(half)) < 0.1


def test_the_configuration_beside_the_weights_is_found(tmp_path: Path) -> None:
    weights = tmp_path / "weights_semisupervised_2023_02.h5"
    assert config_beside(weights) is None
    (tmp_path / "settings.json").touch()
    assert config_beside(weights) is None
    (tmp_path / "model_config_old.json").touch()
    assert config_beside(weights) == tmp_path / "model_config_old.json"
    (tmp_path / "model_config_new.json").touch()
    assert config_beside(weights) is None, "it is not clear which one"
    (tmp_path / "model_config_semisupervised_2023_02.json").touch()
    assert config_beside(weights) == tmp_path / "model_config_semisupervised_2023_02.json"
    assert suggested_name(weights) == "deep-sxt-2023-02" and suggested_name("w.h5") == "deep-sxt"
    words = import_command(weights, tmp_path / "c.json", "mine", replace=True)
    assert words[-1] == "--replace" and words[words.index("-o") + 1] == "mine"


def test_a_model_is_copied_to_a_file_with_its_card(
    tmp_path: Path, own_models: Path, imported: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(imported, own_models)
    installed = load_card("authors")
    assert installed.path is not None
    whole, half = tmp_path / "whole.onnx", tmp_path / "half.onnx"
    assert main(["models", "export", "authors", "-o", str(whole)]) == 0
    assert whole.read_bytes() == installed.path.read_bytes()
    assert load_card(whole).description == installed.description
    assert main(["models", "export", "authors", "-o", str(half), "--float16"]) == 0
    assert load_card(half).description == installed.description
    assert 1e-4 < max(differences(half)) < 0.1
    before = half.read_bytes()
    assert main(["models", "export", "authors", "-o", str(half)]) == 2
    assert "--replace" in capsys.readouterr().err and half.read_bytes() == before
    assert main(["models", "export", "nobody", "-o", str(tmp_path / "x.onnx")]) == 2
    assert not (tmp_path / "x.onnx").exists()
