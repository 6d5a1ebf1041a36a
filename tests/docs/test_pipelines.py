"""The pipelines of docs/pipelines: their commands exist, and the shell script goes by the exit codes."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from sxtstudio.cli import build_parser

PIPELINES = Path(__file__).resolve().parents[2] / "docs" / "pipelines"
#: Ends with the code that the name of a tomogram says, and writes what its -o names.
STUB = """#!/bin/sh
echo "$@" >> "$CALLS"
case $2 in *fails-*) code=${2##*fails-}; code=${code%%.*}; echo '{"event": "error"}'; exit "$code" ;; esac
while [ "$1" != -o ]; do shift; done
: > "$2"
echo '{"event": "result"}'
"""


@pytest.mark.parametrize("name", ["Snakefile", "each-tomogram.sh"])
def test_commands_and_options_are_those_of_the_program(name: str) -> None:
    (choices,) = (action.choices for action in build_parser()._actions if action.dest == "==SUPPRESS==")
    text = re.sub(r'"\s*\n\s*" ', " ", (PIPELINES / name).read_text("utf-8"))
    calls = re.findall(r"(?:\{PROGRAM\}|step) (segment|objects|measure) (.+)", text)
    assert [command for command, _ in calls] == ["segment", "objects", "measure"]
    for command, words in calls:
        options = re.findall(r"(?<=\s)--?[a-z][a-z-]*", words)
        assert "-o" in options and set(options) <= set(choices[command]._option_string_actions), words


def results_name(name: str, names: list[str]) -> str:
    """Return how the results of a tomogram are called: cell, and cell-rec where there is a cell.mrc, too."""
    stem, ending = name.rsplit(".", 1)
    return f"{stem}-rec" if ending == "rec" and f"{stem}.mrc" in names else stem


def test_two_tomograms_of_one_name_have_results_of_their_own(tmp_path: Path) -> None:
    names = ["a b.mrc", "a b.rec", "c.rec", "notes.txt"]
    for name in names:
        (tmp_path / name).touch()
    plain_python, *_ = (PIPELINES / "Snakefile").read_text("utf-8").partition("\nwildcard_constraints:")
    known = {"config": {"folder": str(tmp_path)}}
    exec(plain_python, known)
    found = {stem: path.name for stem, path in known["SOURCES"].items()}  # type: ignore[attr-defined]
    assert found == {results_name(name, names): name for name in names[:3]}


@pytest.mark.parametrize(
    ("names", "ends"),
    [
        (["a b.mrc"], 0),
        (["a b.mrc", "fails-2.mrc", "z.rec"], 2),
        (["fails-130.mrc", "z.mrc"], 130),
        (["a b.mrc", "a b.rec"], 0),
    ],
    ids=["all done", "one bad, the others done", "cancelled", "two of one name"],
)
def test_the_shell_script_goes_by_exit_codes(names: list[str], ends: int, tmp_path: Path) -> None:
    incoming, results, stub, calls = (tmp_path / one for one in ("in", "res", "stub", "calls.txt"))
    incoming.mkdir()
    for name in names:
        (incoming / name).touch()
    stub.write_text(STUB)
    stub.chmod(0o700)
    words = ["sh", PIPELINES / "each-tomogram.sh", incoming, results, "--model", "compact"]
    environment = {**os.environ, "SXTSTUDIO": str(stub), "CALLS": str(calls)}
    assert subprocess.run(words, env=environment).returncode == ends
    tables = sorted(path.stem for path in results.glob("*.csv") if ".flags" not in path.name)
    good = [results_name(name, names) for name in names if "fails" not in name]
    assert tables == ([] if ends == 130 else good)
    failed = (results / "failed.txt").read_text()
    assert failed.count("\n") == (1 if ends == 2 else 0) and "--model compact" in calls.read_text()
    before = calls.read_text()
    assert subprocess.run(words, env=environment).returncode == ends
    again = calls.read_text()[len(before) :]
    assert again.count("segment") == (0 if ends == 0 else 1) and "measure" not in again
