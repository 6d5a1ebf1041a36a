"""The section "Between slices" of the panel of labels."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QSignalBlocker
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from sxtstudio.app.context import Context
from sxtstudio.app.jobs.latest import Latest
from sxtstudio.app.labels.tools import slice_work
from sxtstudio.app.widgets.controls import ComboBox, SpinBox
from sxtstudio.core.errors import UserError
from sxtstudio.core.interpolation import nearest_gap
from sxtstudio.core.wording import slice_number

# A search that is given up must have let go of the labels before their file is closed.
_LONGEST_WAIT_S = 5.0


class BetweenSlices(QGroupBox):
    """From which slice to which; the nearest gap, or what was drawn on last, is proposed."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        """Build the fields."""
        super().__init__("Between slices", parent)
        self._context, self._session = context, context.session
        self._by_hand = False  # the user typed numbers: they are not replaced by proposals
        self._waits = False  # the user pressed the button, and is shown what comes of it
        self.axis = ComboBox()
        for text in ("XY slices", "XZ slices", "YZ slices"):
            self.axis.addItem(text)
        self.axis.setToolTip("On which slices the shape was drawn")
        self.first, self.last = SpinBox(), SpinBox()
        for spin, tip in ((self.first, "The one labelled slice"), (self.last, "The other labelled slice")):
            spin.setToolTip(f"{tip}; counted from 1 as beside the slices")
            spin.setKeyboardTracking(False)
            spin.valueChanged.connect(self._on_number_changed)
        self.propose_button = QToolButton()
        self.propose_button.setText("Propose")
        self.propose_button.setToolTip(
            "Take the two slices that you drew on last, or those around the nearest gap"
        )
        self.only_here = QCheckBox("Only the shape at the crosshair")
        self.only_here.setToolTip(
            "Continue one shape from slice to slice, even where the slices between have other labels"
        )
        self.button = QPushButton("Interpolate  I")
        self.button.setToolTip("Fill in the slices between; labels that are there stay")
        self.clear_button = QPushButton("Clear slice")
        self.clear_button.setToolTip("Erase all labels of the slice at the crosshair")
        numbers = QHBoxLayout()
        numbers.setSpacing(6)
        numbers.addWidget(QLabel("From"))
        numbers.addWidget(self.first, 1)
        numbers.addWidget(QLabel("to"))
        numbers.addWidget(self.last, 1)
        kind = QHBoxLayout()
        kind.setSpacing(6)
        kind.addWidget(self.axis, 1)
        kind.addWidget(self.propose_button)
        buttons = QHBoxLayout()
        buttons.setSpacing(6)
        buttons.addWidget(self.button, 1)
        buttons.addWidget(self.clear_button, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 6, 0, 0)
        layout.setSpacing(6)
        layout.addLayout(kind)
        layout.addLayout(numbers)
        layout.addWidget(self.only_here)
        layout.addLayout(buttons)
        self._gaps = Latest(context, "Looking for gaps", self._on_gap_found, delay_ms=400, parent=self)
        self.axis.currentIndexChanged.connect(self._on_axis_changed)
        self.propose_button.clicked.connect(self._on_propose_clicked)
        self.only_here.toggled.connect(self.propose)
        self.button.clicked.connect(self._on_button_clicked)
        self.clear_button.clicked.connect(self._on_clear_clicked)
        session = context.session
        session.document_changed.connect(self._on_document_changed)
        session.history_changed.connect(self._ask)
        session.cursor_changed.connect(self._ask)
        session.busy_changed.connect(self._follow)
        session.history_changed.connect(self._follow)
        self._on_document_changed()

    def interpolate(self) -> None:
        """Fill in between the chosen slices.

        Raises
        ------
        UserError
            If there is nothing open or no label, or a job is changing the labels.
        """
        numbers = (self.first.value() - 1, self.last.value() - 1)
        slice_work.interpolate(
            self._context,
            "labels",
            self.axis.currentIndex(),
            min(numbers),
            max(numbers),
            only_here=self.only_here.isChecked(),
        )
        self._by_hand = False

    def propose(self) -> None:
        """Put the slices that are probably meant into the fields."""
        self._by_hand = False
        self._ask(at_once=True)

    def shut_down(self) -> None:
        """Stop looking."""
        self._gaps.shut_down()

    def showEvent(self, event: QShowEvent) -> None:
        """Look for gaps now."""
        super().showEvent(event)
        self._ask()

    def hideEvent(self, event: QHideEvent) -> None:
        """Look no more."""
        super().hideEvent(event)
        self._gaps.cancel()

    def _ask(self, *_: object, at_once: bool = False) -> None:
        labels = self._session.labels_of("labels")
        if labels is None or self._by_hand or self._session.busy or not self.isVisible():
            return
        axis = self.axis.currentIndex()
        drawn = self._context.parts.toolbox.drawn(axis)
        if len(drawn) == 2 and (self.only_here.isChecked() or abs(drawn[1] - drawn[0]) > 1):
            self._gaps.cancel()
            self._show(min(drawn), max(drawn))
            self._answer("which you drew on last")
            return
        around = self._session.cursor[axis]
        search = partial(nearest_gap, labels, axis, around)
        self._gaps.request(lambda job: search(progress=job.progress), at_once=at_once)

    def _on_gap_found(self, gap: tuple[int, int] | None) -> None:
        if gap is not None and not self._by_hand:
            self._show(*gap)
        if gap is not None:
            self._answer("the nearest with empty slices between them")
        elif self._waits:
            self._waits = False
            here = slice_number(self._session.cursor[self.axis.currentIndex()])
            self._session.remark(
                f"Nothing to propose: no empty slices lie between two labelled ones near slice {here}. Draw "
                "the shape on two slices that are some slices apart."
            )

    def _answer(self, why: str) -> None:
        """Say what is proposed, if the user asked for it: the fields may have shown it already."""
        if self._waits:
            self._waits = False
            numbers = f"{self.first.value()} and {self.last.value()}"
            self._session.message.emit(f"Proposed: slices {numbers}, {why}.")

    def _show(self, first: int, last: int) -> None:
        with QSignalBlocker(self.first), QSignalBlocker(self.last):
            self.first.setValue(slice_number(first))
            self.last.setValue(slice_number(last))

    def _follow(self) -> None:
        there = self._session.labels_of("labels") is not None and self._session.busy is None
        for button in (self.button, self.clear_button, self.propose_button):
            button.setEnabled(there)

    def _on_number_changed(self) -> None:
        self._by_hand = True

    def _on_axis_changed(self) -> None:
        document = self._session.document
        size = 1 if document is None else document.shape[self.axis.currentIndex()]
        with QSignalBlocker(self.first), QSignalBlocker(self.last):
            for spin in (self.first, self.last):
                spin.setRange(1, size)
                spin.setValue(1)
        self._by_hand = False
        self._ask()

    def _on_document_changed(self) -> None:
        self._waits = False
        self._gaps.cancel(wait_s=_LONGEST_WAIT_S)
        self.axis.setCurrentIndex(0)
        self.only_here.setChecked(False)
        self._on_axis_changed()
        self._follow()

    def _on_propose_clicked(self) -> None:
        self._waits = True
        self.propose()

    def _on_button_clicked(self) -> None:
        self._said(self.interpolate)

    def _on_clear_clicked(self) -> None:
        axis = self.axis.currentIndex()
        self._said(lambda: slice_work.clear_slice(self._context, "labels", axis))

    def _said(self, work: partial[None] | object) -> None:
        try:
            work()  # type: ignore[operator]
        except UserError as error:
            self._session.remark(str(error))
