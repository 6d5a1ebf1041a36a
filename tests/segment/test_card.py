"""Model cards: what is written is read back, and what is wrong is named."""

import hashlib
import json
import os

import pytest

from sxtstudio.core.errors import UserError
from sxtstudio.core.uses import Use
from sxtstudio.segment.card import ModelCard, file_sha256

MODEL = b"stands for a model"
CARD = {
    "name": "compact",
    "description": "A small network.",
    "trained_on": "phantoms only",
    "base_width": 16,
    "label_output": "label",
    "sha256": hashlib.sha256(MODEL).hexdigest(),
    "licence": "MIT",
}
FULL = CARD | {
    "input_name": "input",
    "slices": 5,
    "image_output": "image",
    "limits": ["membranes parallel to the slice", "dichte Körner"],
    "voxel_nm": [8, 13.5],
    "polarity": "any",
    "multiple": 32,
    "halo_px": 160,
    "threshold": -0.25,
    "scores": {"phantoms": {"precision": 0.9, "recall": None}, "f1": 0.6, "per_file": [0.5, 0.7]},
    "uses": {
        "few-false": {"threshold": 0.5, "scores": {"phantoms": {"precision": 0.95, "recall": 0.7}}},
        "balanced": {"threshold": -0.25, "scores": {"phantoms": {"precision": 0.9, "recall": 0.8}}},
    },
    "created": "2025-01-31",
    "file": "net.onnx",
}


def put(folder, card=CARD, model=MODEL, name="compact"):
    (folder / f"{name}.onnx").write_bytes(model)
    path = folder / f"{name}.json"
    path.write_text(json.dumps(card), encoding="utf-8")
    return path


def without(key):
    return {k: v for k, v in CARD.items() if k != key}


def test_the_least_card_has_the_published_networks_values():
    card = ModelCard.from_json(json.dumps(CARD))
    assert (card.multiple, card.halo_px, card.threshold, card.polarity) == (16, 192, 0.0, "dark")
    assert card.input_name == "input" and card.image_output is None and card.voxel_nm is None
    assert card.slices == 1 and card.path is None


@pytest.mark.parametrize("data", [CARD, FULL], ids=["least", "full"])
def test_writing_and_reading_give_the_same_card(data):
    card = ModelCard.from_json(json.dumps(data))
    text = card.to_json()
    assert ModelCard.from_json(text) == card
    written = json.loads(text)
    assert {key: written[key] for key in data} == data  # as another reader sees it
    assert "path" not in written and "notes" not in written


def test_further_fields_are_ignored():
    assert ModelCard.from_json(json.dumps(CARD | {"colour": "blue"})) == ModelCard.from_json(json.dumps(CARD))


@pytest.mark.parametrize("key", sorted(CARD))
def test_a_missing_field_is_named(key):
    with pytest.raises(UserError, match=f"'{key}' is missing"):
        ModelCard.from_json(json.dumps(without(key)))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("name", ""),
        ("name", "../evil"),
        ("name", "two words"),
        ("name", 7),
        ("description", "  "),
        ("base_width", 0),
        ("base_width", 16.0),
        ("base_width", True),
        ("base_width", "16"),
        ("sha256", "abc"),
        ("sha256", CARD["sha256"].upper() + "0"),
        ("label_output", None),
        ("image_output", 3),
        ("limits", "a text"),
        ("limits", [1]),
        ("voxel_nm", [10]),
        ("voxel_nm", [12, 10]),
        ("voxel_nm", [0, 10]),
        ("voxel_nm", ["8", "10"]),
        ("polarity", "bright"),
        ("multiple", 0),
        ("halo_px", -1),
        ("slices", 0),
        ("slices", 2),
        ("slices", 9),
        ("slices", 3.0),
        ("slices", True),
        ("slices", "3"),
        ("halo_px", 10**400),
        ("threshold", 2),
        ("threshold", float("nan")),
        ("threshold", True),
        ("scores", [0.9]),
        ("scores", {"f1": float("inf")}),
        ("scores", {"a": {"b": [float("nan")]}}),
        ("uses", [0.5]),
        ("uses", {"few-false": {"threshold": 0.1}, "balanced": {"threshold": 0.2}}),
        ("created", 2025),
        ("file", "../net.onnx"),
        ("file", "/etc/net.onnx"),
        ("file", "sub\\net.onnx"),
        ("file", "c:net.onnx"),
        ("file", "net.exe"),
        ("file", ".onnx\0.onnx"),
        ("file", 5),
    ],
)
def test_a_wrong_field_is_named(key, value):
    with pytest.raises(UserError, match=f"'{key}' is wrong; it must be"):
        ModelCard.from_json(json.dumps(CARD | {key: value}))


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"\xff\xfe\x00",
        b"[1]",
        b"7",
        b"[" * 100_000,
        json.dumps(CARD | {"scores": {"a": "?"}}).replace('"?"', "[" * 600 + "]" * 600).encode(),
        json.dumps(CARD | {"more": "\ud800"}).encode(),
    ],
    ids=["empty", "cut", "bytes", "list", "7", "deep", "deep scores", "half a character"],
)
def test_other_files_are_no_cards(text):
    with pytest.raises(UserError, match="card"):
        ModelCard.from_json(text)


def test_loading_attaches_the_model_beside_it(tmp_path):
    card = ModelCard.load(put(tmp_path))
    assert card.path == tmp_path / "compact.onnx" and card.card_path == tmp_path / "compact.json"
    assert card.sha256 == file_sha256(card.path)


def test_the_model_may_have_another_name(tmp_path):
    path = put(tmp_path, CARD | {"file": "other.onnx"})
    (tmp_path / "compact.onnx").rename(tmp_path / "other.onnx")
    assert ModelCard.load(path).path == tmp_path / "other.onnx"


def test_another_model_than_the_cards_is_refused(tmp_path):
    path = put(tmp_path, model=MODEL + b"!")
    with pytest.raises(UserError, match="'sha256'"):
        ModelCard.load(path)
    assert ModelCard.load(path, verify=False).name == "compact"


def test_a_damaged_model_of_the_programs_own_is_mended_by_installing_again(tmp_path, monkeypatch):
    path = put(tmp_path, model=MODEL[:-1])
    monkeypatch.setattr("sxtstudio.segment.card.shipped_folders", lambda name: [tmp_path / "no", tmp_path])
    with pytest.raises(UserError, match=r"compact\.onnx.*: install SXT Studio again\.") as said:
        ModelCard.load(path)
    assert "remove the card" not in str(said.value)


def test_missing_and_huge_files_are_told(tmp_path):
    path = put(tmp_path)
    (tmp_path / "compact.onnx").unlink()
    with pytest.raises(UserError, match=r"compact\.onnx, which is not beside it"):
        ModelCard.load(path)
    with pytest.raises(UserError, match="cannot be read"):
        ModelCard.load(tmp_path / "none.json")
    path.write_text(" " * 1_000_001)
    with pytest.raises(UserError, match="larger than 1"):
        ModelCard.load(path)


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="needs symbolic links")
def test_a_link_out_of_the_folder_is_refused(tmp_path):
    inner = tmp_path / "models"
    inner.mkdir()
    path = put(inner)
    (inner / "compact.onnx").rename(tmp_path / "secret")
    (inner / "compact.onnx").symlink_to(tmp_path / "secret")
    with pytest.raises(UserError, match="out of the card's folder"):
        ModelCard.load(path)


def test_each_use_has_its_threshold_and_the_models_own_is_that_without_one():
    card = ModelCard.from_json(json.dumps(FULL))
    assert card.threshold_of(Use.FEW_FALSE) == 0.5 and card.threshold_of(None) == -0.25
    assert card.use_of(0.5) is Use.FEW_FALSE and card.use_of(0.3) is None
    assert card.uses[Use.FEW_FALSE].scores["phantoms"] == {"precision": 0.95, "recall": 0.7}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (CARD, r"no threshold for “find everything”: give --threshold NUMBER\."),
        (FULL, "give --threshold NUMBER, or for --use one of “few false labels”, “balanced”"),
    ],
    ids=["no uses", "others"],
)
def test_a_use_that_the_card_does_not_know_is_refused(data, words):
    with pytest.raises(UserError, match=words):
        ModelCard.from_json(json.dumps(data)).threshold_of(Use.EVERYTHING)


@pytest.mark.parametrize(
    ("entry", "where"),
    [
        ({"never": {"threshold": 0.5}}, "uses"),
        ({"balanced": {}}, "threshold"),
        ({"balanced": {"threshold": 1}}, "threshold"),
        ({"balanced": {"threshold": "0.5"}}, "threshold"),
        ({"balanced": {"threshold": 0.5, "scores": {"phantoms": {"precision": None}}}}, "scores"),
        ({"balanced": {"threshold": 0.5, "scores": {"phantoms": 0.9}}}, "scores"),
    ],
)
def test_a_wrong_use_is_named(entry, where):
    with pytest.raises(UserError, match=f"{where}.* (is wrong|is missing)"):
        ModelCard.from_json(json.dumps(CARD | {"uses": entry}))


WORDS = '"few-false", "balanced" and "everything"'
FIGURE = "uses.balanced.scores.phantoms.recall"
A_SHARE = f"the key '{FIGURE}' is wrong; it must be a finite number from 0 to 1."


def use_with(figures):
    return {"balanced": {"threshold": 0.5, "scores": {"held out": {"precision": 0.5}} | figures}}


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("slices", 2, "the key 'slices' is wrong; it must be 1, 3, 5 or 7."),
        (
            "uses",
            {"few false": {"threshold": 0.5}},
            f"'uses' is wrong; it must be an object with no other keys than {WORDS}.",
        ),
        ("uses", use_with({"phantoms": {"recall": float("nan")}}), A_SHARE),
        ("uses", use_with({"phantoms": {"precision": 1, "recall": "0.9"}}), A_SHARE),
        ("uses", use_with({"phantoms": {"recall": 1.01}}), A_SHARE),
        ("uses", use_with({"phantoms": {"recall": -0.01}}), A_SHARE),
        ("uses", use_with({f"judge {n}": {} for n in range(48)}), "at most 48 judges"),
        ("uses", use_with({"phantoms": {f"figure {n}": 0.5 for n in range(49)}}), "at most 48 figures"),
    ],
    ids=["slices", "word", "nan", "text", "above 1", "below 0", "judges", "figures"],
)
def test_the_sentence_says_which_key_and_what_it_must_be(key, value, said):
    with pytest.raises(UserError) as error:
        ModelCard.from_json(json.dumps(CARD | {key: value}))
    assert said in str(error.value)


def test_scores_outside_of_uses_are_any_finite_numbers_as_in_older_cards():
    scores = {"phantoms": {"mean distance, px": 12.5}} | {f"judge {n}": {} for n in range(60)}
    assert ModelCard.from_json(json.dumps(CARD | {"scores": scores})).scores == scores
    most = use_with({f"judge {n}": {"recall": 1, "precision": 0} for n in range(47)})
    assert len(ModelCard.from_json(json.dumps(CARD | {"uses": most})).uses[Use.BALANCED].scores) == 48
