"""Days beside each other: the means of each, and the difference to the day before."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractItemView, QTableWidget, QTableWidgetItem, QVBoxLayout, QWidget

from sxtstudio.app.widgets.notes import Note
from sxtstudio.workflow.beamtime.record import TomogramRecord
from sxtstudio.workflow.beamtime.summary import days_of

_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_MOST_DAYS = 14


class Days(QWidget):
    """A column for each day, the latest first; a row for each figure."""

    def __init__(self) -> None:
        """Begin without any."""
        super().__init__()
        self.note = Note(
            "Means of the tomograms that are done; in brackets the difference to the day before."
        )
        self.table = QTableWidget()
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setAccessibleName("Means of each day")
        self.table.setTabKeyNavigation(False)
        layout = QVBoxLayout(self)
        layout.addWidget(self.note)
        layout.addWidget(self.table, 1)

    def show_records(self, records: Iterable[TomogramRecord]) -> None:
        """Show the days of these tomograms."""
        days = days_of(records)[:_MOST_DAYS]
        titles = list(dict.fromkeys(figure.title for day in days for figure in day.figures))
        rows = ["Tomograms", "Failed", "To look at", *titles]
        self.table.setRowCount(len(rows))
        self.table.setColumnCount(len(days))
        self.table.setVerticalHeaderLabels(rows)
        self.table.setHorizontalHeaderLabels([_short(day.day) for day in days])
        for column, day in enumerate(days):
            texts = [str(day.tomograms), str(day.failed), str(day.to_look_at)]
            for title in titles:
                figure = next((one for one in day.figures if one.title == title), None)
                change = "" if figure is None or not figure.change_text else f"  ({figure.change_text})"
                texts.append("–" if figure is None else f"{figure.text}{change}")
            for row, text in enumerate(texts):
                item = QTableWidgetItem(text)
                item.setTextAlignment(_RIGHT)
                self.table.setItem(row, column, item)
        self.table.resizeColumnsToContents()


def _short(day: str) -> str:
    try:
        found = date.fromisoformat(day)
    except ValueError:
        return day
    return f"{found:%a} {found.day} {found:%b}"
