"""Runs the jobs of a batch on many machines."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext

from sxtstudio.cluster.batch_run import BatchRun, OnText
from sxtstudio.cluster.machines import Machines
from sxtstudio.cluster.mapping import PathMapping
from sxtstudio.cluster.memory import check_memory
from sxtstudio.cluster.models import model_files, model_record
from sxtstudio.cluster.profile import Profile
from sxtstudio.cluster.records import WorkerStep, job_record, to_bytes
from sxtstudio.cluster.versions import own_versions
from sxtstudio.core.progress import Progress
from sxtstudio.workflow.jobs.batch_jobs import Batch


class ClusterRunner:
    """A ``JobRunner`` for a profile; ``on_state`` hears what the machines do, in plain words.

    ``machines`` that are there already stay; without them those of the profile are got for each run.
    ``on_note`` hears of workers that are left out.
    """

    def __init__(
        self,
        profile: Profile,
        on_state: OnText | None = None,
        machines: Machines | None = None,
        *,
        on_note: OnText | None = None,
    ) -> None:
        self._profile = profile
        self._machines = machines
        self._on_state = on_state or (lambda text: None)
        self._on_note = on_note or (lambda text: None)

    def run(self, batch: Batch, numbers: Iterator[int | None], progress: Progress, total: int | None) -> None:
        """Run the jobs, as ``JobRunner`` says."""
        mapping = PathMapping(self._profile.paths)
        model, card = model_record(batch.parameters.segmentation.model, mapping)
        check_memory(self._profile, card)
        got = Machines(self._profile) if self._machines is None else nullcontext(self._machines)
        with got as machines:
            run = BatchRun(machines, self._profile, batch, progress, total, self._on_state, self._on_note)
            run.out.describe = lambda task: to_bytes(
                job_record(
                    task.tomogram.job,
                    key=task.key,
                    topic=run.out.topic,
                    versions=own_versions(),
                    model=model,
                    mapping=mapping,
                    slices_from=batch.slices_from,
                    step=task.step,
                    division=task.tomogram.division,
                    range_number=task.range,
                    objects=batch.objects if task.step is WorkerStep.OBJECTS else None,
                    unless_there=batch.parameters.existing != "replace",
                )
            )
            run.out.model_files = lambda: model_files(card)
            run.go(numbers)
