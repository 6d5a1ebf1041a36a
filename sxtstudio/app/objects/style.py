"""In which colours objects are drawn, and which of them at all: one answer for slices, 3D and table."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from sxtstudio.app.objects.colouring import ColourBy, ColumnScale, object_colours
from sxtstudio.app.objects.measured import ObjectMeasurements
from sxtstudio.app.session import Session
from sxtstudio.app.states import ObjectsState
from sxtstudio.core.object_colours import Colours, number_colours
from sxtstudio.core.object_table import ObjectTable


@dataclass(frozen=True)
class _Came:
    """What came with a tomogram, and what the user had before: that holds for the next one again."""

    value: object
    own: object


class ObjectStyle(QObject):
    """Follows table, measurements and ``session.objects``; what their colours mean is saved with the project.

    Signals
    -------
    changed()
        Colours, or what is drawn.
    """

    changed = Signal()

    def __init__(self, session: Session, measured: ObjectMeasurements) -> None:
        """Follow ``session``."""
        super().__init__(session)
        self._session, self._measured = session, measured
        self._former: ObjectsState = session.objects.value
        self._came: dict[str, _Came] = {}
        self.scale: ColumnScale | None = None
        self._numbers = np.empty(0, np.int64)
        self._colours = np.empty((0, 3), np.uint8)
        self._shown = np.empty(0, np.bool_)
        session.objects.changed.connect(self._on_objects_changed)
        session.table_changed.connect(self._refresh)
        session.document_changed.connect(self._on_session_document_changed)
        measured.changed.connect(self._on_measured_changed)
        session.register_view("objects", self, look=True)

    def view_state(self) -> dict[str, Any]:
        """Return what the colours mean, how strong they are, and which objects are hidden."""
        state = self._session.objects.value
        return {"colour_by": state.colour_by, "opacity": state.opacity, "hidden": sorted(state.hidden)}

    def restore_view_state(self, state: dict[str, Any]) -> None:
        """Take them back; what is missing or damaged, or a column that is not there, changes nothing."""
        kept: dict[str, Any] = {}
        match state.get("colour_by"):
            case str(key) if key in tuple(ColourBy) or self._is_measured(key):
                kept["colour_by"] = key
        match state.get("opacity"):
            case int() | float() as opacity if not isinstance(opacity, bool) and 0 <= opacity <= 1:
                kept["opacity"] = float(opacity)
        self._bring(**kept)
        match state.get("hidden"):
            case [*numbers]:
                there = self._numbers_there()
                hidden = frozenset(number for number in numbers if type(number) is int and number in there)
                self._session.objects.set(hidden=hidden)

    def _numbers_there(self) -> Container[int]:
        document = self._session.document
        return () if document is None else document.object_table.rows

    def _is_measured(self, key: str) -> bool:
        measured = self._measured.value
        return measured is not None and key in measured.values

    @property
    def numbers(self) -> NDArray[np.int64]:
        """The objects that there are, ascending."""
        return self._numbers

    def colours(self, numbers: NDArray[Any]) -> Colours:
        """Return the colours (n, 3) of objects; of one that is not in the table, that of its number."""
        place, known = self._places(numbers)
        found = number_colours(np.asarray(numbers))
        found[known] = self._colours[place[known]]
        return found

    def shown(self, numbers: NDArray[Any]) -> NDArray[np.bool_]:
        """Return which of the objects (n,) are drawn."""
        place, known = self._places(numbers)
        found = np.full(len(numbers), self._session.objects.value.only is None)
        found[known] = self._shown[place[known]]
        return found

    def _places(self, numbers: NDArray[Any]) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        if not len(self._numbers):
            return np.zeros(len(numbers), np.intp), np.zeros(len(numbers), np.bool_)
        place = np.minimum(np.searchsorted(self._numbers, numbers), len(self._numbers) - 1)
        return place, self._numbers[place] == numbers

    def _on_objects_changed(self) -> None:
        former, state = self._former, self._session.objects.value
        self._former = state
        if former.colour_by != state.colour_by:
            self._refresh()
        elif (former.hidden, former.only) != (state.hidden, state.only):
            self._choose_shown()
            self.changed.emit()

    def _on_session_document_changed(self) -> None:
        """By class all objects of a tomogram without classes would look the same."""
        document, state = self._session.document, self._session.objects
        now, came = vars(state.value), self._came
        self._came = {}
        state.set(**{name: one.own for name, one in came.items() if now[name] == one.value})
        if document is not None and state.value.colour_by == ColourBy.CLASS:
            if not any(row.class_name for row in document.object_table.rows.values()):
                self._bring(colour_by=str(ColourBy.NUMBER))
        self._refresh()

    def _bring(self, **fields: Any) -> None:
        """Set what is not the user's own choice."""
        now = vars(self._session.objects.value)
        self._came |= {name: _Came(value, now[name]) for name, value in fields.items()}
        self._session.objects.set(**fields)

    def _on_measured_changed(self) -> None:
        if self._session.objects.value.colour_by not in tuple(ColourBy):
            self._refresh()

    def _refresh(self) -> None:
        document, state = self._session.document, self._session.objects.value
        table = ObjectTable() if document is None else document.object_table
        self._numbers = np.fromiter(table.rows, np.int64, len(table.rows))
        self._colours, self.scale = object_colours(
            self._numbers, state.colour_by, table, self._measured.holding
        )
        self._choose_shown()
        self.changed.emit()

    def _choose_shown(self) -> None:
        state = self._session.objects.value
        self._shown = np.ones(len(self._numbers), np.bool_)
        if state.only is not None:
            self._shown = np.isin(self._numbers, _array(state.only))
        if state.hidden:
            self._shown &= ~np.isin(self._numbers, _array(state.hidden))


def _array(numbers: frozenset[int]) -> NDArray[np.int64]:
    return np.fromiter(numbers, np.int64, len(numbers))
