"""Bodies and pieces of membrane are told apart wherever a wall counts, and old records are read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sxtstudio.workflow.beamtime.page import DATA, write_page
from sxtstudio.workflow.beamtime.record import RECORDS, RecordFolder, read_record
from sxtstudio.workflow.beamtime.summary import days_of, headline_of, objects_text, sentences_of


@pytest.mark.parametrize(
    ("total", "bodies", "border", "said"),
    [
        (9, 7, 2, "7 bodies and 2 pieces of membrane"),
        (9, 7, 5, "7 bodies and 2 pieces of membrane, most at the border"),
        (9, 7, 9, "7 bodies and 2 pieces of membrane, all at the border"),
        (8, 8, 4, "8 bodies"),
        (2, 0, 0, "0 bodies and 2 pieces of membrane"),
        (1, 1, 1, "1 body, at the border"),
        (0, 0, 0, "0 bodies"),
        (9, None, None, "9 objects"),
    ],
)
def test_bodies_and_pieces_of_membrane_are_counted_apart(total, bodies, border, said, make_record) -> None:
    record = make_record("c1.mrc", objects={"": total} if total else {}, bodies=bodies, border=border)
    assert headline_of(record) == f"5.0 % labelled, {said}"
    assert objects_text(record) == said


def test_classes_stand_before_what_they_are(make_record) -> None:
    record = make_record("c1.mrc", objects={"Vesicle": 3, "": 6}, bodies=7, border=9)
    assert objects_text(record) == (
        "3 Vesicle, 6 without a class (7 bodies and 2 pieces of membrane, all at the border)"
    )
    assert sentences_of(record)[-1] == (
        "9 of the 9 bodies and pieces of membrane touch the border of the volume, or of what was "
        "reconstructed; measurements leave them out."
    )
    assert not any("border" in text for text in sentences_of(make_record("c1.mrc", bodies=3, border=2)))


def test_days_count_them_apart_and_do_not_mix_them_with_old_records(make_record) -> None:
    """The figures of the day before are of a version that did not tell them apart."""
    records = [
        make_record("old.mrc", 0, objects={"": 12}),
        make_record("a.mrc", 1, objects={"": 9}, bodies=7, border=0),
        make_record("b.mrc", 1, objects={"": 4}, bodies=3, border=0),
    ]
    after, before = days_of(records)
    shown = {one.title: (one.text, one.change_text) for one in after.figures if one.mean is not None}
    assert shown["Bodies"] == ("5", "") and shown["Pieces of membrane"] == ("1.5", "")
    assert "Bodies and pieces of membrane" not in shown
    figures = {one.title: one.text for one in before.figures if one.mean is not None}
    assert figures["Bodies and pieces of membrane"] == "12" and "Bodies" not in figures


def test_the_page_counts_them_apart(tmp_path: Path, make_record) -> None:
    write_page(tmp_path, "Beamtime", [make_record("c1.mrc", objects={"": 9}, bodies=7, border=8)])
    text = (tmp_path / DATA).read_text()
    (one,) = json.loads(text[text.index("{") : text.rindex("}") + 1])["tomograms"]
    assert (one["objects"], one["pieces"]) == (7, 2)
    assert one["objectsText"] == "7 bodies and 2 pieces of membrane, most at the border"


def test_records_of_earlier_versions_are_read(page: RecordFolder, make_record) -> None:
    record = make_record("old.mrc", objects={"": 9}, bodies=7, border=1)
    page.write(record)
    path = page.folder / RECORDS / f"{record.id}.json"
    assert read_record(path) == record
    values = json.loads(path.read_text())
    del values["bodies"], values["border"]
    path.write_text(json.dumps(values))
    assert objects_text(read_record(path)) == "9 objects"
