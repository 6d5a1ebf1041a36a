"""Documents that a window has closed: their files go, or are brought to the disk, in threads."""

from __future__ import annotations

import threading

from sxtstudio.workflow.document.document import Document


class ClosingDocuments:
    """Closes documents so that no window waits for the disk; who needs what they leave waits for them."""

    def __init__(self) -> None:
        """Begin with none."""
        self._threads: list[threading.Thread] = []
        self._leaving_work: list[threading.Thread] = []

    def begin(self, document: Document) -> None:
        """Close a document that nobody uses any more; called by the window."""
        leaves_work = document.leaves_work
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        self._leaving_work = [thread for thread in self._leaving_work if thread.is_alive()]
        thread = document.close_soon()
        self._threads.append(thread)
        if leaves_work:
            self._leaving_work.append(thread)

    def wait(self) -> None:
        """Block until all are closed; not in the thread of a window that is shown."""
        _join(self._threads)

    def wait_for_work(self) -> None:
        """Block until what they leave for another time can be taken up; for a job."""
        _join(self._leaving_work)


def _join(threads: list[threading.Thread]) -> None:
    for thread in list(threads):
        thread.join()
