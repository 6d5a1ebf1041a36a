"""dask-jobqueue, imported so that it leaves Ctrl-C alone, and the user's settings folder as it is.

As its runner is loaded it takes SIGINT for the whole process (dask_jobqueue/runner.py, 0.9.0), which no part
of ours uses: a batch could not be cancelled any more, and in the window's threads the import fails.
It also writes its settings, all of them comments, to ~/.config/dask (dask.config.ensure_file), which nobody
asked for; what a user has written there himself counts as ever.
"""

from __future__ import annotations

import signal
from typing import Any

import dask.config

_real: Any = signal.signal
_write: Any = dask.config.ensure_file
signal.signal = lambda number, handler: handler  # type: ignore[assignment]
dask.config.ensure_file = lambda source, destination=None, comment=True: None
try:
    from dask_jobqueue import LSFCluster, PBSCluster, SGECluster, SLURMCluster
finally:
    signal.signal = _real
    dask.config.ensure_file = _write

CLUSTERS = {"slurm": SLURMCluster, "pbs": PBSCluster, "lsf": LSFCluster, "sge": SGECluster}
