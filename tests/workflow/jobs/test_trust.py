"""Figures of trust in the report of a segmentation and in a project."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sxtstudio.core.errors import UserError
from sxtstudio.core.trust import SliceTrust
from sxtstudio.segment import SegmentParameters
from sxtstudio.workflow.document.document import Document
from sxtstudio.workflow.document.project import open_project, save, snapshot
from sxtstudio.workflow.document.recovered import recover
from sxtstudio.workflow.jobs.segmenting import SegmentJob, segment_file

FIGURES = tuple(SliceTrust(0.5 + z / 20, 0.8 if z == 2 else None) for z in range(6))


def close(document: Document) -> None:
    document.discard()
    document.close()


def test_a_project_keeps_the_figures(tomogram: Path, tmp_path: Path) -> None:
    document = Document.open(tomogram, tmp_path / "work")
    document.trust = FIGURES
    lock = save(snapshot(document), tmp_path / "cell.sxt").lock
    lock.release()
    close(document)
    again = open_project(tmp_path / "cell.sxt").document
    assert again.trust == FIGURES
    close(again)


def test_a_project_without_them_opens_and_a_damaged_one_says_so(tomogram: Path, tmp_path: Path) -> None:
    document = Document.open(tomogram, tmp_path / "work")
    save(snapshot(document), tmp_path / "cell.sxt").lock.release()
    close(document)
    path = tmp_path / "cell.sxt" / "project.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    assert "trust" not in content
    again = open_project(tmp_path / "cell.sxt").document
    assert again.trust == ()
    close(again)
    path.write_text(json.dumps({**content, "trust": {"certainty": [2]}}), encoding="utf-8")
    with pytest.raises(UserError, match="damaged"):
        open_project(tmp_path / "cell.sxt")


def test_a_crash_does_not_cost_them(tomogram: Path, tmp_path: Path) -> None:
    document = Document.open(tomogram, tmp_path / "work")
    document.volume("labels")[1] = 255
    document.recount("labels")
    document.trust = FIGURES
    document.modified = True
    document.autosave(wait=True)
    folder = document.folder
    document.let_go()
    again = recover(folder)
    assert again.trust == FIGURES
    close(again)


def test_the_report_tells_them(tomogram: Path, toy_model: Path, tmp_path: Path) -> None:
    job = SegmentJob(
        tomogram,
        tmp_path / "labels.tif",
        SegmentParameters(toy_model, device="cpu", polarity="dark", slices=(1, 6)),
        report=tmp_path / "report.json",
    )
    segment_file(job)
    trust = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["trust"]
    certainty = trust["per_slice"]["certainty"]
    assert trust["first_slice"] == 1 and len(certainty) == 5
    assert trust["per_slice"]["recognised"] == [None] * 5 and trust["recognised_median"] is None
    assert trust["certainty_median"] == pytest.approx(sorted(certainty)[2], abs=1e-4)
    worst = trust["least_certain"][0]
    assert worst["certainty"] == min(certainty) and certainty[worst["slice"] - 1] == min(certainty)
    assert len(trust["plot_of_certainty"]) == 5
    assert "more wrong labels" in trust["meaning"] and "did not tell" in trust["meaning"]


def test_it_can_be_switched_off(tomogram: Path, toy_model: Path, tmp_path: Path) -> None:
    parameters = SegmentParameters(toy_model, device="cpu", polarity="dark", trust="none")
    result = segment_file(SegmentJob(tomogram, tmp_path / "labels.tif", parameters))
    assert result.report["trust"] is None
    assert not any("redraw" in note for note in result.report["notes"])
