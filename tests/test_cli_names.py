"""Names of strangers' files on the terminal and in tables: bytes, escape sequences, line breaks, formulas."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sxtstudio.cli import main
from sxtstudio.core.errors import UserError, sentence_of
from sxtstudio.core.printable import csv_text, printable

NAMES = {
    "not UTF-8": b"cell-\xff\xfe.mrc",
    "escape sequence": b"cell\x1b[2J\x1b]0;gone\x07.mrc",
    "control character of one byte": "cell\x9b31m.mrc".encode(),
    "line break": b"cell\nsxtstudio: all is well\r.mrc",
    "right to left": "cell\u202ecrm.mrc".encode(),
    "formula": b"=1+1.mrc",
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cell 1 × µm → ü 細胞.mrc", "cell 1 × µm → ü 細胞.mrc"),
        ("a\x1b[31mb", r"a\x1b[31mb"),
        ("a\nb\tc\rd", r"a\nb\tc\rd"),
        ("a\x9bb", r"a\x9bb"),
        ("a\u202eb", r"a\u202eb"),
        (os.fsdecode(b"a\xffb") if os.name == "posix" else "a\udcffb", r"a\xffb"),
        ("a\ud800b", r"a\ud800b"),
    ],
    ids=lambda text: ascii(text),
)
def test_printable(text: str, expected: str) -> None:
    assert printable(text) == expected
    expected.encode()


def test_error_texts_are_printable() -> None:
    assert str(UserError("\x1b[2J is no file\n\nat all")) == "\\x1b[2J is no file\n\nat all"
    assert "\x1b" not in str(sentence_of(OSError(2, "No such file", "a\x1bb")))


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@A1", "\t=1", "\r=1", "＝1+1"])
def test_no_text_of_a_table_is_a_formula(cell: str) -> None:
    row = next(csv.DictReader(csv_text(["name", "number"], [{"name": cell, "number": -1.5}]).splitlines()))
    assert row["name"][0] in "'\\" and row["number"] == "-1.5"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "ascii"])
def test_batch_of_odd_names(encoding: str, tomogram: Path, toy_model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "odd"
    folder.mkdir()
    names = [os.path.join(os.fsencode(folder), name) for name in NAMES.values()]
    for name in names:
        shutil.copyfile(tomogram, name)
    (folder / "bad\x1b[1m.mrc").write_bytes(b"no tomogram")
    command = [sys.executable, "-m", "sxtstudio", "batch", *names, str(folder / "bad\x1b[1m.mrc")]
    options = ["--model", str(toy_model), "--device", "cpu", "--contact-sheet", str(tmp_path / "sheet.png")]
    for table in ("table.csv", "table.json"):
        options += ["--summary", str(tmp_path / table)]
    done = subprocess.run(
        [*command, *options],
        env=os.environ | {"PYTHONIOENCODING": encoding},
        capture_output=True,
        check=False,
        timeout=120,
    )
    told = done.stdout.decode(encoding)
    assert done.returncode == 2 and done.stderr == b"", done.stderr
    assert len(told.splitlines()) == len(names) + 2  # a line for each, and the sum
    assert f"{len(names)} of {len(names) + 1} tomograms segmented, 1 failed" in told
    assert printable(told.replace("\n", "")) == told.replace("\n", "")
    for name in names:
        assert os.path.exists(name.removesuffix(b".mrc") + b".labels.tif")
    with open(tmp_path / "table.csv", encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["state"] for row in rows] == ["done"] * len(names) + ["failed"]
    assert all(printable(value) == value for row in rows for value in row.values())
    in_json = json.loads((tmp_path / "table.json").read_text(encoding="utf-8"))["tomograms"]
    assert [os.fsencode(row["tomogram"]) for row in in_json[:-1]] == names  # whole, to be found again


@pytest.mark.parametrize("encoding", ["latin-1", "ascii"])
def test_terminal_that_knows_few_characters(encoding: str, tomogram: Path) -> None:
    told = []
    for options in ([], ["--json"]):
        done = subprocess.run(
            [sys.executable, "-m", "sxtstudio", "info", str(tomogram), *options],
            env=os.environ | {"PYTHONIOENCODING": encoding},
            capture_output=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0 and done.stderr == b""
        told.append(done.stdout.decode(encoding))
    assert "6 × 64 × 80" in told[0] or "6 x 64 x 80" in told[0]
    assert json.loads(told[1])["shape_zyx"] == [6, 64, 80]


def test_json_on_stdout_is_ascii(tmp_path: Path, tomogram: Path, capsys: pytest.CaptureFixture[str]) -> None:
    named = tmp_path / "zelle-µ\x9b.mrc"
    shutil.copyfile(tomogram, named)
    assert main(["info", str(named), "--json"]) == 0
    told = capsys.readouterr().out
    assert told.isascii() and json.loads(told)["path"] == str(named)
