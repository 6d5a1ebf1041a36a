"""How a batch comes to its cluster, for the command line and the window: dask is loaded from here on."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from msgspec.structs import replace

from sxtstudio.cluster.profile import profile_of
from sxtstudio.core.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sxtstudio.cluster.profile import Profile
    from sxtstudio.workflow.jobs.batch_jobs import JobRunner


_NEEDED = ("cryptography", "dask_jobqueue", "distributed")


def runner_of(
    words: str | None,
    name: str | None,
    slices_per_task: int | None = None,
    on_note: Callable[[str], None] | None = None,
) -> JobRunner:
    """Return what runs jobs on the cluster that --cluster, --profile and --slices-per-task describe.

    Raises
    ------
    UserError
        If they make no sense, or dask is not installed.
    """
    return runner_for(divided(profile_of(words, name), slices_per_task), on_note)


def divided(profile: Profile, slices_per_task: int | None) -> Profile:
    """Return a profile with another choice of how tomograms are divided; None leaves it as it is."""
    if slices_per_task is None:
        return profile
    return replace(profile, slices_per_task=slices_per_task)


def runner_for(profile: Profile, on_note: Callable[[str], None] | None = None) -> JobRunner:
    """Return what runs jobs on the machines of a profile; ``on_note`` hears of workers that are left out.

    Raises
    ------
    UserError
        If dask is not installed.
    """
    need_dask()
    from sxtstudio.cluster.runner import ClusterRunner

    return ClusterRunner(profile, on_note=on_note)


def need_dask() -> None:
    """Raise UserError, with what to do, where dask is missing."""
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise UserError(
            f"A cluster needs {missing[0]}: pip install 'sxtstudio[cluster]', here and on the workers."
        )
