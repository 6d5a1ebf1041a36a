"""The slice that is judged: buttons for the marks, what was counted, and the way to the next one."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QSignalBlocker, Qt, QTimer
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from sxtstudio.app import theme
from sxtstudio.app.context import Context
from sxtstudio.app.evaluate.work import EvaluationWork
from sxtstudio.app.objects.classes.list import swatch
from sxtstudio.app.widgets.controls import SpinBox
from sxtstudio.app.widgets.notes import SteadyNote, narrow, note, show_note
from sxtstudio.app.widgets.pressed import PRESSED
from sxtstudio.core.evaluation.marks import MARK_RGB, MARK_TITLES, JudgedPixels, Mark
from sxtstudio.core.geometry import Box
from sxtstudio.core.wording import grouped, rough_duration, slice_number, slices_text

_HINTS = {
    Mark.FALSE_POSITIVE: "Click on a label that is no membrane: the whole piece is marked, a second click "
    "takes the mark away. Or hold the button and paint. With Shift marks are taken away.",
    Mark.ARTEFACT: "Click on a label of something that only the reconstruction has made, at the volume's "
    "borders or outside of the cell. Or hold the button and paint. With Shift marks are taken away.",
    Mark.MISSING: "Hold the button and paint membranes that are not labelled. With Shift marks are taken "
    "away. The keys [ and ] change the brush.",
}
_LOOK = (
    "Nothing is marked by a click now: the left button moves the slice. Take one of the three marks, or "
    "press 1, 2 or 3."
)
_KEYS = (
    "1, 2, 3: mark · Esc: look around · Space or Enter: judged, next · U: not judged after all · "
    "Backspace: back · Ctrl+Z: undo"
)
_LIST_PX = 120
_COUNT_MS = 150
_NAMES = ("True positive", "False negative", "False positive", "Artefact")


class Judging(QWidget):
    """Follows the evaluation, the slice that is shown, and its marks."""

    def __init__(self, context: Context, work: EvaluationWork) -> None:
        """Build the section."""
        super().__init__()
        self._context, self._session, self.work = context, context.session, work
        self.title, self.time = QLabel(), note(name="time")
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(6)
        self.buttons = {mark: QToolButton() for mark in MARK_TITLES}
        self.look = QToolButton()
        self.group = QButtonGroup(self)
        self.hint = SteadyNote([*_HINTS.values(), _LOOK])
        self.brush = SpinBox()
        self.counts = QLabel()
        self.outdated, self.again = note(name="outdated"), QPushButton("Judge them again")
        self.next, self.back = QPushButton("Judged, next slice"), QPushButton("Back")
        self.not_judged = QPushButton("Not judged after all")
        self.list = QListWidget()
        self.keys = note(_KEYS, name="keys")
        self._recount = QTimer(self, singleShot=True, interval=_COUNT_MS)
        self._set_up()
        self._lay_out()
        self._connect()
        self._follow()

    def take(self, mark: Mark) -> None:
        """Take the tool that gives a mark."""
        self._session.marks.set(mark=mark)
        self._session.tool.set(target="marks", tool="mark")

    def put_away(self) -> None:
        """Look around: the left button moves the slice."""
        self._session.tool.set(tool="look")

    def showEvent(self, event: QShowEvent) -> None:
        """Count what was not counted while nobody saw it."""
        super().showEvent(event)
        self._show_counts()

    def shut_down(self) -> None:
        """Count no more."""
        self._recount.stop()

    # -- making ----------------------------------------------------------------------------------

    def _set_up(self) -> None:
        self.title.setProperty("role", "title")
        self.title.setWordWrap(True)
        for number, (mark, button) in enumerate(self.buttons.items(), 1):
            button.setText(f"{MARK_TITLES[mark]}  {number}")
            button.setIcon(swatch(MARK_RGB[mark]))
            button.setProperty("role", "colour")  # it does not follow the theme
            button.setToolTip(f"{_HINTS[mark]} (key {number})")
        self.look.setText("Look around")
        theme.set_icon(self.look, "mdi6.cursor-default-outline")
        self.look.setToolTip("The left button moves the slice, a click the crosshair (Esc)")
        self.group.setExclusive(True)
        self.setStyleSheet(PRESSED)
        for button in (*self.buttons.values(), self.look):
            button.setCheckable(True)
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            button.setMinimumHeight(32)
            # A click must not leave the focus here: the space bar leads to the next slice.
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            self.group.addButton(button)
        for push, icon, tip in (
            (
                self.next,
                "mdi6.check",
                "Nothing is left to mark in this slice: on to the next (Space, Enter)",
            ),
            (self.back, "mdi6.skip-previous", "The slice before, of those that are judged (Backspace)"),
            (self.not_judged, "mdi6.close", "Take back that this slice is judged; its marks stay (U)"),
            (self.again, "mdi6.replay", "Their marks stay; go through them once more"),
        ):
            theme.set_icon(push, icon)
            push.setToolTip(tip)
            push.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.brush.setRange(1, 100)
        self.brush.setSuffix(" px")
        self.brush.setAccessibleName("Brush")
        self.brush.setToolTip("Diameter of what is painted (keys [ and ])")
        self.counts.setTextFormat(Qt.TextFormat.RichText)
        self.counts.setAccessibleName("Pixels of this slice")
        self.list.setMaximumHeight(_LIST_PX)
        self.list.setAccessibleName("Slices to judge")
        self.list.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    def _lay_out(self) -> None:
        grid = QGridLayout()
        grid.setSpacing(6)
        for place, button in enumerate((*self.buttons.values(), self.look)):
            grid.addWidget(button, place // 2, place % 2)
        grid.setColumnStretch(0, 1)
        grid.setColumnStretch(1, 1)
        row = QHBoxLayout()
        row.addWidget(QLabel("Brush"))
        row.addWidget(narrow(self.brush))
        row.addStretch()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(self.title)
        layout.addWidget(self.bar)
        layout.addWidget(self.time)
        layout.addLayout(grid)
        layout.addWidget(self.hint)
        layout.addLayout(row)
        layout.addWidget(self.counts)
        layout.addWidget(self.not_judged)
        layout.addWidget(self.keys)
        layout.addWidget(self.outdated)
        layout.addWidget(self.again)
        layout.addWidget(self.list)

    def _connect(self) -> None:
        session, work = self._session, self.work
        for mark, button in self.buttons.items():
            button.clicked.connect(partial(self._on_mark_clicked, mark))
        self.look.clicked.connect(self.put_away)
        self.back.clicked.connect(work.back)
        self.not_judged.clicked.connect(work.take_back_judgement)
        self.again.clicked.connect(lambda: work.judge_again(work.outdated))
        self.brush.valueChanged.connect(lambda value: session.marks.set(brush_px=value))
        self.list.itemClicked.connect(lambda item: work.go(item.data(Qt.ItemDataRole.UserRole)))
        self._recount.timeout.connect(self._show_counts)
        work.changed.connect(self._follow)
        work.ticked.connect(self._show_time)
        session.cursor_changed.connect(self._on_session_cursor_changed)
        session.tool.changed.connect(self._show_tool)
        session.marks.changed.connect(self._show_tool)
        session.marks_changed.connect(self._on_voxels_changed)
        session.labels_changed.connect(self._on_voxels_changed)
        self._show_tool()

    def _on_mark_clicked(self, mark: Mark) -> None:
        self.take(mark)

    # -- following -------------------------------------------------------------------------------

    def _on_session_cursor_changed(self) -> None:
        self._show_slice()
        self._recount.start()

    def _on_voxels_changed(self, box: Box) -> None:
        if box.start[0] <= self._session.cursor[0] < box.stop[0]:
            self._recount.start()

    def _show_tool(self) -> None:
        marks, tool = self._session.marks.value, self._session.tool.value
        marking = tool.target == "marks" and tool.tool == "mark"
        pressed = self.buttons[marks.mark] if marking else self.look
        pressed.setChecked(True)
        self.hint.setText(_HINTS[marks.mark] if marking else _LOOK)
        with QSignalBlocker(self.brush):
            self.brush.setValue(marks.brush_px)

    def _follow(self) -> None:
        self._fill_list()
        self._show_slice()
        self._show_counts()
        outdated = sorted(self.work.outdated)
        text = ""
        if outdated:
            text = (
                f"⚠ The labels of slice {slices_text(outdated)} have changed since: the figures are of the "
                "labels as they were."
            )
        show_note(self.outdated, text)
        self.again.setVisible(bool(outdated))

    def _fill_list(self) -> None:
        evaluation = self.work.evaluation
        if self.list.count() != len(evaluation.slices):
            self.list.clear()
            for _ in evaluation.slices:
                self.list.addItem(QListWidgetItem())
        for row, z in enumerate(evaluation.slices):
            found = evaluation.judged.get(z)
            percent = None if found is None else found.pixels.percent
            text = f"Slice {slice_number(z)}"
            if z in self.work.outdated:
                text += " · labels changed since"
            elif found is not None:
                text += " ✓" + (f" {percent[0]:.1f} % true positive" if percent else " nothing labelled")
            item = self.list.item(row)
            item.setText(text)
            item.setData(Qt.ItemDataRole.UserRole, z)

    def _show_slice(self) -> None:
        evaluation, current = self.work.evaluation, self.work.current
        total, done = len(evaluation.slices), len(evaluation.judged)
        self.bar.setRange(0, max(1, total))
        self.bar.setValue(done)
        self.bar.setToolTip(f"{done} of {total} slices are judged")
        if current is None:
            shown = slice_number(self._session.cursor[0])
            self.title.setText(f"Slice {shown} is not to be judged")
            going = "Go to the next slice"
        else:
            place = evaluation.slices.index(current) + 1
            mark = " ✓" if current in evaluation.judged else ""
            self.title.setText(f"Slice {slice_number(current)}{mark} · {place} of {total}")
            going = "Judged, next slice"
            with QSignalBlocker(self.list):
                self.list.setCurrentRow(place - 1)
        self.next.setText(going if evaluation.left else "All are judged")
        theme.set_role(self.next, "main" if evaluation.left else "")  # else the results are what comes next
        self.not_judged.setEnabled(current is not None and current in evaluation.judged)
        self._show_time()

    def _show_time(self) -> None:
        evaluation, current = self.work.evaluation, self.work.current
        done = f"{len(evaluation.judged)} of {len(evaluation.slices)} judged"
        here = "" if current is None else f"this one {_spent(evaluation.seconds.get(current, 0.0))}, "
        text = f"{done} · {here}all {_spent(evaluation.total_seconds)}"
        judged = [evaluation.seconds.get(z, 0.0) for z in evaluation.judged]
        if evaluation.left and judged and sum(judged) > 0:
            rest = len(evaluation.left) * sum(judged) / len(judged)
            text += f" · about {rough_duration(rest)} left"
        show_note(self.time, text)

    def _show_counts(self) -> None:
        current = self.work.current
        if current is None or not self.isVisible():
            self.counts.setText("")
            return
        self.counts.setText(counts_html(self.work.pixels(current)))


def counts_html(pixels: JudgedPixels) -> str:
    """Return the pixels of a slice as a table: names, percent, counts."""
    percent = pixels.percent or (None,) * len(_NAMES)
    rows = [
        f"<tr><td>{name}</td><td align='right' style='padding-left: 14px'>"
        f"{'–' if share is None else f'{share:.1f} %'}</td>"
        f"<td align='right' style='padding-left: 14px'>{grouped(number)} px</td></tr>"
        for name, share, number in zip(_NAMES, percent, pixels.counts, strict=True)
    ]
    return f"<table cellspacing='0'>{''.join(rows)}</table>"


def _spent(seconds: float) -> str:
    """Return "45 s" or "3 min" or "1 h 20 min"."""
    minutes = int(seconds // 60)
    if minutes < 1:
        return f"{int(seconds)} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
