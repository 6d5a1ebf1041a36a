"""Three parts of a job side by side: one thread reads ahead, the caller works, one thread writes behind."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from queue import Empty, Full, Queue, SimpleQueue
from typing import Generic, TypeVar

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")

# How often a waiting part looks whether the others are still alive.
_POLL_S = 0.05


class _End:
    """Follows the last item."""


class _Failed:
    def __init__(self, error: BaseException) -> None:
        self.error = error


class _Line(Generic[A]):
    """A queue of few places that both sides leave when the job is over."""

    def __init__(self, places: int, over: threading.Event) -> None:
        self._queue: Queue[A | _End | _Failed] = Queue(places)
        self._over = over

    def put(self, item: A | _End | _Failed) -> bool:
        while not self._over.is_set():
            try:
                self._queue.put(item, timeout=_POLL_S)
                return True
            except Full:
                continue
        return False

    def get(self, check: Callable[[], None] = lambda: None) -> A | _End | _Failed:
        while not self._over.is_set():
            check()
            try:
                return self._queue.get(timeout=_POLL_S)
            except Empty:
                continue
        return _End()


def overlapped(
    source: Iterable[A],
    work: Callable[[A], B],
    sink: Callable[[B], C],
    *,
    check: Callable[[], None],
    places: int = 2,
) -> Generator[C, None, None]:
    """Yield ``sink(work(item))`` for each item of ``source``, in order.

    ``source`` runs in a thread of its own, ``sink`` in another, ``work`` in the caller's, where also the
    results come out. At most ``places`` items wait between two parts.

    When a part fails, or ``check`` raises (it is called every 0.05 s while waiting), the error is
    raised here, once both threads have ended; what ``work`` had finished by then still goes to ``sink``.
    Close the generator (``contextlib.closing``) if it is not exhausted.
    """
    reading_over, writing_over = threading.Event(), threading.Event()
    read: _Line[A] = _Line(places, reading_over)
    worked: _Line[B] = _Line(places, writing_over)
    written: SimpleQueue[C | _Failed] = SimpleQueue()

    def reader() -> None:
        try:
            for item in source:
                if not read.put(item):
                    return
            read.put(_End())
        except BaseException as error:
            read.put(_Failed(error))

    def writer() -> None:
        try:
            while not isinstance(item := worked.get(), _End | _Failed):
                written.put(sink(item))
        except BaseException as error:
            written.put(_Failed(error))
            writing_over.set()

    def finished() -> Iterator[C]:
        while not written.empty():
            result = written.get()
            if isinstance(result, _Failed):
                raise result.error
            yield result

    threads = [threading.Thread(target=part, name=part.__name__) for part in (reader, writer)]
    for thread in threads:
        thread.start()
    try:
        while not isinstance(item := read.get(check), _End):
            if isinstance(item, _Failed):
                raise item.error
            worked.put(work(item))
            yield from finished()
    finally:
        reading_over.set()
        worked.put(_End())
        for thread in threads:
            thread.join()
    yield from finished()
