"""Finding models by name in several folders."""

import hashlib
import json
import os
import sys
from pathlib import Path

import pytest
from onnx import TensorProto, helper

import sxtstudio
from sxtstudio.core.errors import UserError
from sxtstudio.core.shipped import shipped_folders
from sxtstudio.segment.registry import find_models, load_card, model_folders, user_folder


def model_bytes(gain: float = 1.0) -> bytes:
    shape = ["batch", 1, "height", "width"]
    nodes = [
        helper.make_node("Constant", [], ["gain"], value_float=float(gain)),
        helper.make_node("Mul", ["input", "gain"], ["wide"]),
        helper.make_node("Tanh", ["wide"], ["label"]),
    ]
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("input", "label")]
    graph = helper.make_graph(nodes, "net", values[:1], values[1:])
    opsets = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=9).SerializeToString()


def put(folder: Path, name: str, *, gain: float = 1.0, card: bool = True, **changes) -> Path:
    folder.mkdir(exist_ok=True, parents=True)
    content = model_bytes(gain)
    path = folder / f"{name}.onnx"
    path.write_bytes(content)
    data = {
        "name": name,
        "description": "A test.",
        "trained_on": "nothing",
        "base_width": 1,
        "label_output": "label",
        "sha256": hashlib.sha256(content).hexdigest(),
        "licence": "MIT",
    }
    if card:
        path.with_suffix(".json").write_text(json.dumps(data | changes))
    return path


@pytest.fixture
def no_models(monkeypatch, tmp_path):
    """A computer on which no model is installed, with a home folder of its own."""
    monkeypatch.setattr(sxtstudio, "__file__", str(tmp_path / "program" / "sxtstudio" / "__init__.py"))
    monkeypatch.setattr("sys.prefix", str(tmp_path / "python"))
    monkeypatch.delenv("SXTSTUDIO_MODELS", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "home"))
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
    return tmp_path


def test_all_places_are_searched(no_models, monkeypatch):
    first, second = no_models / "first", no_models / "second"
    monkeypatch.setenv("SXTSTUDIO_MODELS", f"{first}{os.pathsep}{second}")
    folders = [no_models / "program" / "models", *shipped_folders("models")[1:], first, second, user_folder()]
    assert model_folders() == folders and len(folders) >= 6
    folders = [folder for folder in folders if no_models in folder.parents]
    for i, folder in enumerate(folders):
        put(folder, f"net{i}", gain=i + 1)
    assert [card.name for card in find_models()] == [f"net{i}" for i in range(len(folders))]
    assert load_card(f"net{folders.index(second)}").path.parent == second


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere platformdirs knows the place")
@pytest.mark.parametrize(
    ("data_home", "expected"), [(None, ".local/share/sxtstudio"), ("kept", "kept/sxtstudio")]
)
def test_the_users_folder_lies_where_the_user_wants_it(no_models, monkeypatch, data_home, expected):
    monkeypatch.setenv("HOME", str(Path.home()))
    monkeypatch.delenv("XDG_DATA_HOME")
    if data_home:
        monkeypatch.setenv("XDG_DATA_HOME", str(Path.home() / data_home))
    assert user_folder() == Path.home() / expected / "models"


def test_another_packages_models_folder_is_left_alone(no_models, monkeypatch):
    packages = no_models / "site-packages"
    monkeypatch.setattr(sxtstudio, "__file__", str(packages / "sxtstudio" / "__init__.py"))
    assert packages / "models" not in model_folders()


def test_compact_is_the_default_else_the_first(tmp_path):
    put(tmp_path, "zebra")
    put(tmp_path, "Alpha")
    assert load_card(folders=[tmp_path]).name == "Alpha"
    put(tmp_path, "compact")
    assert load_card(None, folders=[tmp_path]).name == "compact"
    assert [card.name for card in find_models([tmp_path])] == ["compact", "Alpha", "zebra"]


def test_an_unknown_name_lists_those_found(tmp_path):
    put(tmp_path, "one")
    put(tmp_path, "two")
    with pytest.raises(UserError, match=r"no model 'three'; found: one, two\."):
        load_card("three", folders=[tmp_path])


def test_no_model_at_all(no_models):
    assert find_models() == []
    with pytest.raises(UserError, match="No model was found"):
        load_card()
    with pytest.raises(UserError, match="found: none"):
        load_card("compact")


def test_files_are_taken_as_files(tmp_path, monkeypatch):
    path = put(tmp_path, "net")
    for given in (path, str(path), path.with_suffix(".json")):
        assert load_card(given).name == "net"
    monkeypatch.chdir(tmp_path)
    assert load_card("net.onnx").path.samefile(path)
    with pytest.raises(UserError, match="cannot be read"):
        load_card("missing.onnx")


def test_a_model_without_card_is_described_from_its_graph(tmp_path):
    put(tmp_path, "my net", card=False)
    (card,) = find_models([tmp_path])
    assert card.name == "my_net" and card.trained_on == "unknown"
    assert "no card" in card.notes[0]
    assert load_card("my_net", folders=[tmp_path]).path == tmp_path / "my net.onnx"


def test_of_two_with_one_name_the_first_wins_and_it_is_told(tmp_path):
    put(tmp_path / "a", "net")
    put(tmp_path / "b", "net", gain=2)
    problems = []
    (card,) = find_models([tmp_path / "a", tmp_path / "b"], problems=problems)
    assert card.path.parent.name == "a"
    assert len(problems) == 1 and "is hidden by" in problems[0]


def test_broken_models_are_left_out_and_told(tmp_path):
    put(tmp_path, "good")
    put(tmp_path, "bad", base_width="wide")
    put(tmp_path, "orphan").unlink()
    (tmp_path / "junk.onnx").write_bytes(b"junk")
    problems = []
    assert [card.name for card in find_models([tmp_path], problems=problems)] == ["good"]
    assert len(problems) == 3
    for text, part in zip(problems, ("'base_width'", "orphan.onnx", "junk.onnx"), strict=True):
        assert part in text
    with pytest.raises(UserError, match=r"found: good.*'base_width'"):
        load_card("bad", folders=[tmp_path])


def test_a_changed_model_is_listed_but_not_loaded(tmp_path):
    path = put(tmp_path, "net")
    path.write_bytes(model_bytes(gain=3))
    assert [card.name for card in find_models([tmp_path])] == ["net"]
    with pytest.raises(UserError, match="sha256"):
        load_card("net", folders=[tmp_path])


def test_a_card_may_name_its_model(tmp_path):
    put(tmp_path, "net", file="weights.onnx").rename(tmp_path / "weights.onnx")
    (card,) = find_models([tmp_path])
    assert card.path == tmp_path / "weights.onnx"
    assert load_card("net", folders=[tmp_path]).trained_on == "nothing"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes and links")
def test_what_is_no_file_hides_no_other_model(tmp_path):
    """A link in a circle raised an error, and the whole folder was taken for empty."""
    put(tmp_path, "good")
    (tmp_path / "loop.onnx").symlink_to("loop.onnx")
    (tmp_path / "loop.json").symlink_to("loop.json")
    (tmp_path / "gone.onnx").symlink_to("nowhere")
    (tmp_path / "folder.onnx").mkdir()
    os.mkfifo(tmp_path / "pipe.onnx")
    problems: list[str] = []
    assert [card.name for card in find_models([tmp_path], problems=problems)] == ["good"]
    told = sorted(problem.split(" is no file")[0].rpartition("/")[2] for problem in problems)
    assert told == ["gone.onnx", "loop.json", "loop.onnx", "pipe.onnx"]
