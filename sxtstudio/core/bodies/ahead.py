"""Slices that are worked on by several threads, some of them ahead, and come back in their order."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

Result = TypeVar("Result")

#: So many slices are worked on at once.
_MOST_WORKERS = 8


@contextmanager
def worked_ahead(of_slice: Callable[[int], Result], depth: int) -> Iterator[Iterator[Result]]:
    """Give what a function returns of the slices 0…depth - 1, one after the other.

    No more slices are ahead than there are threads. Those that wait are left out where the block ends early.

    Parameters
    ----------
    of_slice
        Is called by several threads. It may read what was written of slices whose results came back, and
        nothing of other ones that somebody writes.
    """
    workers = max(1, min(_MOST_WORKERS, os.cpu_count() or 1, depth))
    with ThreadPoolExecutor(workers, "slices") as pool:
        waiting: deque[Future[Result]] = deque(pool.submit(of_slice, z) for z in range(min(depth, workers)))

        def results() -> Iterator[Result]:
            for z in range(workers, workers + depth):
                result = waiting.popleft().result()
                if z < depth:
                    waiting.append(pool.submit(of_slice, z))
                yield result

        try:
            yield results()
        finally:
            pool.shutdown(cancel_futures=True)
