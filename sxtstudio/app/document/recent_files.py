"""The files that were open before: what they are, when that was, and whether they are still there."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from sxtstudio.app.context import Context
from sxtstudio.io.project import SUFFIX
from sxtstudio.workflow.jobs.outputs import on_disk

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "June", "July", "Aug", "Sept", "Oct", "Nov", "Dec")


@dataclass(frozen=True)
class RecentFile:
    """One of them.

    Attributes
    ----------
    path
        As it was opened, which may end in the name of a dataset.
    project
        Whether it is a project, by its name: the disk is not asked for that.
    when
        When it was opened or saved last, in words; "" where that is not known.
    there
        False once it is known to be gone.
    """

    path: str
    project: bool
    when: str
    there: bool

    @property
    def name(self) -> str:
        """Its name without the folder."""
        return Path(self.path).name

    @property
    def place(self) -> str:
        """The folder that it lies in."""
        return str(Path(self.path).parent)


class RecentFiles(QObject):
    """The list of a window, as the settings have it.

    Signals
    -------
    changed()
        There are others, or some are known to be gone.
    """

    changed = Signal()
    _looked = Signal(object)

    def __init__(self, context: Context) -> None:
        """Read the list; nothing is looked for on the disk yet."""
        super().__init__(context.window)
        self._context = context
        self._gone: frozenset[str] = frozenset()
        self._looked.connect(self._on_looked)

    @property
    def files(self) -> list[RecentFile]:
        """All of them, the latest first."""
        settings, now = self._context.settings, datetime.now().astimezone()
        return [
            RecentFile(
                path=path,
                project=Path(path).suffix.lower() == SUFFIX,
                when=when_text(settings.recent_time(path), now),
                there=path not in self._gone,
            )
            for path in settings.recent
        ]

    def look(self) -> None:
        """See which are still there; ``changed`` comes where that is another answer than before.

        This is no job: a network drive that is gone answers after minutes, and the window must be able to
        close before that.
        """
        paths = self._context.settings.recent
        threading.Thread(target=self._look, args=(paths,), name="recent files", daemon=True).start()

    def mark_gone(self, path: str | Path) -> None:
        """Show one as gone, without another look at the disk: it may come back, with its drive."""
        self._on_looked(self._gone | {str(path), str(Path(path).absolute())})

    def forget(self, path: str) -> None:
        """Take one off the list; the file stays."""
        self._context.settings.forget_recent(path)
        self.changed.emit()

    def clear(self) -> None:
        """Empty the list; the files stay."""
        self._context.settings.clear_recent()
        self.changed.emit()

    def _look(self, paths: Sequence[str]) -> None:
        gone = frozenset(path for path in paths if not _exists(on_disk(Path(path))))
        with suppress(RuntimeError):  # the window was closed meanwhile
            self._looked.emit(gone)

    def _on_looked(self, gone: frozenset[str]) -> None:
        if gone != self._gone:
            self._gone = gone
            self.changed.emit()


def when_text(then: datetime | None, now: datetime) -> str:
    """Return "today 14:05", "yesterday 9:30", "12 Mar" or "12 Mar 2025", in the time zone of ``now``."""
    if then is None:
        return ""
    then = then.astimezone(now.tzinfo)
    days = (now.date() - then.date()).days
    if days in (0, 1):
        return f"{('today', 'yesterday')[days]} {then.hour}:{then.minute:02}"
    year = "" if then.year == now.year else f" {then.year}"
    return f"{then.day} {_MONTHS[then.month - 1]}{year}"


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False
