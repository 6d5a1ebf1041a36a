"""The work of a beamtime in the thread of its job."""

from __future__ import annotations

from collections.abc import Callable

from sxtstudio.app.beamtime.form import BeamtimeRequest
from sxtstudio.app.jobs.job import Job
from sxtstudio.cluster.door import runner_for
from sxtstudio.workflow.beamtime.follow import BeamtimeFollower
from sxtstudio.workflow.beamtime.page_folder import check_page
from sxtstudio.workflow.jobs.watch import FolderWatch
from sxtstudio.workflow.jobs.watching import run_watch


def work(job: Job, request: BeamtimeRequest, other_work: Callable[[], str]) -> None:
    """Run a beamtime; records and states go through ``job.report``.

    ``other_work`` says what else computes in the window, which has to end before a tomogram is begun.
    """
    check_page(request.beamtime.page, request.watched)
    followers: list[BeamtimeFollower] = []

    def follower() -> BeamtimeFollower:
        made = BeamtimeFollower(request.beamtime, job.report, job.report)
        job.report(list(made.records))
        followers.append(made)
        return made

    def other() -> str:
        name = other_work()
        for one in followers:
            one.waits_for(name)
        return name

    run_watch(
        request.watched,
        request.batch,
        progress=job.progress,
        watch=FolderWatch(request.watched, include_present=request.present),
        other_work=other,
        follower=follower,
        runner=None if request.profile is None else runner_for(request.profile),
    )
