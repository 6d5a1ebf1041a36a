"""The uses of labels by name and in words, here and on the command line."""

import pytest

from sxtstudio.cli import build_parser
from sxtstudio.core.errors import UserError
from sxtstudio.core.uses import Use, use_named


@pytest.mark.parametrize("use", Use)
def test_a_use_is_known_by_its_name_and_in_words(use):
    assert use_named(use.value) is use
    assert use_named(f"  {use.words.upper().replace(' ', '  ')} ") is use
    assert use_named(use.value[:-1]) is None and use_named("") is None
    assert use.meaning.endswith(".")


@pytest.mark.parametrize("text", ["few-false", "few false labels"])
@pytest.mark.parametrize("command", [["segment", "a.mrc", "-o", "b.tif"], ["batch", "a.mrc"]])
def test_the_command_line_takes_either(command, text):
    assert build_parser().parse_args([*command, "--use", text]).use is Use.FEW_FALSE
    assert build_parser().parse_args(command).use is None


def test_a_use_that_is_none_is_refused_with_those_that_are():
    with pytest.raises(UserError, match=r"few-false .“few false labels”.*, balanced"):
        build_parser().parse_args(["segment", "a.mrc", "-o", "b.tif", "--use", "some"])


def test_a_use_and_a_threshold_are_one_too_many():
    with pytest.raises(UserError, match="not allowed with"):
        build_parser().parse_args(
            ["segment", "a.mrc", "-o", "b.tif", "--use", "balanced", "--threshold", "0.1"]
        )
