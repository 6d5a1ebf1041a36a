"""Do everything again from a folder of results, and say of each result whether it is the same."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from sxtstudio import __version__
from sxtstudio.core.classes.assigning import by_classifier, by_rules, with_classes
from sxtstudio.core.classes.classifier_file import read_classifier
from sxtstudio.core.classes.features import features_of
from sxtstudio.core.classes.rules import decided_by, rules_of, sheets_in
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.errors import UserError
from sxtstudio.core.measure.columns import Measurements
from sxtstudio.core.measure.kept import KeptMeasurements
from sxtstudio.core.measure.table import about, object_table
from sxtstudio.core.object_table import Decided, ObjectFlag, ObjectTable
from sxtstudio.core.progress import Progress
from sxtstudio.core.steps import Step
from sxtstudio.core.walk import walk
from sxtstudio.core.wording import count, shape_text
from sxtstudio.io import open_volume
from sxtstudio.io.fingerprint import has_fingerprint
from sxtstudio.io.object_table import read_table as read_rows
from sxtstudio.io.tables import read_table, write_table
from sxtstudio.io.volume_name import moved_to
from sxtstudio.workflow.document.document import Document
from sxtstudio.workflow.document.exporting import source_of
from sxtstudio.workflow.document.recovery import of_a_command
from sxtstudio.workflow.jobs.outputs import on_disk
from sxtstudio.workflow.results import layout
from sxtstudio.workflow.results.changed_files import (
    ADVICE,
    NAMES,
    TABLE_NAME,
    changed_files,
    is_within,
    with_meaning,
)
from sxtstudio.workflow.results.compare import (
    Outcome,
    Verdict,
    compare_rows,
    compare_tables,
    compare_volumes,
)
from sxtstudio.workflow.results.replay import PARTS, NotTheTomogram, Options, Part, Replay
from sxtstudio.workflow.results.standing import standing
from sxtstudio.workflow.results.write import measured_anew

_ALL_GIVEN = "No step was done again: all is work by hand, and was taken as given from the folder."
_OTHER_VERSION = (
    "They were made with SXT Studio {}; this is {}, which may find other objects in the same labels."
)
_LOST = "and holds work by hand, which nothing makes again"
_CLASSES = "classes"
_NOT_IN = "the folder has no {}"
_WITHOUT_CLASSES = "measured without the classes of the folder, which are missing"
_STEPS_SHARE, _COMPARE_SHARE, _MEASURE_SHARE = 0.7, 0.1, 0.2


@dataclass(frozen=True)
class Rerun:
    """What came of it.

    Attributes
    ----------
    outcomes
        One for each result, then one for each file that is not as it was written.
    done
        The names of the steps that were done again.
    notes
        What the user should know.
    """

    outcomes: tuple[Outcome, ...]
    done: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def results(self) -> tuple[Outcome, ...]:
        """The results: labels, cell mask, objects, classes, table, as far as there are any."""
        return tuple(one for one in self.outcomes if not one.is_file)

    @property
    def files(self) -> tuple[Outcome, ...]:
        """The files of the folder that were changed, are missing, or were put there."""
        return tuple(one for one in self.outcomes if one.is_file)

    @property
    def same(self) -> bool:
        """Whether what was made again is the same bit by bit, and what is given as it was written."""
        return not self.apart

    @property
    def apart(self) -> tuple[Outcome, ...]:
        """What is not the same or is missing: results, and files that are not as they were written."""
        return tuple(one for one in self.outcomes if one.verdict not in (Verdict.SAME, Verdict.GIVEN))


def rerun(
    folder: Path,
    tomogram: Path | None = None,
    options: Options | None = None,
    progress: Progress | None = None,
) -> Rerun:
    """Do everything again and compare it with the folder, which stays as it is.

    Parameters
    ----------
    folder
        Results, as ``write_results`` makes them.
    tomogram
        Where it lies now; by default where it was.
    options
        Model and device.
    progress
        Counts the whole job.

    Raises
    ------
    UserError
        If the folder is damaged, the tomogram is missing or another one, or the model is another one.
    Cancelled
        If the user stopped it.
    """
    progress = progress or Progress()
    results = layout.read_results(folder)
    changed = changed_files(folder, results)
    with _opened(folder, results, tomogram) as document:
        replay = Replay(document, options or Options(), lambda part: _give(document, folder, part, changed))
        steps = standing(results.record.steps, document.shape[0])
        replay.run(steps, progress.part(_STEPS_SHARE))
        outcomes = []
        comparing = progress.part(_COMPARE_SHARE)
        for part in PARTS:
            found = _compare_part(
                document, folder, part, replay, changed, comparing.part(1 / len(PARTS), "comparing")
            )
            outcomes += [] if found is None else [found]
        # Measured and classed with what they were in the end.
        document.voxel_nm, document.lac = results.record.voxel_nm, results.record.lac
        measuring = progress.part(_MEASURE_SHARE)
        outcomes += _compare_tables(document, folder, results, steps, changed, measuring)
    broken = with_meaning(changed.values(), outcomes)
    given = all(one.verdict is Verdict.GIVEN for one in outcomes if one.name in NAMES.values())
    notes: tuple[str, ...] = (_ALL_GIVEN,) if given and not replay.done else ()
    if results.program not in ("", __version__) and any(one.verdict is Verdict.APART for one in outcomes):
        notes += (_OTHER_VERSION.format(results.program, __version__),)
    notes += (ADVICE,) if broken else ()
    return Rerun((*outcomes, *broken), tuple(replay.done), notes)


@contextmanager
def _opened(folder: Path, results: layout.Results, tomogram: Path | None) -> Iterator[Document]:
    """Open the tomogram as a document of its own, if it is the right one."""
    pointer = results.record.tomogram
    if tomogram is not None:
        source = moved_to(pointer.absolute, tomogram)
    else:
        name = Path(pointer.absolute).name
        places = [pointer.absolute, os.path.join(folder.parent, name)]
        source = next((place for place in places if place and on_disk(Path(place)).exists()), "")
    if not source or not on_disk(Path(source)).exists():
        raise NotTheTomogram(
            f"The tomogram of {folder.name} is not where it was ({pointer.absolute or 'unknown'})",
            "say where it is now with --tomogram.",
        )
    document = Document.open(source)
    try:
        of_a_command(document.folder)
        if document.shape != pointer.shape:
            raise NotTheTomogram(
                f"{source} has {shape_text(document.shape)} voxels, but the results are of a tomogram of "
                f"{shape_text(pointer.shape)}",
                "give the right one with --tomogram.",
            )
        if pointer.fingerprint and not has_fingerprint(Path(source), pointer.fingerprint):
            raise NotTheTomogram(
                f"{source} is not the tomogram that the results are of",
                "its checksum is another one. Give the right one with --tomogram.",
            )
        yield document
    finally:
        document.discard()
        document.close()


def _give(document: Document, folder: Path, part: Part, changed: Mapping[str, Outcome]) -> bool:
    """Take labels, mask or objects of the folder into the document, if they are as they were written."""
    if layout.VOLUMES[part] in changed:
        return False
    array = document.volume(part)
    path = folder / layout.VOLUMES[part]
    if not path.is_file():
        array[:] = 0  # it was empty in the end
    else:
        with open_volume(path) as kept:
            _check_shape(document, kept.shape, path)
            for box in walk(document.shape, array):
                values = kept.read(box)
                if part == "objects":
                    array[box.slices] = values.astype(np.uint32)
                else:
                    array[box.slices] = np.where(values != 0, 255, 0)
    document.recount(part)
    if part == "objects":
        document.set_table(_rows_of(folder))
    return True


def _check_shape(document: Document, shape: tuple[int, ...], path: Path) -> None:
    if tuple(shape) != document.shape:
        raise UserError(
            f"{path} has {shape_text(shape)} voxels, not those of the tomogram: it was exchanged."
        )


def _rows_of(folder: Path) -> ObjectTable:
    if not is_within(folder, layout.ROWS):
        return ObjectTable()
    return read_rows(folder / layout.ROWS, f"The table of the objects in {folder.name}")[0]


def _compare_part(
    document: Document,
    folder: Path,
    part: Part,
    replay: Replay,
    changed: Mapping[str, Outcome],
    progress: Progress,
) -> Outcome | None:
    path, name = folder / layout.VOLUMES[part], NAMES[part]
    broken = changed.get(layout.VOLUMES[part])
    if broken is not None and (part in replay.by_hand or broken.verdict is Verdict.MISSING):
        words = broken.words if broken.verdict is Verdict.MISSING else f"{broken.words}, {_LOST}"
        return Outcome(name, broken.verdict, words)
    if part in replay.by_hand:
        each = [f"{step} ×{n}" if n > 1 else step for step, n in replay.by_hand[part].items()]
        return Outcome(name, Verdict.GIVEN, f"work by hand, or what follows it: {', '.join(each[:8])}")
    array = document.array(part)
    if not path.is_file():
        if document.voxels(part):
            words = f"{count(document.voxels(part), 'voxel')} that the folder does not have"
            return Outcome(name, Verdict.APART, words)
        return None
    if array is None:
        return Outcome(name, Verdict.MISSING, "no step of the record makes it")
    try:
        with open_volume(path) as kept:
            _check_shape(document, kept.shape, path)
            return replace(compare_volumes(part, kept, array, progress), name=name)
    except UserError as error:
        if broken is None:
            raise
        return Outcome(name, Verdict.APART, f"{broken.words}, and cannot be compared: {error}")


def _compare_tables(
    document: Document,
    folder: Path,
    results: layout.Results,
    steps: list[Step],
    changed: Mapping[str, Outcome],
    progress: Progress,
) -> list[Outcome]:
    """Compare classes and table with what the folder has; what of it is missing is said."""
    known = {*results.files, *changed}
    if document.objects is None or not known & {layout.TABLE, layout.ROWS}:
        return []
    lost = {
        name: Outcome(name, Verdict.MISSING, changed[file].words if file in changed else _NOT_IN.format(file))
        for name, file in ((_CLASSES, layout.ROWS), (TABLE_NAME, layout.TABLE))
        if not is_within(folder, file)
    }
    if len(lost) == 2:
        return list(lost.values())
    kept_rows = _rows_of(folder)
    looked_at = any(step.edit is EditKind.CHECKED and step.target == "objects" for step in steps)
    with_hand, checked = _given_rows(document.object_table, kept_rows, looked_at=looked_at)
    document.set_table(with_hand)
    # Relations are to the classes that there were in the end.
    document.set_table(_with_kept_classes(document.object_table, kept_rows))
    former = KeptMeasurements(Measurements(np.empty(0, np.int64)), contacts=results.contacts)
    former = replace(former, voxel_nm=document.voxel_nm)
    measured = measured_anew(source_of(document), former, progress).value
    again = _classed(with_hand, measured, document, folder, steps)
    rows = compare_rows(kept_rows, again)
    by_hand = sum(row.decided is Decided.HAND and bool(row.class_name) for row in kept_rows.rows.values())
    given = [count(by_hand, "class", "classes") + " by hand"] if by_hand else []
    given += [count(checked, "answer") + " of the checking"] if checked else []
    if given:
        rows = replace(rows, words=f"{rows.words}; taken as given: {', '.join(given)}")
    if TABLE_NAME in lost:
        return [rows, lost[TABLE_NAME]]
    scratch = document.folder / "again.csv"
    name = document.tomogram.path.name
    write_table(scratch, object_table(measured, again, about(name, document.voxel_nm)))
    table = compare_tables(read_table(folder / layout.TABLE), read_table(scratch))
    for left in (scratch, scratch.with_name("again.dictionary.csv")):
        left.unlink(missing_ok=True)
    if _CLASSES not in lost:
        return [rows, table]
    if table.verdict is Verdict.APART:
        table = replace(table, words=f"{table.words}; {_WITHOUT_CLASSES}")
    return [lost[_CLASSES], table]


def _given_rows(found: ObjectTable, kept: ObjectTable, *, looked_at: bool) -> tuple[ObjectTable, int]:
    """Return the objects that were found, with classes, notes and answers that were given by hand.

    Parameters
    ----------
    looked_at
        Whether objects were checked. An answer leaves the flag ``checked`` on an open body, and takes
        ``doubtful`` away.

    Returns
    -------
    tuple
        The table, and of how many objects an answer was taken.
    """
    rows, answers = {}, 0
    for number, row in found.rows.items():
        known = kept.rows.get(number)
        if known is not None:
            flags = row.flags | (known.flags & {ObjectFlag.CHECKED})
            if looked_at and ObjectFlag.DOUBTFUL not in known.flags:
                flags -= {ObjectFlag.DOUBTFUL}
            answers += flags != row.flags
            row = replace(row, notes=known.notes, flags=flags)
            if known.decided is Decided.HAND:
                row = replace(row, class_name=known.class_name, decided=Decided.HAND)
            else:
                row = replace(row, class_name="", decided=Decided.NOBODY, sure=None)
        rows[number] = row
    return ObjectTable(rows, kept.classes), answers


def _with_kept_classes(table: ObjectTable, kept: ObjectTable) -> ObjectTable:
    rows = {
        number: replace(row, class_name=kept.rows[number].class_name) if number in kept.rows else row
        for number, row in table.rows.items()
    }
    return ObjectTable(rows, kept.classes)


def _classed(
    table: ObjectTable, measured: Measurements, document: Document, folder: Path, steps: list[Step]
) -> ObjectTable:
    """Give the objects their classes by the rules and the classifier that are recorded."""
    for step in steps:
        if step.target != "objects":
            continue
        if step.edit is EditKind.CLASS_BY_RULE and isinstance(step.parameters.get("rules"), dict):
            rules = rules_of(dict(step.parameters["rules"]), "The rules of the record cannot be used")
            rows = by_rules(table, decided_by(rules.rules, measured, sheets_in(table)))
            table = table.changed(table.change(rows, with_classes(table, rules.classes)))
        elif step.edit is EditKind.CLASSIFY and is_within(folder, layout.CLASSIFIER):
            classifier = read_classifier(folder / layout.CLASSIFIER)
            absorbing = "dark" if document.polarity is None else document.polarity.value
            said = classifier.predict(features_of(measured, absorbing), sheets_in(table))
            rows = by_classifier(table, said)
            table = table.changed(table.change(rows, with_classes(table, classifier.classes)))
    return table
