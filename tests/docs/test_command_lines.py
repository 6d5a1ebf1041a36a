"""Every command line that a page or the README shows is one that the program takes."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from sxtstudio.cli import build_parser
from sxtstudio.core.errors import UserError

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "docs/measured.md", *sorted((ROOT / "resources/help").glob("*.md"))]
#: They list what the program says; their lines are no examples.
GENERATED = re.compile(r"commands\.md|errors-.*\.md")


def shown() -> list[tuple[str, str]]:
    """Return the page and the line of every command in a block of code."""
    found = []
    for page in PAGES:
        if GENERATED.fullmatch(page.name):
            continue
        for block in re.findall(r"^```.*?\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S):
            whole = block.replace("\\\n", " ")
            found += [
                (page.name, line.strip())
                for line in whole.splitlines()
                if re.match(r"\s*(\$ )?sxtstudio(\s|$)", line)
            ]
    return found


def test_there_are_command_lines() -> None:
    assert len(shown()) > 30 and len({page for page, _ in shown()}) > 5


@pytest.mark.parametrize(("page", "line"), shown())
def test_a_shown_command_line_is_understood(page: str, line: str) -> None:
    words = shlex.split(line.removeprefix("$ "), comments=True)[1:]
    words = words[: next((i for i, word in enumerate(words) if word in (">", "|", "&", "&&", "2>")), None)]
    if words[:1] == ["--selfcheck"]:  # the program takes it for the command
        words = ["selfcheck", *words[1:]]
    try:
        build_parser().parse_args(words or ["gui"])
    except UserError as error:
        pytest.fail(f"{page}: {line}: {error}")
