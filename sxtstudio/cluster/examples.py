"""Examples of profiles, as ``sxtstudio cluster profile --example`` prints them."""

from __future__ import annotations

from sxtstudio.cluster.profile import NAMES, Kind

_HEAD = """\
# How SXT Studio gets its workers{where}. Each works on one tomogram at a time.
kind = "{kind}"
"""
_ADDRESS = """\
address = "tls://head-node:8786"
# For a tls:// address: the credentials that its scheduler trusts.
tls_ca = "/shared/dask/ca.pem"
tls_cert = "/shared/dask/me.pem"
tls_key = "/shared/dask/me.key"
"""
_WORKERS = """\
workers = {workers}
"""
_NEEDS = """\
# Of each worker:
cores = 8
memory = "16 GB"
gpus = 0
"""
_QUEUE = """\
queue = "{queue}"
# account = "my-project"
walltime = "{walltime}"
# Lines before the worker starts:
prologue = ["module load cuda"]
# More options for the queue:
directives = [{directive}]
# A folder that all machines see, for logs and the keys of the run:
# scratch = "/shared/scratch/me"
# The network through which workers reach this machine:
# interface = "ib0"
# How SXT Studio starts there, where it lies elsewhere than here:
# program = ["/opt/sxtstudio/bin/sxtstudio"]
"""
_TAIL = """\
# Tomograms of more slices are divided into ranges of so many, which several workers share; 0: never (without
# this line large ones are where there are more workers than tomograms left):
# slices_per_task = 32
# The most tomograms that are worked on at once (without this line as many as there are workers):
# in_flight = 20

# Folders that have another name on the workers, here = there:
[paths]
# "/Volumes/beamline" = "/data/beamline"
"""
_OF_QUEUES = {
    "slurm": ("standard", "08:00:00", '"--constraint=ib"'),
    "pbs": ("workq", "08:00:00", '"-W umask=022"'),
    "lsf": ("normal", "08:00", '"-R span[hosts=1]"'),
    "sge": ("all.q", "08:00:00", '"-l exclusive=true"'),
}


def example(kind: Kind) -> str:
    """Return a profile of this kind with all of its keys."""
    where = f" from {NAMES[kind]}" if kind in NAMES else {"local": " on this machine"}.get(kind, "")
    text = _HEAD.format(where=where, kind=kind)
    if kind == "address":
        return text + _ADDRESS + _TAIL
    text += _WORKERS.format(workers=2 if kind == "local" else 20) + _NEEDS
    if kind in _OF_QUEUES:
        queue, walltime, directive = _OF_QUEUES[kind]
        text += _QUEUE.format(queue=queue, walltime=walltime, directive=directive)
    return text + _TAIL
