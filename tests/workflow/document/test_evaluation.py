"""Marks and judged slices in projects, after a crash, and as labels to learn from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tifffile

from sxtstudio.cli import main
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.errors import UserError
from sxtstudio.core.evaluation.judgement import Evaluation
from sxtstudio.core.evaluation.marks import JudgedPixels, Mark
from sxtstudio.core.geometry import Box
from sxtstudio.core.history import EditHistory
from sxtstudio.core.steps import Step, StepKind
from sxtstudio.training.config import TrainConfig, load_config
from sxtstudio.workflow.document import workplace
from sxtstudio.workflow.document.document import Document
from sxtstudio.workflow.document.evaluation import (
    VIEW,
    evaluation_of_record,
    evaluation_of_view,
    evaluation_to_view,
    judge_slice,
    judged_project,
    still_judged,
)
from sxtstudio.workflow.document.exporting import source_of
from sxtstudio.workflow.document.methods import methods_text
from sxtstudio.workflow.document.project import adopt, open_project, save, snapshot
from sxtstudio.workflow.document.recovered import recover
from sxtstudio.workflow.results import layout
from sxtstudio.workflow.results.layout import read_results
from sxtstudio.workflow.results.paragraph import paragraph
from sxtstudio.workflow.results.write import write_results
from sxtstudio.workflow.retraining import runs
from sxtstudio.workflow.retraining.labels import Chosen, of_document, of_project, summary
from sxtstudio.workflow.retraining.projects import begin_from_projects

LINE = Box((2, 10, 5), (3, 12, 45))  # 80 pixels of slice 2
WRONG = Box((2, 10, 5), (3, 12, 15))  # 20 of them
MISSING = Box((2, 30, 5), (3, 31, 15))  # 10 others


@pytest.fixture
def document(tmp_path: Path, tomogram: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Document]:
    """A tomogram with a line of labels in slice 2, some of it marked as false, and something missing."""
    monkeypatch.setenv(workplace.VARIABLE, str(tmp_path / "sessions"))
    document = Document.open(tomogram)
    write(document, "labels", EditKind.BRUSH, LINE, 255)
    write(document, "marks", EditKind.MARK_FALSE, WRONG, Mark.FALSE_POSITIVE)
    write(document, "marks", EditKind.MARK_MISSING, MISSING, Mark.MISSING)
    yield document
    document.discard()
    document.close()


def write(document: Document, target: str, kind: EditKind, box: Box, value: int) -> None:
    recorder = document.recorder(kind, target, {"plane": "xy", "slice": box.start[0]})
    recorder.paint(box, np.ones(box.shape, bool), value)
    edit = recorder.finish()
    assert edit is not None
    document.undo.add(edit)
    document.gain(target, edit.gained)
    document.add_step(Step(StepKind.EDIT, kind, target))


def judge(document: Document) -> Evaluation:
    evaluation = Evaluation((2, 4)).with_judged(2, judge_slice(document, 2)).with_time(2, 65.04)
    document.view = {**document.view, VIEW: evaluation_to_view(evaluation)}
    return evaluation


def test_a_judged_slice_counts_its_pixels(document: Document) -> None:
    found = judge(document).judged[2]
    assert found.pixels == JudgedPixels(60, 10, 20, 0)
    assert judge_slice(document, 4).pixels == JudgedPixels()


def test_marks_and_judged_slices_come_back_with_a_project(document: Document, tmp_path: Path) -> None:
    evaluation = judge(document)
    folder = tmp_path / "cell.sxt"
    adopt(document, save(snapshot(document), folder))
    opened = open_project(folder).document
    try:
        marks = opened.array("marks")
        assert marks is not None and (marks[WRONG.slices] == Mark.FALSE_POSITIVE).all()
        assert (marks[MISSING.slices] == Mark.MISSING).all() and opened.voxels("marks") == 30
        back = evaluation_of_view(opened.view[VIEW], opened.shape[0], "It")
        assert back.slices == (2, 4) and back.judged == dict(evaluation.judged)
        assert back.seconds == {2: 65.0}
        assert [edit.kind for edit in opened.kept_edits][-2:] == [EditKind.MARK_FALSE, EditKind.MARK_MISSING]
        history = EditHistory()
        history.begin(opened.undo, opened.kept_edits)
        history.undo(opened)
        assert not marks[MISSING.slices].any() and (marks[WRONG.slices] == 1).all()
    finally:
        opened.discard()
        opened.close()
    found = judged_project(folder)
    assert (found.name, found.pixels) == ("cell.sxt", JudgedPixels(60, 10, 20, 0))


def test_marks_and_judged_slices_outlive_a_crash(document: Document) -> None:
    evaluation = judge(document)
    document.autosave(wait=True)
    folder = document.folder
    document.let_go()  # as if the program had been killed
    back = recover(folder)
    try:
        marks = back.array("marks")
        assert marks is not None and (marks[WRONG.slices] == Mark.FALSE_POSITIVE).all()
        assert evaluation_of_view(back.view[VIEW], back.shape[0], "It").judged == dict(evaluation.judged)
        assert back.kept_edits[-1].target == "marks"
    finally:
        back.discard()
        back.close()


def test_a_project_without_marks_can_be_opened_by_former_versions(document: Document, tmp_path: Path) -> None:
    folder = tmp_path / "cell.sxt"
    adopt(document, save(snapshot(document), folder))
    assert '"sxtstudio-project/3"' in (folder / "project.json").read_text(encoding="utf-8")
    for box in (WRONG, MISSING):
        write(document, "marks", EditKind.UNMARK, box, 0)
    adopt(document, save(snapshot(document), folder))
    assert '"sxtstudio-project/1"' in (folder / "project.json").read_text(encoding="utf-8")
    assert not list(folder.glob("marks-*"))


def test_marks_that_cannot_be_read_are_left_out(document: Document, tmp_path: Path) -> None:
    folder = tmp_path / "cell.sxt"
    adopt(document, save(snapshot(document), folder))
    for path in next(folder.glob("marks-*.zarr")).rglob("*"):
        if path.is_file():
            path.write_bytes(b"no more")
    opened = open_project(folder)
    try:
        assert opened.document.voxels("labels") == 80 and opened.document.array("marks") is None
        assert any("marks of the evaluation were left out" in note for note in opened.notes)
        assert opened.document.kept_edits == []
    finally:
        opened.document.discard()
        opened.document.close()


def test_other_labels_are_not_those_that_were_judged(document: Document) -> None:
    evaluation = judge(document)
    source = of_document(document)
    assert source.held is not None
    from sxtstudio.core.volume import ArrayVolume

    labels = document.array("labels")
    assert labels is not None
    assert still_judged(evaluation, ArrayVolume(labels)) == (2,)
    write(document, "labels", EditKind.ERASER, Box((2, 10, 44), (3, 11, 45)), 0)
    assert still_judged(evaluation, ArrayVolume(labels)) == ()


def test_a_model_learns_from_judged_slices_as_corrected(document: Document, tmp_path: Path) -> None:
    judge(document)
    write(document, "labels", EditKind.BRUSH, Box((4, 5, 5), (5, 6, 10)), 255)
    found = summary(of_document(document, (1,), (2,)))
    assert found.pixels.tolist()[2] == 60 + 10 and found.pixels.tolist()[4] == 5
    assert found.proposed == (1, 2) and found.source.judged == (2,)
    folder = tmp_path / "cell.sxt"
    adopt(document, save(snapshot(document), folder))
    of_saved = summary(of_project(folder))
    assert of_saved.pixels.tolist() == found.pixels.tolist()
    assert of_saved.proposed == (2,) and of_saved.source.judged == (2,)
    with of_saved.source.opened() as (_, labels):
        plane = labels.read(Box.slab(2, 3, of_saved.shape))
    assert set(np.unique(plane).tolist()) == {0, 255}
    assert not plane[0, 10:12, 5:15].any() and plane[0, 30, 5:15].all()
    write(document, "labels", EditKind.ERASER, Box((2, 10, 44), (3, 11, 45)), 0)
    adopt(document, save(snapshot(document), folder))
    assert of_project(folder).judged == ()  # nobody has judged these labels


@pytest.mark.parametrize("seen", [1, 3])
def test_the_files_of_a_training_hold_the_corrected_labels(
    document: Document, tmp_path: Path, seen: int
) -> None:
    write(document, "marks", EditKind.MARK_ARTEFACT, Box((2, 10, 40), (3, 12, 45)), Mark.ARTEFACT)
    write(document, "labels", EditKind.BRUSH, Box((3, 10, 5), (4, 12, 45)), 255)  # of a slice not judged
    judge(document)
    folder = tmp_path / "cell.sxt"
    adopt(document, save(snapshot(document), folder))
    sources = of_document(document, (), (2,)), of_project(folder)
    start = runs.Start("compact", slices=seen)
    chosen = tuple(Chosen(summary(source), (2,)) for source in sources)
    assert [one.summary.membrane((2,)) for one in chosen] == [60, 60]
    run = runs.prepare(runs.Request("mine", start, 1.0, chosen), root=tmp_path / "runs")
    expected = np.zeros(document.shape[1:], np.uint8)
    expected[10:12, 15:40], expected[30, 5:15] = 255, 255  # not 5 to 15, which is false
    expected[10:12, 40:45] = 128  # the artefact does not count
    for number in (1, 2):  # read by another reader than the program's own
        written = tifffile.imread(run.folder / f"labels-{number}.labels.tif")
        planes = written.reshape(-1, *document.shape[1:])
        assert len(planes) == seen and (planes[seen // 2] == expected).all()
        assert (np.delete(planes, seen // 2, axis=0) == 128).all(), "neighbours do not count"
        image = tifffile.imread(run.folder / f"labels-{number}.tif").reshape(planes.shape)
        assert (image[seen // 2] == document.tomogram.read(Box.slab(2, 3, document.shape))[0]).all()
    assert (np.array(document.labels[2]) > 0).sum() == 80


def test_projects_teach_without_the_window_what_was_judged_and_nothing_else(
    document: Document, tmp_path: Path
) -> None:
    write(document, "labels", EditKind.BRUSH, Box((3, 10, 5), (4, 12, 45)), 255)  # of a slice not judged
    write(document, "labels", EditKind.BRUSH, Box((4, 5, 5), (5, 6, 10)), 255)
    evaluation = judge(document).with_judged(4, judge_slice(document, 4))
    document.view = {**document.view, VIEW: evaluation_to_view(evaluation)}
    write(document, "labels", EditKind.ERASER, Box((4, 5, 5), (5, 6, 6)), 0)  # since it was judged
    folder, other = tmp_path / "cell.sxt", tmp_path / "not.sxt"
    adopt(document, save(snapshot(document), folder))
    said: list[str] = []
    run = begin_from_projects([folder, folder], tmp_path / "out", minutes=2, name="mine", say=said.append)
    assert said[0] == "cell.sxt: judged: slices 3 (counted from 1)" and "Only one slice" in said[1]
    config = load_config(run.config)
    (source,), (unlabelled,) = config.labelled, config.unlabelled
    assert config.training.minutes == 2 and config.start_from is not None
    depth = document.shape[0]
    assert unlabelled.slices == tuple(z for z in range(depth) if z != 2)
    images, labels = (tifffile.imread(path) for path in (source.tomogram, source.labels))
    assert source.slices is not None and source.ignore == 128
    (place,) = source.slices
    expected = np.zeros(document.shape[1:], np.uint8)
    expected[10:12, 15:45], expected[30, 5:15] = 255, 255
    assert (labels[place] == expected).all() and (np.delete(labels, place, axis=0) == 128).all()
    assert (images[place] == document.tomogram.read(Box.slab(2, 3, document.shape))[0]).all()
    with pytest.raises(UserError, match="alone"):
        begin_from_projects([folder, tmp_path / "x.toml"], tmp_path / "out")
    with pytest.raises(UserError, match="another name"):
        begin_from_projects([folder], tmp_path / "out", name="compact")
    document.view = {}
    document.steps.clear()
    adopt(document, save(snapshot(document), other))
    with pytest.raises(UserError, match="Say which slices are complete"):
        begin_from_projects([other], tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_the_command_goes_on_with_the_slices_that_it_has_copied(
    document: Document, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch")
    judge(document)
    folder = tmp_path / "cell.sxt"
    adopt(document, save(snapshot(document), folder))
    trained: list[tuple[int, Path]] = []

    def train(config: TrainConfig, run: Path, **_: object) -> Path:
        labels = tifffile.imread(config.labelled[0].labels)
        trained.append((int(np.count_nonzero(labels == 255)), run))
        return run / "mine.onnx"

    monkeypatch.setattr("sxtstudio.training.job.train_model", train)
    words = ["train", str(folder), "--name", "mine"]
    assert main(words) == 0
    write(document, "marks", EditKind.MARK_FALSE, LINE, Mark.FALSE_POSITIVE)
    judge(document)
    adopt(document, save(snapshot(document), folder))
    assert main(words) == 0
    assert "--restart copies them anew" in capsys.readouterr().err
    assert main([*words, "--restart"]) == 0
    run = tmp_path / "cell.run" / "run"
    assert trained == [(70, run), (70, run), (10, run)]
    assert main([*words, "more.toml", "--restart"]) == 2
    assert main(["train", "more.toml", "--minutes", "3"]) == 2
    assert len(trained) == 3


@pytest.mark.parametrize(
    "state",
    [
        [],
        {"slices": ["2"]},
        {"slices": [-1]},
        {"judged": [{"slice": 2}]},
        {"seconds": [{"slice": 2, "seconds": -1}]},
        {"slices": [2], "judged": [{"slice": 2, "true_positive": 1e9}]},
    ],
    ids=["a list", "a text", "below 0", "nothing counted", "negative time", "a fraction"],
)
def test_a_damaged_evaluation_is_a_sentence(state: object) -> None:
    with pytest.raises(UserError, match="is damaged: "):
        evaluation_of_view(state, 6, "The evaluation in cell.sxt")


def test_slices_that_there_are_not_are_left_out() -> None:
    one = {"true_positive": 1, "false_negative": 2, "false_positive": 3, "artefact": 4, "labels_crc32": 5}
    state = {"slices": [9, 1, 1], "judged": [{"slice": z, **one} for z in (1, 3, 9)]}
    found = evaluation_of_view(state, 6, "It")
    assert found.slices == (1,) and list(found.judged) == [1]
    assert found.judged[1].pixels == JudgedPixels(1, 2, 3, 4)


def test_a_project_says_of_which_judged_slices_the_labels_are_others(
    document: Document, tmp_path: Path
) -> None:
    folder = tmp_path / "cell.sxt"
    adopt(document, save(snapshot(document), folder))
    assert not judged_project(folder).evaluation.judged
    judge(document)
    adopt(document, save(snapshot(document), folder))
    assert judged_project(folder).outdated == frozenset()
    write(document, "labels", EditKind.ERASER, Box((2, 10, 44), (3, 11, 45)), 0)
    adopt(document, save(snapshot(document), folder))
    assert judged_project(folder).outdated == {2}


def test_the_methods_text_has_one_line_with_the_result(document: Document) -> None:
    judge(document)
    for judged in ([], [2]):
        document.add_step(Step(StepKind.EVALUATION, parameters={"judged_slices": judged}))
        document.add_step(Step(StepKind.EDIT, EditKind.MARK_FALSE, "marks"))
    text = methods_text(document)
    lines = [line for line in text.splitlines() if "Evaluation" in line or "Mark" in line]
    assert len(lines) == 1 and "times" not in lines[0]
    # 60 of 90 pixels are right, 10 are missing, 20 are false
    assert "66.7 % true positive, 11.1 % false negative, 22.2 % false positive, 0.0 % artefact" in lines[0]
    assert "An expert judged 1 slice, at even intervals" in lines[0] and "Judged slices: 3" in lines[0]
    said = paragraph(document.record(), "cell.mrc")
    assert said.count("judged") == 1 and "66.7 % true positive" in said


def test_the_results_tell_the_same_of_the_judged_slices_as_the_methods_text(
    document: Document, tmp_path: Path
) -> None:
    evaluation = judge(document)
    document.view = {**document.view, "slices": {"cursor": [1, 2, 3]}}
    document.add_step(Step(StepKind.EVALUATION, parameters={"judged_slices": [2]}))
    folder = tmp_path / "results"
    write_results(folder, source_of(document))
    written = (folder / layout.METHODS).read_text(encoding="utf-8")
    sentence = "An expert judged 1 slice, at even intervals"
    line = next(one for one in written.splitlines() if "Evaluation by an expert" in one)
    assert line in methods_text(document).splitlines() and sentence in line and "66.7 %" in line
    assert sentence in written.splitlines()[0] and "no slice was judged" not in written
    kept = read_results(folder).record
    assert kept.view.keys() == {VIEW}, "how things were shown does not go to others"
    assert evaluation_of_record(kept, "It").judged == dict(evaluation.judged)
