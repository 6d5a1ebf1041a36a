"""What a model learns from: slices, checks, the copies for the training, and what is told of it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tomllib
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import mrcfile
import numpy as np
import onnx
import psutil
import pytest
import tifffile

from sxtstudio.core.add_ons import FoundAddOn
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.lock import FolderLock
from sxtstudio.core.polarity import Polarity, chosen_polarity
from sxtstudio.core.steps import Step, StepKind
from sxtstudio.core.wording import slices_text
from sxtstudio.segment import find_models
from sxtstudio.segment.installing import install_model
from sxtstudio.workflow.document.document import Document
from sxtstudio.workflow.document.project import save, snapshot
from sxtstudio.workflow.retraining import child, runs
from sxtstudio.workflow.retraining.events import (
    History,
    TrainingOutcome,
    outcome_of,
)
from sxtstudio.workflow.retraining.labels import (
    Chosen,
    LabelSummary,
    held_out_count,
    judge,
    of_document,
    of_pair,
    of_project,
    parse_slices,
    summary,
    thumbnail,
)
from sxtstudio.workflow.retraining.marks import hand_work, marked_slices
from sxtstudio.workflow.retraining.models import give_free_name, why_not_trainable

SHAPE = (6, 64, 80)


def write_pair(
    folder: Path, labels: np.ndarray, name: str = "cell", image: np.ndarray | None = None
) -> LabelSummary:
    if image is None:
        image = np.random.default_rng(1).normal(100, 10, labels.shape).astype(np.float32)
    with warnings.catch_warnings(), mrcfile.new(folder / f"{name}.mrc", overwrite=True) as file:
        warnings.simplefilter("ignore")  # about pixels that are no numbers
        file.set_data(image)
        file.voxel_size = 100.0
    tifffile.imwrite(folder / f"{name}.labels.tif", labels, photometric="minisblack")
    return summary(of_pair(folder / f"{name}.mrc", folder / f"{name}.labels.tif"))


def some_labels(*slices: int, value: int = 255, dtype: Any = np.uint8) -> np.ndarray:
    labels = np.zeros(SHAPE, dtype)
    for z in slices:
        labels[z, 10, 5 : 25 + z] = value
    return labels


@pytest.mark.parametrize(
    ("text", "slices", "again"),
    [
        ("1-3, 40", (0, 1, 2, 39), "1-3, 40"),
        (" 5 ; 3–4,", (2, 3, 4), "3-5"),
        ("2,2, 1-2", (0, 1), "1-2"),
        ("", (), ""),
    ],
)
def test_slices_are_counted_from_one(text: str, slices: tuple[int, ...], again: str) -> None:
    assert parse_slices(text, 40) == slices
    assert slices_text(slices) == again


@pytest.mark.parametrize(
    ("text", "said"),
    [("a", "“a” names no slices"), ("0", "no slice 0"), ("3-41", "no slice 41: the slices are 1 to 40"),
     ("9-3", "write 3-9"), ("1.5", "names no slices"), ("-3", "names no slices")],
)  # fmt: skip
def test_slices_that_make_no_sense_are_refused(text: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        parse_slices(text, 40)


def test_pixels_of_each_slice_are_counted_whatever_the_labels_mean(tmp_path: Path) -> None:
    sparse = some_labels(1, 4)
    sparse[4, 20] = 128  # does not count
    found = write_pair(tmp_path, sparse)
    assert found.pixels.tolist() == [0, 21, 0, 0, 24, 0] and found.proposed == (1, 4)
    assert found.voxel_nm == (10.0, 10.0, 10.0) and found.polarity.value in ("dark", "bright")
    signed = np.full(SHAPE, -1, np.int16)
    signed[2, 3, :7] = 1
    signed[3] = 0
    found = write_pair(tmp_path, signed)
    assert found.signed and found.pixels.tolist() == [0, 0, 7, 0, 0, 0]
    full = write_pair(tmp_path, some_labels(*range(6), value=3))
    assert full.proposed == tuple(range(6)) and full.pixels[5] == 25


def test_files_that_do_not_fit_are_refused_in_a_sentence(tmp_path: Path) -> None:
    write_pair(tmp_path, some_labels(1))
    other = tmp_path / "other.tif"
    tifffile.imwrite(other, np.zeros((6, 64, 64), np.uint8), photometric="minisblack")
    with pytest.raises(UserError, match=r"other.tif has 6 × 64 × 64 voxels .* cell.mrc has 6 × 64 × 80"):
        summary(of_pair(tmp_path / "cell.mrc", other))
    with pytest.raises(UserError, match=r"cell.mrc holds fractional grey values and is no label file"):
        summary(of_pair(tmp_path / "cell.mrc", tmp_path / "cell.mrc"))


def brush(z: object, plane: str = "xy") -> Step:
    return Step(StepKind.EDIT, EditKind.BRUSH, parameters={"plane": plane, "slice": z})


SEGMENT = Step(StepKind.EDIT, EditKind.SEGMENT, parameters={"slices": [2, 5]})


def document_with_labels(tomogram: Path, tmp_path: Path) -> Document:
    document = Document.open(tomogram, tmp_path / "work")
    document.volume("labels")[:] = some_labels(0, 1, 2, 3, 4, 5)
    document.recount("labels")
    document.add_step(Step(StepKind.EDIT, EditKind.BRUSH, parameters={"plane": "xy", "slice": 0}))
    document.add_step(Step(StepKind.EDIT, EditKind.SEGMENT))
    for z in (4, 2):
        document.add_step(Step(StepKind.EDIT, EditKind.BRUSH, parameters={"plane": "xy", "slice": z}))
    document.add_step(Step(StepKind.EDIT, EditKind.BRUSH, "mask", parameters={"plane": "xy", "slice": 5}))
    document.add_step(Step(StepKind.EDIT, EditKind.BRUSH, parameters={"plane": "xz", "slice": 3}))
    return document


def test_only_what_the_user_marked_is_proposed_of_a_segmentation_that_was_touched(
    tomogram: Path, tmp_path: Path
) -> None:
    document = document_with_labels(tomogram, tmp_path)
    assert summary(of_document(document)).proposed == ()
    assert summary(of_document(document, [1])).proposed == (1,)
    document.view = {"complete": {"slices": [3, 5]}}
    saved = save(snapshot(document), tmp_path / "a.sxt")
    saved.lock.release()
    found = summary(of_project(tmp_path / "a.sxt"))
    assert found.proposed == (3, 5) and found.pixels.tolist() == [20, 21, 22, 23, 24, 25]
    document.discard()
    document.close()


@pytest.mark.parametrize(
    ("held", "strokes", "proposed"),
    [
        ((1, 4), (1, 1, 1, 4, 4), (1, 4)),  # as in a project drawn from nothing
        ((1, 4), (1, 4), ()),  # touched once
        ((1, 2, 4), (1, 1, 2, 4, 4), (1, 4)),
    ],
)
def test_slices_that_are_wholly_drawn_are_proposed(
    tomogram: Path, tmp_path: Path, held: tuple[int, ...], strokes: tuple[int, ...], proposed: tuple[int, ...]
) -> None:
    document = Document.open(tomogram, tmp_path / "work")
    document.volume("labels")[:] = some_labels(*held)
    document.recount("labels")
    for z in strokes:
        document.add_step(brush(z))
    assert summary(of_document(document)).proposed == proposed
    document.volume("labels")[1] = 0
    document.volume("labels")[1, 3, :4] = 255  # far less than in the other one: begun, not finished
    assert summary(of_document(document)).proposed == tuple(z for z in proposed if z != 1)
    document.discard()
    document.close()


def test_slices_of_a_part_that_was_segmented_are_not_proposed(tomogram: Path, tmp_path: Path) -> None:
    document = Document.open(tomogram, tmp_path / "work")
    document.volume("labels")[:] = some_labels(2, 3)
    document.recount("labels")
    document.add_step(SEGMENT)
    assert summary(of_document(document)).proposed == ()
    document.discard()
    document.close()


def test_of_a_whole_segmentation_nothing_is_proposed(tomogram: Path, tmp_path: Path) -> None:
    document = Document.open(tomogram, tmp_path / "work")
    with pytest.raises(UserError, match="no labels yet"):
        of_document(document)
    document.volume("labels")[:] = some_labels(*range(6))
    document.recount("labels")
    document.add_step(Step(StepKind.EDIT, EditKind.SEGMENT))
    assert summary(of_document(document)).proposed == ()
    document.discard()
    document.close()


def test_marks_of_strangers_are_checked() -> None:
    assert marked_slices({"complete": {"slices": [3, 1, 3, -1, "x", True, 2.5]}}) == (1, 3)
    assert marked_slices({"complete": [1]}) == marked_slices({}) == ()
    strange = [brush(-1), brush("x"), brush(True), Step(StepKind.EDIT, EditKind.LASSO)]
    assert hand_work(2 * strange).touched == hand_work(2 * strange).drawn == ()


WHOLE = Step(StepKind.EDIT, EditKind.SEGMENT)
CLEAR = Step(StepKind.EDIT, EditKind.CLEAR)
FILE = Step(StepKind.EDIT, EditKind.OPEN_LABELS)


@pytest.mark.parametrize(
    ("steps", "touched", "drawn"),
    [
        ([brush(1), brush(3), brush(1)], (1, 3), (1,)),
        ([*2 * [brush(1)], *2 * [brush(3)], *2 * [brush(5)], SEGMENT], (1, 5), (1, 5)),  # 3 was segmented
        ([*2 * [brush(1)], WHOLE], (), ()),
        ([brush(1), Step(StepKind.EDIT, EditKind.SEGMENT, partial=True), brush(1)], (1,), ()),
        ([brush(3), SEGMENT, *3 * [brush(4)]], (4,), ()),
        ([WHOLE, *3 * [brush(4)]], (4,), ()),
        ([FILE, *3 * [brush(4)]], (4,), ()),
        ([WHOLE, brush(4), CLEAR, *2 * [brush(4)]], (4,), (4,)),
        ([WHOLE, brush(4), CLEAR, brush(4)], (4,), ()),
        ([*2 * [brush(3)], SEGMENT, Step(StepKind.UNDO, EditKind.SEGMENT)], (3,), (3,)),
        ([brush(3), Step(StepKind.UNDO, EditKind.BRUSH)], (), ()),
        ([brush(3), Step(StepKind.UNDO, EditKind.BRUSH), Step(StepKind.REDO, EditKind.BRUSH)], (3,), ()),
        ([Step(StepKind.EDIT, EditKind.CLEAN_UP, parameters={"plane": "xy", "slice": 3})], (), ()),
        ([Step(StepKind.OTHER, unknown="A new tool", parameters={"plane": "xy", "slice": 3})], (3,), ()),
        (
            [
                WHOLE,
                Step(StepKind.EDIT, EditKind.CLEAR_SLICE, parameters={"axis": "z", "slice": 3}),
                *2 * [brush(3)],
                *2 * [brush(4)],
            ],
            (3, 4),
            (3,),
        ),
    ],
)
def test_what_was_drawn_is_told_by_kinds_slice_by_slice(
    steps: list[Step], touched: tuple[int, ...], drawn: tuple[int, ...]
) -> None:
    found = hand_work(steps)
    assert (found.touched, found.drawn) == (touched, drawn)


def chosen(found: LabelSummary, *slices: int) -> Chosen:
    return Chosen(found, slices)


def test_everything_that_is_wrong_is_said_before_the_start(tmp_path: Path) -> None:
    found = write_pair(tmp_path, some_labels(0, 1, 2, 3))
    assert "no labels to learn from" in judge([])[0].text
    assert "Say which slices are complete" in judge([chosen(found)])[0].text
    one = judge([chosen(found, 1)])
    assert [p.stops for p in one] == [False] and "a fifth of it is kept aside" in one[0].text
    assert any(p.stops and "labels are empty" in p.text for p in judge([chosen(found, 4, 5)]))
    assert judge([chosen(found, 0, 1, 2)]) == []
    few = judge([chosen(found, 0, 1)])
    assert [p.stops for p in few] == [False] and "2 complete slices are few" in few[0].text
    empty = judge([chosen(found, 0, 1, 2, 4)])
    assert "nothing is labelled in slice 5" in empty[0].text and not empty[0].stops
    areas = np.zeros(SHAPE, np.uint8)
    areas[:, 10:60] = 255
    full = judge([chosen(write_pair(tmp_path, areas, "areas"), 0, 1, 2)])
    assert "most of slice 1-3 is labelled" in full[0].text
    coarse = write_pair(tmp_path, some_labels(0, 1), "coarse")
    coarse = LabelSummary(**{**vars(coarse), "voxel_nm": (100.0, 100.0, 100.0)})
    differ = judge([chosen(found, 0, 1), chosen(coarse, 1)])
    assert differ[0].stops and "(10 nm)" in differ[0].text and "(100 nm)" in differ[0].text


def test_a_tenth_is_kept_aside_but_at_least_one() -> None:
    assert [held_out_count(n) for n in (0, 1, 2, 3, 14, 16, 40)] == [0, 0, 1, 1, 1, 2, 4]


def test_thumbnail_shows_labels_in_colour(tmp_path: Path) -> None:
    picture = thumbnail(write_pair(tmp_path, some_labels(1)), 1)
    assert picture.shape == (64, 80, 3) and picture.dtype == np.uint8
    coloured = picture[..., 0].astype(int) > picture[..., 2].astype(int) + 50
    assert np.argwhere(coloured).tolist() == [[10, x] for x in range(5, 26)]


def test_a_doubt_about_the_polarity_is_said_with_what_to_do(tomogram: Path, tmp_path: Path) -> None:
    found = write_pair(tmp_path, some_labels(1))  # grain, in which nothing is to be told
    assert not found.polarity.sure
    assert f"{found.polarity.value} was assumed" in found.doubt and "save it as a project" in found.doubt
    document = document_with_labels(tomogram, tmp_path)
    document.polarity = Polarity("bright", 0.6, "60 % sure")
    of_open = summary(of_document(document))
    assert of_open.polarity is document.polarity
    assert "choose dark in the panel “Segment”" in of_open.doubt and "project" not in of_open.doubt
    document.polarity = chosen_polarity("bright")
    assert summary(of_document(document)).doubt == ""
    document.discard()
    document.close()


def request_for(*labels: Chosen, **more: Any) -> runs.Request:
    start = runs.Start("compact", str(Path("models") / "compact.onnx"), "MIT", (8.0, 20.0))
    return runs.Request(**{"name": "mine", "start": start, "minutes": 2.5, "labels": labels, **more})


def test_only_the_complete_slices_are_copied(tmp_path: Path) -> None:
    labels = np.full(SHAPE, -1, np.int8)
    labels[1, 4, 3:9] = 1
    labels[4, 20:30] = 0
    labels[4, 5, 5] = 1
    image = np.random.default_rng(2).normal(5, 1, SHAPE).astype(np.float32)
    image[3, 0, 0] = np.nan  # in a slice that is not used
    found = write_pair(tmp_path, labels, image=image)
    more = (('a "b".mrc', "dark"), (str(tmp_path / "cell.mrc"), "dark"))
    run = runs.prepare(request_for(chosen(found, 1, 4), unlabelled=more), root=tmp_path / "r")
    assert np.array_equal(tifffile.imread(run.folder / "labels-1.tif"), image[[1, 4]])
    truth = tifffile.imread(run.folder / "labels-1.labels.tif")
    assert truth.dtype == np.uint8 and truth.shape == (2, 64, 80)
    assert np.array_equal(truth[0] == 255, labels[1] == 1) and (truth[0] != 128).all()
    assert np.array_equal(truth[1] == 128, labels[4] == 0) and truth[1, 5, 5] == 255
    config = tomllib.loads(run.config.read_text(encoding="utf-8"))
    assert config["name"] == "mine" and config["start_from"].endswith("compact.onnx")
    assert config["voxel_nm"] == [8.0, 20.0] and config["training"] == {"minutes": 2.5}
    assert config["labelled"][0]["labels"] == "labels-1.labels.tif" and config["labelled"][0]["ignore"] == 128
    assert config["labelled"][0]["polarity"] == found.polarity.value
    own = {"tomogram": str(tmp_path / "cell.mrc"), "polarity": "dark", "slices": "0, 2, 3, 5"}
    assert config["unlabelled"] == [{"tomogram": 'a "b".mrc', "polarity": "dark"}, own]
    assert "2 labelled slices of cell.mrc" in config["description"]
    assert runs.read_run(run.folder).learned_from == ("cell.mrc: slices 2, 5",)


def test_slices_bring_the_neighbours_that_the_model_sees(tmp_path: Path) -> None:
    labels = some_labels(0, 2, 4, dtype=np.uint8)
    image = np.random.default_rng(2).normal(5, 1, SHAPE).astype(np.float32)
    found = write_pair(tmp_path, labels, image=image)
    start = replace(request_for().start, slices=3)
    run = runs.prepare(request_for(chosen(found, 0, 4), start=start), root=tmp_path / "r")
    # Slice 0 has no neighbour before it; 2 has labels, but was not called complete.
    assert np.array_equal(tifffile.imread(run.folder / "labels-1.tif"), image[[0, 1, 3, 4, 5]])
    truth = tifffile.imread(run.folder / "labels-1.labels.tif")
    assert (truth[[1, 2, 4]] == 128).all()
    assert np.array_equal(truth[[0, 3]], labels[[0, 4]])
    (labelled,) = tomllib.loads(run.config.read_text(encoding="utf-8"))["labelled"]
    assert labelled["slices"] == "0, 3"


def test_empty_slices_and_a_full_disk_leave_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)
    image[1, :2], image[2] = np.nan, np.nan
    found = write_pair(tmp_path, some_labels(1, 2), image=image)
    with pytest.raises(UserError, match="slice 3 shows nothing"):
        runs.prepare(request_for(chosen(found, 1, 2)), root=tmp_path / "r")
    full = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: full)
    with pytest.raises(UserError, match="disk is too full"):
        runs.prepare(request_for(chosen(found, 1)), root=tmp_path / "r")
    assert list((tmp_path / "r").iterdir()) == []


def test_later_edits_do_not_change_a_training(tomogram: Path, tmp_path: Path) -> None:
    document = document_with_labels(tomogram, tmp_path)
    run = runs.prepare(request_for(chosen(summary(of_document(document)), 2, 4)), root=tmp_path / "r")
    before = tifffile.imread(run.folder / "labels-1.labels.tif")
    document.labels[2] = 255
    assert np.array_equal(tifffile.imread(run.folder / "labels-1.labels.tif"), before)
    assert np.count_nonzero(before) == 22 + 24
    document.discard()
    document.close()


def write_events(run: runs.TrainingRun, *events: dict[str, Any]) -> None:
    run.run.mkdir(exist_ok=True)
    lines = [json.dumps(event) for event in events]
    (run.run / "events.jsonl").write_text("\n".join(lines) + '\n{"event": "st')  # cut off by a crash


def test_interrupted_trainings_are_found_and_others_are_not(tmp_path: Path) -> None:
    found = write_pair(tmp_path, some_labels(0, 1))
    root = tmp_path / "r"
    begun = runs.prepare(request_for(chosen(found, 0, 1)), root=root)
    assert [run.state for run in runs.find_runs(root)] == ["interrupted"]
    lock = FolderLock(begun.folder)  # it runs in another window
    assert runs.find_runs(root) == []
    lock.release()
    write_events(begun, {"event": "start", "step": 0}, {"event": "done", "step": 5})
    assert [run.state for run in runs.find_runs(root)] == ["finished"]
    write_events(begun, {"event": "done"}, {"event": "start", "step": 5}, {"event": "error", "text": "no"})
    assert [run.state for run in runs.find_runs(root)] == ["failed"]
    (begun.run / "state.npz").touch()
    runs.decide(begun, "kept")
    assert runs.find_runs(root) == [] and not (begun.run / "state.npz").exists()
    (root / "strange").mkdir()
    (root / "strange" / "about.json").write_text("{}")
    assert runs.find_runs(root) == [] == runs.find_runs(tmp_path / "nowhere")
    with pytest.raises(UserError, match=r"strange is damaged: the key 'schema' is missing.* Begin a new one"):
        runs.read_run(root / "strange")
    for place in (begun.folder, begun.run):
        lock = FolderLock(place)
        with pytest.raises(UserError, match="Another window"):
            runs.remove(begun)
        lock.release()
        assert runs.read_run(begun.folder).decision == "kept", "nothing is removed from under a training"
    runs.remove(begun)
    assert not begun.folder.exists()
    runs.remove(begun)


def test_names_of_new_models() -> None:
    assert runs.free_name("compact", ["compact"]) == "compact-mine"
    assert runs.free_name("compact-mine", ["compact", "Compact-Mine"]) == "compact-mine-2"
    assert runs.name_problem("mine", ["compact"]) == ""
    assert "already" in runs.name_problem("COMPACT", ["compact"])
    for bad in ("", "a b", "é", "-a", "x" * 65, "a/b"):
        assert runs.name_problem(bad, [])


def test_curves_go_on_where_they_were_interrupted() -> None:
    history = History()
    step = {"event": "step", "of": 10, "image_loss": None, "remaining_s": 9}
    for event in (
        {
            "event": "start",
            "step": 0,
            "of": 10,
            "device": "cpu",
            "labelled": 2,
            "held_out": 1,
            "unlabelled": 0,
        },
        {"event": "evaluate", "step": 0, "f1": 0.5, "test_label_loss": 0.4},
        *({**step, "step": n, "label_loss": 1 / n} for n in range(1, 8)),
        {"event": "start", "step": 5, "of": 10, "device": "cpu"},  # state of step 5 after a crash at 7
        *({**step, "step": n, "label_loss": 1 / n} for n in (6, 7, 8)),
        {"event": "paused", "step": 8},
        {"event": "something new", "step": 9, "f1": 3},
    ):
        history.add(event)
    assert history.curves["label_loss"] == [(n, 1 / n) for n in range(1, 9)]
    assert history.curves["image_loss"] == [] and history.curves["f1"] == [(0, 0.5)]
    assert history.paused and history.slices == (2, 1, 0) and history.remaining_s == 9 and history.of == 10
    history.add({"event": "start", "step": 0, "of": 10})
    assert history.curves["label_loss"] == []


def outcome(tmp_path: Path, before: float | None, after: float, **more: Any) -> TrainingOutcome:
    scores = [None if f is None else {"precision": 0.5, "recall": 0.5, "f1": f} for f in (before, after)]
    return outcome_of(
        tmp_path, {"event": "done", "before": scores[0], "after": scores[1], "model": "m.onnx", **more}
    )


def test_a_worse_model_is_called_worse(tmp_path: Path) -> None:
    better = outcome(tmp_path, 0.62, 0.78)
    assert better.better and "rose from 0.62 to 0.78" in better.verdict
    assert better.model == tmp_path / "m.onnx" and better.pictures == ()
    worse = outcome(tmp_path, 0.62, 0.55)
    assert not worse.better and "not better" in worse.verdict and "F1 fell" in worse.verdict
    same = outcome(tmp_path, 0.62, 0.62)
    assert not same.better and same.unclear and "too little to tell" in same.verdict
    assert not outcome(tmp_path, 0.62, 0.72, better=False).better  # the training program knows more
    assert outcome(tmp_path, None, 0.5, better=True).better


@pytest.mark.parametrize(("before", "after"), [(0.99, 1.0), (0.62, 0.63), (0.63, 0.62), (0.5, 0.5)])
def test_a_gain_within_chance_is_neither_better_nor_worse(
    tmp_path: Path, before: float, after: float
) -> None:
    found = outcome(tmp_path, before, after, better=True)
    assert found.unclear and not found.better
    assert "too little to tell" in found.verdict and "model is better:" not in found.verdict


def test_a_strip_of_the_same_slice_is_called_so(tmp_path: Path) -> None:
    for before, after in ((0.99, 1.0), (0.6, 0.8), (0.8, 0.6), (None, 0.7)):
        verdict = outcome(tmp_path, before, after, judged_on="strip").verdict
        assert "on a strip of the same slice" in verdict.lower() and "not learned from" not in verdict
    assert outcome(tmp_path, 0.6, 0.8, judged_on="strip").better
    assert "not learned from" in outcome(tmp_path, 0.6, 0.8, judged_on="nonsense").verdict


def test_pictures_of_the_comparison(tmp_path: Path) -> None:
    image = np.ones((4, 5), np.float32)
    np.savez(tmp_path / "c.npz", image_0=image, truth_0=image.astype(np.uint8), after_0=image, image_1=image)
    found = outcome(tmp_path, None, 0.5, comparison="../c.npz").pictures  # a path leads nowhere else
    assert len(found) == 1 and found[0].before is None and found[0].after.shape == (4, 5)
    (tmp_path / "c.npz").write_bytes(b"PK broken")
    assert outcome(tmp_path, None, 0.5, comparison="c.npz").pictures == ()


def test_training_program_of_a_python_and_of_the_installed_application(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = child.command(Path("a.toml"), Path("run"))
    assert words == [sys.executable, "-m", "sxtstudio", "train", "a.toml", "-o", "run", "--json", "--control"]
    monkeypatch.setattr(child.importlib.util, "find_spec", lambda name: None)
    assert not child.can_train()
    assert all(sys.executable in line and "torch>=2.6" in line for _, line in child.ways_to_add())
    assert "sxtstudio[train]" in child.why_not()
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "sxtstudio"))
    # The installed program starts itself, and has its own package for PyTorch.
    assert child.command(Path("a.toml"), Path("run"))[:2] == [str(tmp_path / "sxtstudio"), "train"]
    assert not child.can_train()
    assert "sxtstudio-retrain" in child.why_not() and "not installed" in child.why_not()
    monkeypatch.setattr(child, "find", lambda add_on: FoundAddOn(problem="it is of last year"))
    assert not child.can_train()
    assert "cannot be used: it is of last year. Replace it: sxtstudio-retrain" in child.why_not()
    monkeypatch.setattr(child, "find", lambda add_on: FoundAddOn(tmp_path))
    assert child.can_train()


def test_on_windows_the_child_is_the_program_that_prints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "sxtstudiow.exe"))
    assert child.program() == [str(tmp_path / "sxtstudiow.exe")]
    (tmp_path / "sxtstudio.exe").touch()
    assert child.program() == [str(tmp_path / "sxtstudio.exe")]


def test_asking_for_torch_loads_nothing() -> None:
    code = (
        "import sys; from sxtstudio.workflow.retraining import child as c; c.can_train();"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.skipif(sys.platform == "win32", reason="priorities have other names there")
def test_the_child_leaves_room_for_the_window() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        child.yield_to_window(process.pid)
        assert psutil.Process(process.pid).nice() == min(19, os.nice(0) + 10)
        process.kill()
    child.yield_to_window(process.pid)  # it has gone: no harm


def test_a_name_that_was_taken_meanwhile_is_changed(
    make_model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "home"))
    (tmp_path / "run").mkdir()
    installed = install_model(make_model(tmp_path / "mine.onnx"))
    assert installed.name == "mine"
    new = make_model(tmp_path / "run" / "mine.onnx", layers=1)
    card = {"name": "mine", "description": "a", "trained_on": "b", "base_width": 1, "label_output": "label"}
    card |= {"licence": "MIT", "sha256": hashlib.sha256(new.read_bytes()).hexdigest(), "more": 1}
    new.with_suffix(".json").write_text(json.dumps(card))
    assert give_free_name(new) == "mine-mine" == install_model(new).name
    assert give_free_name(new) == "mine-mine"  # it is there already, and it is this one
    assert json.loads(new.with_suffix(".json").read_text())["more"] == 1
    assert {"mine", "mine-mine"} <= {one.name for one in find_models()}


def test_foreign_models_cannot_be_trained_further(toy_model: Path) -> None:
    from sxtstudio.segment import load_card

    assert why_not_trainable(load_card(toy_model)) == "it is another kind of network"
    # The norm behind the stem became a part of it, as exporters do for models that are only to be used.
    model = onnx.load(toy_model)
    model.graph.initializer[0].name = model.graph.node[0].input[1] = "network.encoder.stem.0.weight"
    onnx.save(model, toy_model)
    assert why_not_trainable(load_card(toy_model)) == "it was exported for use only"


def test_nothing_of_a_whole_volume_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slices of the tomogram are read one at a time, and only those that are complete."""
    found = write_pair(tmp_path, some_labels(1, 4))
    read: list[tuple[int, int]] = []
    with found.source.opened() as (image, _):
        kind = type(image)
    former = kind.read

    def noted(self: Any, box: Box) -> Any:
        read.append((box.start[0], box.stop[0]))
        return former(self, box)

    monkeypatch.setattr(kind, "read", noted)
    runs.prepare(request_for(chosen(found, 1, 4)), root=tmp_path / "r")
    # What was written is read back as well, as slices 0 and 1 of the copies.
    assert {stop - start for start, stop in read} <= {1, 2} and {(1, 2), (4, 5)} <= set(read)
    assert {z for start, stop in read for z in range(start, stop)} == {0, 1, 4}
