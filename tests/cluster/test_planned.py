"""Clean-up, objects and measurements in ranges by several workers equal those of the whole."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sxtstudio.cluster.machines import Machines
from sxtstudio.cluster.planned import PlannedRanges, run_planned_ranges
from sxtstudio.cluster.profile import Profile
from sxtstudio.core.bodies.method import Method
from sxtstudio.core.cleanup import CleanParameters
from sxtstudio.core.errors import Cancelled, UserError
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import ArrayVolume
from sxtstudio.io import export_volume
from sxtstudio.workflow.jobs.cleaning import CleanJob, CleanUp, clean_file
from sxtstudio.workflow.jobs.measuring import MeasureJob, measure_file
from sxtstudio.workflow.jobs.objects import ObjectsJob, objects_file
from sxtstudio.workflow.ranges.any_range import finish_any
from sxtstudio.workflow.ranges.cleaning import plan_cleaning
from sxtstudio.workflow.ranges.measuring import finish_measuring, plan_measuring
from sxtstudio.workflow.ranges.objects import plan_objects
from sxtstudio.workflow.ranges.state import RangesState, read_state

TWO = Profile("local", workers=2)
Found = dict[str, int | float | str]


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    """Shells that go through both ranges of 16 and 7 slices, and small ones."""
    z, y, x = np.indices((23, 48, 56))
    voxels = np.abs(np.sqrt((z - 14) ** 2 + (y - 22) ** 2 + (x - 24) ** 2) - 9) < 1.2
    voxels |= np.abs(np.sqrt((z - 6) ** 2 + (y - 38) ** 2 + (x - 45) ** 2) - 5) < 1.2
    voxels[3, 4, 4:9] = True
    path = tmp_path / "labels.tif"
    export_volume(path, ArrayVolume(voxels.astype(np.uint8), (10.0, 10.0, 10.0)), kind="labels")
    return path


@pytest.fixture
def do(machines: Machines) -> Callable[[RangesState], dict[int, Found]]:
    """The function that does all ranges of a plan."""

    def all_of(state: RangesState) -> dict[int, Found]:
        found: dict[int, Found] = {}
        assert state.unfinished == (0, 1)
        run_planned_ranges(
            PlannedRanges(state.folder, state.unfinished),
            TWO,
            Progress(),
            lambda number, worker, figures: found.update({number: {**figures, "worker": worker}}),
            machines,
        )
        assert read_state(state.folder).unfinished == ()
        return found

    return all_of


def test_clean_up_objects_and_measurements_of_several_workers_are_those_of_the_whole(
    labels: Path, tmp_path: Path, do: Callable[[RangesState], dict[int, Found]]
) -> None:
    def named(kind: str, suffix: str) -> list[Path]:
        return [tmp_path / f"{kind}-{name}.{suffix}" for name in ("whole", "ranges")]

    clean_up = CleanUp(CleanParameters(smooth_z=1, min_size_voxels=10))
    cleaned = named("cleaned", "tif")
    clean_file(CleanJob(labels, cleaned[0], clean_up))
    found = do(plan_cleaning(CleanJob(labels, cleaned[1], clean_up), 16))
    assert [(found[n]["first"], found[n]["last"]) for n in (0, 1)] == [(0, 16), (16, 23)]
    assert "CPU" in str(found[0]["worker"])
    finish_any(read_state_of(cleaned[1]))
    objects, tables = named("objects", "tif"), named("objects", "csv")
    jobs = [
        ObjectsJob(cleaned[0], output, method=Method.BODIES, table=table)
        for output, table in zip(objects, tables, strict=True)
    ]
    assert objects_file(jobs[0]).found.count == 2
    do(plan_objects(jobs[1], 16))
    finish_any(read_state_of(objects[1]))
    measured = named("measured", "csv")
    wanted = [MeasureJob(objects[0], table) for table in measured]
    measure_file(wanted[0])
    state = plan_measuring(wanted[1], 16)
    assert sum(int(one["objects"]) for one in do(state).values()) == 2
    finish_measuring(state.folder, wanted[1])
    for whole, ranges in (cleaned, objects, tables, measured):
        assert whole.read_bytes() == ranges.read_bytes(), whole.name


def read_state_of(output: Path) -> Path:
    return output.with_name(f"{output.name}.ranges")


def test_what_stands_against_it_is_a_sentence_and_a_cancel_keeps_what_is_done(
    labels: Path, tmp_path: Path, machines: Machines
) -> None:
    state = plan_cleaning(CleanJob(labels, tmp_path / "out.tif", CleanUp(CleanParameters(erode=1))), 16)
    with pytest.raises(UserError, match=r"range 7|no range|7"):
        run_planned_ranges(PlannedRanges(state.folder, [7]), TWO, Progress(), lambda *found: None, machines)
    progress = Progress()
    with pytest.raises(Cancelled):
        run_planned_ranges(
            PlannedRanges(state.folder, [0, 1]), TWO, progress, lambda *found: progress.cancel(), machines
        )
    assert len(read_state(state.folder).unfinished) <= 1
