"""Trains and applies a classifier on the objects of the open tomogram, in jobs; no widget."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from sxtstudio.app.context import Context
from sxtstudio.app.jobs.job import Job
from sxtstudio.app.objects.classes.work import COLOURED, ClassWork
from sxtstudio.app.objects.measured import ObjectMeasurements
from sxtstudio.core.classes.assigning import Rows, by_classifier, given_by_hand
from sxtstudio.core.classes.classifier import (
    TOO_WRONG,
    Classifier,
    Examples,
    Predictions,
    Reason,
    combined,
    examples_of,
)
from sxtstudio.core.classes.classifier_file import (
    read_classifier,
    sha256_of_classifier,
    write_classifier,
)
from sxtstudio.core.classes.features import FeatureTable, feature_named, features_of
from sxtstudio.core.classes.rules import sheets_in
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.edits import Edit
from sxtstudio.core.errors import UserError
from sxtstudio.core.measure.columns import Measurements
from sxtstudio.core.object_table import ObjectTable
from sxtstudio.core.polarity import Value
from sxtstudio.core.wording import count

#: Below this the user is better asked.
_SURE = 0.6
CHANGED = "have changed since they were measured"
MEASURING = "The objects are being measured: wait for it."
NOT_MEASURED = "The objects have not been measured yet: measure them first."


@dataclass(frozen=True)
class _Input:
    """What a job works with; read in the thread of the window."""

    table: ObjectTable
    measurements: Measurements
    absorbing: Value
    stale: frozenset[int]
    outdated: frozenset[str]

    def old_features(self, classifier: Classifier) -> str:
        """Return a sentence about features of the classifier that depend on other objects, which changed."""
        known = [feature_named(key) for key in classifier.examples.keys]
        old = [one.title for one in known if one is not None and self.outdated.intersection(one.columns)]
        return f" “{old[0]}” is out of date, since other objects changed: measure again." if old else ""

    def rows(self, table: ObjectTable, said: Predictions) -> Rows:
        return {n: row for n, row in by_classifier(table, said).items() if n not in self.stale}

    def features(self) -> FeatureTable:
        return features_of(self.measurements, self.absorbing)

    def examples(self, features: FeatureTable) -> Examples:
        named = {n: name for n, name in given_by_hand(self.table).items() if n not in self.stale}
        return examples_of(features, self.table.classes, named, sheets_in(self.table))


@dataclass(frozen=True)
class _Home:
    """The tomogram in which a classifier was trained or opened: its file, and the name of that."""

    source: str = ""
    name: str = ""


class ClassifierWork(QObject):
    """The classifier of a window, trained here or read from a file.

    Attributes
    ----------
    classifier
        None while there is none.
    source
        The name of its file, "" where it is not saved.
    margins
        Of the objects that it gave their class, how much more probable that is than the next one.

    Signals
    -------
    changed()
        Another classifier is there, or it was applied.
    trained()
        It has been trained.
    said(text)
        What came of it, a sentence for the user, or "" where what was said is over.
    """

    changed = Signal()
    trained = Signal()
    said = Signal(str)

    def __init__(self, context: Context, classes: ClassWork, measured: ObjectMeasurements) -> None:
        """Begin without a classifier."""
        super().__init__(context.session)
        self._context, self._session = context, context.session
        self._classes, self._measured = classes, measured
        self.classifier: Classifier | None = None
        self.source = ""
        self._home = _Home()
        self.margins: dict[int, float] = {}
        self._learned = 0
        self._features: FeatureTable | None = None
        self._before: Examples | None = None
        self._job: Job | None = None
        self._session.document_changed.connect(self._on_session_document_changed)

    @property
    def learned_from(self) -> str:
        """The name of the tomogram where it was trained or opened, "" where that is this one."""
        return "" if self._home.source == self._here.source else self._home.name

    @property
    def _here(self) -> _Home:
        document = self._session.document
        return _Home() if document is None else _Home(document.source, Path(document.source).name)

    @property
    def by_hand(self) -> Counter[str]:
        """How many objects of each class were given by hand."""
        return Counter(given_by_hand(self._classes.table).values())

    @property
    def to_learn(self) -> int:
        """How many more objects have a class by hand than when it was trained here; 0 where it was not."""
        return 0 if not self._learned else max(0, sum(self.by_hand.values()) - self._learned)

    @property
    def busy(self) -> bool:
        """Whether a job of it is running."""
        return self._job is not None

    @property
    def carries_on(self) -> bool:
        """Whether there are examples of other tomograms to train with, too."""
        return self._before is not None

    def train(self, *, carry_on: bool = True) -> None:
        """Train with the objects whose class was given by hand.

        Parameters
        ----------
        carry_on
            Together with the examples of the classifier that was opened, where there is one.

        Raises
        ------
        UserError
            If the objects have not been measured.
        """
        given, before = self._input(), self._before if carry_on else None
        learned, home = len(given_by_hand(given.table)), self._here

        def work(job: Job) -> Classifier:
            from sxtstudio.core.classes.fitting import train  # with scikit-learn

            examples = given.examples(given.features())
            return train(examples if before is None else combined(before, examples))

        def done(classifier: Classifier) -> None:
            self.classifier, self.source, self._home = classifier, "", home
            self._learned = learned
            self.said.emit(given.old_features(classifier).strip())
            self._session.message.emit(f"The classifier is trained: {classifier.scores.text}.")
            self.changed.emit()
            self.trained.emit()

        self._start("Training the classifier", work, done)

    def classify(self) -> None:
        """Give a class to all objects that have none by hand and none by rule, as one step.

        Raises
        ------
        UserError
            If there is no classifier or a bad one, or the objects have not been measured.
        """
        classifier, given = self.classifier, self._input()
        if classifier is None:
            raise UserError("There is no classifier yet: train one, or open one.")
        if not classifier.scores.usable:
            raise UserError(f"The classifier is {TOO_WRONG}, then train it again.")

        def work(job: Job) -> tuple[FeatureTable, Predictions, Rows, str]:
            features = given.features()
            said = classifier.predict(features, sheets_in(given.table))
            return features, said, given.rows(given.table, said), sha256_of_classifier(classifier)

        def done(found: tuple[FeatureTable, Predictions, Rows, str]) -> None:
            self._features, said, rows, sha256 = found
            if self._classes.table is not given.table:  # somebody gave a class meanwhile
                rows = given.rows(self._classes.table, said)
            self.margins = dict(zip(said.numbers.tolist(), said.margins.tolist(), strict=True))
            edit = self._classes.apply(rows, EditKind.CLASSIFY, classifier.classes, classifier_sha256=sha256)
            coloured = self._classes.show_classes()
            text = _summary(edit, said, len(given.stale)) + given.old_features(classifier)
            self.said.emit(text)
            self._session.message.emit(f"{text} {COLOURED}" if coloured else text)
            self.changed.emit()

        self._start("Classifying objects", work, done)

    def reasons_for(self, number: int) -> list[Reason]:
        """Return what spoke for the class that the classifier gave an object; none where it is not known."""
        if self.classifier is None or self._features is None or number not in self.margins:
            return []
        return self.classifier.reasons_for(self._features, number)

    def open(self, path: Path) -> None:
        """Take the classifier of a file.

        Raises
        ------
        UserError
            If it cannot be read; what was there before stays.
        """
        try:
            classifier = read_classifier(path)
        except UserError as error:
            if self.classifier is None:
                raise
            raise UserError(f"{error} The former classifier is still there.") from error
        self.classifier, self.source, self._home = classifier, path.name, self._here
        self._before = classifier.examples
        self._begin_anew()

    def remove(self) -> None:
        """Have no classifier and no examples of other tomograms any more; the classes that it gave stay."""
        self.classifier, self.source, self._home, self._before = None, "", _Home(), None
        self._begin_anew()

    def save(self, path: Path) -> None:
        """Write the classifier to a file.

        Raises
        ------
        UserError
            If there is none, or the file cannot be written.
        """
        if self.classifier is None:
            raise UserError("There is no classifier yet: train one first.")
        write_classifier(path, self.classifier)
        self.source = path.name
        self.changed.emit()

    def _input(self) -> _Input:
        document, found = self._session.document, self._measured.value
        if document is None or found is None:
            raise UserError(MEASURING if self._measured.busy else NOT_MEASURED)
        if self._measured.all_stale:
            why = "were measured with another voxel size" if self._measured.resized else CHANGED
            raise UserError(f"The objects {why}: measure them again.")
        absorbing: Value = "dark" if document.polarity is None else document.polarity.value
        return _Input(
            document.object_table,
            found,
            absorbing,
            frozenset(self._measured.stale),
            self._measured.outdated_columns,
        )

    def _start(self, name: str, work: Callable[[Job], object], done: Callable[..., None]) -> None:
        if self._job is not None:
            return
        document = self._session.document

        def finished(result: object) -> None:
            if self._session.document is document:
                done(result)

        self._job = self._context.jobs.start(name, work, on_done=finished)
        self._job.finished.connect(self._on_job_finished)
        self.changed.emit()

    def _on_job_finished(self) -> None:
        self._job = None
        self.changed.emit()

    def _on_session_document_changed(self) -> None:
        """What was trained goes on to the next tomogram, with its examples, and whose it is is said there.

        What is too often wrong to be used stays behind.
        """
        if self.classifier is not None and self.classifier.scores.usable:
            self._before = self.classifier.examples
            self._begin_anew()
        else:
            self.remove()

    def _begin_anew(self) -> None:
        """Nothing has been said by this classifier yet."""
        self.margins, self._features, self._learned = {}, None, 0
        self.said.emit("")
        self.changed.emit()


def _summary(edit: Edit | None, said: Predictions, stale: int) -> str:
    """Return what a classification changed: objects that had this class before do not count."""
    rows = None if edit is None else edit.rows
    given = []
    if rows is not None:
        for number, row in rows.after.items():
            before = rows.before[number]
            if row is not None and (before is None or before.class_name != row.class_name):
                given.append(row)
    unsure = sum(row.sure is not None and row.sure < _SURE for row in given)
    text = "No object has another class than before."
    if given:
        have = "has" if len(given) == 1 else "have"
        text = f"{count(len(given), 'object')} {have} a new class, {unsure} of them less than 60 % sure."
    if stale:
        text += f" {stale} have changed since they were measured, and were left out."
    return f"{text} {said.warning}" if said.warning else text
