"""Doing everything again: the same bit by bit, how far apart, and what is given."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import mrcfile
import numpy as np
import pytest
import tifffile

from sxtstudio.cli import main
from sxtstudio.core.bodies.found import FoundBodies
from sxtstudio.core.bodies.method import Method
from sxtstudio.core.classes.assigning import by_classifier, by_rules, with_classes
from sxtstudio.core.classes.classifier import examples_of
from sxtstudio.core.classes.classifier_file import (
    read_classifier,
    sha256_of_classifier,
    write_classifier,
)
from sxtstudio.core.classes.features import features_of
from sxtstudio.core.classes.fitting import train
from sxtstudio.core.classes.queue import ClassIs, Right, questions, row_after
from sxtstudio.core.classes.rules import ClassRule, RuleSet, ValueRange, decided_by, values_of
from sxtstudio.core.cleanup import CleanParameters
from sxtstudio.core.edit_kind import EditKind, Target
from sxtstudio.core.edits import Recorder
from sxtstudio.core.errors import Cancelled, UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.mask_slices import ThresholdMask
from sxtstudio.core.measure.measure import measure_objects
from sxtstudio.core.object_classes import VESICLE
from sxtstudio.core.object_table import Decided, ObjectFlag, ObjectRow, ObjectTable
from sxtstudio.core.progress import Progress
from sxtstudio.core.steps import Step, StepKind
from sxtstudio.core.volume import ArrayVolume
from sxtstudio.segment.parameters import SegmentParameters
from sxtstudio.workflow.document import workplace
from sxtstudio.workflow.document.document import Document
from sxtstudio.workflow.document.exporting import source_of
from sxtstudio.workflow.document.network_output import find_output
from sxtstudio.workflow.jobs import document_mask as masking
from sxtstudio.workflow.jobs.cleaning import CleanUp
from sxtstudio.workflow.jobs.document_cleaning import CleanInput, clean_document
from sxtstudio.workflow.jobs.document_objects import FindObjects, ObjectsInput, find_document_objects
from sxtstudio.workflow.jobs.document_segmenting import segment_document
from sxtstudio.workflow.results import layout, write
from sxtstudio.workflow.results.changed_files import ADVICE
from sxtstudio.workflow.results.compare import Outcome, Verdict, compare_tables, compare_volumes
from sxtstudio.workflow.results.in_labels import told_steps
from sxtstudio.workflow.results.rerun import rerun
from sxtstudio.workflow.results.write import measured_anew, write_results

Work = Callable[[Recorder], dict | None]


class Window:
    """What the window does with a document: the same works, and the same records."""

    def __init__(self, document: Document, model: Path, cancel_before: Callable[[int], None]) -> None:
        self.document, self.model, self._cancel_before = document, model, cancel_before

    def _do(
        self, kind: EditKind, target: Target, parameters: dict, work: Callable[[Recorder], dict | None]
    ) -> None:
        recorder = self.document.recorder(kind, target, parameters)
        more = work(recorder) or {}
        edit = recorder.finish()
        assert edit is not None
        if edit.rows is not None:
            self.document.change_table(edit.rows)
        self.document.recount(target)
        self.document.add_step(Step(StepKind.EDIT, kind, target, parameters={**parameters, **more}))

    def segment(
        self,
        *,
        keep: bool = False,
        threshold: float | None = None,
        slices: tuple[int, int] | None = None,
        resume: bool = False,
    ) -> None:
        document = self.document
        parameters = SegmentParameters(
            model=self.model, probability=keep, threshold=threshold, trust="none", slices=slices
        )

        def work(recorder: Recorder) -> dict:
            done = segment_document(
                recorder,
                document.identify(),
                parameters,
                document.bulk,
                document.segmentation_folder,
                Progress(),
                lambda box: None,
                resume=resume,
            )
            return done.step()

        self._do(EditKind.SEGMENT, "labels", {}, work)

    def cancel(self, slices: tuple[int, int] | None, after: int) -> None:
        """Segment, and cancel after so many slices; the record holds what was asked for, as in the window."""
        document = self.document
        said = {"model": "toy", "slices": slices}
        recorder = document.recorder(EditKind.SEGMENT, "labels", said)

        # A slice is finished once the network has seen the next one too.
        self._cancel_before((0 if slices is None else slices[0]) + after + 1)
        with pytest.raises(Cancelled):
            segment_document(
                recorder,
                document.identify(),
                SegmentParameters(model=self.model, trust="none", slices=slices),
                document.bulk,
                document.segmentation_folder,
                Progress(),
                lambda box: None,
            )
        recorder.partial = True
        assert recorder.finish() is not None
        document.recount("labels")
        document.add_step(Step(StepKind.EDIT, EditKind.SEGMENT, partial=True, parameters=said))

    def answer(self, numbers: Iterable[int], answer: Right | ClassIs) -> None:
        """Answer in the queue in which objects are checked."""
        table = self.document.object_table
        for number in numbers:
            self.document.change_table(table.change({number: row_after(table.rows[number], answer)}))
            table = self.document.object_table
            self.document.add_step(Step(StepKind.EDIT, EditKind.CHECKED, "objects"))

    def clean(self, clean_up: CleanUp) -> None:
        document = self.document
        assert document.labels is not None
        given = CleanInput(
            document.labels, document.mask, find_output(document.bulk, document.shape), document.voxel_nm
        )

        def work(recorder: Recorder) -> None:
            clean_document(recorder, given, clean_up, document.bulk, Progress(), lambda box: None)

        self._do(EditKind.CLEAN_UP, "labels", clean_up.step(), work)

    def mask(self, how: ThresholdMask) -> None:
        said = {name: getattr(how, name) for name in ("value", "above", "smooth_px", "large_only", "fill")}

        def work(recorder: Recorder) -> None:
            masking.make_by_threshold(recorder, self.document.tomogram, how, Progress(), lambda box: None)

        self._do(EditKind.THRESHOLD, "mask", said, work)

    def find(self, wanted: FindObjects) -> None:
        document = self.document
        assert document.labels is not None
        given = ObjectsInput(
            document.labels,
            document.mask,
            document.voxel_nm,
            document.tomogram,
            document.object_table,
            document.object_boxes,
            find_output(document.bulk, document.shape),
        )

        def work(recorder: Recorder) -> None:
            find_document_objects(recorder, given, wanted, document.bulk, Progress())

        self._do(EditKind.FIND_OBJECTS, "objects", wanted.step(), work)

    def paint(self, target: Target, box: Box, value: int) -> None:
        def work(recorder: Recorder) -> None:
            recorder.write(box, np.full(box.shape, value, recorder.labels.dtype))

        self._do(EditKind.BRUSH, target, {}, work)

    def rule(self, least_um3: float) -> None:
        document = self.document
        assert document.objects is not None
        rules = RuleSet((ClassRule("Vesicle", (ValueRange("volume", least_um3, None, "um3"),)),), (VESICLE,))
        measured = measure_objects(document.objects, document.voxel_nm)
        table = document.object_table
        rows = by_rules(table, decided_by(rules.rules, measured, ()))
        document.change_table(table.change(rows, with_classes(table, rules.classes)))
        said = {"rules": values_of(rules)}
        document.add_step(Step(StepKind.EDIT, EditKind.CLASS_BY_RULE, "objects", parameters=said))


@pytest.fixture
def window(
    tomogram: Path,
    toy_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    cancel_before: Callable[[int], None],
) -> Iterator[Window]:
    """A document over rings, and the toy model under its name."""
    monkeypatch.setenv(workplace.VARIABLE, str(tmp_path / "sessions"))
    monkeypatch.setenv("SXTSTUDIO_MODELS", str(toy_model.parent))
    monkeypatch.setattr(
        write, "draw_plots", lambda plots, *paths, progress: [p.write_text("") for p in paths]
    )
    made = Document.open(tomogram)
    yield Window(made, toy_model, cancel_before)
    made.discard()
    made.close()


@pytest.fixture
def write_folder(window: Window, tmp_path: Path) -> Callable[[], Path]:
    """Write the results of the document."""

    def written() -> Path:
        folder = tmp_path / "cell-results"
        write_results(folder, source_of(window.document))
        return folder

    return written


def by_name(outcomes: tuple[Outcome, ...]) -> dict[str, Outcome]:
    return {one.name: one for one in outcomes}


def everything(window: Window) -> None:
    window.segment(keep=True)
    window.mask(ThresholdMask(-0.2, above=True, smooth_px=2.0, large_only=False))
    window.clean(CleanUp(CleanParameters(close=1, min_size_voxels=5), inside_mask=False, threshold=-0.4))
    window.find(FindObjects(min_voxels=10))
    window.rule(1e-6)


def test_everything_that_was_no_work_by_hand_is_the_same(
    window: Window, write_folder: Callable[[], Path], tmp_path: Path
) -> None:
    everything(window)
    assert window.document.object_table.rows and window.document.mask is not None
    found = rerun(write_folder())
    outcomes = by_name(found.outcomes)
    assert set(outcomes) == {"labels", "cell mask", "objects", "classes", "table"}
    assert {one.verdict for one in found.outcomes} == {Verdict.SAME}, found.outcomes
    assert found.same and not found.notes
    assert found.done == ("Segment", "Cell mask: threshold", "Clean up", "Find objects")
    assert all(row.class_name == "Vesicle" for row in window.document.object_table.rows.values())
    assert len(list((tmp_path / "sessions").iterdir())) == 1, "only that of the window is left"


@pytest.mark.parametrize("slices", [None, (1, 5)])
def test_the_steps_that_the_paragraph_tells_make_the_labels_that_are_there(
    window: Window, write_folder: Callable[[], Path], slices: tuple[int, int] | None
) -> None:
    """A clean-up with a threshold makes labels anew, so that the former ones are not in them."""
    document = window.document
    window.segment(keep=True, slices=slices)
    for dilate, threshold in ((2, None), (3, -0.6), (1, -0.4), (1, None)):
        window.clean(CleanUp(CleanParameters(dilate=dilate, erode_3d=False), threshold=threshold))
    assert document.voxels("labels")
    folder = write_folder()
    assert rerun(folder).same
    text = (folder / layout.METHODS).read_text(encoding="utf-8").split("\n")[0]
    assert text.count("labels were dilated by 1 voxel.") == text.count("dilated") == 2
    content = json.loads((folder / layout.PARAMETERS).read_text(encoding="utf-8"))
    told = [one.step for one in told_steps(document.record().steps, document.shape[0])]
    kept = [number for number, step in enumerate(document.record().steps) if step in told]
    assert kept == [0, 3, 4]
    content["record"]["steps"] = [content["record"]["steps"][number] for number in kept]
    (folder / layout.PARAMETERS).write_text(json.dumps(content), encoding="utf-8")
    assert by_name(rerun(folder).outcomes)["labels"].verdict is Verdict.SAME


def test_what_was_painted_is_given_and_all_goes_on_from_it(
    window: Window, write_folder: Callable[[], Path]
) -> None:
    window.segment()
    window.paint("labels", Box((1, 2, 2), (3, 9, 9)), 255)
    window.find(FindObjects(min_voxels=10))
    found = rerun(write_folder())
    outcomes = by_name(found.outcomes)
    assert outcomes["labels"].verdict is Verdict.GIVEN and "Brush" in outcomes["labels"].words
    assert outcomes["objects"].verdict is Verdict.SAME and outcomes["table"].verdict is Verdict.SAME
    assert found.done == ("Segment", "Find objects") and found.same


def test_what_followed_work_by_hand_that_was_changed_later_is_given_too(
    window: Window, write_folder: Callable[[], Path]
) -> None:
    """The labels from which the objects came are not in the folder."""
    window.segment()
    window.paint("labels", Box((1, 2, 2), (3, 9, 9)), 255)
    window.find(FindObjects(min_voxels=10))
    window.paint("labels", Box((1, 2, 2), (3, 9, 9)), 0)
    outcomes = by_name(rerun(write_folder()).outcomes)
    assert outcomes["labels"].verdict is Verdict.GIVEN
    assert outcomes["objects"].verdict is Verdict.GIVEN and "Find objects" in outcomes["objects"].words


def test_a_segmentation_of_all_slices_makes_up_for_what_was_drawn_before(
    window: Window, write_folder: Callable[[], Path]
) -> None:
    window.paint("labels", Box((1, 2, 2), (3, 9, 9)), 255)
    window.segment()
    outcomes = by_name(rerun(write_folder()).outcomes)
    assert outcomes["labels"].verdict is Verdict.SAME


@pytest.mark.parametrize("slices", [(1, 5), None])
def test_a_segmentation_that_was_cancelled_and_gone_on_with_is_one(
    window: Window, write_folder: Callable[[], Path], slices: tuple[int, int] | None
) -> None:
    """No label was touched by hand."""
    window.cancel(slices, after=2)
    window.segment(slices=slices, resume=True)
    window.clean(CleanUp(CleanParameters(close=1, min_size_voxels=5)))
    window.find(FindObjects(min_voxels=10))
    folder = write_folder()
    for name in (layout.METHODS, layout.README):
        text = (folder / name).read_text(encoding="utf-8")
        assert "by hand" not in text and "was ended before" not in text
        assert text.count("Membranes were segmented with the model “toy”") == 1
    found = rerun(folder)
    assert {one.verdict for one in found.outcomes} == {Verdict.SAME}, found.outcomes
    assert found.done == ("Segment", "Clean up", "Find objects")


@pytest.mark.parametrize("last", [None, (2, 5)])
def test_a_part_that_stays_is_said_and_is_no_work_by_hand(
    window: Window, write_folder: Callable[[], Path], last: tuple[int, int] | None
) -> None:
    """Slice 2 is of the part alone."""
    window.cancel((1, 5), after=2)
    if last is not None:
        window.segment(slices=last)
    folder = write_folder()
    text = (folder / layout.METHODS).read_text(encoding="utf-8")
    assert "A part of slices 2 to 5 was segmented with the model “toy”" in text and "by hand" not in text
    found = rerun(folder)
    outcomes = by_name(found.outcomes)
    assert outcomes["labels"].verdict is Verdict.GIVEN and "Segment (part)" in outcomes["labels"].words
    assert found.same and not found.done


def test_slices_that_were_corrected_before_a_segmentation_was_gone_on_with_are_given(
    window: Window, write_folder: Callable[[], Path]
) -> None:
    """They stay as they were corrected, which the network does not find again."""
    window.cancel(None, after=2)
    window.paint("labels", Box((0, 2, 2), (1, 30, 30)), 255)
    window.segment(resume=True)
    labels = window.document.labels
    assert labels is not None and labels[0, 2:30, 2:30].all(), "corrections stay"
    window.find(FindObjects(min_voxels=10))
    found = rerun(write_folder())
    outcomes = by_name(found.outcomes)
    assert outcomes["labels"].verdict is Verdict.GIVEN and "Brush" in outcomes["labels"].words
    assert outcomes["objects"].verdict is Verdict.SAME and found.same


def test_objects_that_were_made_of_a_part_are_not_made_of_what_followed(
    window: Window, write_folder: Callable[[], Path]
) -> None:
    window.cancel((1, 5), after=2)
    window.find(FindObjects(Method.COMPONENTS, min_voxels=10))
    window.segment(slices=(1, 5), resume=True)
    outcomes = by_name(rerun(write_folder()).outcomes)
    assert outcomes["objects"].verdict is Verdict.GIVEN
    assert outcomes["labels"].verdict is Verdict.GIVEN


def test_answers_of_the_checking_are_given(
    window: Window, write_folder: Callable[[], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer says that an open body is right, or that an outline is not doubtful."""

    def flagged(found: FoundBodies) -> ObjectTable:
        """Boxes are neither open nor doubtful; here the first two are open, and all others doubtful."""
        flags = {n: ObjectFlag.OPEN if n < 3 else ObjectFlag.DOUBTFUL for n in range(1, found.count + 1)}
        return ObjectTable({n: ObjectRow(flags=frozenset({flag})) for n, flag in flags.items()})

    monkeypatch.setattr("sxtstudio.core.bodies.found.bodies_table", flagged)
    for x in range(5, 65, 12):
        window.paint("labels", Box((1, 5, x), (4, 12, x + 6)), 255)
    window.find(FindObjects(Method.COMPONENTS, min_voxels=1))
    asked = {one.number for one in questions(window.document.object_table)}
    before = dict(window.document.object_table.rows)
    assert len(asked) == 5 and asked == before.keys()
    first, *others = sorted(asked)
    window.answer(others, Right())
    window.answer([first], ClassIs("Vesicle"))
    assert not questions(window.document.object_table)
    folder = write_folder()
    found = rerun(folder)
    assert found.same, found.outcomes
    words = by_name(found.outcomes)["classes"].words
    assert "1 class by hand" in words and f"{len(asked)} answers of the checking" in words
    kept = json.loads((folder / layout.ROWS).read_text(encoding="utf-8"))
    kept["rows"][str(others[0])]["flags"] = ["sheet"]
    kept["rows"][str(others[0])]["class"] = "Gold"
    (folder / layout.ROWS).write_text(json.dumps(kept), encoding="utf-8")
    classes = by_name(rerun(folder).outcomes)["classes"]
    assert classes.verdict is Verdict.APART and classes.measure == {"objects": 1}
    assert f"1 of {len(before)} objects differ – object {others[0]}: class Gold, again none" in classes.words
    assert "flags sheet, again" in classes.words


def test_merged_objects_are_given_and_measured(window: Window, write_folder: Callable[[], Path]) -> None:
    window.segment(threshold=0.7)
    window.find(FindObjects(min_voxels=10))
    window.paint("objects", Box((0, 0, 0), (2, 4, 4)), 1)
    found = rerun(write_folder())
    outcomes = by_name(found.outcomes)
    assert outcomes["labels"].verdict is Verdict.SAME, "with the threshold of then"
    assert outcomes["objects"].verdict is Verdict.GIVEN and outcomes["table"].verdict is Verdict.SAME


def test_classes_of_a_classifier_are_given_again(
    window: Window, write_folder: Callable[[], Path], tmp_path: Path
) -> None:
    """Large boxes and small ones; of a few of each the class was given by hand."""
    document = window.document
    for number in range(1, 25):
        edge = 4 if number % 2 else 7
        z, y, x = 0, 9 * ((number - 1) % 6), 10 * ((number - 1) // 6)
        window.paint("objects", Box((z, y, x), (edge - 2, y + edge, x + edge)), number)
    document.set_table(document.object_table)
    by_hand = {number: "Vesicle" if number % 2 else "Mitochondrion" for number in range(1, 15)}
    rows = {
        number: ObjectRow(by_hand.get(number, ""), Decided.HAND if number in by_hand else Decided.NOBODY)
        for number in range(1, 25)
    }
    document.set_table(ObjectTable(rows))
    assert document.objects is not None
    measured = measured_anew(source_of(document), None).value
    features = features_of(measured, "dark")
    classifier = train(examples_of(features, document.object_table.classes, by_hand))
    table = document.object_table
    said = by_classifier(table, classifier.predict(features))
    document.change_table(table.change(said, with_classes(table, classifier.classes)))
    named = {"classifier_sha256": sha256_of_classifier(classifier)}
    document.add_step(Step(StepKind.EDIT, EditKind.CLASSIFY, "objects", parameters=named))
    given = [row for row in document.object_table.rows.values() if row.decided is Decided.CLASSIFIER]
    assert len(given) == 10 and {row.class_name for row in given} == {"Vesicle", "Mitochondrion"}
    folder = tmp_path / "classed-results"
    write_results(folder, source_of(document), classifier=classifier)
    assert (folder / layout.CLASSIFIER).is_file()
    outcomes = by_name(rerun(folder).outcomes)
    assert outcomes["objects"].verdict is Verdict.GIVEN
    assert outcomes["classes"].verdict is Verdict.SAME and "14 classes by hand" in outcomes["classes"].words
    assert outcomes["table"].verdict is Verdict.SAME
    kept = json.loads((folder / layout.ROWS).read_text(encoding="utf-8"))
    kept["rows"]["20"]["class"] = "Gold"
    (folder / layout.ROWS).write_text(json.dumps(kept), encoding="utf-8")
    found = by_name(rerun(folder).outcomes)["classes"]
    assert found.verdict is Verdict.APART and found.measure == {"objects": 1}
    fewer = {number: by_hand[number] for number in range(1, 13)}
    other = train(examples_of(features, document.object_table.classes, fewer))
    for another in (other, None):
        receipt = write_results(tmp_path / "other-results", source_of(document), classifier=another)
        assert not (tmp_path / "other-results" / layout.CLASSIFIER).exists()
        assert any("not open any more" in note for note in receipt.notes)
    write_classifier(tmp_path / "c.json", classifier)
    written = hashlib.sha256((tmp_path / "c.json").read_bytes()).hexdigest()
    assert written == named["classifier_sha256"] == sha256_of_classifier(read_classifier(tmp_path / "c.json"))


def test_how_far_apart_is_said(window: Window, write_folder: Callable[[], Path]) -> None:
    everything(window)
    folder = write_folder()
    path = folder / layout.VOLUMES["labels"]
    data = tifffile.imread(path)
    before = np.count_nonzero(data)
    data[0, 0, :7] = 255
    tifffile.imwrite(path, data, photometric="minisblack")
    table = folder / layout.TABLE
    lines = table.read_text(encoding="utf-8").split("\n")
    place = lines[0].split(",").index("volume_um3")
    cells = lines[1].split(",")
    cells[place] = repr(float(cells[place]) * 1.25)
    lines[1] = ",".join(cells)
    table.write_text("\n".join(lines), encoding="utf-8")
    found = rerun(folder)
    outcomes = by_name(found.outcomes)
    assert not found.same
    labels = outcomes["labels"].measure
    assert labels is not None and labels["voxels"] == 7
    assert labels["dice"] == pytest.approx(2 * before / (2 * before + 7))
    measured = outcomes["table"].measure
    assert measured is not None and measured["column"] == "volume_um3"
    assert measured["largest_relative_difference"] == pytest.approx(0.2, rel=1e-5)
    assert outcomes["objects"].verdict is Verdict.SAME
    changed = [one.name for one in found.outcomes if "changed since it was written" in one.words]
    assert changed == [layout.VOLUMES["labels"], layout.TABLE]


def test_another_parameter_gives_another_result(window: Window, write_folder: Callable[[], Path]) -> None:
    everything(window)
    folder = write_folder()
    content = json.loads((folder / layout.PARAMETERS).read_text(encoding="utf-8"))
    clean = next(step for step in content["record"]["steps"] if step.get("edit") == "clean up")
    clean["parameters"]["close"] = 3
    (folder / layout.PARAMETERS).write_text(json.dumps(content), encoding="utf-8")
    assert by_name(rerun(folder).outcomes)["labels"].verdict is Verdict.APART


def test_another_model_and_another_tomogram_are_errors(
    window: Window,
    write_folder: Callable[[], Path],
    tomogram: Path,
    toy_model: Path,
    tmp_path: Path,
    make_model: Callable[..., Path],
) -> None:
    window.segment()
    folder = write_folder()
    kept = tmp_path / "kept.onnx"
    shutil.copy(toy_model, kept)
    toy_model.unlink()
    with pytest.raises(UserError, match=r"model toy .* which is not here"):
        rerun(folder)
    make_model(toy_model, layers=1)
    with pytest.raises(UserError, match=r"of SHA-256 .* give the right one with --model"):
        rerun(folder)
    shutil.copy(kept, toy_model)
    moved = tmp_path / "else" / "moved.mrc"
    moved.parent.mkdir()
    shutil.copy(tomogram, moved)
    with mrcfile.open(tomogram, "r+") as file:
        file.data[0, 0, 0] += 1
    with pytest.raises(UserError, match="its checksum is another one"):
        rerun(folder)
    tomogram.unlink()
    with pytest.raises(UserError, match=r"not where it was .*--tomogram"):
        rerun(folder)
    assert rerun(folder, moved).same


def test_the_command_says_it_and_its_code_tells(
    window: Window, write_folder: Callable[[], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    everything(window)
    folder = write_folder()
    assert main(["rerun", str(folder)]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "labels: the same, bit by bit" in printed and "Segment, Cell mask: threshold" in printed
    data = tifffile.imread(folder / layout.VOLUMES["objects"])
    data[data != 0] += 1
    tifffile.imwrite(folder / layout.VOLUMES["objects"], data, photometric="minisblack")
    assert main(["rerun", str(folder), "--json"]) == 3
    found = json.loads(capsys.readouterr().out)
    assert not found["same"] and [one["verdict"] for one in found["results"]][2] == "apart"
    assert main(["rerun", str(folder.parent)]) == 2
    assert "no folder of results" in capsys.readouterr().err


@pytest.mark.parametrize(
    "parameters",
    [
        {"model": "toy"},
        {"model": "toy", "model_sha256": "x", "threshold": 0, "polarity": "dark", "slices": [0, 6]},
        {"model": "toy", "model_sha256": "0" * 64, "threshold": 9, "polarity": "dark", "slices": [0, 6]},
    ],
)
def test_a_strangers_record_is_an_error_in_a_sentence(
    window: Window, write_folder: Callable[[], Path], parameters: dict
) -> None:
    window.segment()
    folder = write_folder()
    content = json.loads((folder / layout.PARAMETERS).read_text(encoding="utf-8"))
    content["record"]["steps"][0]["parameters"] = parameters
    (folder / layout.PARAMETERS).write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(UserError, match="A segmentation of the record is damaged"):
        rerun(folder)


@pytest.mark.parametrize("harm", ["gone", "linked", "changed"])
def test_given_results_that_are_gone_or_changed_are_not_the_same(
    window: Window, write_folder: Callable[[], Path], tmp_path: Path, harm: str
) -> None:
    window.paint("labels", Box((1, 2, 2), (3, 9, 9)), 255)
    folder = write_folder()
    found = rerun(folder)
    assert found.same and found.outcomes[0].verdict is Verdict.GIVEN and "as given" in found.notes[0]
    path = folder / layout.VOLUMES["labels"]
    if harm == "changed":
        data = tifffile.imread(path)
        data[0, 0, :7] = 255
        tifffile.imwrite(path, data, photometric="minisblack")
    else:
        shutil.move(path.parent, tmp_path / "elsewhere")
        if harm == "linked":
            path.parent.symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    found = rerun(folder)
    wanted = Verdict.APART if harm == "changed" else Verdict.MISSING
    outcomes = by_name(found.outcomes)
    assert not found.same and found.notes == (ADVICE,)
    assert outcomes["labels"].verdict is wanted and outcomes[layout.VOLUMES["labels"]].verdict is wanted
    said = {
        "linked": "a link is in its place; there is nothing to compare the labels with",
        "gone": "the file is not there any more; there is nothing to compare the labels with",
        "changed": "the file was changed since it was written; "
        "the labels cannot be compared with what was written",
    }[harm]
    assert outcomes[layout.VOLUMES["labels"]].words == said
    assert main(["rerun", str(folder)]) == 3


def test_what_followed_labels_that_are_gone_is_not_made_from_nothing(
    window: Window, write_folder: Callable[[], Path]
) -> None:
    window.paint("labels", Box((1, 2, 2), (3, 9, 9)), 255)
    window.find(FindObjects(Method.COMPONENTS, min_voxels=10))
    folder = write_folder()
    (folder / layout.VOLUMES["labels"]).unlink()
    found = rerun(folder)
    assert not found.same and by_name(found.outcomes)["labels"].verdict is Verdict.MISSING
    assert by_name(found.outcomes)["objects"].verdict is Verdict.GIVEN and not found.done


def _with_step(folder: Path, step: Step) -> None:
    """Put a step of a stranger into the record."""
    content = json.loads((folder / layout.PARAMETERS).read_text(encoding="utf-8"))
    first = content["record"]["steps"][0]
    added = {**first, "kind": step.kind.value, "name": step.name, "parameters": dict(step.parameters)}
    if step.kind is not StepKind.EDIT:
        added = {key: value for key, value in added.items() if key not in ("edit", "target")}
    content["record"]["steps"].insert(0, added)
    (folder / layout.PARAMETERS).write_text(json.dumps(content), encoding="utf-8")


@pytest.mark.parametrize("size", [["a", "b", "c"], [None] * 3, [10**400] * 3, [-1, 0, 1], 5])
def test_a_strangers_voxel_size_is_an_error_in_a_sentence(
    window: Window, write_folder: Callable[[], Path], size: object, capsys: pytest.CaptureFixture[str]
) -> None:
    window.paint("labels", Box((1, 2, 2), (3, 9, 9)), 255)
    folder = write_folder()
    _with_step(folder, Step(StepKind.VOXEL_SIZE, parameters={"voxel_nm": size}))
    assert main(["rerun", str(folder)]) == 2
    assert "A voxel size of the record is damaged" in capsys.readouterr().err


def test_a_threshold_beyond_all_grey_values_is_an_error_in_a_sentence(
    window: Window, write_folder: Callable[[], Path]
) -> None:
    window.mask(ThresholdMask(-0.2, above=True, smooth_px=2.0, large_only=False))
    folder = write_folder()
    content = json.loads((folder / layout.PARAMETERS).read_text(encoding="utf-8"))
    content["record"]["steps"][0]["parameters"]["value"] = 1e300
    (folder / layout.PARAMETERS).write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(UserError, match="A threshold of the record is damaged"):
        rerun(folder)


def test_no_model_is_opened_because_a_record_names_its_path(
    window: Window, write_folder: Callable[[], Path], toy_model: Path
) -> None:
    window.segment()
    folder = write_folder()
    content = json.loads((folder / layout.PARAMETERS).read_text(encoding="utf-8"))
    content["record"]["steps"][0]["parameters"]["model"] = str(toy_model)
    (folder / layout.PARAMETERS).write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(UserError, match="Say where it is with --model"):
        rerun(folder)


def test_dice_and_differences_are_those_of_their_definitions() -> None:
    one, other = np.zeros((2, 3, 4), np.uint16), np.zeros((2, 3, 4), np.uint16)
    one[0, 0], other[0, 0, 1:], other[1, 1, 1] = 5, 5, 5
    found = compare_volumes("objects", ArrayVolume(one), other).measure
    assert found is not None and found["voxels"] == 2 and found["dice"] == pytest.approx(2 * 3 / (4 + 4))
    other[0, 0, 3] = 6
    found = compare_volumes("objects", ArrayVolume(one), other).measure
    assert found is not None and found["voxels"] == 3 and found["dice"] == pytest.approx(2 * 2 / 8)
    kept = {"object": np.array([1, 2]), "a": np.array([1.0, np.nan]), "class": np.array(["x", "y"], object)}
    assert compare_tables(kept, {**kept, "class": np.array(["z", "y"], object)}).verdict is Verdict.SAME
    again = compare_tables(kept, {**kept, "a": np.array([4.0, np.nan])}).measure
    assert again is not None and again["largest_relative_difference"] == pytest.approx(0.75)
    assert compare_tables(kept, {**kept, "object": np.array([1, 3])}).verdict is Verdict.APART


def test_another_version_is_named_where_results_differ(
    window: Window, write_folder: Callable[[], Path]
) -> None:
    """A file that somebody has changed says nothing about versions."""
    window.segment()
    folder = write_folder()
    path = folder / layout.PARAMETERS
    content = json.loads(path.read_text(encoding="utf-8"))
    content["program"] = "0.0.9"
    path.write_text(json.dumps(content), encoding="utf-8")
    (folder / layout.METHODS).write_text("Other words.\n", encoding="utf-8")
    assert not any("0.0.9" in note for note in rerun(folder).notes)
    content["record"]["steps"][0]["parameters"]["threshold"] = 0.9
    path.write_text(json.dumps(content), encoding="utf-8")
    assert any("made with SXT Studio 0.0.9" in note for note in rerun(folder).notes)


def test_one_is_said_as_one() -> None:
    one, other = np.ones((1, 2, 2), np.uint8), np.ones((1, 2, 2), np.uint8)
    other[0, 0, 0] = 0
    assert compare_volumes("labels", ArrayVolume(one), other).words.startswith("1 voxel differs, ")
    tables = [{"object": np.array(numbers)} for numbers in ([1, 2, 3], [1, 2, 3, 4], [1])]
    assert compare_tables(tables[0], tables[1]).words == "1 object is new"
    assert compare_tables(tables[1], tables[2]).words == "3 objects are not there again"
