"""Limits of the table: rows of column, from and to, which come and go."""

from __future__ import annotations

import math
from collections.abc import Iterable

from PySide6.QtCore import QSignalBlocker, QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QToolButton, QVBoxLayout, QWidget

from sxtstudio.app import theme
from sxtstudio.app.objects.table.columns import Own, TableColumn
from sxtstudio.app.objects.table.listing import Limit
from sxtstudio.app.widgets.controls import ComboBox

_SETTLE_MS = 250
_LEAST_CHARACTERS, _LEAST_WIDTH = 10, 110
# What a new limit is about; a tomogram of one slice has no volumes.
_FIRST = ("volume", "slice_area_mean")
_WRONG = "QLineEdit { border: 1px solid #d64545; }"


class LimitRow(QWidget):
    """One limit."""

    changed = Signal()
    removed = Signal()

    def __init__(self, columns: tuple[TableColumn, ...]) -> None:
        """Begin with no ends."""
        super().__init__()
        self.column = ComboBox()
        self.column.setAccessibleName("Column of the limit")
        self.column.setToolTip("The column that the limit is about")
        self.column.setSizeAdjustPolicy(ComboBox.SizeAdjustPolicy.AdjustToContents)
        self.column.setMinimumContentsLength(_LEAST_CHARACTERS)
        self.column.setMinimumWidth(_LEAST_WIDTH)  # where there is little room; the open list shows all
        self.low, self.high = _end("least"), _end("greatest")
        self.remove = QToolButton()
        theme.set_icon(self.remove, "mdi6.close")
        self.remove.setAutoRaise(True)
        self.remove.setToolTip("Take this limit away")
        self.remove.setAccessibleName("Take this limit away")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for widget in (self.column, QLabel("from"), self.low, QLabel("to"), self.high, self.remove):
            layout.addWidget(widget)
        layout.addStretch()
        self.show_columns(columns)
        self.column.currentIndexChanged.connect(self.changed)
        for field in (self.low, self.high):
            field.textChanged.connect(self._mark)
            field.textChanged.connect(self.changed)
        self.remove.clicked.connect(self.removed)

    def show_columns(self, columns: tuple[TableColumn, ...]) -> None:
        """Offer the columns that hold values; the chosen one stays, whether it does or not."""
        chosen, title = self.column.currentData(), self.column.currentText()
        with QSignalBlocker(self.column):
            self.column.clear()
            for column in columns:
                if (column.measured and not column.empty) or column.key == Own.NUMBER:
                    self.column.addItem(column.title, column.key)
            self.choose(chosen, title)

    def choose(self, key: str | None, title: str = "") -> None:
        """Have a column; one that is not offered is added under ``title``, or else its key."""
        place = self.column.findData(key)
        if key is not None and place < 0:
            self.column.addItem(title or key, key)
            place = self.column.count() - 1
        self.column.setCurrentIndex(max(0, place))

    def _mark(self) -> None:
        """Show which ends are no numbers, and why nothing is left where the ends are the wrong way round."""
        crossed = self.crossed
        for field, what in ((self.low, "least"), (self.high, "greatest")):
            wrong = bool(field.text().strip()) and number_of(field.text()) is None
            field.setStyleSheet(_WRONG if wrong or crossed else "")
            if wrong:
                field.setToolTip(
                    f"“{field.text()}” is no number, so there is no limit here. Write one like 0.25"
                )
            elif crossed:
                field.setToolTip("“From” is above “to”, so no object lies between them")
            else:
                field.setToolTip(_end_tip(what))

    @property
    def no_numbers(self) -> tuple[str, ...]:
        """What was written for an end and is no number."""
        words = (field.text().strip() for field in (self.low, self.high))
        return tuple(word for word in words if word and number_of(word) is None)

    @property
    def crossed(self) -> bool:
        """Whether “from” is above “to”, so that nothing lies between them."""
        low, high = number_of(self.low.text()), number_of(self.high.text())
        return low is not None and high is not None and low > high

    @property
    def limit(self) -> Limit | None:
        """What it says; None while it has no ends."""
        low, high = number_of(self.low.text()), number_of(self.high.text())
        return None if low is None and high is None else Limit(self.column.currentData(), low, high)


def _end(what: str) -> QLineEdit:
    field = QLineEdit()
    field.setPlaceholderText("any")
    field.setFixedWidth(86)
    field.setAccessibleName(f"The {what} value")
    field.setToolTip(_end_tip(what))
    return field


def _end_tip(what: str) -> str:
    return f"The {what} value that stays; empty: any"


def number_of(text: str) -> float | None:
    """Return the number in a field, None where there is none (yet); a decimal comma counts."""
    try:
        value = float("".join(text.split()).replace(",", "."))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


class LimitsBar(QWidget):
    """The limits one below the other; hidden while there are none."""

    changed = Signal()

    def __init__(self) -> None:
        """Begin without limits."""
        super().__init__()
        self.rows: list[LimitRow] = []
        self._columns: tuple[TableColumn, ...] = ()
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(3)
        self._settled = QTimer(self, singleShot=True, interval=_SETTLE_MS)
        self._settled.timeout.connect(self.changed)
        self.hide()

    def show_columns(self, columns: tuple[TableColumn, ...]) -> None:
        """Offer other columns."""
        self._columns = columns
        for row in self.rows:
            row.show_columns(columns)

    def add(self, *, focus: bool = True) -> LimitRow:
        """Add a limit, for the first column that was measured."""
        row = LimitRow(self._columns)
        offered = [place for key in _FIRST if (place := row.column.findData(key)) >= 0]
        row.column.setCurrentIndex(offered[0] if offered else row.column.count() - 1)
        self.rows.append(row)
        self._layout.addWidget(row)
        row.changed.connect(self._settled.start)
        row.removed.connect(lambda: self._on_removed(row))
        self.show()
        if focus:
            row.low.setFocus()
        return row

    def set_limits(self, limits: Iterable[Limit]) -> None:
        """Show these limits in place of those that are there."""
        self.clear()
        for limit in limits:
            row = self.add(focus=False)
            with QSignalBlocker(row):
                row.choose(limit.key)
                row.low.setText("" if limit.low is None else f"{limit.low:.10g}")
                row.high.setText("" if limit.high is None else f"{limit.high:.10g}")

    def clear(self) -> None:
        """Take all limits away."""
        for row in self.rows:
            row.hide()
            row.deleteLater()
        self.rows.clear()
        self.hide()

    @property
    def limits(self) -> tuple[Limit, ...]:
        """What they say."""
        return tuple(row.limit for row in self.rows if row.limit is not None)

    def _on_removed(self, row: LimitRow) -> None:
        self.rows.remove(row)
        row.hide()
        row.deleteLater()
        self.setVisible(bool(self.rows))
        self.changed.emit()
