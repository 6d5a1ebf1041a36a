"""The tab with plots of the objects: what is caught in a plot is chosen and shown everywhere."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QScrollArea, QStackedLayout, QVBoxLayout, QWidget

from sxtstudio.app import questions
from sxtstudio.app.context import Context
from sxtstudio.app.objects.measured import ObjectMeasurements
from sxtstudio.app.objects.plots.colour_bar import PlotColourBar
from sxtstudio.app.objects.plots.data import PlotChoice, number_columns, plot_of, with_columns, within
from sxtstudio.app.objects.plots.export import write_figures
from sxtstudio.app.objects.plots.fields import PlotFields
from sxtstudio.app.objects.plots.figure import FigurePlot
from sxtstudio.app.objects.seen_page import SeenPage
from sxtstudio.app.objects.table.listing import Listing
from sxtstudio.app.states import ObjectsState
from sxtstudio.app.widgets.notes import Note
from sxtstudio.core.figures import FigureKind
from sxtstudio.core.object_table import ObjectTable
from sxtstudio.core.wording import count

_SETTINGS = "objects/plot"
_FIELDS_PX = 270
_LOW_PX = 200  # of a pane with no room for more than the plot
NOTHING = "There are no objects yet. Find them in the panel Objects (Ctrl+J)."
NOT_MEASURED = "The objects are not measured yet. Press Measure in the panel Objects (Ctrl+J)."


@dataclass(frozen=True)
class _Limits:
    """The ends of the values of a column, and the objects that they have left."""

    key: str
    low: float | None
    high: float | None
    numbers: frozenset[int]


class PlotsPage(SeenPage):
    """Follows table, measurements and what is chosen."""

    def __init__(self, context: Context, measured: ObjectMeasurements, parent: QWidget | None = None) -> None:
        """Build the tab."""
        super().__init__(parent)
        self._context, self._session, self._measured = context, context.session, measured
        self._listing = Listing(ObjectTable(), None)
        self.fields = PlotFields(_choice_from(context.settings.get(_SETTINGS, {})))
        self.plot = FigurePlot("Plot of the objects")
        self.bar = PlotColourBar()
        self.words = Note()
        self._said, self._counted, self._warning = "", "", ""
        self._limits: _Limits | None = None
        self.nothing = QLabel(NOTHING)
        self._lay_out()
        self.setFocusProxy(self.fields.kind)
        self._connect()

    def _read(self) -> None:
        document = self._session.document
        table = ObjectTable() if document is None else document.object_table
        if self._listing.table is not table or self._listing.measurements is not self._measured.holding:
            self._listing = Listing(table, self._measured.holding)
        columns = number_columns(self._listing)
        ready = bool(columns) and bool(len(self._listing))
        self.nothing.setText(NOT_MEASURED if len(self._listing) else NOTHING)
        self._stack.setCurrentIndex(1 if ready else 0)
        self.fields.setEnabled(ready)
        if not ready:
            return
        state = self._session.objects.value
        choice = with_columns(self.fields.choice, columns)
        self.fields.show_columns(columns, choice, state.colour_by)
        self.fields.show_all.setEnabled(state.only is not None or bool(state.hidden))
        self._show_limits(choice)
        plotted = plot_of(self._listing, choice, state)
        self.plot.show_figure(plotted.figure)
        self.plot.show_chosen(state.selected)
        chosen = f"  ·  {count(len(state.selected), 'object')} chosen" if state.selected else ""
        self._warning = self._out_of_date(choice)
        self._counted = plotted.words
        self._said = plotted.words + chosen + self._warning
        self._show_words()
        self.bar.show_bar(plotted.figure.bar)

    def _out_of_date(self, choice: PlotChoice) -> str:
        """Return what of the plot may be wrong by now."""
        keys = {choice.y, choice.x} if choice.kind is FigureKind.SCATTER else {choice.y}
        if choice.kind is not FigureKind.HISTOGRAM:
            keys.add(self._session.objects.value.colour_by)
        outdated = keys & self._measured.outdated_columns
        stale = len(self._measured.stale.intersection(self._listing.numbers.tolist()))
        if outdated:
            names = [one.title for one in number_columns(self._listing) if one.key in outdated]
            return f"  ·  ⚠ {' and '.join(names)} out of date: measure again"
        changed = f"{count(stale, 'object')} changed since measured and left out"
        return f"  ·  ⚠ {changed}: measure again" if stale else ""

    def shut_down(self) -> None:
        """Remember the plot."""
        super().shut_down()
        choice = self.fields.choice
        self._context.settings.set(_SETTINGS, {**vars(choice), "kind": choice.kind.value})

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Give the plot the room, where there is little."""
        super().resizeEvent(event)
        self._show_words()

    def _show_words(self) -> None:
        """Say what is in the plot; in a low pane in one line, all of it when the pointer rests there."""
        low = self.height() < _LOW_PX
        text, room = self._said, self.width() - _FIELDS_PX - 20
        if low:
            text = self.words.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, max(0, room))
        self.words.setText(text)
        self.words.setToolTip(self._said)
        self.plot.be_small(low)

    def _lay_out(self) -> None:
        scroll = QScrollArea()
        scroll.setWidget(self.fields)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setFixedWidth(_FIELDS_PX)
        self.nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.nothing.setWordWrap(True)
        drawn = QWidget()
        beside = QHBoxLayout()
        beside.setSpacing(6)
        beside.addWidget(self.plot, 1)
        beside.addWidget(self.bar)
        column = QVBoxLayout(drawn)
        column.setContentsMargins(0, 4, 8, 4)
        column.setSpacing(2)
        column.addLayout(beside, 1)
        column.addWidget(self.words)
        right = QWidget()
        self._stack = QStackedLayout(right)
        self._stack.addWidget(self.nothing)
        self._stack.addWidget(drawn)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(scroll)
        layout.addWidget(right, 1)

    def _connect(self) -> None:
        session = self._session
        self.follow(
            session.document_changed,
            session.table_changed,
            session.objects.changed,
            self._measured.changed,
            self.fields.changed,
        )
        self.fields.colours_changed.connect(lambda key: session.objects.set(colour_by=key))
        self.fields.grip_changed.connect(self._on_grip_changed)
        self.fields.limited.connect(self._on_fields_limited)
        self.fields.show_all.clicked.connect(self._on_show_all_clicked)
        self.fields.export.clicked.connect(self._on_export_clicked)
        self.plot.picked.connect(self._on_plot_picked)
        self.plot.caught.connect(self._on_plot_caught)
        self.plot.limited.connect(self._on_plot_limited)

    def _on_grip_changed(self, grip: Any) -> None:
        self.plot.grip = grip

    def _on_plot_picked(self, number: int, added: bool) -> None:
        chosen = self._session.objects.value.selected
        if not number:
            chosen = chosen if added else ()
        elif not added:
            chosen = (number,)
        elif number in chosen:
            chosen = tuple(other for other in chosen if other != number)
        else:
            chosen = (*chosen, number)
        self._session.objects.set(selected=chosen)

    def _on_plot_caught(self, numbers: frozenset[int], limits: _Limits | None = None) -> None:
        """Show only what is in the lasso, or in the range, and choose it."""
        if not numbers:
            self._session.remark("There is no object in it: nothing has changed.")
            return
        self._limits = limits
        self._session.objects.set(only=numbers, selected=tuple(sorted(numbers)))
        self._session.message.emit(f"{count(len(numbers), 'object')} shown. 'Show all' takes it back.")

    def _on_plot_limited(self, low: float, high: float) -> None:
        """Take limits that were dragged: of the objects that are drawn, and as the fields show them."""
        low, high = float(f"{low:.4g}"), float(f"{high:.4g}")
        before, key = self._in_force(), self._key(self.fields.choice)
        if before is not None and before.key == key:
            low = low if before.low is None else max(low, before.low)
            high = high if before.high is None else min(high, before.high)
        self._limit(low, high, self._session.objects.value)

    def _on_fields_limited(self, low: float | None, high: float | None) -> None:
        """Take typed limits: of all objects, not only of those that former limits have left."""
        if low is None and high is None:
            self._limits = None
            self._session.objects.set(only=None)
        else:
            self._limit(low, high, replace(self._session.objects.value, only=None))

    def _limit(self, low: float | None, high: float | None, state: ObjectsState) -> None:
        """Show only what lies between limits; where nothing does, all stays as it is."""
        key = self._key(self.fields.choice)
        least, most = -math.inf if low is None else low, math.inf if high is None else high
        caught = within(self._listing, key, least, most, state)
        self._on_plot_caught(caught, _Limits(key, low, high, caught))
        self._show_limits(self.fields.choice)

    def _key(self, choice: PlotChoice) -> str:
        """Return the column of the main axis, which limits are of."""
        choice = with_columns(choice, number_columns(self._listing))
        return choice.x if choice.kind is FigureKind.SCATTER else choice.y

    def _in_force(self) -> _Limits | None:
        """Return the limits by which objects are shown now; whatever else shows others ends them."""
        limits = self._limits
        return limits if limits is not None and limits.numbers == self._session.objects.value.only else None

    def _show_limits(self, choice: PlotChoice) -> None:
        """Show the limits that are in force for the column that is drawn."""
        limits = self._in_force()
        if limits is None or limits.key != self._key(choice):
            self.fields.show_limits(None, None)
        else:
            self.fields.show_limits(limits.low, limits.high)

    def _on_show_all_clicked(self) -> None:
        self._limits = None
        self._session.objects.set(only=None, hidden=frozenset())

    def _on_export_clicked(self) -> None:
        figure, document = self.plot.figure, self._session.document
        if figure is None or document is None:
            return
        path = questions.save_file(
            self._context, "Export the plot", f"{document.name}-plot.svg", "SVG (*.svg);;PNG (*.png)"
        )
        if path is not None:
            write_figures([figure], path, note=self._counted)
            questions.say_saved(self._context, path, self._warning.removeprefix("  ·  "))


def _choice_from(stored: dict[str, Any]) -> PlotChoice:
    """Return a remembered choice; what is damaged is as at first."""
    usual = PlotChoice()
    kinds = {kind.value: kind for kind in (FigureKind.DOTS, FigureKind.HISTOGRAM, FigureKind.SCATTER)}
    texts = {key: stored[key] for key in ("x", "y") if isinstance(stored.get(key), str)}
    ticks = {key: stored[key] for key in ("by_class", "border") if isinstance(stored.get(key), bool)}
    kind = stored.get("kind")
    return PlotChoice(
        kind=kinds.get(kind, usual.kind) if isinstance(kind, str) else usual.kind,
        x=texts.get("x", usual.x),
        y=texts.get("y", usual.y),
        by_class=ticks.get("by_class", usual.by_class),
        border=ticks.get("border", usual.border),
    )
