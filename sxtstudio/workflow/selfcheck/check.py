"""Try the parts of an installation one after the other; whatever fails is said, and the others go on."""

from __future__ import annotations

import logging
import os
import platform
import sys
import time

import psutil

from sxtstudio import __version__
from sxtstudio.core.errors import Cancelled, sentence_of
from sxtstudio.core.packaged import is_packaged
from sxtstudio.core.progress import Progress
from sxtstudio.workflow.libraries import library_versions
from sxtstudio.workflow.selfcheck.optional_parts import Absent
from sxtstudio.workflow.selfcheck.parts import CHECKS, Check
from sxtstudio.workflow.selfcheck.record import CheckedPart, PartState, SelfCheck

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
    return SelfCheck(__version__, _computer(), _device(), library_versions(), tuple(parts))


def _computer() -> dict[str, str]:
    return {
        "system": platform.platform(),
        "program": f"{sys.executable} ({'packaged' if is_packaged() else 'installed'})",
        "Python": platform.python_version(),
        "processor": platform.processor() or platform.machine(),
        "threads": str(os.cpu_count()),
        "memory": f"{psutil.virtual_memory().total / 1e9:.1f} GB",
    }


def _device() -> dict[str, str]:
    """Say where networks run, and why; what is wrong is in the part of the check that asks for it."""
    try:
        from sxtstudio.segment import choose_device

        chosen = choose_device("auto")
    except Exception as error:  # such as a library that is missing
        return {"kind": "", "name": "", "reason": sentence_of(error) or str(error)}
    return {"kind": chosen.kind, "name": chosen.name, "reason": chosen.reason}


def _tried(name: str, check: Check) -> CheckedPart:
    begin = time.perf_counter()
    state = PartState.WORKS
    try:
        said = check()
    except Absent as absent:
        state, said = PartState.MISSING, str(absent)
    except Cancelled:
        raise
    except Exception as error:  # whatever is broken in an installation: the check goes on and says it
        _LOG.exception("self-check: %s", name)
        state, said = PartState.FAILED, sentence_of(error) or f"{type(error).__name__}: {error}"
    return CheckedPart(name, state, time.perf_counter() - begin, said)
