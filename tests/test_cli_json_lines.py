"""``--json-lines``: every line fits the published schema, and the last one says how the command ended."""

from __future__ import annotations

import ast
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from jsonschema import Draft202012Validator

from sxtstudio.cli import build_parser, main
from sxtstudio.commands import json_lines
from sxtstudio.commands.exit_codes import ExitCode, as_table, in_one_sentence
from sxtstudio.core.progress import ProgressState
from sxtstudio.core.shipped import resources

ROOT = Path(__file__).resolve().parents[1]
SCHEMA = Draft202012Validator(json.loads((resources() / "json-lines.schema.json").read_text("utf-8")))
FAST = ["--device", "cpu", "--polarity", "dark", "--neighbours", "0", "--tile", "48", "--trust", "none"]


def checked(text: str) -> list[dict[str, Any]]:
    """Return the lines, each of which fits the schema, in the order that is promised."""
    lines = [json.loads(line) for line in text.splitlines()]
    for line in lines:
        SCHEMA.validate(line)
    events = [line["event"] for line in lines]
    assert events[0] == "started" and lines[0]["schema"] == json_lines.SCHEMA
    assert events[-1] in ("result", "error")
    assert not {"started", "result", "error"} & set(events[1:-1])
    seconds = [line["seconds"] for line in lines]
    assert seconds == sorted(seconds)
    return lines


@pytest.fixture
def lines_of(capsys: pytest.CaptureFixture[str]) -> Any:
    """Run a command; return its lines and its exit code, which the last line says too."""

    def run(*words: object) -> tuple[list[dict[str, Any]], int]:
        code = main([str(word) for word in words])
        lines = checked(capsys.readouterr().out)
        assert lines[-1]["exit_code"] == code
        return lines, code

    return run


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA.schema)
    with_more = {"event": "note", "seconds": 1, "text": "a", "more": 1}
    for wrong in ({"event": "note", "seconds": 1}, {"event": "odd", "seconds": 1}, with_more):
        assert not SCHEMA.is_valid(wrong), wrong


def test_from_a_tomogram_to_numbers(
    lines_of: Any, tomogram: Path, toy_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each step says what it wrote, so that a pipeline goes on from that; nothing else is in the folder."""
    monkeypatch.setattr(json_lines, "EVERY_S", 0)
    out = tmp_path / "out"
    out.mkdir()
    labels, cleaned, objects = out / "labels.tif", out / "clean.mrc", out / "objects.tif"
    segment, _ = lines_of(
        "segment", tomogram, "-o", labels, "--model", toy_model, *FAST, "--json-lines",
        "--probability", out / "p.tif", "--report", out / "report.json",
    )  # fmt: skip
    assert segment[0]["command"] == "segment" and segment[0]["arguments"][0] == str(tomogram)
    depth = len(tifffile.imread(labels))
    counted = [line["done"] for line in segment if line["event"] == "progress" and line["total"] == depth]
    assert counted == sorted(counted) and counted[-1] == depth
    done = [line["fraction"] for line in segment if line["event"] == "progress"]
    assert done == sorted(done) and done[-1] == 1
    assert segment[-1]["figures"] == json.loads((out / "report.json").read_text())
    clean, _ = lines_of("clean", labels, "-o", cleaned, "--min-size", 2, "--json-lines")
    figures = clean[-1]["figures"]
    assert figures["voxels_before"] == np.count_nonzero(tifffile.imread(labels))
    words = ["--method", "components", "--table", out / "flags.csv", "--json-lines"]
    found, _ = lines_of("objects", cleaned, "-o", objects, *words)
    count = len(np.unique(tifffile.imread(objects))) - 1
    assert found[-1]["figures"]["objects"] == count > 0
    measured, _ = lines_of("measure", objects, "-o", out / "t.csv", "--as", "objects", "--json-lines")
    assert measured[-1]["figures"]["objects"] == count
    written = {Path(path) for last in (segment, clean, found, measured) for path in last[-1]["written"]}
    assert written == set(out.iterdir())


def test_each_tomogram_of_a_batch_is_an_item(
    lines_of: Any, tomogram: Path, toy_model: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken\n{.mrc"
    broken.write_bytes(b"nothing of the kind")
    words = ["batch", tomogram, broken, "-o", tmp_path / "out", "--model", toy_model, *FAST, "--json-lines"]
    table = tmp_path / "table.csv"
    lines, code = lines_of(*words, "--summary", table)
    first, second = (line for line in lines if line["event"] == "item")
    assert (first["state"], first["name"], first["of"]) == ("done", str(tomogram), 2)
    assert Path(first["output"]).is_file() and 0 < first["figures"]["labelled"] < 1
    assert (second["state"], second["name"], second["output"]) == ("failed", str(broken), None)
    assert code == ExitCode.BAD_INPUT and lines[-1]["event"] == "result"
    assert lines[-1]["figures"] == {"done": 1, "skipped": 0, "failed": 1}
    assert {Path(path) for path in lines[-1]["written"]} == {table, *(tmp_path / "out").iterdir()}
    rows = lines[-1]["rows"]
    assert [row["name"] for row in rows] == [str(tomogram), str(broken).replace("\n", "\\n"), "total"]
    assert first["output"] in rows[0]["value"] and rows[1]["value"].startswith("failed, ")
    assert rows[2]["value"] == "1 of 2 tomograms segmented, 1 failed"


def test_errors_are_a_line_too(lines_of: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines, code = lines_of("clean", tmp_path / "none.tif", "-o", tmp_path / "a.tif", "--json-lines")
    assert (code, lines[-1]["kind"]) == (2, "input") and "does not exist" in lines[-1]["text"]
    lines, code = lines_of("clean", "--json-lines", "--no-such-option")
    assert code == 2 and "--help" in lines[-1]["text"], "wrong usage, too"
    lines, code = lines_of("clean", tmp_path / "none.tif", "-o", tmp_path / "a.tif", "--json-l")
    assert code == 2, "abbreviated, as argparse allows it"
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr("sxtstudio.commands.clean.named", lambda *_: 1 / 0)
    lines, code = lines_of("clean", "a.tif", "-o", tmp_path / "a.tif", "--json-lines")
    assert (code, lines[-1]["kind"]) == (1, "program") and "ZeroDivisionError" in lines[-1]["text"]
    assert json_lines.active() is None, "nothing is left for the next command"


def test_a_cancelled_command_and_one_whose_reader_has_gone(
    tomogram: Path, toy_model: Path, tmp_path: Path
) -> None:
    words = [sys.executable, "-m", "sxtstudio", "segment", str(tomogram), "--model", str(toy_model)]
    out = tmp_path / "a.tif"
    words += [*FAST, "--json-lines", "-o", str(out)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as running:
        assert running.stdout is not None
        first = running.stdout.readline()
        while "segmenting" not in (line := running.stdout.readline()):
            first += line
        running.send_signal(signal.SIGTERM)
        lines = checked(first + line + running.stdout.read())
    assert running.returncode == lines[-1]["exit_code"] in (130, 0)
    if running.returncode:  # it may have ended before
        assert lines[-1]["kind"] == "cancelled"
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as running:
        assert running.stdout is not None
        running.stdout.close()
    assert running.returncode == 0 and out.is_file(), "the work is done all the same"


def test_odd_numbers_and_names_are_json(capsys: pytest.CaptureFixture[str]) -> None:
    with json_lines.asked_for(["clean", "--json-lines"]):
        lines = json_lines.active()
        assert lines is not None
        lines.progress(ProgressState("a\x1b[2J", 1.0000001, 0.0, None))
        lines.item(Path("b\udcff.tif"), "done", number=1, of=None, figures={"a": float("nan"), "b": (1, 2)})
        lines.found([None, Path("c")], {"x": float("inf")})
        lines.rows([("note", "text"), ("labels", "5")])
        lines.end(0, failed=False)
    text = capsys.readouterr().out
    assert text.isascii()
    item = checked(text)[3]
    assert item["figures"] == {"a": None, "b": [1, 2]} and item["name"] == "b\udcff.tif"


def test_every_command_that_shows_progress_has_the_option() -> None:
    (choices,) = (action.choices for action in build_parser()._actions if action.dest == "==SUPPRESS==")
    with_option = {
        name for name, command in choices.items() if "--json-lines" in command._option_string_actions
    }
    for path in (ROOT / "sxtstudio" / "commands").glob("*.py"):
        names = {
            node.id for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Name)
        }
        if "shown_progress" in names and path.stem not in ("terminal", "export_results"):
            assert path.stem in with_option, path.stem
    assert "train" in with_option


def test_exit_codes_are_those_of_the_documentation() -> None:
    """The table is made from the enumeration; no command ends with a number of its own."""
    assert as_table() in (resources() / "help" / "commands.md").read_text("utf-8")
    assert all(str(int(code)) in in_one_sentence() for code in ExitCode)
    for path in (ROOT / "sxtstudio" / "commands").glob("*.py"):
        for function in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(function, ast.FunctionDef) and function.name == "run" and path.stem != "probe":
                for node in ast.walk(function):
                    is_number = isinstance(node, ast.Return) and isinstance(node.value, ast.Constant)
                    assert not is_number, f"{path.name} returns a number that no table explains"
