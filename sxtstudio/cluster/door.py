"""How a batch comes to its cluster, for the command line and the window: dask is loaded from here on."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from sxtstudio.cluster.profile import profile_of
from sxtstudio.core.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sxtstudio.cluster.profile import Profile
    from sxtstudio.workflow.jobs.batch_jobs import JobRunner


_NEEDED = ("cryptography", "dask_jobqueue", "distributed")


def runner_of(
    words: str | None, name: str | None, on_state: Callable[[str], None] | None = None
) -> JobRunner:
    """Return what runs jobs on the cluster that the options --cluster and --profile name.

    Raises
    ------
    UserError
        If they make no sense, or dask is not installed.
    """
    return runner_for(profile_of(words, name), on_state)


def runner_for(profile: Profile, on_state: Callable[[str], None] | None = None) -> JobRunner:
    """Return what runs jobs on the machines of a profile.

    Raises
    ------
    UserError
        If dask is not installed.
    """
    need_dask()
    from sxtstudio.cluster.runner import ClusterRunner

    return ClusterRunner(profile, on_state)


def need_dask() -> None:
    """Raise UserError, with what to do, where dask is missing."""
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise UserError(
            f"A cluster needs {missing[0]}: pip install 'sxtstudio[cluster]', here and on the workers."
        )
