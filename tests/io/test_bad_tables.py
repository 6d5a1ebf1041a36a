"""XLSX and Parquet files that cannot be read: each is one sentence that says what is wrong and what to do."""

from __future__ import annotations

import random
import re
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import polars
import pytest
import xlsxwriter

from sxtstudio.core.errors import UserError
from sxtstudio.io import xlsx
from sxtstudio.io.tables import read_table

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def workbook(path: Path) -> bytes:
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        for row, values in enumerate([["object", "class"], [1, "Vesicle"], [2, "ER"]]):
            sheet.write_row(row, 0, values)
    return path.read_bytes()


def parquet(path: Path) -> bytes:
    polars.DataFrame({"object": [1, 2], "class": ["Vesicle", "ER"]}).write_parquet(path)
    return path.read_bytes()


def compound(stream: str) -> bytes:
    """A compound file (MS-CFB) whose directory, in its first sector, names one stream."""
    header = bytearray(512)
    header[:8] = bytes.fromhex("d0cf11e0a1b11ae1")
    struct.pack_into("<H", header, 30, 9)
    return bytes(header) + "Root Entry".encode("utf-16-le").ljust(128, b"\0") + stream.encode("utf-16-le")


def archive(**parts: str) -> Callable[[Path], bytes]:
    def made(path: Path) -> bytes:
        with zipfile.ZipFile(path, "w") as file:
            for name, text in parts.items():
                file.writestr(name.replace("__", "/"), text)
        return path.read_bytes()

    return made


def with_flag(raw: bytes) -> bytes:
    """Each part is encrypted, as its two headers say."""
    changed = bytearray(raw)
    for mark, place in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        for found in re.finditer(re.escape(mark), raw):
            changed[found.start() + place] |= 1
    return bytes(changed)


def spoilt(raw: bytes) -> bytes:
    """The packed cells of the sheet are nonsense."""
    place = raw.index(b"xl/worksheets/sheet1.xml") + 40
    return raw[:place] + b"\xff" * 40 + raw[place + 40 :]


@pytest.mark.parametrize(
    ("content", "words", "advice"),
    [
        (lambda path: b"", "is empty", "Choose another"),
        (lambda path: b"object,class\n1,ER\n", "is no XLSX file, whatever its name says", "Save it as .xlsx"),
        (lambda path: workbook(path)[:-300], "is not complete", "Copy it again"),
        (lambda path: spoilt(workbook(path)), "is damaged", "Copy it"),
        (lambda path: with_flag(workbook(path)), "protected with a password", "without one"),
        (lambda path: compound("EncryptedPackage"), "protected with a password", "without one"),
        (lambda path: compound("Workbook"), "Excel before 2007", "Save it as .xlsx"),
        (archive(mimetype="application/vnd.oasis.opendocument.spreadsheet"), "OpenDocument", "Save it as"),
        (archive(xl__workbook="x"), "an archive of other files", "Save it as .xlsx"),
        (archive(**{"xl__workbook.bin": "x"}), "binary workbook", "Save it as .xlsx"),
        (archive(**{"xl__workbook.xml": "<a"}), "is damaged", "Copy it"),
    ],
)
def test_an_xlsx_file(content: Callable[[Path], bytes], words: str, advice: str, tmp_path: Path) -> None:
    path = tmp_path / "theirs.xlsx"
    path.write_bytes(content(path))
    with pytest.raises(UserError, match=words) as error:
        read_table(path)
    assert str(error.value).startswith("theirs.xlsx ") and advice in str(error.value)


@pytest.mark.parametrize(
    ("content", "words", "advice"),
    [
        (lambda path: b"", "is empty", "Choose another"),
        (lambda path: b"object,class\n1,ER\n", "is no Parquet file, whatever its name says", "Choose"),
        (lambda path: parquet(path)[:-100], "is not complete", "Copy it again"),
        (
            lambda path: parquet(path)[:-60] + b"\xff" * 50 + parquet(path)[-10:],
            "is damaged",
            "Copy it again",
        ),
        (lambda path: b"PARE" + parquet(path)[4:-4] + b"PARE", "is encrypted", "without a key"),
    ],
)
def test_a_parquet_file(content: Callable[[Path], bytes], words: str, advice: str, tmp_path: Path) -> None:
    path = tmp_path / "theirs.parquet"
    path.write_bytes(content(path))
    with pytest.raises(UserError, match=words) as error:
        read_table(path)
    assert str(error.value).startswith("theirs.parquet ") and advice in str(error.value)


@pytest.mark.parametrize("make", [workbook, parquet], ids=["xlsx", "parquet"])
def test_whatever_is_spoilt_is_one_sentence(make: Callable[[Path], bytes], tmp_path: Path) -> None:
    path = tmp_path / ("a.xlsx" if make is workbook else "a.parquet")
    raw, rng = make(path), random.Random(5)
    for _ in range(150):
        changed = bytearray(raw)
        for _ in range(rng.choice((1, 3, 20))):
            changed[rng.randrange(len(raw))] = rng.randrange(256)
        path.write_bytes(changed)
        try:
            read_table(path)
        except UserError as error:
            assert str(error).startswith("a.") and str(error).endswith(".")


@pytest.mark.parametrize(
    ("part", "begin", "piece"),
    [
        ("xl/sharedStrings.xml", f'<sst xmlns="{MAIN}">', "<si><t>x</t></si>"),
        ("xl/worksheets/sheet1.xml", f'<worksheet xmlns="{MAIN}"><sheetData>', "<row/>"),
        ("xl/workbook.xml", f'<workbook xmlns="{MAIN}">', "<sheet/>"),
    ],
)
def test_a_small_file_that_unpacks_to_much_is_not_unpacked(
    part: str, begin: str, piece: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, path = tmp_path / "whole.xlsx", tmp_path / "bomb.xlsx"
    workbook(whole)
    with (
        zipfile.ZipFile(whole) as source,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for name in source.namelist():
            content = source.read(name).decode()
            target.writestr(name, begin + piece * (20_000_000 // len(piece)) if name == part else content)
    assert path.stat().st_size < 200_000
    opened: list[str] = []
    read = zipfile.ZipFile.open
    monkeypatch.setattr(
        zipfile.ZipFile, "open", lambda self, name, *args: opened.append(name) or read(self, name, *args)
    )
    with pytest.raises(UserError, match="holds far more than its size lets expect"):
        read_table(path)
    assert part not in opened


def test_texts_without_end_are_no_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx, "_MOST_TEXTS", 3)
    path = tmp_path / "many.xlsx"
    workbook(path)  # of four texts
    with pytest.raises(UserError, match="holds far more"):
        read_table(path)
