"""CITATION.cff, Help > About and the page on citing name the same things."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from sxtstudio import __version__
from sxtstudio.app.help.about import AUTHORS, BIBTEX, DOI, TITLE
from sxtstudio.app.help.contents import HELP

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def citation() -> dict[str, object]:
    read: dict[str, object] = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    return read


def test_the_file_has_what_its_schema_asks_for(citation: dict[str, object]) -> None:
    """Version 1.2.0 of the Citation File Format: required keys, and no others than it knows."""
    assert citation["cff-version"] == "1.2.0" and citation["type"] == "software"
    assert {"message", "title", "authors"} <= citation.keys()
    known = {"abstract", "license", "keywords", "version", "preferred-citation", "cff-version", "type"}
    assert citation.keys() <= known | {"message", "title", "authors"}
    assert citation["version"] == __version__ and citation["license"] == "MIT"


def test_the_paper_is_the_same_everywhere(citation: dict[str, object]) -> None:
    paper = citation["preferred-citation"]
    assert isinstance(paper, dict)
    assert paper["doi"] == DOI and " ".join(paper["title"].split()) == TITLE
    assert (paper["volume"], paper["issue"], paper["start"], paper["year"]) == (120, 24, "e2209938120", 2023)
    names = [f"{one['family-names']}, {one['given-names']}" for one in paper["authors"]]
    assert tuple(names) == AUTHORS and len(names) == 10
    page = (HELP / "cite.md").read_text(encoding="utf-8")
    for one in paper["authors"]:
        assert one["family-names"] in page and one["family-names"] in BIBTEX
    assert DOI in page and TITLE in page


def test_bibtex_is_balanced() -> None:
    assert BIBTEX.count("{") == BIBTEX.count("}") and len(re.findall(r"^  \w+ +=", BIBTEX, re.MULTILINE)) == 8
