"""A segmentation that was interrupted: go on with it, start again, or leave it."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from sxtstudio.app import questions
from sxtstudio.app.context import Context
from sxtstudio.app.questions import Answer
from sxtstudio.app.widgets.hasty_clicks import ignore_hasty_clicks
from sxtstudio.app.widgets.notes import note, show_note
from sxtstudio.workflow.jobs.document_segmenting import Interrupted, forget_interrupted, read_interrupted


class InterruptedOffer(QWidget):
    """The buttons, and above them a note of how far it came; hidden while there is nothing to go on with.

    Signals
    -------
    go_on
        It is to go on.
    start_again
        All slices are to be segmented anew.
    """

    go_on = Signal()
    start_again = Signal()

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        """Offer nothing yet; ``note`` is for whoever lays this out."""
        super().__init__(parent)
        self._context, self._session = context, context.session
        self.pending: Interrupted | None = None
        self.note = note()
        self.resume_button, self.again_button = QPushButton("Go on"), QPushButton("Start again")
        self.dismiss_button = QPushButton("Dismiss")
        self.resume_button.setToolTip("Segment the slices that are missing, with the settings of then")
        self.again_button.setToolTip("Segment all chosen slices anew, with the settings above")
        self.dismiss_button.setToolTip("Leave it unfinished, after a question; labels that are there stay")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        # *Cancel* was at the right end a moment ago: nothing is lost by what stands there now.
        for button in (self.dismiss_button, self.again_button, self.resume_button):
            layout.addWidget(button, 1)
        ignore_hasty_clicks(self)
        self.resume_button.clicked.connect(self.go_on)
        self.again_button.clicked.connect(self.start_again)
        self.dismiss_button.clicked.connect(self.dismiss)
        self.hide()

    def look(self) -> None:
        """Look whether there is one in the open tomogram."""
        document = self._session.document
        self.pending = (
            None if document is None else read_interrupted(document.bulk, document.segmentation_folder)
        )
        self._show()

    def forget(self) -> None:
        """A segmentation runs: there is nothing to offer."""
        self.pending = None
        self._show()

    def _show(self) -> None:
        text = ""
        if self.pending is not None:
            text = f"A segmentation was interrupted: {self._progress} are finished."
        show_note(self.note, text)
        self.setVisible(self.pending is not None)
        self._session.offers.set(interrupted=self.pending is not None)

    @property
    def _progress(self) -> str:
        return "" if self.pending is None else f"{self.pending.finished} of {self.pending.wanted} slices"

    def set_idle(self, idle: bool) -> None:
        """Let the buttons be pressed, or not."""
        for button in (self.resume_button, self.again_button, self.dismiss_button):
            button.setEnabled(idle)

    def choose(self, changes: list[str]) -> Answer:
        """Return what is to become of it where labels would differ from before in ``changes``, if any."""
        if not changes:
            return Answer.GO_ON
        return questions.ask(
            self._context.window,
            "Go on with the interrupted segmentation?",
            f"{self._progress} are finished, with other settings: {'; '.join(changes)}.",
            (Answer.GO_ON, Answer.START_AGAIN, Answer.CANCEL),
            "“Go on with it” computes the others with the settings of then. “Start again” computes all "
            "chosen slices with the settings of now; what is finished is not used.",
        )

    def dismiss(self) -> None:
        """Leave it unfinished, after a question."""
        document = self._session.document
        if document is None or self.pending is None or self._session.busy is not None:
            return
        answer = questions.ask(
            self._context.window,
            "Dismiss the interrupted segmentation?",
            f"{self._progress} are finished. To have the others, it would have to begin anew.",
            (Answer.DISMISS, Answer.CANCEL),
            "Labels that are there stay.",
            default=Answer.CANCEL,
        )
        if answer == Answer.DISMISS:
            forget_interrupted(document.bulk, document.segmentation_folder)
            self.look()
