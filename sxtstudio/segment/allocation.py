"""What a batch system has given to this process, where its control groups do not say so by themselves."""

from __future__ import annotations

import os

#: Set for workers that share a machine without a batch system.
CPUS, MEMORY = "SXTSTUDIO_CPUS", "SXTSTUDIO_MEMORY_BYTES"
# SLURM, PBS (two names), LSF, SGE.
_CPUS = (CPUS, "SLURM_CPUS_PER_TASK", "NCPUS", "PBS_NUM_PPN", "LSB_DJOB_NUMPROC", "NSLOTS")


def allocated_cpus() -> int | None:
    """Return the processors that the batch system has given to this process, None where there is none."""
    return next((found for name in _CPUS if (found := _number(name))), None)


def allocated_memory() -> int | None:
    """Return the bytes that this process was given, None where nobody said; a job on one node is assumed."""
    own = _number(MEMORY)
    if own:
        return own
    per_node, per_cpu = _number("SLURM_MEM_PER_NODE"), _number("SLURM_MEM_PER_CPU")
    if per_node:
        return per_node << 20
    return (per_cpu * (allocated_cpus() or 1)) << 20 if per_cpu else None


def _number(name: str) -> int | None:
    text = os.environ.get(name, "")
    return int(text) if text.isdecimal() and int(text) > 0 else None
