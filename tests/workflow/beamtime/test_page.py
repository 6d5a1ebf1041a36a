"""The page, read by other readers than the one that wrote it: html.parser, json, and the disk."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

from sxtstudio.core.quality.record import QualityFlag
from sxtstudio.workflow.beamtime.page import write_now, write_page
from sxtstudio.workflow.beamtime.record import RecordFolder
from sxtstudio.workflow.beamtime.status import Activity, Status

TITLE = "Beamtime <b>&</b>"


class Reader(HTMLParser):
    """Collects tags, attributes and what stands between."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def called(path: Path, name: str) -> dict:
    text = path.read_text("ascii")
    assert "<" not in text and ">" not in text and text.count("\n") == 1
    found = re.fullmatch(rf"sxtBeamtime\.{name}\((.*)\);\n", text)
    assert found is not None
    return json.loads(found[1])


def test_the_page_holds_all_and_nothing_from_elsewhere(page: RecordFolder) -> None:
    version = write_page(page.folder, TITLE, list(page))
    write_now(
        page.folder, Status(Activity.WORKING, "x.mrc", "segmenting", 0.5, 2, 600.0, "Make room."), version
    )
    reader = Reader((page.folder / "index.html").read_text("utf-8"))
    assert not [tag for tag, _ in reader.tags if tag in ("link", "iframe", "base", "form")][1:]
    links = [value for _, all_of in reader.tags for key, value in all_of.items() if key in ("src", "href")]
    for link in links:
        assert link is not None and link != "x"
        assert link == "data:," or (page.folder / unquote(link)).is_file(), link
    assert sum(link.endswith(".png") for link in links if link) == 2 * 3
    scripts = [attributes for tag, attributes in reader.tags if tag == "script"]
    assert scripts == [{}], "one script, in the page itself"
    source = (page.folder / "index.html").read_text("utf-8")
    assert not re.search(r"https?:|innerHTML|document\.write|\beval\b", source)
    shown = "".join(reader.texts)
    assert "<img src=x onerror=alert(1)>.mrc" in shown and "Zoë Łódź 細胞.mrc" in shown
    assert not [1 for _, all_of in reader.tags if "onerror" in all_of]

    data, now = called(page.folder / "data.js", "data"), called(page.folder / "now.js", "now")
    assert data["version"] == now["version"] == version and data["title"] == TITLE
    assert [one["name"] for one in data["tomograms"]] == [
        "<img src=x onerror=alert(1)>.mrc", "Zoë Łódź 細胞.mrc", "broken.mrc", r"</script>&amp;\u2028.mrc",
    ] or len(data["tomograms"]) == 4  # fmt: skip
    marks = {one["name"]: one["mark"] for one in data["tomograms"]}
    assert sorted(marks.values()) == ["bad", "failed", "good", "worth a look"]
    for one in data["tomograms"]:
        assert all((page.folder / name).is_file() for name in one["pictures"].values())
    assert now["trouble"] == "Make room." and "x.mrc" in now["text"] and "2 more" in now["text"]


def test_what_is_doubted_of_labels_asks_for_a_look_after_what_is_bad(tmp_path: Path, make_record) -> None:
    doubt = ("Whether membranes are dark or bright here is not sure.",)
    records = [
        make_record(flag.value, flag=flag, doubts=doubt)
        for flag in (QualityFlag.GOOD, QualityFlag.LOOK, QualityFlag.BAD)
    ]
    write_page(tmp_path, "Beamtime", records)
    data = called(tmp_path / "data.js", "data")
    assert [one["mark"] for one in data["tomograms"]] == ["worth a look", "worth a look", "bad"]
    bad = "Details below 40 nm are lost in the noise."
    assert [one["head"] for one in data["tomograms"]] == [*doubt, *doubt, bad]
    assert [one["sentences"][:2] for one in data["tomograms"]] == [[*doubt], [*doubt, bad], [bad, *doubt]]
    assert data["days"][0]["look"] == 3
    assert "worth a look" in (tmp_path / "index.html").read_text()


def test_days_are_compared_by_their_means(page: RecordFolder) -> None:
    write_page(page.folder, TITLE, list(page))
    today, yesterday = called(page.folder / "data.js", "data")["days"]
    assert (today["tomograms"], today["done"], today["failed"], today["look"]) == (2, 1, 1, 2)
    assert (yesterday["tomograms"], yesterday["look"]) == (2, 1)
    assert ["Resolution", "50 nm", "+8 nm"] in today["figures"], "50 and (40 + 44) / 2"
    assert ["Resolution", "42 nm", ""] in yesterday["figures"]
    assert ["Cell", "25 %", "±0.0 points"] in today["figures"]
    assert ["Labelled", "5.0 %", "±0.0 points"] in today["figures"]


def test_a_day_is_compared_with_the_one_before_that_has_tomograms(make_record, tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    nm = {0: 40.0, 1: 46.0, 4: 50.0}
    write_page(tmp_path, TITLE, [make_record(f"{day}.mrc", day, nm[day]) for day in nm])
    days = called(tmp_path / "data.js", "data")["days"]
    changes = [next(figure for figure in day["figures"] if figure[0] == "Resolution") for day in days]
    assert changes == [
        ["Resolution", "50 nm", "+4 nm"],
        ["Resolution", "46 nm", "+6 nm"],
        ["Resolution", "40 nm", ""],
    ]


def test_tomograms_that_were_replaced_do_not_count(page: RecordFolder, make_record) -> None:
    former = make_record("cell.mrc", 1, nm=500.0, flag=QualityFlag.BAD)
    page.write(former)
    page.write(make_record("cell.mrc", 2, nm=50.0))
    write_page(page.folder, TITLE, list(page))
    data = called(page.folder / "data.js", "data")
    assert [day["tomograms"] for day in data["days"]] == [1, 2, 2]
    (shown,) = [one for one in data["tomograms"] if one["id"] == former.id]
    assert shown["replaced"] and "taken its place" in shown["sentences"][0]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_figures_that_are_no_numbers_do_not_break_the_page(
    value: float, page: RecordFolder, make_record
) -> None:
    record = make_record("cell.mrc")
    assert record.quality is not None
    (figure, *others) = record.quality.figures
    broken = replace(record.quality, figures=(replace(figure, value=value), *others))
    write_page(page.folder, TITLE, [replace(record, quality=broken)])
    (one,) = called(page.folder / "data.js", "data")["tomograms"]
    assert one["figures"][0][5] is None


@pytest.mark.parametrize("doing", list(Activity))
def test_every_state_has_its_words(doing: Activity, tmp_path: Path) -> None:
    write_now(tmp_path, Status(doing, "cell.mrc", "segmenting"), "1")
    assert called(tmp_path / "now.js", "now")["text"].strip()


def test_data_of_thousands_stay_small(tmp_path: Path, make_record) -> None:
    records = [make_record(f"cell-{number:05}.mrc", number % 5) for number in range(2000)]
    (tmp_path / "pictures").mkdir()
    write_page(tmp_path, TITLE, records)
    assert (tmp_path / "data.js").stat().st_size < 2000 * 1200
    assert (tmp_path / "index.html").stat().st_size < 200_000
