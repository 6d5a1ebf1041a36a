"""A live preview: what the fields of a panel would do to the slice that is seen, computed in a thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, Signal

from sxtstudio.app.context import Context
from sxtstudio.app.jobs.job import Work
from sxtstudio.app.jobs.latest import Latest
from sxtstudio.app.slice_preview import Preview
from sxtstudio.core.errors import sentence_of


class LivePreview(QObject):
    """Asks for a preview, shows it in the slices, and takes it away again; it goes with the cursor.

    Signals
    -------
    taken_away()
        Nothing is shown any more, and nothing will come.
    """

    taken_away = Signal()

    def __init__(
        self,
        context: Context,
        name: str,
        *,
        wanted: Callable[[], Work | None],
        on_done: Callable[[Any], None],
        say: Callable[[str], None],
        delay_ms: int = 150,
        parent: QObject | None = None,
    ) -> None:
        """Show nothing yet.

        Parameters
        ----------
        wanted
            Returns what is to be computed for the slice at the cursor; None: no preview is wanted now.
        on_done
            Gets the result, and calls ``show``.
        say
            Shows a sentence beside the fields: why there is no preview; "" when it is taken away.
        """
        super().__init__(parent or context.session)
        self._context, self._session = context, context.session
        self._wanted, self._say = wanted, say
        self._shown: Preview | None = None
        self._latest = Latest(
            context, name, on_done, on_error=self._on_failed, delay_ms=delay_ms, parent=self
        )
        self._session.cursor_changed.connect(self._on_session_cursor_changed)
        self._session.document_changed.connect(self._on_session_document_changed)

    @property
    def shown(self) -> Preview | None:
        """What is shown in the slices by this preview; None as soon as somebody else shows something."""
        return self._shown if self._session.preview is self._shown else None

    @property
    def busy(self) -> bool:
        """Whether a preview is still to come."""
        return self._latest.busy

    def ask(self) -> None:
        """Have the preview computed that is wanted now, in place of any other."""
        work = self._wanted()
        if work is None:
            self.take_away()
        else:
            self._latest.request(work)

    def show(self, preview: Preview) -> None:
        """Show what was computed."""
        self._shown = preview
        self._session.set_preview(preview)

    def take_away(self, *, wait_s: float = 0) -> None:
        """Show nothing any more; with ``wait_s`` until the thread has let go of what it reads."""
        self._latest.cancel(wait_s=wait_s)
        self._say("")
        if self.shown is not None:
            self._session.set_preview(None)
        self._shown = None
        self.taken_away.emit()

    def shut_down(self) -> None:
        """Let go of the thread, for ever."""
        self._latest.shut_down()

    def _on_failed(self, error: Exception) -> None:
        self.take_away()
        known = sentence_of(error)
        if known is None:
            self._context.jobs.failed.emit(error)
        else:
            self._say(f"⚠ {known}")

    def _on_session_cursor_changed(self) -> None:
        if self._shown is None or self._shown.z != self._session.cursor[0]:
            self.ask()

    def _on_session_document_changed(self) -> None:
        self.take_away(wait_s=10)
