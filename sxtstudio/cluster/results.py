"""What came of a task that a worker had: its outcome, or that it was lost with its worker."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from distributed import CancelledError
from distributed.scheduler import KilledWorker

from sxtstudio.cluster.records import OutcomeRecord, outcome_from

# A result is some kilobytes. One that is longer on its way lay with a worker that has died: dask would wait
# until another one has done the whole task again.
_TAKE_S = 20.0
#: What dask raises for a result that went with its worker; a TimeoutError is an OSError.
GONE = (KilledWorker, CancelledError, OSError)


def outcome_of(future: Any) -> OutcomeRecord:
    """Return what became of a task that has ended; "stopped" where it, or its result, was lost.

    A result lies in the memory of its worker until it is asked for, and goes with it: a task that has
    finished may be lost as well.

    Raises
    ------
    Exception
        What the task has raised on its worker; RecordError for an answer that is none.
    """
    if future.status == "error":
        error = future.exception()
        if not isinstance(error, KilledWorker):
            raise error
    elif future.status == "finished":
        try:
            return outcome_from(future.result(timeout=_TAKE_S))
        except GONE:
            if future.status == "error" and not isinstance(future.exception(), KilledWorker):
                raise  # it was done again meanwhile, and failed
            with suppress(Exception):
                future.cancel(reason="its result was lost", force=True)
    return OutcomeRecord("stopped")
