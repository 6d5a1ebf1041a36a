"""The panel “Evaluate”: choose slices, mark what is wrong in each, go to the next by one key."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from sxtstudio.app import theme
from sxtstudio.app.context import Context
from sxtstudio.app.evaluate.choice import SliceChoosing
from sxtstudio.app.evaluate.judging import Judging
from sxtstudio.app.evaluate.keys import EvaluationKeys
from sxtstudio.app.evaluate.work import EvaluationWork
from sxtstudio.app.widgets.footer import Footer
from sxtstudio.app.widgets.notes import narrow, note, show_note
from sxtstudio.app.widgets.section import Section
from sxtstudio.core.errors import UserError
from sxtstudio.core.evaluation.marks import Mark
from sxtstudio.core.evaluation.slices import labelled_range

_WHAT = (
    "Judge the labels of some slices as in the paper: mark what is labelled and no membrane, and paint what "
    "is missing. The labels stay as they are."
)
_HIDDEN = "The objects are not shown over the labels that you judge; Shift+V shows them."
_NOTHING = "There are no labels to judge. Segment the tomogram, or open labels."


class EvaluatePanel(QWidget):
    """Shows the marks while it is shown itself, and takes the keys."""

    def __init__(self, context: Context, work: EvaluationWork, parent: QWidget | None = None) -> None:
        """Build the panel."""
        super().__init__(parent)
        self._context, self._session, self.work = context, context.session, work
        self.what, self.missing = note(_WHAT), note(name="missing")
        self.hidden = note(name="hidden")
        self._hides_objects = False  # they were shown before, and will be again
        self.choice = SliceChoosing(work, context)
        self._begun: bool | None = None
        self.judging = Judging(context, work)
        self.results = QPushButton("Results…")
        self.results.setToolTip("Percentages and Figure 2D with the paper's own; of several tomograms")
        theme.set_icon(self.results, "mdi6.chart-bar")
        self.choosing = Section("Slices", self.choice)
        self.judge = Section("Judge", self.judging)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        for part in (self.what, self.missing, self.hidden, self.choosing, self.judge):
            layout.addWidget(part)
        layout.addStretch()
        steps = QHBoxLayout()
        for button, width, share in ((self.judging.back, 70, 1), (self.judging.next, 130, 3)):
            steps.addWidget(narrow(button, width), share)
        self.footer = Footer((), (steps, self.results))
        key, judging = Qt.Key, self.judging
        does = {
            (key.Key_1, False): lambda: judging.take(Mark.FALSE_POSITIVE),
            (key.Key_2, False): lambda: judging.take(Mark.ARTEFACT),
            (key.Key_3, False): lambda: judging.take(Mark.MISSING),
            (key.Key_Space, False): self.next,
            (key.Key_Return, False): self.next,
            (key.Key_Enter, False): self.next,
            (key.Key_Space, True): work.back,
            (key.Key_Backspace, False): work.back,
            (key.Key_U, False): work.take_back_judgement,
        }
        self.keys = EvaluationKeys(context.window, does, work.spend)
        self.choice.begun.connect(self._on_begun)
        judging.next.clicked.connect(self.next)
        self.results.clicked.connect(self.show_results)
        work.changed.connect(self._follow)
        session = self._session
        for signal in (session.document_changed, session.history_changed, session.labels_changed):
            signal.connect(self._follow)
        session.document_changed.connect(self._hide_objects)
        session.objects_changed.connect(self._show_hidden)
        session.objects.changed.connect(self._on_session_objects_changed)
        self._follow()

    def next(self) -> None:
        """Say that the slice that is shown is judged, and go to the next one."""
        if not self.work.evaluation.slices:
            return
        self._context.parts.toolbox.cancel()
        try:
            self._session.changeable()  # labels that are being changed are not judged
            self.work.judged()
        except UserError as error:
            self._session.remark(str(error))

    def show_results(self) -> None:
        """Show what was found."""
        from sxtstudio.app.evaluate.results import ResultsDialog

        self._context.dialogs.bring_up(ResultsDialog)

    def showEvent(self, event: QShowEvent) -> None:
        """The tool gives marks now, which are shown."""
        super().showEvent(event)
        if not event.spontaneous():
            self._session.marks.set(visible=True)
            self._session.tool.set(target="marks", tool="look")
            self._session.set_task_undo(self.work.undoing)
            self._session.objects.set(click_class=False)  # clicks give marks here
            self._hide_objects()
            self._follow()
            self._propose_range()

    def hideEvent(self, event: QHideEvent) -> None:
        """Tools change the labels again."""
        super().hideEvent(event)
        if not event.spontaneous():
            self.keys.listen(False)
            self._session.marks.set(visible=False)
            if self._hides_objects:
                self._session.objects.set(visible=True)
            self._session.set_task_undo(None)
            if self._session.tool.value.target == "marks":
                self._session.tool.set(target="labels", tool="look")

    def _hide_objects(self) -> None:
        """Have the objects not drawn while labels are judged: their colours lie over them."""
        if self.isVisible() and self._session.objects.value.visible:
            self._session.objects.set(visible=False)
            self._hides_objects = True
        self._show_hidden()

    def _on_session_objects_changed(self) -> None:
        """Who shows them has the say; from then on they stay as they are."""
        if self._session.objects.value.visible:
            self._hides_objects = False
        self._show_hidden()

    def _show_hidden(self, *_: object) -> None:
        there = self._session.labels_of("objects") is not None
        show_note(self.hidden, _HIDDEN if self._hides_objects and there else "")

    def _propose_range(self) -> None:
        """Begin with the slices that hold labels, unless the user has chosen some."""
        document = self._session.document
        labels = None if document is None else document.labels
        if labels is None or self.work.evaluation.slices or not self.choice.untouched:
            return

        def done(ends: tuple[int, int]) -> None:
            if self._session.document is document and not self.work.evaluation.slices:
                self.choice.propose(*ends)

        self._context.jobs.start(
            "Looking for labelled slices", lambda _: labelled_range(labels), on_done=done, quiet=True
        )

    def _on_begun(self) -> None:
        self.choosing.open(False)
        self.judging.take(Mark.FALSE_POSITIVE)

    def _follow(self) -> None:
        document = self._session.document
        begun = bool(self.work.evaluation.slices)
        labelled = document is not None and document.labels is not None
        show_note(self.missing, "" if labelled else _NOTHING)
        self.choosing.setVisible(document is not None)
        if begun is not self._begun:  # begun, taken from a project, or another tomogram
            self._begun = begun
            self.choosing.open(not begun)
            self.judge.open()
        show_note(self.what, "" if begun else _WHAT)
        self.judge.setVisible(begun)
        for button in (self.judging.back, self.judging.next):
            button.setVisible(begun)
        self.results.setEnabled(document is not None)
        theme.set_role(self.results, "main" if begun and not self.work.evaluation.left else "")
        self.keys.listen(begun and self.isVisible())

    def shut_down(self) -> None:
        """Take no more keys."""
        self.keys.listen(False)
        self.judging.shut_down()
