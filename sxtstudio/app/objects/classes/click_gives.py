"""While it is on, a click on an object gives it the current class, in slices, in 3D, in table and plots."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtWidgets import QApplication

from sxtstudio.app.objects.classes.work import ClassWork
from sxtstudio.app.session import Session
from sxtstudio.core.errors import UserError

PICK = "pick"
_TOOLS = (PICK, "look")
_PRESSES = (QEvent.Type.MouseButtonPress, QEvent.Type.MouseButtonDblClick, QEvent.Type.MouseButtonRelease)


class ClickGives(QObject):
    """Follows which objects are chosen. What keys choose, such as arrows in the table, is only looked at."""

    def __init__(self, session: Session, work: ClassWork) -> None:
        """Begin switched off, as the session says."""
        super().__init__(session)
        self._session, self._work = session, work
        self._former: tuple[int, ...] = ()
        self._by_mouse = False
        self._watching = False
        session.objects.changed.connect(self._on_objects_changed)
        session.tool.changed.connect(self._on_tool_changed)
        work.current_changed.connect(self._name)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Take note of whether the mouse or a key was used last."""
        if event.type() in _PRESSES:
            self._by_mouse = True
        elif event.type() == QEvent.Type.KeyPress:
            self._by_mouse = False
        return False

    def _on_objects_changed(self) -> None:
        state = self._session.objects.value
        self._watch(state.click_class)
        self._name()
        former, self._former = set(self._former), state.selected
        new = [number for number in state.selected if number not in former]
        if state.click_class and self._by_mouse and new and self._work.current:
            try:
                self._work.give(new, self._work.current)
            except UserError as error:
                self._session.remark(str(error))
            # A second click on the same object, with another class, is a click, too.
            QTimer.singleShot(0, self, lambda: self._session.objects.set(selected=()))

    def _name(self) -> None:
        """Have it said in the slices which class a click gives."""
        given = self._work.current if self._session.objects.value.click_class else ""
        if given != self._session.objects.value.click_gives:
            self._session.objects.set(click_gives=given)

    def _on_tool_changed(self) -> None:
        """Who takes another tool into the hand gives no classes with it."""
        if self._session.objects.value.click_class and self._session.tool.value.tool not in _TOOLS:
            self._session.objects.set(click_class=False)

    def _watch(self, on: bool) -> None:
        app = QApplication.instance()
        if app is None or on == self._watching:
            return
        self._watching, self._by_mouse = on, False
        if on:
            app.installEventFilter(self)
        else:
            app.removeEventFilter(self)
