"""Try the parts of an installation one after the other; whatever fails is said, and the others go on."""

from __future__ import annotations

import logging
import platform
import time

import psutil

from sxtstudio import __version__
from sxtstudio.core.errors import Cancelled, sentence_of
from sxtstudio.core.progress import Progress
from sxtstudio.workflow.document.diagnostics import library_versions
from sxtstudio.workflow.selfcheck.parts import CHECKS, Absent, Check
from sxtstudio.workflow.selfcheck.record import Part, SelfCheck, State

_LOG = logging.getLogger(__name__)


def self_check(progress: Progress | None = None) -> SelfCheck:
    """Try all parts, one after the other, and return what was found; a failure is no error.

    Raises
    ------
    Cancelled
        If the user stopped it.
    """
    progress = progress or Progress()
    progress.begin(len(CHECKS), "Checking the installation")
    parts = []
    for name, check in CHECKS.items():
        progress.check()
        parts.append(_tried(name, check))
        progress.step()
    memory = psutil.virtual_memory().total
    computer = {
        "system": platform.platform(),
        "Python": platform.python_version(),
        "processor": platform.processor() or platform.machine(),
        "memory": f"{memory / 1e9:.1f} GB",
    }
    return SelfCheck(__version__, computer, library_versions(), tuple(parts))


def _tried(name: str, check: Check) -> Part:
    begin = time.perf_counter()
    state = State.WORKS
    try:
        said = check()
    except Absent as absent:
        state, said = State.MISSING, str(absent)
    except Cancelled:
        raise
    except Exception as error:  # whatever is broken in an installation: the check goes on and says it
        _LOG.exception("self-check: %s", name)
        state, said = State.FAILED, sentence_of(error) or f"{type(error).__name__}: {error}"
    return Part(name, state, time.perf_counter() - begin, said)
