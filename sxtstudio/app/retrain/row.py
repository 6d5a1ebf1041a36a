"""One source of labels in the list: picture, facts, and the field for its complete slices."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QSignalBlocker, Qt, QTimer, Signal
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import (
    QCheckBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from sxtstudio.app.context import Context
from sxtstudio.app.jobs.latest import Latest
from sxtstudio.app.labels.complete_slices import CompleteSlices
from sxtstudio.app.retrain.pictures import rgb_image
from sxtstudio.app.widgets.dialogs import ToolDialog
from sxtstudio.app.widgets.notes import note, show_note
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.wording import count, shape_text, slice_number, slices_text
from sxtstudio.workflow.retraining.labels import (
    Chosen,
    LabelSummary,
    membrane_pixels,
    parse_slices,
    thumbnail,
)

_PICTURE_PX = 104
_RECOUNT_MS, _COUNTED_AT_ONCE = 200, 40


class SourceRow(QFrame):
    """The labels of one tomogram.

    Signals
    -------
    changed
        Other slices are complete.
    removed(SourceRow)
        The user takes it off the list.
    """

    changed = Signal()
    removed = Signal(object)

    def __init__(
        self, context: Context, dialog: ToolDialog, found: LabelSummary, parent: QWidget | None = None
    ) -> None:
        """Show what was found, with the proposal for the slices."""
        super().__init__(parent)
        self._context = context
        self.summary = found
        self.error = ""
        self._slices: tuple[int, ...] = ()
        self._judged = frozenset(found.source.judged)
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.picture = QLabel()
        self.picture.setFixedSize(_PICTURE_PX, _PICTURE_PX)
        self.picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.picture.setAccessibleName("Labels in one slice")
        title = QLabel(found.source.name)
        title.setProperty("role", "title")
        title.setTextFormat(Qt.TextFormat.PlainText)
        title.setToolTip(found.source.tomogram)
        self.field = QLineEdit()
        self.field.setPlaceholderText("for example 1-3, 40")
        self.field.setAccessibleName(f"Complete slices of {found.source.name}")
        self.field.setToolTip("Slices in which every membrane is labelled, counted from 1 as in the window")
        self.field.setMinimumWidth(180)
        self.mark = QCheckBox("Slice is complete")
        self.mark.setToolTip("Whether every membrane is labelled in the slice that the window shows (Ctrl+K)")
        self.remove = dialog.button("", "mdi6.close", "Take these labels off the list")
        self.remark = note()
        self.facts, self.doubt = note(facts(found)), note(_doubt(found))
        line = QHBoxLayout()
        line.addWidget(QLabel("Complete slices"))
        line.addWidget(self.field, 1)
        words = QVBoxLayout()
        words.setSpacing(4)
        words.addWidget(title)
        words.addWidget(self.facts)
        words.addWidget(self.doubt)
        words.addLayout(line)
        words.addWidget(self.mark)  # not beside the field: a small screen has no room for both
        words.addWidget(self.remark)
        words.addStretch()
        layout = QHBoxLayout(self)
        layout.addWidget(self.picture, 0, Qt.AlignmentFlag.AlignTop)
        layout.addLayout(words, 1)
        layout.addWidget(self.remove, 0, Qt.AlignmentFlag.AlignTop)
        self.remove.clicked.connect(lambda: self.removed.emit(self))
        self.field.textChanged.connect(self._on_text)
        self._marks: CompleteSlices | None = None
        self._changed_slices: set[int] = set()
        self._recount = QTimer(self, singleShot=True, interval=_RECOUNT_MS)
        self._recount.timeout.connect(self._count_again)
        self._pictures = Latest(
            context,
            "Drawing a small picture",
            self._show_picture,
            on_error=lambda _: None,  # the picture is only an ornament
            parent=self,
        )
        self.field.setText(slices_text(found.proposed))
        self._on_text()
        self._follow_window()
        self._draw(at_once=True)

    @property
    def name(self) -> str:
        """What the user calls it."""
        return self.summary.source.name

    @property
    def chosen(self) -> Chosen | None:
        """The labels with their complete slices, or None while the field cannot be read."""
        return None if self.error else Chosen(self.summary, self._slices)

    def shut_down(self) -> None:
        """Draw and follow no more; the row goes."""
        self._marks = None
        self._recount.stop()
        self._pictures.shut_down()

    def _draw(self, *, at_once: bool = False) -> None:
        """Draw the fullest complete slice in a thread."""
        pixels = self.summary.pixels
        z = max(self._slices or range(len(pixels)), key=lambda z: int(pixels[z]))
        self._pictures.request(lambda job: thumbnail(self.summary, z), at_once=at_once)

    def _show_picture(self, pixels: NDArray[np.uint8]) -> None:
        pixmap = QPixmap.fromImage(rgb_image(pixels))
        keep, smooth = Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
        self.picture.setPixmap(pixmap.scaled(_PICTURE_PX, _PICTURE_PX, keep, smooth))

    # -- the slice that the window shows -------------------------------------------------------------

    def _follow_window(self) -> None:
        if self.summary.source.held is None:
            self.mark.hide()
            return
        marks = self._context.parts.complete
        marks.propose(z for z in self._slices if z not in self._judged)
        marks.changed.connect(self._on_marks_changed)
        self._marks = marks
        self._evaluation = self._context.parts.evaluation
        self._evaluation.changed.connect(self._on_evaluation_changed)
        session = self._context.session
        session.cursor_changed.connect(self._show_mark)
        session.facts_changed.connect(self._on_session_facts_changed)
        session.labels_changed.connect(self._on_session_labels_changed)
        session.marks_changed.connect(self._on_session_labels_changed)  # they correct the labels
        self.mark.clicked.connect(self._on_mark_clicked)
        self._show_mark()

    def _on_session_facts_changed(self) -> None:
        """Take the polarity that was chosen in the meantime."""
        document = self._context.session.document
        if document is None or document.polarity is None or document.shape != self.summary.shape:
            return
        self.summary = replace(self.summary, polarity=document.polarity)
        show_note(self.facts, facts(self.summary))
        show_note(self.doubt, _doubt(self.summary))
        self.changed.emit()

    def _on_mark_clicked(self) -> None:
        """Add the slice to the field, or take it away; the field says the rest to the project."""
        z = self._context.session.cursor[0]
        self.field.setText(slices_text(sorted(set(self._slices) ^ {z})))

    def _on_marks_changed(self) -> None:
        if self._marks is not None:
            self._choose(self._marks.slices | (self._judged & frozenset(self._slices)))

    def _on_evaluation_changed(self) -> None:
        """Take slices that are judged now, and none that no longer are, or whose labels have changed."""
        if self._marks is None:
            return
        now, complete = frozenset(self._evaluation.usable), self._marks.slices
        came, gone = now - self._judged, self._judged - now - complete
        if now != self._judged:
            self._judged = now
            source = replace(self.summary.source, judged=tuple(sorted(now)))
            self.summary = replace(self.summary, source=source)
            show_note(self.facts, facts(self.summary))
            self._choose((frozenset(self._slices) | came) - gone)

    def _choose(self, slices: frozenset[int]) -> None:
        """Have these slices in the field."""
        if slices != frozenset(self._slices):
            self.field.setText(slices_text(sorted(slices)))

    def _show_mark(self, *_: object) -> None:
        if self._context.session.document is None:
            return
        z = self._context.session.cursor[0]
        with QSignalBlocker(self.mark):
            self.mark.setChecked(z in self._slices)
        self.mark.setText(f"Slice {slice_number(z)}, shown now, is complete")

    def _on_text(self) -> None:
        try:
            self._slices, self.error = parse_slices(self.field.text(), self.summary.shape[0]), ""
        except UserError as error:
            self.error = str(error)
        if self.error:
            show_note(self.remark, f"⚠ {self.error}")
        elif not self._slices:
            show_note(self.remark, "No slice is complete yet.")
        else:
            pixels = count(self.summary.membrane(self._slices), "membrane pixel")
            show_note(self.remark, f"{count(len(self._slices), 'slice')} with {pixels}")
        if not self.error and self._marks is not None:
            self._show_mark()
            # Judged slices are not called complete: they go with their judgement.
            self._marks.set(frozenset(self._slices) - (self._judged - self._marks.slices))
        self.changed.emit()

    def _on_session_labels_changed(self, box: Box) -> None:
        self._changed_slices.update(range(box.start[0], box.stop[0]))
        self._recount.start()

    def _count_again(self) -> None:
        """Follow what is drawn while this list is open; some slices at a time, as each takes a moment."""
        held, shape = self.summary.source.held, self.summary.shape
        if held is None or self._context.session.labels_of("labels") is None or held[1].shape != shape:
            return
        for _ in range(min(_COUNTED_AT_ONCE, len(self._changed_slices))):
            z = self._changed_slices.pop()
            self.summary.pixels[z] = membrane_pixels(held[1].read(Box.slab(z, z + 1, shape)))
        if self._changed_slices:
            self._recount.start()
        else:
            self._draw()
        show_note(self.facts, facts(self.summary))
        self._on_text()


def _doubt(found: LabelSummary) -> str:
    return f"⚠ {found.doubt}" if found.doubt else ""


def facts(found: LabelSummary) -> str:
    """Return size, voxel size and polarity of a tomogram."""
    parts = [f"{shape_text(found.shape)} voxels (z × y × x)"]
    if found.voxel_nm is not None:
        parts.append(f"{found.voxel_nm[1]:g} nm")
    parts.append(f"membranes {found.polarity.value}")
    labelled = int(np.count_nonzero(found.pixels))
    parts.append(f"labels in {count(labelled, 'slice')}")
    if found.source.judged:
        parts.append(
            f"{count(len(found.source.judged), 'slice')} judged by an expert, and corrected by the marks"
        )
    return " · ".join(parts)
