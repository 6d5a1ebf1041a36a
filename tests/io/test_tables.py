"""Tables of objects, read back with other libraries than they were written with."""

from __future__ import annotations

import csv
import zipfile
from pathlib import Path

import numpy as np
import openpyxl
import polars
import pytest

from sxtstudio.core.errors import UserError
from sxtstudio.core.measure.columns import Column, Measurements, Quantity
from sxtstudio.core.measure.table import Table, about, object_table
from sxtstudio.core.object_table import Decided, ObjectFlag, ObjectRow, ObjectTable
from sxtstudio.core.printable import printable
from sxtstudio.core.verified import NotAsWritten
from sxtstudio.io import tables
from sxtstudio.io.tables import TABLE_SUFFIXES, dictionary_path, read_table, write_table

VOLUME = Column("volume", "Volume", Quantity.UM3, "Voxels times the volume of a voxel.", "n × v", "MIB")
SD = Column("slice_area_sd", "Area, SD", Quantity.NM2, "Standard deviation.")
EVIL = '=HYPERLINK("http://x")'


@pytest.fixture
def table() -> Table:
    measured = Measurements(np.array([1, 7, 4_000_000_000]))
    measured.add(VOLUME, np.array([0.123456789, 1e-7, 12.0]))
    measured.add(SD, np.array([np.nan, -2.5, 3.0]))
    rows = {
        1: ObjectRow(
            "Mitochondrion", Decided.CLASSIFIER, 0.75, EVIL, frozenset([ObjectFlag.OPEN, ObjectFlag.BORDER])
        ),
        7: ObjectRow(notes="ends early\n+1"),
    }
    return object_table(measured, ObjectTable(rows), about("zelle µ.mrc", (20.0, 10.0, 10.0)))


def stored(path: Path) -> list[dict[str, object]]:
    """Read a table with another library."""
    if path.suffix == ".csv":
        with open(path, encoding="utf-8", newline="") as file:
            return [dict(row) for row in csv.DictReader(file)]
    if path.suffix == ".parquet":
        return polars.read_parquet(path).to_dicts()
    rows = openpyxl.load_workbook(path)["Objects"].iter_rows(values_only=True)
    names = next(rows)
    return [dict(zip(names, row, strict=True)) for row in rows]


@pytest.mark.parametrize("suffix", TABLE_SUFFIXES)
def test_other_programs_read_what_was_written(suffix: str, table: Table, tmp_path: Path) -> None:
    path = tmp_path / f"objects{suffix}"
    write_table(path, table)
    first, second, third = stored(path)
    names = ["object", "class", "class_by", "class_sure", "flags", "notes", "volume_um3", "slice_area_sd_nm2"]
    assert list(first) == names
    assert [int(str(row["object"])) for row in (first, second, third)] == [1, 7, 4_000_000_000]
    assert float(str(first["volume_um3"])) == pytest.approx(0.123456789, rel=1e-6)
    assert float(str(second["volume_um3"])) == 1e-7 and float(str(second["slice_area_sd_nm2"])) == -2.5
    assert first["slice_area_sd_nm2"] in (None, "")  # not measured
    assert (first["class"], first["class_by"], first["flags"]) == (
        "Mitochondrion",
        "classifier",
        "border open",
    )
    assert float(str(first["class_sure"])) == 0.75 and second["class_sure"] in (None, "")
    assert third["class"] in (None, "")
    assert "ends early" in str(second["notes"])


@pytest.mark.parametrize("suffix", TABLE_SUFFIXES)
def test_no_text_is_a_formula(suffix: str, table: Table, tmp_path: Path) -> None:
    path = tmp_path / f"objects{suffix}"
    write_table(path, table)
    if suffix == ".csv":
        assert stored(path)[0]["notes"] == f"'{EVIL}"
    elif suffix == ".xlsx":
        cell = openpyxl.load_workbook(path)["Objects"]["F2"]
        assert (cell.value, cell.data_type, cell.hyperlink) == (EVIL, "s", None)
    assert read_table(path)["notes"][0] == EVIL


@pytest.mark.parametrize("suffix", TABLE_SUFFIXES)
def test_what_was_written_is_read_again(suffix: str, table: Table, tmp_path: Path) -> None:
    path = tmp_path / f"objects{suffix}"
    write_table(path, table)
    found = read_table(path)
    assert list(found) == [column.name for column in table.columns]
    assert found["object"].dtype == np.int64 and found["object"].tolist() == [1, 7, 4_000_000_000]
    assert found["class"].tolist() == ["Mitochondrion", "", ""]
    for name in ("class_sure", "slice_area_sd_nm2", "volume_um3"):
        wanted = next(column.values for column in table.columns if column.name == name)
        assert found[name] == pytest.approx(wanted, rel=1e-6, nan_ok=True), name


@pytest.mark.parametrize("suffix", TABLE_SUFFIXES)
def test_a_dictionary_explains_every_column(suffix: str, table: Table, tmp_path: Path) -> None:
    path = tmp_path / f"cells.v2{suffix}"
    write_table(path, table)
    beside = dictionary_path(path)
    if beside is None:
        sheet = openpyxl.load_workbook(path)["Dictionary"].iter_rows(values_only=True)
        names = next(sheet)
        rows = [dict(zip(names, [value or "" for value in row], strict=True)) for row in sheet]
    else:
        assert beside == tmp_path / "cells.v2.dictionary.csv"
        rows = stored(beside)
    explained = {row["column"]: row for row in rows}
    assert list(explained)[: len(table.columns)] == [column.name for column in table.columns]
    volume = explained["volume_um3"]
    assert [volume[key] for key in ("unit", "definition", "formula", "source")] == [
        "µm³",
        VOLUME.definition,
        "n × v",
        "MIB",
    ]
    assert explained["(measured in)"]["definition"] == "zelle µ.mrc"
    assert explained["(voxel size)"]["definition"] == "20 × 10 × 10 nm (z × y × x)"
    assert str(explained["(program)"]["definition"]).startswith("SXT Studio")


def test_without_a_voxel_size_names_and_dictionary_say_voxels() -> None:
    measured = Measurements(np.array([1]), calibrated=False)
    measured.add(VOLUME, np.array([8.0]))
    found = object_table(measured, None, about("x.tif", None))
    assert [column.name for column in found.columns] == ["object", "volume_voxels"]
    rows = {row["column"]: row for row in found.dictionary()}
    assert rows["volume_voxels"]["unit"] == "voxels"
    assert "voxels" in rows["(voxel size)"]["definition"]


@pytest.mark.parametrize("suffix", TABLE_SUFFIXES)
def test_a_former_table_stays_where_writing_fails(
    suffix: str, table: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / f"objects{suffix}"
    write_table(path, table)
    before = path.read_bytes()
    broken = Table((table.columns[0], *table.columns[:0]), table.about, True)
    monkeypatch.setattr("sxtstudio.io.tables._rounded", lambda column: 1 / 0)
    monkeypatch.setattr("sxtstudio.io.tables._series", lambda column: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_table(path, broken)
    assert path.read_bytes() == before
    assert not [name for name in tmp_path.iterdir() if "partial" in name.name]


def test_a_table_without_rows_is_one(tmp_path: Path) -> None:
    measured = Measurements(np.empty(0, np.int64))
    measured.add(VOLUME, np.empty(0))
    for suffix in TABLE_SUFFIXES:
        path = tmp_path / f"none{suffix}"
        write_table(path, object_table(measured, None, {}))
        assert {name: len(values) for name, values in read_table(path).items()} == {
            "object": 0,
            "volume_um3": 0,
        }


def test_a_sheet_of_another_program(tmp_path: Path) -> None:
    """Empty cells, texts in their own part, numbers as text."""
    book = openpyxl.Workbook()
    sheet = book.active
    for row in (["name", "size", "note"], ["a", 1.5, None], ["b", None, "x"], ["b", 2, "=1"]):
        sheet.append(row)
    sheet["C4"].data_type = "s"
    book.save(tmp_path / "theirs.xlsx")
    found = read_table(tmp_path / "theirs.xlsx")
    assert found["name"].tolist() == ["a", "b", "b"]
    assert found["size"] == pytest.approx([1.5, np.nan, 2], nan_ok=True)
    assert found["note"].tolist() == ["", "x", "=1"]


@pytest.mark.parametrize("suffix", TABLE_SUFFIXES)
@pytest.mark.parametrize(
    ("names", "row", "words"),
    [
        ([f"c{n}" for n in range(2_001)], [1] * 2_001, "more than 2.000 columns"),
        (["a", "b"], [1, "x" * 40_000], "a cell holds at most"),
    ],
    ids=["columns", "letters"],
)
def test_a_table_without_bounds_is_one_sentence(
    suffix: str, names: list[str], row: list[object], words: str, tmp_path: Path
) -> None:
    path = tmp_path / f"large{suffix}"
    frame = polars.DataFrame({name: [value] for name, value in zip(names, row, strict=True)})
    if suffix == ".csv":
        frame.write_csv(path)
    elif suffix == ".parquet":
        frame.write_parquet(path)
    else:
        with zipfile.ZipFile(path, "w") as archive:
            write_sheet(
                archive, "".join(f"<row>{''.join(map(text_cell, line))}</row>" for line in (names, row))
            )
    with pytest.raises(UserError, match=words) as error:
        read_table(path)
    assert len(str(error.value)) < 300


def text_cell(text: object) -> str:
    return f'<c t="inlineStr"><is><t>{text}</t></is></c>'


def write_sheet(archive: zipfile.ZipFile, rows: str) -> None:
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    archive.writestr(
        "xl/workbook.xml",
        f'<workbook xmlns="{main}" xmlns:r="{relations}"><sheets><sheet r:id="a"/></sheets></workbook>',
    )
    package = "http://schemas.openxmlformats.org/package/2006/relationships"
    archive.writestr(
        "xl/_rels/workbook.xml.rels",
        f'<Relationships xmlns="{package}"><Relationship Id="a" Target="s.xml"/></Relationships>',
    )
    archive.writestr("xl/s.xml", f'<worksheet xmlns="{main}"><sheetData>{rows}</sheetData></worksheet>')


def test_the_rows_of_parquet_are_counted_before_they_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "bomb.parquet"
    polars.DataFrame({"object": polars.zeros(2_000_001, dtype=polars.Int8, eager=True)}).write_parquet(path)
    monkeypatch.setattr(polars, "read_parquet", lambda *_, **__: pytest.fail("was read"))
    with pytest.raises(UserError, match=r"more than 2.000.000 rows"):
        read_table(path)


def test_columns_of_one_name_and_of_lists_are_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "two.csv").write_text("object,class,class,,\n1,a,b,,\n")
    with zipfile.ZipFile(tmp_path / "two.xlsx", "w") as archive:
        write_sheet(archive, f"<row>{''.join(map(text_cell, ('object', 'class', 'class')))}</row>")
    for name in ("two.csv", "two.xlsx"):
        with pytest.raises(UserError, match="two columns “class”"):
            read_table(tmp_path / name)
    polars.DataFrame({"object": [[1], [2]]}).write_parquet(tmp_path / "lists.parquet")
    with pytest.raises(UserError, match="neither numbers nor texts in “object”"):
        read_table(tmp_path / "lists.parquet")


def test_numbers_beyond_int64_are_none_of_objects(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(f"a,b,c\n7,{2**63 - 1},7\n1e300,{-(2**63)},{2**63}\n")
    found = read_table(tmp_path / "t.csv")
    assert found["a"].tolist() == [7, 1e300] and found["c"].tolist() == [7, 2.0**63]
    assert found["b"].tolist() == [2**63 - 1, -(2**63)]


@pytest.mark.parametrize("suffix", TABLE_SUFFIXES)
@pytest.mark.parametrize("content", [b"", b"\x00\xff\xfe nothing", b"PK\x03\x04 no zip", b'"a","b\n1'])
def test_what_is_no_table_is_one_sentence(suffix: str, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / f"bad{suffix}"
    path.write_bytes(content)
    try:
        found = read_table(path)
    except UserError as error:
        assert path.name in str(error) and "Traceback" not in str(error)
    else:
        assert suffix == ".csv" and found


def test_a_zip_that_is_no_workbook_and_names_that_are_no_tables(tmp_path: Path, table: Table) -> None:
    path = tmp_path / "bad.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("xl/workbook.xml", "<a/>")
    with pytest.raises(UserError, match="is damaged"):
        read_table(path)
    with pytest.raises(UserError, match=r"\.csv, \.xlsx, \.parquet"):
        write_table(tmp_path / "x.ods", table)
    with pytest.raises(UserError, match="no table"):
        read_table(tmp_path / "x.ods")
    with pytest.raises(UserError, match="does not exist"):
        read_table(tmp_path / "missing.csv")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"object;volume_um3\n1;0,5\n", "is separated by semicolons"),
        ("\ufeffobject;class\n1;a\n".encode(), "is separated by semicolons"),
        (b"sep=;\nobject;class\n1;a\n", "is separated by semicolons"),
        (b"object\tclass\n1\ta\n", "is separated by tabs"),
        ("object,class\n1,Körper\n".encode("latin-1"), "is not in UTF-8"),
        ("object,class\n1,a\n".encode("utf-16"), "perhaps in UTF-16"),
        ("object,class\n1,a\n".encode("utf-16-le"), "perhaps in UTF-16"),
        (b"object,volume\n1,0,5\n", "rows that do not fit the names of its columns"),
        (b"", "is empty"),
        (b"\n\n", "is empty"),
    ],
)
def test_a_csv_of_a_spreadsheet_program_says_how_to_save_it(
    content: bytes, words: str, tmp_path: Path
) -> None:
    path = tmp_path / "theirs.csv"
    path.write_bytes(content)
    with pytest.raises(UserError, match=words) as error:
        read_table(path)
    said = str(error.value)
    assert said.startswith("theirs.csv ") and "polars" not in said and len(said) < 200
    assert "empty" in said or "Save it as .xlsx, or as CSV in UTF-8 with commas" in said


@pytest.mark.parametrize("suffix", TABLE_SUFFIXES)
def test_a_cell_that_is_read_back_otherwise_is_found(
    suffix: str, table: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a disk does that keeps something else: a letter of the text, a number of the sheet."""
    assert write_table(tmp_path / f"a{suffix}", table) == "read back and compared: every cell"
    real_bytes, real_sheet, real_frame = Path.write_bytes, tables.read_xlsx, polars.DataFrame.write_parquet

    def other_bytes(self: Path, content: bytes) -> int:
        return real_bytes(self, content if b"dictionary" in bytes(self) else content[:-3] + b"7\r\n")

    def other_sheet(path: Path) -> dict[str, list[object]]:
        found = real_sheet(path)
        last = found[[*found][-1]]
        last[-1] = "else"
        return found

    monkeypatch.setattr(Path, "write_bytes", other_bytes)
    monkeypatch.setattr(tables, "read_xlsx", other_sheet)
    monkeypatch.setattr(
        polars.DataFrame, "write_parquet", lambda self, *a, **b: real_frame(self.reverse(), *a, **b)
    )
    with pytest.raises(NotAsWritten, match=f"b{suffix} was not written"):
        write_table(tmp_path / f"b{suffix}", table)
    assert not (tmp_path / f"b{suffix}").exists()


@pytest.mark.parametrize("suffix", TABLE_SUFFIXES)
@pytest.mark.parametrize(
    "text",
    ["_x0041_", "_x000D_", " ends ", "{=1}", "007", "a\nb", "\ufffe", "😀 ä", '<a>&"', "'=1", "x" * 32_767],
    ids=lambda text: ascii(text)[:12],
)
def test_odd_texts_are_read_back_as_they_were_written(suffix: str, text: str, tmp_path: Path) -> None:
    """Excel writes letters that XML does not have as _x000D_, and such a text as _x005F_x000D_."""
    rows = ObjectTable({1: ObjectRow(notes=text), 2: ObjectRow()})
    shown = printable(text)
    measured = Measurements(np.array([1, 2]), calibrated=True)
    path = tmp_path / f"a{suffix}"
    assert write_table(path, object_table(measured, rows, {})).endswith("every cell")
    if suffix == ".xlsx" and not text.startswith(("_x", "\ufffe")):  # openpyxl leaves those as they are
        sheet = openpyxl.load_workbook(path)["Objects"]
        cells = [cell for row in sheet.iter_rows(values_only=True) for cell in row]
        assert any(cell is not None and str(cell).strip() == shown.strip() for cell in cells)


def test_what_an_xlsx_file_does_not_hold_and_what_is_not_compared_is_said(
    table: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = ObjectTable({1: ObjectRow(notes="x" * 40_000)})
    long = object_table(Measurements(np.array([1]), calibrated=True), rows, {})
    with pytest.raises(
        UserError, match=r"at most 32.767 letters and one of “notes” has 40.000\. Write it as"
    ):
        write_table(tmp_path / "a.xlsx", long)
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(tables, "_MOST_COMPARED", 3)
    assert write_table(tmp_path / "a.xlsx", table).startswith("not read back: more than 3 cells")
    assert read_table(tmp_path / "a.xlsx")
