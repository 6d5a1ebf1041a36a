"""``sxtstudio batch`` as it is typed."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from sxtstudio.cli import build_parser, main
from sxtstudio.commands.batch import _row_text
from sxtstudio.commands.beamtime import beamtime_of
from sxtstudio.core.progress import Progress
from sxtstudio.workflow.beamtime.record import RecordFolder, TomogramState, record_for
from sxtstudio.workflow.jobs.batch_files import BatchRow
from sxtstudio.workflow.jobs.batch_objects import ObjectsFound
from sxtstudio.workflow.jobs.watch import signature_of


def test_batch_tells_of_every_tomogram(tomogram: Path, toy_model: Path, tmp_path: Path, capsys) -> None:
    broken = tmp_path / "broken.mrc"
    broken.write_bytes(b"nothing of the kind")
    last = tmp_path / "last.mrc"
    shutil.copy(tomogram, last)
    out = tmp_path / "out"
    words = ["batch", str(tomogram), str(broken), str(last), "-o", str(out), "--model", str(toy_model)]
    words += [
        "--device",
        "cpu",
        "--polarity",
        "dark",
        "--format",
        "mrc",
        "--min-size",
        "20",
        "--neighbours",
        "0",
        "--tile",
        "48",
        "--trust",
        "none",
    ]
    words += ["--contact-sheet", str(out / "sheet.png"), "--summary", str(out / "all.csv")]
    assert main(words) == 2
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert "1 of 3" in lines[0] and "% labelled" in lines[0]
    assert "failed" in lines[1] and "broken.mrc" in lines[1]
    assert lines[3] == "2 of 3 tomograms segmented, 1 failed"
    assert sorted(path.name for path in out.iterdir()) == [
        "all.csv", "cell.labels.json", "cell.labels.mrc", "last.labels.json", "last.labels.mrc", "sheet.png",
    ]  # fmt: skip
    report = json.loads((out / "last.labels.json").read_text())
    asked = report["parameters"]
    assert (asked["neighbours"], asked["tile_px"], asked["trust"]) == (0, 48, "none")
    assert report["trust"] is None
    with Image.open(out / "sheet.png") as sheet:
        sheet.verify()
    assert main([*words, "--skip-existing"]) == 2
    assert "2 skipped, 1 failed" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words",
    [
        ["batch"],
        ["batch", "a.mrc", "--watch", "folder"],
        ["batch", "--watch", "missing"],
        ["batch", "a.mrc", "--contact-sheet", "x.jpg"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_a_sentence(words: list[str], capsys) -> None:
    assert main(words) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and told.startswith("sxtstudio: ")


def write_card(model: Path, **entries: object) -> None:
    digest = hashlib.sha256(model.read_bytes()).hexdigest()
    card = {"name": "toy", "description": "A toy.", "trained_on": "nothing", "base_width": 1}
    card |= {"label_output": "label", "sha256": digest, "licence": "MIT", **entries}
    model.with_suffix(".json").write_text(json.dumps(card))


@pytest.mark.parametrize("way", ["list", "watch", "cluster", "watch on a cluster"])
@pytest.mark.parametrize(
    ("entries", "words", "said"),
    [
        ({}, ["--use", "everything"], "no threshold for “find everything”"),
        ({"slices": 9}, [], "slices"),
        ({}, ["--device", "cudo"], "'cudo' is not known"),
        ({}, ["--mask", "missing.mrc"], "missing.mrc"),
        ({}, ["--smooth-z", "5000"], "5000 slices"),
        ({}, ["--summary", "all.xls"], "all.xls"),
    ],
    ids=["use", "card", "device", "mask", "clean-up", "table"],
)
def test_what_no_tomogram_could_mend_is_said_before_anything_is_made(
    entries: dict,
    words: list[str],
    said: str,
    way: str,
    tomogram: Path,
    toy_model: Path,
    tmp_path: Path,
    capsys,
) -> None:
    write_card(toy_model, **entries)
    before = sorted(tmp_path.rglob("*"))
    given = ["batch", "-o", str(tmp_path / "out" / "in"), "--model", str(toy_model), *words]
    watched = ["--watch", str(tomogram.parent), "--page", str(tmp_path / "page")]
    given += watched if way.startswith("watch") else [str(tomogram)]
    given += ["--cluster", "local:2"] if way.endswith("cluster") else []
    assert main(given) == 2
    told = capsys.readouterr()
    assert said in told.err and told.err.count("\n") == 1 and told.out == ""
    assert sorted(tmp_path.rglob("*")) == before


def test_of_what_failed_in_earlier_runs_a_watch_says_when_it_is_tried_again(tmp_path: Path, capsys) -> None:
    bad, page = tmp_path / "bad.mrc", tmp_path / "page"
    bad.write_bytes(b"nothing of the kind")
    record = replace(record_for(bad, {}, signature_of(bad)), state=TomogramState.FAILED)
    RecordFolder(page).write(record)
    words = ["batch", "--watch", str(tmp_path), "--page", str(page)]
    said = {}
    for more in ([], ["--retry"]):
        follower = beamtime_of(build_parser().parse_args([*words, *more]))()
        said["".join(more)] = capsys.readouterr().out
        follower.stopped()
    note = (
        "note: 1 tomogram failed in earlier runs, and is tried again only once the file has changed, or with"
    )
    assert said[""].startswith(f"{note} --retry: bad.mrc\npage: ") and said["--retry"].startswith("page: ")
    assert main(["batch", "--watch", str(tmp_path), "--retry"]) == 2
    assert "--retry is for the page of a beamtime" in capsys.readouterr().err


def test_how_many_objects_a_tomogram_has_is_printed_once_it_is_done(tmp_path: Path) -> None:
    words = ["batch", "--watch", str(tmp_path), "--page", str(tmp_path / "page"), "--objects"]
    lines: list[str] = []
    keeper = beamtime_of(build_parser().parse_args(words), lines.append)
    assert keeper is not None
    follower = keeper()
    (tmp_path / "cell.mrc").write_bytes(b"anything")
    row = BatchRow(tmp_path / "cell.mrc", "running")
    assert follower.wants(row.tomogram)
    follower.changed(row)
    found = ObjectsFound({"Vesicle": 12, "": 3})
    done = replace(row, state="done", output=tmp_path / "cell.labels.tif", objects=found)
    follower.ended(done, Progress())
    follower.stopped()
    assert lines == ["cell.mrc: 12 Vesicle, 3 without a class"]


def test_labels_in_which_a_worker_could_find_no_objects_are_not_told_as_a_success() -> None:
    row = BatchRow(
        Path("L2.mrc"), "done", Path("L2.labels.tif"), seconds=65.0, labelled=0.1493, worker="4 workers"
    )
    told = _row_text(row)
    assert told.startswith("L2.labels.tif, 14.93 % labelled, ") and told.endswith(", on 4 workers")
    lost = ObjectsFound(trouble="The worker that looked for objects was lost 3 times.")
    assert _row_text(replace(row, objects=lost)) == f"{told}; no objects: {lost.trouble}"
    noted = replace(row, objects=lost, message="The polarity is a guess.")
    assert _row_text(noted) == f"{told}; The polarity is a guess.; no objects: {lost.trouble}"
    assert _row_text(replace(row, objects=ObjectsFound({"": 3}))) == told
