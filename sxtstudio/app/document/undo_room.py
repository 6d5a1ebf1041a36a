"""Says in the window that undo is no longer kept on the disk, which is found out in a thread."""

from __future__ import annotations

from PySide6.QtCore import QObject

from sxtstudio.app.context import Context
from sxtstudio.app.notices import Notice, NoticeKind

SHORT = "Undo is not kept on the disk"
_WHY = (
    "The disk with the working folder is full, or nearly: what is done can be taken back while the program "
    "runs, but not after a crash, nor when the project is opened again. Free some space, then save and open "
    "the project again."
)


class UndoRoom(QObject):
    """Posts a notice once for each document of which the changes find no room on the disk any more."""

    def __init__(self, context: Context) -> None:
        """Listen to the session."""
        super().__init__(context.session)
        self._session = context.session
        self._session.undo_lost.connect(self._on_session_undo_lost)
        self._session.document_changed.connect(self._on_session_document_changed)

    def _on_session_undo_lost(self) -> None:
        if self._session.document is not None:
            self._session.message.emit(_WHY)
            self._session.notices.post(Notice(NoticeKind.UNDO, SHORT, self._explain))

    def _on_session_document_changed(self) -> None:
        self._session.notices.seen(NoticeKind.UNDO)

    def _explain(self) -> None:
        self._session.message.emit(_WHY)
