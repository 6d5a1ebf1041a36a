"""The three words for a threshold, in the panel and in a batch."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from sxtstudio.app.batch.form import BatchForm
from sxtstudio.app.main_window import MainWindow
from sxtstudio.app.segment.fields import SegmentFields
from sxtstudio.app.segment.use_choice import UseChoice
from sxtstudio.core.uses import Use
from sxtstudio.segment.card import ModelCard, file_sha256
from sxtstudio.segment.registry import user_folder
from sxtstudio.workflow.jobs.choices import find_choices

SHIPPED = Path(__file__).parents[3] / "models" / "compact.json"

USES = {
    "few-false": {"threshold": 0.6, "scores": {"cells <of mine>": {"precision": 0.93, "recall": 0.71}}},
    "balanced": {"threshold": 0.1, "scores": {"cells <of mine>": {"precision": 0.9, "recall": 0.8}}},
    "everything": {"threshold": -0.5, "scores": {"cells <of mine>": {"precision": 0.7, "recall": 0.95}}},
}


@pytest.fixture
def models(toy_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path, Path]:
    """Three installed models: without uses, with three, and with one of them at another threshold."""
    for variable in ("XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(variable, str(tmp_path / "data"))
    user_folder().mkdir(parents=True)
    few = {"few-false": {"threshold": 0.7, "scores": {}}}
    made = []
    for name, threshold, uses in (("plain", 0.0, {}), ("three", 0.1, USES), ("one", 0.0, few)):
        path = Path(shutil.copy(toy_model, user_folder() / f"{name}.onnx"))
        card = {"name": name, "description": name, "trained_on": "noise", "base_width": 1, "licence": "MIT",
                "label_output": "label", "image_output": "image", "sha256": file_sha256(path),
                "threshold": threshold, "uses": uses}  # fmt: skip
        path.with_suffix(".json").write_text(json.dumps(card))
        made.append(path)
    return made[0], made[1], made[2]


@pytest.fixture
def form(window: MainWindow, models: tuple[Path, Path, Path], qtbot: QtBot) -> BatchForm:
    made = BatchForm(window.context)
    qtbot.addWidget(made)
    qtbot.waitUntil(lambda: made.segment.ready, timeout=20_000)
    return made


def take(fields: SegmentFields, model: Path) -> None:
    fields.model.setCurrentIndex(fields.model.findData(str(model)))


def choose(fields: SegmentFields, text: str) -> None:
    combo = fields.use.combo
    index = combo.findText(text)
    assert index >= 0
    combo.setCurrentIndex(index)
    combo.activated.emit(index)


def asked(fields: SegmentFields) -> tuple[Use | None, float | None, float]:
    wanted = fields.parameters()
    return wanted.use, wanted.threshold, fields.threshold.value


def test_a_word_sets_the_number_and_a_number_takes_its_place(
    form: BatchForm, models: tuple[Path, Path, Path]
) -> None:
    fields = form.segment
    take(fields, models[1])
    assert fields.use.combo.currentText() == "Balanced" and asked(fields) == (None, None, 0.1)
    choose(fields, "Few false labels")
    assert asked(fields) == (Use.FEW_FALSE, None, 0.6)
    assert fields.use.meaning.text() == Use.FEW_FALSE.meaning
    fields.threshold.spin.setValue(0.3)
    assert asked(fields) == (None, 0.3, 0.3) and fields.use.combo.currentText() == "Own threshold"
    choose(fields, "Find everything")
    assert asked(fields) == (Use.EVERYTHING, None, -0.5)
    assert fields.use.combo.findText("Own threshold") < 0


def test_the_word_stays_when_the_model_changes_and_the_number_is_that_of_the_model(
    form: BatchForm, models: tuple[Path, Path, Path]
) -> None:
    fields = form.segment
    take(fields, models[1])
    choose(fields, "Few false labels")
    take(fields, models[2])
    assert asked(fields) == (Use.FEW_FALSE, None, 0.7)
    take(fields, models[0])
    assert asked(fields) == (None, None, 0.0)
    assert fields.rows.isRowVisible(fields.use) and fields.use.combo.isHidden()
    assert "one threshold for all aims" in fields.use.meaning.text()
    take(fields, models[1])
    assert asked(fields) == (Use.FEW_FALSE, None, 0.6)
    assert fields.rows.isRowVisible(fields.use) and not fields.use.combo.isHidden()


def test_a_model_whose_own_threshold_is_none_of_the_uses_offers_it_too(
    form: BatchForm, models: tuple[Path, Path, Path]
) -> None:
    take(form.segment, models[2])
    assert form.segment.use.combo.currentText() == "Model's own" and asked(form.segment) == (None, None, 0.0)
    choose(form.segment, "Few false labels")
    choose(form.segment, "Model's own")
    assert asked(form.segment) == (None, None, 0.0)


def test_what_was_measured_is_the_tooltip_and_no_markup_of_the_card(
    form: BatchForm, models: tuple[Path, Path, Path]
) -> None:
    take(form.segment, models[1])
    tip = form.segment.use.combo.toolTip()
    assert "Measured on cells &lt;of mine&gt;:" in tip
    assert (
        "<b>Few false labels</b>: of 100 outlined pixels 93 are right; of 100 true ones 71 are found." in tip
    )


def test_the_tooltip_of_our_model_speaks_of_real_cells_in_a_few_lines(qtbot: QtBot) -> None:
    card = ModelCard.load(SHIPPED, verify=False)
    choice = UseChoice()
    qtbot.addWidget(choice)
    choice.set_card(card)
    tip = choice.combo.toolTip()
    assert "four patches of real cells" in tip and "phantom" not in tip
    assert "<b>Balanced</b>: of 100 outlined pixels 71 are right; of 100 true ones 82 are found." in tip
    assert len(re.findall("<br>|<p>", tip)) <= 5


def test_words_for_the_same_threshold_are_said_to_be_the_same(
    form: BatchForm, models: tuple[Path, Path, Path]
) -> None:
    card = ModelCard.load(models[1].with_suffix(".json"))
    same = replace(card, uses={**card.uses, Use.FEW_FALSE: card.uses[Use.BALANCED]})
    form.segment.use.set_card(same)
    assert form.segment.use.combo.currentText() == "Balanced"  # and not the first that fits
    assert "the same as “few false labels”" in form.segment.use.meaning.text()


def test_a_batch_begins_with_model_and_aim_of_the_panel(
    window: MainWindow, form: BatchForm, models: tuple[Path, Path, Path], qtbot: QtBot
) -> None:
    panel = window.context.parts.segment.form
    panel.show_choices(find_choices(()))
    take(panel, models[1])
    choose(panel, "Few false labels")
    form.parameters(None)  # with another aim, of which nothing stays
    again = BatchForm(window.context)
    qtbot.addWidget(again)
    qtbot.waitUntil(lambda: again.segment.ready, timeout=20_000)
    assert again.segment.chosen_model == str(models[1])
    assert asked(again.segment) == (Use.FEW_FALSE, None, 0.6)
