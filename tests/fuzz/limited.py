"""Running one case in a process of its own, bounded in time and memory."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass

import psutil

# Of processor time, so that a busy computer fails no case; by the clock only what waits for ever is ended.
MOST_SECONDS = 10.0
MOST_SECONDS_BY_THE_CLOCK = 90.0
MOST_BYTES = 2 << 30
_POLL_S = 0.02


@dataclass(frozen=True)
class Ended:
    """How a case ended: exit code (None: it was ended from outside, ``why``), and what it said on stderr."""

    code: int | None
    stderr: str
    seconds: float
    peak_bytes: int
    why: str = ""

    @property
    def fault(self) -> str:
        """What is wrong with that; "" if it opened, or ended with one sentence."""
        if self.code is None:
            return self.why
        if self.code == 0 and not self.stderr:
            return ""
        if self.code == 2 and len(self.stderr.splitlines()) == 1 and self.stderr.startswith("sxtstudio: "):
            return ""
        return f"exit code {self.code}, and {len(self.stderr.splitlines())} lines"


def run_limited(call: Callable[[], int]) -> Ended:
    """Run ``call`` in a fork of this process; what it returns is its exit code."""
    reader, writer = os.pipe()
    begin = time.monotonic()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _be_the_child(call, writer)
    os.close(writer)
    why, peak = "", 0
    process = psutil.Process(child)
    with os.fdopen(reader, "rb") as pipe:
        os.set_blocking(reader, False)
        told = b""
        while True:
            with contextlib.suppress(psutil.Error):
                peak = max(peak, process.memory_info().rss)
            told += pipe.read() or b""
            ended, status, usage = os.wait4(child, os.WNOHANG)
            if ended:
                peak = max(peak, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024))
                break
            if not why and (peak > MOST_BYTES or _takes_too_long(process, time.monotonic() - begin)):
                why = (
                    f"more than {MOST_BYTES >> 30} GB"
                    if peak > MOST_BYTES
                    else f"more than {MOST_SECONDS:.0f} s"
                )
                os.kill(child, signal.SIGKILL)
            time.sleep(_POLL_S)
        told += pipe.read() or b""
    seconds = time.monotonic() - begin
    text = told.decode(errors="replace")
    if not why and peak > MOST_BYTES:
        why = f"more than {MOST_BYTES >> 30} GB"
    if why:
        return Ended(None, text, seconds, peak, why)
    if os.WIFSIGNALED(status):
        return Ended(None, text, seconds, peak, f"signal {os.WTERMSIG(status)}")
    return Ended(os.WEXITSTATUS(status), text, seconds, peak)


def _takes_too_long(process: psutil.Process, elapsed_s: float) -> bool:
    """Whether a case goes on after so long, with the processes that it started."""
    if elapsed_s < MOST_SECONDS:  # nearly all cases end before, and need no look
        return False
    if elapsed_s > MOST_SECONDS_BY_THE_CLOCK:
        return True
    used = 0.0
    with contextlib.suppress(psutil.Error):
        for one in (process, *process.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                times = one.cpu_times()
                used += times.user + times.system
    return used > MOST_SECONDS


def _be_the_child(call: Callable[[], int], writer: int) -> None:
    """Run the case; stderr goes into the pipe, also that of libraries; never returns."""
    code = 70
    try:
        os.dup2(writer, 2)
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, 0)
        os.dup2(null, 1)
        sys.stdin = io.TextIOWrapper(io.FileIO(0), encoding="utf-8")
        sys.stdout = io.TextIOWrapper(io.FileIO(1, "w"), encoding="utf-8")
        sys.stderr = io.TextIOWrapper(io.FileIO(2, "w"), encoding="utf-8", line_buffering=True)
        code = call()
    except SystemExit as end:  # --help
        code = end.code if isinstance(end.code, int) else 0
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)
