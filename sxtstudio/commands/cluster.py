"""``sxtstudio cluster``: profiles of clusters, a trial of one, and the workers themselves."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, cast

from sxtstudio.commands.guard import BAD_INPUT, DONE
from sxtstudio.commands.options import not_empty
from sxtstudio.commands.output import show
from sxtstudio.commands.terminal import shown_progress

KINDS = ("local", "slurm", "pbs", "lsf", "sge", "address")


def add(commands: Any) -> None:
    """Add the command's parsers."""
    parser = commands.add_parser(
        "cluster",
        help="profiles of clusters, and whether one works",
        description="Profiles say which machines 'batch --cluster' uses, and what each worker of them gets.",
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    profile = actions.add_parser(
        "profile",
        help="print an example, or check a profile",
        description="Print an example of a profile, list those in your settings, or say what is wrong with "
        "one.",
    )
    what = profile.add_mutually_exclusive_group()
    what.add_argument("--example", choices=KINDS, help="print a profile of this kind with all its keys")
    what.add_argument("--check", metavar="NAME|FILE", help="read a profile, and say what is wrong with it")
    profile.set_defaults(run=run_profile)
    check = actions.add_parser(
        "check",
        help="try a cluster with one small task",
        description="Start one worker as a batch would, ask it what it is and what it sees, and end it.",
    )
    check.add_argument("--cluster", type=not_empty, metavar="WHERE", help="as for 'sxtstudio batch'")
    check.add_argument("--profile", type=not_empty, metavar="NAME|FILE", help="as for 'sxtstudio batch'")
    check.add_argument(
        "--file", metavar="PATH", action="append", default=[], help="ask the worker whether it sees this, too"
    )
    check.add_argument("--wait", metavar="SECONDS", type=float, default=120.0, help="for a worker")
    check.set_defaults(run=run_check)
    worker = actions.add_parser(
        "worker",
        help="run a worker for a scheduler; batch --cluster starts its workers so",
        description="Run a worker until the scheduler has gone. For a scheduler of your own: 'dask "
        "scheduler' there, this on each machine, then 'sxtstudio batch --cluster tcp://HOST:PORT'.",
    )
    worker.add_argument("scheduler", metavar="ADDRESS", help="tcp://HOST:PORT or tls://HOST:PORT")
    worker.add_argument("--name", help="of the worker (default: chosen)")
    worker.add_argument("--scratch", metavar="FOLDER", help="for models that are sent, and dask's own files")
    for option, words in (("ca-file", "authority"), ("cert", "certificate"), ("key", "key")):
        worker.add_argument(f"--tls-{option}", metavar="FILE", help=f"the {words}, for tls://")
    worker.add_argument("--interface", help="network to use, such as ib0")
    worker.add_argument("--wait", metavar="SECONDS", type=float, default=300.0, help="for the scheduler")
    worker.add_argument("--with-parent", action="store_true", help=argparse.SUPPRESS)
    worker.set_defaults(run=run_worker)


def run_profile(arguments: argparse.Namespace) -> int:
    """Print an example, or what is known of a profile."""
    from sxtstudio.cluster.examples import example
    from sxtstudio.cluster.profile import Kind, check_here, known_profiles, profile_of, profiles_folder

    if arguments.example:
        for line in example(cast(Kind, arguments.example)).splitlines():
            show(line)
    elif arguments.check:
        profile = profile_of(None, arguments.check)
        check_here(profile)
        show(f"{arguments.check} is fine: {profile.kind}, {profile.workers} workers.")
    else:
        names = known_profiles()
        show(f"Profiles in {profiles_folder()}: {', '.join(names) or 'none yet'}.")
    return DONE


def run_check(arguments: argparse.Namespace) -> int:
    """Try a cluster."""
    from sxtstudio.cluster.door import need_dask
    from sxtstudio.cluster.profile import profile_of

    profile = profile_of(arguments.cluster, arguments.profile)
    need_dask()
    from sxtstudio.cluster.check import check_cluster

    with shown_progress() as (progress, display):
        found = check_cluster(profile, [Path(name) for name in arguments.file], progress, arguments.wait)
        display.clear()
    for line in found.lines:
        show(line)
    return DONE if found.works else BAD_INPUT


def run_worker(arguments: argparse.Namespace) -> int:
    """Run a worker; it does not return."""
    import os
    import platform
    import tempfile

    from sxtstudio.cluster.door import need_dask

    need_dask()
    from sxtstudio.cluster.process import WorkerOptions
    from sxtstudio.cluster.process import run_worker as run

    tls = None
    if arguments.tls_ca_file and arguments.tls_cert and arguments.tls_key:
        tls = (arguments.tls_ca_file, arguments.tls_cert, arguments.tls_key)
    scratch = arguments.scratch or tempfile.mkdtemp(prefix="sxtstudio-worker-")
    name = arguments.name or f"{platform.node()}-{os.getpid()}"
    options = WorkerOptions(
        arguments.scheduler,
        name,
        Path(scratch),
        tls,
        arguments.interface,
        patience_s=arguments.wait,
        with_parent=arguments.with_parent,
    )
    return run(options)
