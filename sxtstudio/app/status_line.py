"""The words at the left of the status bar: what was done, and why a click or a key did nothing."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication, QStatusBar

from sxtstudio.app.session import Session

_SHOWN_MS = 8000
#: With these the user goes on; a key that belongs to the menu is a shortcut.

_GOES_ON = (
    QEvent.Type.MouseButtonPress,
    QEvent.Type.MouseButtonDblClick,
    QEvent.Type.Wheel,
    QEvent.Type.KeyPress,
    QEvent.Type.Shortcut,
    QEvent.Type.TabletPress,
    QEvent.Type.TouchBegin,
)
_MODIFIERS = (Qt.Key.Key_Shift, Qt.Key.Key_Control, Qt.Key.Key_Alt, Qt.Key.Key_AltGr, Qt.Key.Key_Meta)


class StatusLine(QObject):
    """Shows messages of the session for a while.

    A remark is about the last click or key ("There is no label here", "Now click on the other one"): it goes
    as soon as the user goes on, by whatever input, or the crosshair moves, or another tool is taken. What
    belongs to the very input that is remarked upon does not count: it listens from the next event on.
    """

    def __init__(self, bar: QStatusBar, session: Session) -> None:
        """Show them in ``bar``."""
        super().__init__(bar)
        self._bar = bar
        self._listening = False
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(0)
        self._soon.timeout.connect(self._listen)
        session.message.connect(self._on_session_message)
        session.remarked.connect(self._soon.start)
        for signal in (session.cursor_changed, session.tool.changed, session.document_changed):
            signal.connect(self._go)
        bar.messageChanged.connect(self._on_bar_message_changed)

    def _on_session_message(self, text: str) -> None:
        self._rest()
        self._bar.showMessage(text, _SHOWN_MS)

    def _on_bar_message_changed(self, text: str) -> None:
        if not text:
            self._rest()

    def _listen(self) -> None:
        application = QApplication.instance()
        if application is not None and not self._listening:
            application.installEventFilter(self)
            self._listening = True

    def _rest(self) -> None:
        self._soon.stop()
        application = QApplication.instance()
        if application is not None and self._listening:
            application.removeEventFilter(self)
        self._listening = False

    def _go(self, *_: object) -> None:
        """Take a remark away, which is untrue now; what was done stays its time."""
        if self._listening:
            self._bar.clearMessage()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Notice that the user goes on; every event goes its way."""
        if event.type() in _GOES_ON:
            if not (isinstance(event, QKeyEvent) and event.key() in _MODIFIERS):
                self._go()
        return False
