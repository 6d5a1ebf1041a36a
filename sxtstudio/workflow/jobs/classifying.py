"""Objects of a file get their classes by rules, by a classifier, or by one that is trained with a table."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from sxtstudio.core.classes.assigning import by_classifier, by_rules, with_classes
from sxtstudio.core.classes.classifier import Classifier, combined, examples_of
from sxtstudio.core.classes.classifier_file import read_classifier, write_classifier
from sxtstudio.core.classes.features import FeatureTable, Need, features_of
from sxtstudio.core.classes.fitting import train
from sxtstudio.core.classes.rules import RuleSet, decided_by, read_rules, sheets_in
from sxtstudio.core.errors import UserError
from sxtstudio.core.image_polarity import detect_polarity
from sxtstudio.core.measure.columns import Measurements
from sxtstudio.core.measure.measure import GROUPS
from sxtstudio.core.measure.relations import relations_group
from sxtstudio.core.object_classes import CLASSES, ObjectClass
from sxtstudio.core.object_table import Decided, ObjectRow, ObjectTable
from sxtstudio.core.polarity import PolarityChoice, Value
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import Volume
from sxtstudio.workflow.jobs.class_table import classes_in
from sxtstudio.workflow.jobs.measuring import MeasureJob, MeasureResult, measure_file
from sxtstudio.workflow.jobs.outputs import OutputFile, check_outputs

_NEW_COLOUR = (160, 160, 160)  # of a class that only a table names


@dataclass(frozen=True)
class ClassifyJob:
    """One run of ``sxtstudio classify`` on one file.

    Attributes
    ----------
    measure
        What is measured, and the table that is written.
    classifier, rules
        Files; what a rule fits, a classifier does not decide.
    training
        A table with the classes of some of these objects: a classifier is trained with them, together with
        what ``classifier`` was trained with.
    save
        Where the trained classifier is written.
    polarity
        Whether absorbing structures are dark or bright in the tomogram.
    """

    measure: MeasureJob
    classifier: Path | None = None
    rules: Path | None = None
    training: Path | None = None
    save: Path | None = None
    polarity: PolarityChoice = "auto"


@dataclass(frozen=True)
class ClassifyResult:
    """What came of it.

    Attributes
    ----------
    measured
        What was measured and written.
    counts
        Objects of each class; "" are those without one.
    unsure
        Objects of whose class the classifier was less than 60 % sure.
    trained
        The classifier, where one was trained.
    notes
        What the user should know.
    """

    measured: MeasureResult
    counts: Counter[str]
    unsure: int
    trained: Classifier | None
    notes: tuple[str, ...]


def classify_file(job: ClassifyJob, progress: Progress | None = None) -> ClassifyResult:
    """Measure the objects of a file, give them their classes, and write the table.

    Raises
    ------
    UserError
        As ``measure_file``; if classifier, rules or training table cannot be used, or need what is not there.
    Cancelled
        If the job was cancelled through ``progress``.
    """
    if job.classifier is None and job.rules is None and job.training is None:
        raise UserError("Nothing says what is what: give --classifier, --rules or --train.")
    read = (job.classifier, job.rules, job.training)
    if job.save is not None:
        inputs = [job.measure.source, job.measure.image, job.measure.flags, *read]
        check_outputs([OutputFile(job.save, "a classifier", (".json",))], inputs)
    deciding = _Deciding(job)
    measured = measure_file(
        job.measure,
        progress,
        groups=(*GROUPS, relations_group()),
        decide=deciding.decide,
        also_read=read,
    )
    rows = deciding.table.rows.values()
    return ClassifyResult(
        measured,
        Counter(row.class_name for row in rows),
        sum(row.sure is not None and row.sure < 0.6 for row in rows),
        deciding.trained,
        tuple(deciding.notes),
    )


@dataclass
class _Deciding:
    """Reads what decides before anything is measured, and decides when it is."""

    job: ClassifyJob
    classifier: Classifier | None = None
    rules: RuleSet | None = None
    named: dict[int, str] = field(default_factory=dict)
    trained: Classifier | None = None
    table: ObjectTable = field(default_factory=ObjectTable)
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        job = self.job
        if job.rules is not None:
            self.rules = read_rules(job.rules)
        if job.training is not None:
            self.named = classes_in(job.training)
        if job.classifier is not None:
            self.classifier = read_classifier(job.classifier)
            if self.classifier.needs(Need.GREY) and job.measure.image is None and job.training is None:
                raise UserError(
                    f"The classifier {job.classifier.name} goes by grey values: give the tomogram, too "
                    "(--image)."
                )

    def decide(self, measured: Measurements, table: ObjectTable, image: Volume | None) -> ObjectTable:
        """Return the table with the classes."""
        classifier = self.classifier
        if classifier is not None or self.named:
            features = features_of(measured, self._absorbing(image))
            if self.named:
                table = self._with_named(table)
                classifier = self._train(features, table)
            if classifier is not None:
                said = classifier.predict(features, sheets_in(table))
                if said.warning:
                    self.notes.append(said.warning)
                classes = with_classes(table, classifier.classes)
                table = table.changed(table.change(by_classifier(table, said), classes))
        if self.rules is not None:
            rows = by_rules(table, decided_by(self.rules.rules, measured, sheets_in(table)))
            table = table.changed(table.change(rows, with_classes(table, self.rules.classes)))
        self.table = table
        return table

    def _with_named(self, table: ObjectTable) -> ObjectTable:
        unknown = set(self.named) - set(table.rows)
        path = self.job.training
        name = "" if path is None else path.name
        if len(unknown) == len(self.named):
            raise UserError(f"{name} names no object of {self.job.measure.source.name}: give its own table.")
        if unknown:
            self.notes.append(f"{len(unknown)} of the objects of {name} are not there, and were left out")
        rows: dict[int, ObjectRow | None] = {
            number: ObjectRow(name, Decided.HAND, flags=table.rows[number].flags)
            for number, name in self.named.items()
            if number in table.rows
        }
        added = [ObjectClass(name, _NEW_COLOUR) for name in dict.fromkeys(self.named.values())]
        known = {one.name for one in CLASSES}
        classes = (*CLASSES, *(one for one in added if one.name not in known))
        return table.changed(table.change(rows, classes))

    def _train(self, features: FeatureTable, table: ObjectTable) -> Classifier:
        examples = examples_of(features, table.classes, self.named, sheets_in(table))
        if self.classifier is not None:
            examples = combined(self.classifier.examples, examples)
        self.trained = train(examples)
        if self.job.save is not None:
            write_classifier(self.job.save, self.trained)
        return self.trained

    def _absorbing(self, image: Volume | None) -> Value:
        if self.job.polarity != "auto":
            return self.job.polarity
        if image is None:
            return "dark"  # there is no grey value that it could matter for
        judged = detect_polarity(image)
        if not judged.sure:
            self.notes.append(judged.doubt(f"If classes are wrong, give --polarity {judged.other}."))
        return judged.value
