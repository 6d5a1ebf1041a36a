"""dask-jobqueue, imported so that it leaves Ctrl-C alone.

As its runner is loaded it takes SIGINT for the whole process (dask_jobqueue/runner.py, 0.9.0), which no part
of ours uses: a batch could not be cancelled any more, and in the window's threads the import fails.
"""

from __future__ import annotations

import signal
from typing import Any

_real: Any = signal.signal
signal.signal = lambda number, handler: handler  # type: ignore[assignment]
try:
    from dask_jobqueue import LSFCluster, PBSCluster, SGECluster, SLURMCluster
finally:
    signal.signal = _real

CLUSTERS = {"slurm": SLURMCluster, "pbs": PBSCluster, "lsf": LSFCluster, "sge": SGECluster}
