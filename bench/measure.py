"""Run a piece of work in a fresh process and report its time and peak memory."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Measured:
    """Wall time, the process's peak resident memory, and what the work returned (JSON)."""

    seconds: float
    peak_mib: float
    result: Any


def measure(
    module: str, function: str, *arguments: Any, environment: dict[str, str] | None = None
) -> Measured:
    """Run ``module.function(*arguments)`` in a new Python process.

    Arguments and result travel as JSON. The seconds are those of the function alone, or what it
    returns under the key ``"seconds"`` where it times a part of itself; the peak includes imports.
    """
    call = json.dumps([module, function, arguments])
    done = subprocess.run(
        [sys.executable, "-m", "bench.measure", call],
        stdout=subprocess.PIPE,
        check=True,
        text=True,
        env=environment,
    )
    answer = json.loads(done.stdout.splitlines()[-1])
    return Measured(**answer)


def _child(call: str) -> None:
    import importlib

    module, name, arguments = json.loads(call)
    function: Callable[..., Any] = getattr(importlib.import_module(module), name)
    begin = time.perf_counter()
    result = function(*arguments)
    seconds = time.perf_counter() - begin
    if isinstance(result, dict) and "seconds" in result:
        seconds = result["seconds"]
    # ru_maxrss is in KiB on Linux, in bytes on macOS.
    unit = 1024.0 if sys.platform != "darwin" else 1024.0 * 1024.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    print(json.dumps({"seconds": seconds, "peak_mib": peak, "result": result}))


if __name__ == "__main__":
    _child(sys.argv[1])
