"""What a card says of a model stands in the window and in the list of the command line."""

from __future__ import annotations

import pytest

from sxtstudio.app.models.card_page import card_html
from sxtstudio.commands.models import card_rows
from sxtstudio.segment import ModelCard


@pytest.mark.parametrize(
    ("slices", "words"), [(1, "one slice"), (3, "3 slices, and outlines the middle one")]
)
def test_it_is_said_how_many_slices_a_model_sees(slices: int, words: str) -> None:
    card = ModelCard("net", "A test.", "nothing", 1, "label", "0" * 64, "MIT", slices=slices)
    assert ("sees", words) in card_rows(card)
    assert f"Sees at once</td><td>{words}</td>" in card_html(card, default=False, own=True)
