"""The table of the objects in files: as it was, and nothing of a stranger's file does harm."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import pytest

from sxtstudio.core.errors import UserError
from sxtstudio.core.object_classes import CLASSES, ObjectClass
from sxtstudio.core.object_table import Decided, ObjectFlag, ObjectRow, ObjectTable, TableChange
from sxtstudio.io import object_table
from sxtstudio.io.object_table import (
    SCHEMA,
    TableLog,
    change_mark,
    pack_change,
    read_table,
    unpack_change,
    write_table,
)

OWN = ObjectClass("Golgi „δ“", (1, 2, 3))
ROW = ObjectRow(
    "Golgi „δ“",
    Decided.CLASSIFIER,
    0.25,
    'two\nlines, "quoted"',
    frozenset({ObjectFlag.BORDER, ObjectFlag.OPEN}),
)
TABLE = ObjectTable({2: ROW, 70_000: ObjectRow(), 2**32 - 1: ObjectRow("Vesicle")}, (*CLASSES, OWN))


def test_a_table_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "objects-1.json"
    crc32 = write_table(path, TABLE)
    assert read_table(path, "The table") == (TABLE, crc32)
    assert crc32 == zlib.crc32(path.read_bytes())


def test_the_keys_of_the_file_stay_what_they_are(tmp_path: Path) -> None:
    write_table(tmp_path / "a.json", TABLE)
    content = json.loads((tmp_path / "a.json").read_text("utf-8"))
    assert content["schema"] == "sxtstudio-objects/1"
    assert content["classes"][-1] == {"name": OWN.name, "rgb": [1, 2, 3]}
    assert content["rows"]["2"] == {
        "class": OWN.name,
        "decided": "classifier",
        "sure": 0.25,
        "notes": ROW.notes,
        "flags": ["border", "open"],
    }
    assert content["rows"]["70000"] == {}


GOOD = {
    "schema": SCHEMA,
    "classes": [{"name": "Vesicle", "rgb": [1, 2, 3]}],
    "rows": {"1": {"class": "Vesicle"}},
}


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"schema": "sxtstudio-objects/2"}, "newer SXT Studio"),
        ({"schema": "something"}, "schema"),
        ({"rows": {"0": {}}}, "rows"),
        ({"rows": {"-1": {}}}, "rows"),
        ({"rows": {"1.5": {}}}, "rows"),
        ({"rows": {"4294967296": {}}}, "4294967295"),
        ({"rows": {"1": None}}, "rows"),
        ({"rows": {"1": {"class": "Nobody"}}}, "class"),
        ({"rows": {"1": {"flags": ["torn"]}}}, "flags"),
        ({"rows": {"1": {"sure": 2}}}, "sure"),
        ({"classes": [{"name": "A", "rgb": [1, 2, 300]}]}, "rgb"),
        ({"classes": [{"name": "A", "rgb": [1, 2, 3]}] * 2, "rows": {}}, "different names"),
        ({"classes": None}, "classes"),
    ],
)
def test_a_damaged_table_is_one_sentence(changed: dict, words: str, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(GOOD))
    assert read_table(path, "The table")[0].rows == {1: ObjectRow("Vesicle")}
    path.write_text(json.dumps(GOOD | changed))
    with pytest.raises(UserError, match=words) as told:
        read_table(path, "The table")
    assert str(told.value).startswith("The table")


def test_a_change_comes_back() -> None:
    for change in (
        TABLE.change({2: None, 5: ObjectRow(notes="new")}, CLASSES),
        TABLE.change({}, CLASSES),
        TableChange(),
    ):
        data, size = pack_change(change)
        assert unpack_change(data, size, "The change") == change


def test_a_strangers_change_unpacks_to_no_more_than_it_says() -> None:
    bomb = zlib.compress(b" " * (1 << 22))
    for size in (0, 100, object_table.MOST_BYTES + 1):
        with pytest.raises(ValueError, match=r"size|large"):
            unpack_change(bomb, size, "The change")
    for text in (b"[]", b'{"after": {"1": {}}}', b'{"before": {"0": null}, "after": {"0": null}}', b"{"):
        with pytest.raises(UserError, match="The change"):
            unpack_change(zlib.compress(text), len(text), "The change")
    with pytest.raises(ValueError, match="damaged"):
        unpack_change(b"no zlib", 7, "The change")


def test_the_log_gives_the_table_after_every_change(tmp_path: Path) -> None:
    log, table = TableLog(tmp_path / "objects.jsonl"), TABLE
    assert log.read() is None
    for change in (
        TABLE.change({2: ObjectRow("Vesicle")}),
        TABLE.change({70_000: None, 1: ObjectRow(notes="first")}),
        TABLE.change({}, CLASSES),
    ):
        table = table.changed(change)
        log.append(table, change)
        found = TableLog(tmp_path / "objects.jsonl").read()
        assert found is not None and found[0] == table
    assert list(found[0].rows) == [1, 2, 2**32 - 1]
    assert change_mark(TABLE.change({70_000: None, 1: ObjectRow(notes="first")})) in found[1]
    assert change_mark(TABLE.change({70_000: None})) not in found[1]


def test_a_change_appends_a_line_and_does_not_write_the_table_again(tmp_path: Path) -> None:
    table = ObjectTable.of(range(1, 20_001))
    log, path = TableLog(tmp_path / "objects.jsonl"), tmp_path / "objects.jsonl"
    log.append(table)
    whole = path.stat().st_size
    for number in range(1, 101):
        change = table.change({number: ObjectRow("Vesicle")})
        table = table.changed(change)
        log.append(table, change)
    assert path.stat().st_size - whole < 100 * 60 < whole / 10


def test_the_log_does_not_grow_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(object_table, "_LOG_BYTES", 500)
    log, path, table = (
        TableLog(tmp_path / "objects.jsonl"),
        tmp_path / "objects.jsonl",
        ObjectTable.of((1, 2)),
    )
    for number in range(200):
        change = table.change({1: ObjectRow(notes=str(number))})
        table = table.changed(change)
        log.append(table, change)
        assert path.stat().st_size < 5000
    found = log.read()
    assert found is not None and found[0] == table


@pytest.mark.parametrize("torn", [1, 10, 25])
def test_a_line_that_was_being_written_does_not_count(tmp_path: Path, torn: int) -> None:
    path, table = tmp_path / "objects.jsonl", ObjectTable.of((1, 2))
    log = TableLog(path)
    log.append(table)
    change = table.change({1: ObjectRow("Vesicle")})
    log.append(table.changed(change), change)
    path.write_bytes(path.read_bytes()[:-torn] if torn > 1 else path.read_bytes() + b'{"after": {"1"')
    found = log.read()
    assert found is not None and found[0] == (table.changed(change) if torn == 1 else table)


def test_after_trouble_the_whole_table_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, table = tmp_path / "objects.jsonl", ObjectTable.of((1, 2))
    log = TableLog(path)
    log.append(table)
    with monkeypatch.context() as context, pytest.raises(OSError, match="full"):
        context.setattr(object_table, "append_lines", lambda *_: (_ for _ in ()).throw(OSError("full")))
        log.append(table, table.change({1: ObjectRow("Vesicle")}))
    table = ObjectTable.of((1, 2, 3))
    log.append(table, TableChange())
    found = log.read()
    assert found is not None and found[0] == table
