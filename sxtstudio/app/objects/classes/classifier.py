"""The classifier in the panel: train it from what was given by hand, see how right it is, apply it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from sxtstudio.app import questions, theme
from sxtstudio.app.context import Context
from sxtstudio.app.objects.classes.classifier_work import MEASURING, NOT_MEASURED, ClassifierWork
from sxtstudio.app.objects.measured import ObjectMeasurements
from sxtstudio.app.widgets.notes import narrow, note, show_note
from sxtstudio.app.widgets.result_note import ResultNote
from sxtstudio.core.classes.classifier import ENOUGH, Classifier, Reason
from sxtstudio.core.classes.fitting import LEAST
from sxtstudio.core.errors import UserError, sentence_of
from sxtstudio.core.wording import share

FILTER = "Classifiers (*.json)"
_REASONS = 5


class ClassifierSection(QWidget):
    """Buttons, the score, and what the classifier goes by."""

    def __init__(self, context: Context, work: ClassifierWork, measured: ObjectMeasurements) -> None:
        """Build the section."""
        super().__init__()
        self._context, self._session = context, context.session
        self.work, self._measured = work, measured
        self.given, self.scores, self.result = note(name="given"), note(name="scores"), note(name="result")
        self._result = ResultNote(self._session, self.result)
        self.carry_on = QCheckBox("Train with its former examples, too")
        self.carry_on.setChecked(True)
        self.carry_on.setToolTip(
            "The objects with which the classifier was trained before, such as those of other tomograms; "
            "those that are here, too, count once"
        )
        self.train = QPushButton("Train")
        self.train.setToolTip("Train a classifier with the objects whose class was given by hand")
        self.classify = QPushButton("Classify the others")
        self.classify.setProperty("role", "main")
        self.classify.setToolTip(
            "Give a class to all objects that have none by hand and none by rule; Undo takes it back"
        )
        self.bars = ReasonBars()
        self.scores.setToolTip(
            "Out of bag: each object is asked of those trees of the forest that were trained without it"
        )
        self.open, self.save = QPushButton("Open…"), QPushButton("Save…")
        self.open.setToolTip("Take a classifier from a file, such as one of another tomogram")
        self.save.setToolTip("Write the classifier to a file, for other tomograms and for the command line")
        self.remove = QPushButton("Remove")
        self.remove.setToolTip(
            "Have no classifier, and no examples of other tomograms, any more; classes that were given stay"
        )
        theme.set_icon(self.open, "mdi6.folder-open-outline")
        theme.set_icon(self.remove, "mdi6.close")
        theme.set_icon(self.save, "mdi6.content-save-outline")
        first, files = QHBoxLayout(), QHBoxLayout()
        first.addWidget(narrow(self.train, 80), 1)
        first.addWidget(narrow(self.classify, 130), 2)
        files.addWidget(narrow(self.open, 90), 1)
        files.addWidget(narrow(self.save, 90), 1)
        files.addWidget(narrow(self.remove, 90), 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(self.given)
        layout.addWidget(self.carry_on)
        layout.addLayout(first)
        layout.addWidget(self.scores)
        layout.addWidget(self.bars)
        layout.addWidget(self.result)
        layout.addLayout(files)
        self.train.clicked.connect(lambda: self._try(self.begin_training))
        self.classify.clicked.connect(lambda: self._try(self.work.classify))
        self.open.clicked.connect(lambda: self._try(self.open_file))
        self.save.clicked.connect(lambda: self._try(self.save_file))
        self.remove.clicked.connect(self.work.remove)
        work.changed.connect(self._follow)
        work.said.connect(self._result.show_result)
        measured.changed.connect(self._follow)
        session = self._session
        session.table_changed.connect(self._follow)
        session.document_changed.connect(self._follow)
        session.busy_changed.connect(self._follow)
        self._follow()

    def begin_training(self) -> None:
        """Train with what was given by hand.

        Raises
        ------
        UserError
            If the objects have not been measured.
        """
        self.work.train(carry_on=self.carry_on.isChecked())

    def open_file(self) -> None:
        """Let the user choose the file of a classifier.

        Raises
        ------
        UserError
            If it cannot be read.
        """
        path = questions.open_file(self._context, "Open a classifier", FILTER)
        if path is not None:
            self.work.open(path)

    def save_file(self) -> None:
        """Let the user choose where to write the classifier.

        Raises
        ------
        UserError
            If it cannot be written.
        """
        path = questions.save_file(self._context, "Save the classifier", "classifier.json", FILTER)
        if path is not None:
            self.work.save(path)
            self._result.show(f"Saved as {path}.")

    def _try(self, work: Callable[[], object]) -> None:
        try:
            work()
        except UserError as error:
            self._result.show(sentence_of(error) or "")

    def _follow(self) -> None:
        classifier, by_hand = self.work.classifier, self.work.by_hand
        measured, busy = self._measured.value is not None, self.work.busy or self._session.busy is not None
        enough = sum(objects >= LEAST for objects in by_hand.values()) >= 2 or (
            self.work.carries_on and self.carry_on.isChecked() and bool(by_hand)
        )
        self.carry_on.setVisible(self.work.carries_on)
        self.train.setEnabled(measured and enough and not busy)
        usable = classifier is not None and classifier.scores.usable
        self.classify.setEnabled(measured and usable and not busy)
        self.open.setEnabled(not self.work.busy)
        self.save.setEnabled(classifier is not None and not busy)
        self.remove.setEnabled(classifier is not None and not busy)
        show_note(self.given, self._given_text(measured))
        show_note(self.scores, "" if classifier is None else _scores_text(classifier, self.work))
        self.bars.show_reasons([] if classifier is None else classifier.reasons[:_REASONS])

    def _given_text(self, measured: bool) -> str:
        document = self._session.document
        if document is None or not document.object_table.rows:
            return "Find objects first."
        if self._session.busy is not None:
            return f"The objects are being changed by “{self._session.busy.name}”: wait for it."
        if not measured:
            return MEASURING if self._measured.busy else NOT_MEASURED
        by_hand = self.work.by_hand
        given = ", ".join(f"{objects} {name}" for name, objects in by_hand.most_common())
        if not given:
            return f"Give {ENOUGH} or more objects of each class by hand; the classifier learns from them."
        more = self.work.to_learn
        again = f" {more} more than it was trained with: train it again to learn from them." if more else ""
        return f"By hand: {given}.{again}"


class ReasonBars(QWidget):
    """What a classifier goes by, as bars; hidden while there is nothing to show."""

    _GAP = 3

    def __init__(self) -> None:
        """Begin without bars."""
        super().__init__()
        self.reasons: list[Reason] = []
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setToolTip("How much each feature counts in what the classifier tells apart")
        self.hide()

    def show_reasons(self, reasons: list[Reason]) -> None:
        """Show these, one below the other."""
        self.reasons = reasons
        self.setAccessibleName("; ".join(f"{one.title}: {share(one.part)}" for one in reasons))
        self.setVisible(bool(reasons))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """Return the height of all bars."""
        return QSize(200, len(self.reasons) * self._row)

    @property
    def _row(self) -> int:
        return self.fontMetrics().height() + self._GAP

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw each bar behind its title."""
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            most = max((one.part for one in self.reasons), default=1.0) or 1.0
            bar = QColor(theme.ACCENT)
            bar.setAlpha(90)
            metrics = self.fontMetrics()
            for place, one in enumerate(self.reasons):
                text = share(one.part)
                right = metrics.horizontalAdvance(text) + 8
                room = QRectF(0, place * self._row, self.width() - right, self._row - self._GAP)
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(bar)
                painter.drawRoundedRect(
                    QRectF(room.x(), room.y(), max(3.0, room.width() * one.part / most), room.height()), 3, 3
                )
                painter.setPen(self.palette().text().color())
                middle = Qt.AlignmentFlag.AlignVCenter
                title = metrics.elidedText(one.title, Qt.TextElideMode.ElideRight, int(room.width()) - 6)
                painter.drawText(room.adjusted(5, 0, 0, 0), middle | Qt.AlignmentFlag.AlignLeft, title)
                whole = QRectF(0, room.y(), self.width(), room.height())
                painter.drawText(whole, middle | Qt.AlignmentFlag.AlignRight, text)


def _scores_text(classifier: Classifier, work: ClassifierWork) -> str:
    """Return whose it is, and how right it is, over all and for each class."""
    head = f"“{work.source}”: " if work.source else ""
    lines = [f"{head}{classifier.scores.text}."]
    if work.learned_from:
        whose = "It was opened for" if work.source else "It learned from"
        lines.insert(0, f"{whose} “{work.learned_from}”; what it says of this tomogram wants a look.")
    lines += [f"{one.name}: {one.right} of {one.objects} right" for one in classifier.scores.classes]
    return "\n".join([*lines, "It goes by:"])
