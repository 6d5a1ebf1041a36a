"""Packing a model for bioimage.io: what is inside, and what the zoo's own library says of it."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import onnx
import pytest
from scipy import ndimage

from sxtstudio.cli import main
from sxtstudio.core.errors import UserError
from sxtstudio.segment.bioimageio import export_bioimageio
from sxtstudio.segment.card import ModelCard
from sxtstudio.segment.check import card_of
from tests.conftest import MakeContextModel

VALIDATE = """
import sys
from bioimageio.core import test_model
from bioimageio.spec import InvalidDescr, load_description
model = load_description(sys.argv[1])
assert not isinstance(model, InvalidDescr), model.validation_summary.format()
result = test_model(model, weight_format="onnx")
print("result:", result.status)
assert result.status != "failed", result.format()
"""


@pytest.fixture
def card(toy_model: Path) -> ModelCard:
    """A model that labels what is more than one SD darker than the slice's mean, with a card."""
    told = {
        "name": "toy",
        "description": "Finds dark pixels: “quotes”, a\ttab.",
        "trained_on": "Nothing.",
        "base_width": 1,
        "label_output": "label",
        "sha256": hashlib.sha256(toy_model.read_bytes()).hexdigest(),
        "licence": "MIT",
        "limits": ["Knows no membranes."],
        "voxel_nm": [8, 20],
        "halo_px": 8,
        "scores": {"phantoms": {"f1": 0.5}},
    }
    toy_model.with_suffix(".json").write_text(json.dumps(told))
    return card_of(toy_model)


def test_several_slices_are_channels_of_the_input(
    tmp_path: Path, make_context_model: MakeContextModel
) -> None:
    random = np.random.default_rng(0)
    kernel = random.normal(0, 0.2, (3, 3, 3))
    card = card_of(make_context_model(tmp_path / "net.onnx", kernel))
    files = content(export_bioimageio(card, tmp_path / "net.zip"))
    told = json.loads(files["rdf.yaml"])
    assert told["inputs"][0]["axes"][1]["channel_names"] == ["slice_minus_1", "slice", "slice_plus_1"]
    assert "the middle one is outlined" in told["inputs"][0]["description"]
    assert [out["axes"][1]["channel_names"] for out in told["outputs"]] == [["label"], ["image"]]
    (preprocessing,) = told["inputs"][0]["preprocessing"]
    assert preprocessing["kwargs"]["axes"] == ["y", "x"]  # each channel on its own
    assert told["config"]["sxtstudio"]["slices"] == 3
    assert "sees 3 neighbouring slices" in files["README.md"].decode()
    stack, label = (np.load(io.BytesIO(files[f"test_{name}.npy"])) for name in ("input", "label"))
    assert stack.shape[1] == 3 and np.abs(stack[0, 0] - stack[0, 2]).max() > 50
    normal = stack[0].astype(np.float64)
    normal = (normal - normal.mean(axis=(1, 2), keepdims=True)) / normal.std(axis=(1, 2), keepdims=True)
    total = sum(ndimage.correlate(c, k, mode="constant") for c, k in zip(normal, kernel, strict=True))
    assert np.abs(label[0, 0] - np.tanh(total)).max() < 1e-4


def content(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as package:
        return {name: package.read(name) for name in package.namelist()}


def test_the_package_holds_what_the_description_names(card: ModelCard, tmp_path: Path) -> None:
    files = content(export_bioimageio(card, tmp_path / "toy.zip"))
    told = json.loads(files["rdf.yaml"])
    assert set(files) == {
        "rdf.yaml", "README.md", "cover.png", "toy.onnx", "test_input.npy", "test_label.npy"
    }  # fmt: skip
    assert told["type"] == "model" and told["license"] == "MIT"
    assert told["weights"]["onnx"]["sha256"] == hashlib.sha256(files["toy.onnx"]).hexdigest() == card.sha256
    assert told["weights"]["onnx"]["opset_version"] == 17
    assert told["cite"][0]["doi"] == "10.1073/pnas.2209938120"
    assert told["config"]["sxtstudio"]["scores"] == {"phantoms": {"f1": 0.5}}
    readme = files["README.md"].decode()
    assert all(text in readme for text in (card.description, "Knows no membranes.", "8 to 20 nm"))
    # The toy's label follows from the grey values alone: normalise, then tanh(-5 (x + 1)).
    slice_, label = (np.load(io.BytesIO(files[f"test_{name}.npy"])) for name in ("input", "label"))
    normal = (slice_.astype(np.float64) - slice_.mean(dtype=np.float64)) / slice_.std(dtype=np.float64)
    assert np.abs(label - np.tanh(-5 * (normal + 1))).max() < 1e-4
    assert slice_.std() > 10 and (label > 0).any() and (label < 0).any()


@pytest.mark.skipif(importlib.util.find_spec("bioimageio") is None, reason="bioimageio.core is not installed")
def test_the_zoo_library_accepts_the_package_and_repeats_its_test(card: ModelCard, tmp_path: Path) -> None:
    package = export_bioimageio(card, tmp_path / "toy.zip")
    done = subprocess.run(
        [sys.executable, "-c", VALIDATE, str(package)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"BIOIMAGEIO_CACHE_PATH": str(tmp_path / "cache"), "HOME": str(tmp_path)},
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "result: passed" in done.stdout


def test_the_command_replaces_a_package_only_when_asked(
    card: ModelCard, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    package = tmp_path / "toy.zip"
    words = ["models", "export", str(card.path), "--bioimageio", str(package)]
    assert main(words) == 0
    first = package.stat().st_mtime_ns
    assert main(words) == 2
    assert "--replace" in capsys.readouterr().err and package.stat().st_mtime_ns == first
    assert main([*words, "--replace"]) == 0
    assert main([*words[:-1], str(tmp_path / "toy.rdf")]) == 2
    assert "must end in .zip" in capsys.readouterr().err


def test_a_model_for_slices_of_one_size_is_refused(card: ModelCard, tmp_path: Path) -> None:
    assert card.path is not None
    model = onnx.load(card.path)
    for dim in model.graph.input[0].type.tensor_type.shape.dim[2:]:
        dim.dim_value = 64
    other = tmp_path / "fixed.onnx"
    onnx.save(model, other)
    with pytest.raises(UserError, match="one size only"):
        export_bioimageio(card_of(other), tmp_path / "fixed.zip")
    assert not (tmp_path / "fixed.zip").exists()
