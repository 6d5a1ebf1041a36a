"""Adding and removing the user's own models."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from sxtstudio.core.errors import UserError
from sxtstudio.segment.card import ModelCard
from sxtstudio.segment.installing import NameTaken, install_model, is_own, remove_model
from sxtstudio.segment.registry import find_models, load_card, user_folder


def with_card(model: Path, name: str, **more: object) -> Path:
    card = {
        "name": name,
        "description": "A toy.",
        "trained_on": "nothing",
        "base_width": 1,
        "label_output": "label",
        "sha256": hashlib.sha256(model.read_bytes()).hexdigest(),
        "licence": "MIT",
        "training": "told by its maker",
        **more,
    }
    model.with_suffix(".json").write_text(json.dumps(card))
    return model


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for variable in ("XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(variable, str(tmp_path / "data"))
    return user_folder()


def test_model_with_card_is_copied_word_for_word(toy_model: Path, own_folder: Path) -> None:
    with_card(toy_model, "mine")
    card = install_model(toy_model)
    assert card.path is not None and card.path.parent == own_folder and is_own(card)
    assert card.path.read_bytes() == toy_model.read_bytes()
    assert json.loads((own_folder / "mine.json").read_text())["training"] == "told by its maker"
    assert load_card("mine") == card
    assert [found.name for found in find_models([own_folder])] == ["mine"]
    assert install_model(toy_model) == card  # once more changes nothing
    assert len(list(own_folder.iterdir())) == 2


def test_model_without_card_gets_its_file_name(toy_model: Path, own_folder: Path) -> None:
    card = install_model(toy_model)
    assert card.name == "toy" and card.notes
    assert [path.name for path in own_folder.iterdir()] == ["toy.onnx"]


def test_another_model_of_the_name_is_replaced_only_when_asked(
    toy_model: Path, make_model, tmp_path: Path, own_folder: Path
) -> None:
    with_card(toy_model, "mine")
    first = install_model(toy_model)
    other = with_card(make_model(tmp_path / "other.onnx", layers=1), "mine")
    with pytest.raises(NameTaken, match="mine"):
        install_model(other)
    assert load_card("mine").sha256 == first.sha256
    second = install_model(other, replace=True)
    assert load_card("mine").sha256 == second.sha256 != first.sha256
    assert len(list(own_folder.iterdir())) == 2, "the former model is gone"
    bare = other.rename(tmp_path / "mine.onnx")
    other.with_suffix(".json").unlink()
    assert install_model(bare, replace=True).notes
    assert [path.name for path in own_folder.iterdir()] == ["mine.onnx"]


def test_name_of_a_shipped_model_is_refused(toy_model: Path, own_folder: Path) -> None:
    shipped = next(card for card in find_models() if not is_own(card))
    with_card(toy_model, shipped.name)
    with pytest.raises(UserError, match="came with the program") as error:
        install_model(toy_model, replace=True)
    assert not isinstance(error.value, NameTaken)
    assert not own_folder.exists()


@pytest.mark.parametrize("kind", ["text", "truncated", "other output", "wrong checksum", "path in card"])
def test_bad_model_is_not_installed(
    kind: str, toy_model: Path, make_model, tmp_path: Path, own_folder: Path
) -> None:
    if kind == "text":
        toy_model.write_text("not a model")
    elif kind == "truncated":
        toy_model.write_bytes(toy_model.read_bytes()[:-40])
    elif kind == "other output":
        make_model(toy_model, output="something")
    elif kind == "wrong checksum":
        with_card(toy_model, "mine", sha256="0" * 64)
    else:
        with_card(toy_model, "mine", file="../toy.onnx")
    with pytest.raises(UserError):
        install_model(toy_model)
    assert not own_folder.exists()


def two_heads(path: Path, spoil: str) -> Path:
    """label = tanh(x) and image = x, but for what is spoilt; a card says that both are there."""
    size = numpy_helper.from_array(np.int64([1, 1, -1]), "size")
    nan = numpy_helper.from_array(np.float32([np.nan]), "nan")
    twice = helper.make_node("Concat", ["input", "input"], ["image"], axis=1)
    nodes = {
        "": [helper.make_node("Identity", ["input"], ["image"])],
        "image of two channels": [twice],
        "image of another rank": [helper.make_node("Reshape", ["input", "size"], ["image"])],
        "image is NaN": [helper.make_node("Mul", ["input", "nan"], ["image"])],
        "no image": [],
    }.get(spoil) or [helper.make_node("Identity", ["input"], ["image"])]
    label = {"label is NaN": ["Mul", "input", "nan"], "label beyond 1": ["Exp", "input"]}
    kind, *inputs = label.get(spoil, ["Tanh", "input"])
    shape = ["n", 1, "y", "x"]
    outputs = [helper.make_tensor_value_info("label", TensorProto.FLOAT, shape)]
    if spoil != "no image":
        free = [None] * (3 if spoil == "image of another rank" else 4)
        outputs.append(helper.make_tensor_value_info("image", TensorProto.FLOAT, free))
    graph = helper.make_graph(
        [*nodes, helper.make_node(kind, inputs, ["label"])],
        "heads",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, shape)],
        outputs,
        [size, nan],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    return with_card(path, "mine", image_output="image")


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        ("label is NaN", "output label is not a number"),
        ("image is NaN", "output image is not a number"),
        ("label beyond 1", "leaves the range"),
        ("image of two channels", "output image has the size"),
        ("image of another rank", "output image has another type or shape"),
        ("no image", "no output 'image'"),
    ],
)
def test_model_whose_heads_fail_the_check_is_not_installed(
    tmp_path: Path, own_folder: Path, spoil: str, told: str
) -> None:
    with pytest.raises(UserError, match=told):
        install_model(two_heads(tmp_path / "heads.onnx", spoil))
    assert not own_folder.exists()
    assert install_model(two_heads(tmp_path / "heads.onnx", "")).image_output == "image"


def test_only_own_models_are_removed(toy_model: Path, own_folder: Path) -> None:
    with_card(toy_model, "mine")
    card = install_model(toy_model)
    remove_model(card)
    assert list(own_folder.iterdir()) == []
    shipped = next(card for card in find_models() if not is_own(card))
    with pytest.raises(UserError, match="not removed"):
        remove_model(shipped)
    assert shipped.path is not None and shipped.path.is_file()
    elsewhere = ModelCard.load(toy_model.with_suffix(".json"))
    with pytest.raises(UserError, match="not removed"):
        remove_model(elsewhere)
    assert toy_model.is_file()


@pytest.mark.parametrize("as_text", [True, False], ids=["text", "path"])
def test_an_installed_model_is_found_with_its_card_by_its_file(
    toy_model: Path, own_folder: Path, as_text: bool
) -> None:
    """The window names a model by its file, whose name is another than the card's."""
    with_card(toy_model, "mine", trained_on="my cells")
    installed = install_model(toy_model)
    assert installed.path is not None and installed.path.stem != "mine"
    (own_folder / "foreign.json").write_text('{"file": 3}')
    card = load_card(str(installed.path) if as_text else installed.path)
    assert (card.name, card.trained_on, card.card_path) == ("mine", "my cells", own_folder / "mine.json")
    assert not card.notes


def test_the_card_of_another_model_is_not_taken(toy_model: Path, make_model, own_folder: Path) -> None:
    install_model(with_card(toy_model, "mine"))
    bare = make_model(own_folder / "bare.onnx", layers=1)
    assert load_card(bare).name == "bare" and load_card(bare).notes
