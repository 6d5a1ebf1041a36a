"""Documents that a window has closed: their files go, or are brought to the disk, in threads."""

from __future__ import annotations

import threading
from collections.abc import Collection
from pathlib import Path
from typing import Any

from sxtstudio.core.lock import FolderLock
from sxtstudio.core.logs import LOGGER
from sxtstudio.workflow.document.document import Document
from sxtstudio.workflow.document.project import keep_look


class ClosingDocuments:
    """Closes documents so that no window waits for the disk; who needs what they leave waits for them."""

    def __init__(self) -> None:
        """Begin with none."""
        self._threads: list[threading.Thread] = []
        self._leaving_work: list[threading.Thread] = []
        self._keeping_look: list[threading.Thread] = []

    def begin(self, document: Document, looks: Collection[str] = ()) -> None:
        """Close a document that nobody uses any more; called by the window.

        ``looks`` are the parts of its view that its project gets, if it is otherwise saved.
        """
        look = {name: value for name, value in document.view.items() if name in looks}
        project, lock = document.project, document.project_lock
        if look and document.keeps_look and project is not None and lock is not None:
            document.project_lock = None  # it is given back when the look is written
            keeping = threading.Thread(
                target=_keep_look, args=(project, look, lock), name="keeping the look of a project"
            )
            keeping.start()
            _add(self._keeping_look, keeping)
        leaves_work = document.leaves_work
        thread = document.close_soon()
        _add(self._threads, thread)
        if leaves_work:
            _add(self._leaving_work, thread)

    def wait(self) -> None:
        """Block until all are closed; not in the thread of a window that is shown."""
        _join([*self._keeping_look, *self._threads])

    def wait_for_work(self) -> None:
        """Block until what they leave for another time can be taken up; for a job."""
        _join(self._leaving_work)

    def wait_for_projects(self) -> None:
        """Block until their projects can be opened; for a job."""
        _join(self._keeping_look)


def _keep_look(project: Path, look: dict[str, Any], lock: FolderLock) -> None:
    """Write it down; trouble costs a slice number and a camera, and nobody is there to read of it."""
    try:
        keep_look(project, look)
    except Exception as error:
        LOGGER.warning("how %s looked is not kept: %s", project, error)
    finally:
        lock.release()


def _add(threads: list[threading.Thread], thread: threading.Thread) -> None:
    threads[:] = [one for one in threads if one.is_alive()] + [thread]


def _join(threads: list[threading.Thread]) -> None:
    for thread in list(threads):
        thread.join()
