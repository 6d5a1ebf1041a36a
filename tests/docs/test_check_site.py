"""The checker of the built site finds what it is for."""

from __future__ import annotations

from pathlib import Path

import pytest
from check_site import problems

GOOD = (
    '<html><body><h2 id="here">H</h2><a href="#here">x</a><a href="sub/b.html#there">b</a>'
    '<a href="https://x.org">o</a></body></html>'
)
OTHER = (
    '<html><body><h2 id="there">H</h2><a href="../a.html#here">a</a>'
    '<img src="../p.png" alt="words"></body></html>'
)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.html").write_text(GOOD)
    (tmp_path / "sub" / "b.html").write_text(OTHER)
    (tmp_path / "p.png").write_bytes(b"")
    return tmp_path


def test_a_good_site_has_no_problems(site: Path) -> None:
    assert problems(site) == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ('<script src="https://unpkg.com/x"></script>', "loads https://unpkg.com/x"),
        ('<link rel="stylesheet" href="//fonts.org/x.css">', "loads //fonts.org/x.css"),
        ('<img src="none.png" alt="w">', "none.png is missing"),
        ('<img src="p.png">', "a picture without words"),
        ('<a href="gone.html">x</a>', "gone.html leads nowhere"),
        ('<a href="sub/b.html#gone">x</a>', "sub/b.html#gone leads nowhere"),
        ('<a href="#gone">x</a>', "#gone leads nowhere"),
        ('<a href="action:file.open">x</a>', "action:file.open leads nowhere"),
        ('<a href="/root.html">x</a>', "/root.html leads nowhere"),
    ],
)
def test_what_is_wrong_is_found(site: Path, wrong: str, said: str) -> None:
    (site / "c.html").write_text(f"<html><body>{wrong}</body></html>")
    (found,) = problems(site)
    assert found.startswith("c.html: ") and said in found


def test_no_pages_are_a_problem(tmp_path: Path) -> None:
    assert problems(tmp_path)
