"""The work of a beamtime in the thread of its job."""

from __future__ import annotations

from sxtstudio.app.beamtime.form import BeamtimeRequest
from sxtstudio.app.jobs.job import Job
from sxtstudio.cluster.door import runner_for
from sxtstudio.workflow.beamtime.follow import BeamtimeFollower
from sxtstudio.workflow.beamtime.page_folder import check_page
from sxtstudio.workflow.jobs.batch import Free
from sxtstudio.workflow.jobs.watch import FolderWatch
from sxtstudio.workflow.jobs.watching import run_watch


def work(job: Job, request: BeamtimeRequest, free: Free) -> None:
    """Run a beamtime; records and states go through ``job.report``."""
    check_page(request.beamtime.page, request.watched)

    def follower() -> BeamtimeFollower:
        made = BeamtimeFollower(request.beamtime, job.report, job.report)
        job.report(list(made.records))
        return made

    run_watch(
        request.watched,
        request.batch,
        progress=job.progress,
        watch=FolderWatch(request.watched, include_present=request.present),
        free=free,
        follower=follower,
        runner=None if request.profile is None else runner_for(request.profile),
    )
