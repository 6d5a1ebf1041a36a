"""Each finished tomogram that arrives in a folder is segmented, until somebody stops it: for a week, if so.

What is nobody's fault is waited for: a network share that has gone, a disk that is full, a model that was
taken away. A tomogram that failed because of that is tried again; one that is damaged is, once its file
changes.
"""

from __future__ import annotations

import errno
import math
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from sxtstudio.core.errors import SliceBase, sentence_of
from sxtstudio.core.progress import Progress
from sxtstudio.io.volume_name import with_axes
from sxtstudio.workflow.jobs.batch import BatchParameters
from sxtstudio.workflow.jobs.batch_files import BatchRow
from sxtstudio.workflow.jobs.batch_jobs import Batch, JobOutcome, JobRunner, OneAfterAnother, OnRow, OtherWork
from sxtstudio.workflow.jobs.batch_objects import ObjectsWanted
from sxtstudio.workflow.jobs.batch_settings import check_batch
from sxtstudio.workflow.jobs.disk_room import DiskState, Room, Usage, disk_state, while_mounted, worst_disk
from sxtstudio.workflow.jobs.watch import FolderWatch

# Between two looks into a folder, and at a disk that is full or has gone.
POLL_S = 2.0
# What a network or a disk says of itself, not of a file.
_OF_THE_PLACE = {
    errno.EIO, errno.ESTALE, errno.ENODEV, errno.ENOTCONN, errno.ETIMEDOUT, errno.EHOSTDOWN,
    errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN, errno.ECONNRESET, errno.ENOSPC, errno.EDQUOT,
}  # fmt: skip
_MOST_TRIES = 3
# After a failure that would have been the same with any other tomogram, none is begun for so long.
HOLD_S = 30.0

OnNote = Callable[[str], None]


class Follower:
    """What goes along with a watched folder; this one does nothing.

    Attributes
    ----------
    folders
        Where it writes: their disks are looked at, too.
    objects
        What is to be found in the labels, by whoever segments; None: nothing, or the follower does it.
    """

    folders: tuple[Path, ...] = ()
    objects: ObjectsWanted | None = None

    def begin(self, watch: FolderWatch) -> None:
        """Take note that the watch begins; tomograms known from before may be taken off it."""

    def wants(self, tomogram: Path) -> bool:
        """Whether a tomogram is to be segmented; False where that was done before."""
        return True

    def found(self, tomograms: list[Path]) -> None:
        """Take note of those that wait."""

    def arriving(self, tomograms: list[Path]) -> None:
        """Take note of those that are there and not complete yet."""

    def changed(self, row: BatchRow) -> None:
        """Take note of what becomes of a tomogram; called often."""

    def ended(self, row: BatchRow, progress: Progress) -> None:
        """Do what comes after a tomogram; whatever goes wrong in it stays in it."""

    def waits(self, state: DiskState | None) -> None:
        """Take note that work waits for a disk or that one is short of room; None: there is room again."""

    def idle(self) -> None:
        """Do what can be done while there is no tomogram."""

    def stopped(self) -> None:
        """Take note that the watch has ended."""


def run_watch(
    folder: Path,
    parameters: BatchParameters,
    on_row: OnRow | None = None,
    progress: Progress | None = None,
    *,
    watch: FolderWatch | None = None,
    other_work: OtherWork | None = None,
    poll_s: float = POLL_S,
    slices_from: SliceBase = 1,
    on_note: OnNote | None = None,
    follower: Callable[[], Follower] | None = None,
    usage: Usage = shutil.disk_usage,
    runner: JobRunner | None = None,
) -> None:
    """Segment each finished tomogram that arrives in a folder, until the job is cancelled.

    Results that are there already are never made again: ``parameters.existing`` "rename" counts as "skip".
    But a tomogram that has been replaced is segmented again, under another name unless that is "replace".

    Parameters
    ----------
    folder, parameters
        Where tomograms arrive, and what is done to each.
    on_row, progress, other_work
        As of ``run_batch``.
    watch
        Finds them; by default those that are there already count, too.
    poll_s
        Between two looks.
    slices_from
        The number of the first slice in messages: 0 for the command line.
    on_note
        Called with what concerns all of them, once each time: folders of slices, which are not taken since
        nothing shows when the last slice is there; a share that has gone and is back; a disk short of room.
    follower
        Makes what goes along, once nothing is to be said against the batch: it may write.
    usage
        As ``shutil.disk_usage``; for tests.
    runner
        What runs the jobs; None runs them in this process, one after another.

    Raises
    ------
    UserError
        If the folder does not exist, nothing could be segmented with this model, use and options, results
        cannot be written from the start, or the runner can run no job.
    Cancelled
        When the user has had enough.
    """
    progress = progress or Progress()
    check_batch(parameters, here=runner is None)
    if parameters.existing == "rename":
        parameters = replace(parameters, existing="skip")
    watch = watch or FolderWatch(folder)
    along = Follower() if follower is None else follower()

    def on_change(number: int, row: BatchRow) -> None:
        along.changed(row)
        if on_row is not None:
            on_row(number, row)

    note = on_note or (lambda text: None)
    watching = _Watching(watch, parameters, progress, along, note, usage)
    batch = Batch(
        parameters,
        on_change,
        slices_from,
        skip_projections=True,
        last=True,
        on_end=watching.take,
        on_trouble=lambda trouble: note(sentence_of(trouble) or str(trouble)),
        objects=along.objects,
    )
    along.begin(watch)
    try:
        (runner or OneAfterAnother(other_work)).run(batch, watching.numbers(batch, poll_s), progress, None)
    finally:
        along.stopped()


class _Watching:
    """A watched folder, and what becomes of the tomograms that arrive in it."""

    def __init__(
        self,
        watch: FolderWatch,
        parameters: BatchParameters,
        progress: Progress,
        follower: Follower,
        on_note: OnNote,
        usage: Usage,
    ) -> None:
        self._watch, self._parameters, self._progress = watch, parameters, progress
        self._follower, self._on_note = follower, on_note
        self._own = parameters.folder or watch.folder
        self._usage = while_mounted((self._own, *follower.folders), usage)
        self._listed = while_mounted((watch.folder,), _listed)
        self._tomograms: dict[int, Path] = {}  # of the rows that have not ended for good
        self._tries: dict[Path, int] = {}
        self._earlier: set[Path] = set()
        self._said: tuple[Room, Path | None] = (Room.ENOUGH, None)
        self._warned_of_slices = False
        self._held_until = -math.inf
        self._outside = ""  # what was last said to lie outside the tomograms

    def numbers(self, batch: Batch, poll_s: float) -> Iterator[int | None]:
        """Yield the row of each tomogram that has become complete, and None while there is none."""
        while True:
            self._progress.restart("waiting for tomograms")
            yield from self._look(batch)
            yield from self._pause(poll_s)

    def _look(self, batch: Batch) -> Iterator[int | None]:
        found = self._watch.poll()
        if self._watch.away or self._watch_is_away():
            for tomogram in found:  # of the disk below, or just before the share went
                self._watch.forget(tomogram)
            self._progress.restart("waiting for the folder to be there again")
            self._say(disk_state(self._watch.folder, 0, self._listed))
            return
        if self._watch.slice_folders and not self._warned_of_slices:
            self._warned_of_slices = True
            self._on_note(
                f"folders of slices are not taken from a watched folder ({self._watch.slice_folders[0]}): "
                "nothing tells when the last slice is there. Segment them when they are complete."
            )
        self._follower.arriving(self._watch.arriving)
        wanted = [path for path in found if self._follower.wants(path)]
        if wanted:
            self._follower.found(wanted)
        for tomogram in wanted:
            yield from self._wait_for_room(tomogram)
            yield self._row_of(tomogram, batch)
        if not wanted:
            self._say(self._worst(0))
            self._follower.idle()

    def _pause(self, seconds: float) -> Iterator[None]:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            yield None

    def _row_of(self, tomogram: Path, batch: Batch) -> int:
        """Return the row of a tomogram: that in which it waits for another try, or a new one."""
        waiting = (
            n for n, path in self._tomograms.items() if path == tomogram and batch.rows[n].state == "waiting"
        )
        number = next(waiting, None)
        if number is None:
            named = with_axes(tomogram, self._parameters.axes)
            number = batch.add(named, replaced=tomogram in self._earlier)
        self._tomograms[number] = tomogram
        return number

    def take(self, batch: Batch, number: int, outcome: JobOutcome) -> None:
        """Decide whether a tomogram that has ended is tried again."""
        tomogram = self._tomograms[number]
        if outcome.state != "done" and self._is_of_the_place(outcome, tomogram):
            if outcome.outside:
                self._hold(outcome.message)
            when = "" if os.path.exists(tomogram) else " once it is there"
            batch.wait(number, f"{outcome.message} It is tried again{when}.")
            self._watch.forget(tomogram)
            return
        self._outside = ""
        del self._tomograms[number]
        self._tries.pop(tomogram, None)
        self._earlier.add(tomogram)
        self._follower.ended(batch.rows[number], self._progress)

    def _is_of_the_place(self, outcome: JobOutcome, tomogram: Path) -> bool:
        """Whether share, disk or model are to blame, not the tomogram; a few times only where both may be."""
        if outcome.outside:
            return True
        state = self._worst(_needed(tomogram))
        if self._watch_is_away() or (state is not None and state.room >= Room.FULL):
            return True
        if not os.path.exists(tomogram):
            return True
        if not outcome.system_errors & _OF_THE_PLACE:
            return False
        self._tries[tomogram] = self._tries.get(tomogram, 0) + 1
        return self._tries[tomogram] < _MOST_TRIES

    def _hold(self, message: str) -> None:
        """Begin nothing for a while, and say once why."""
        self._held_until = time.monotonic() + HOLD_S
        if message != self._outside:
            self._outside = message
            self._on_note(f"work waits: {message} It is tried again.")

    def _watch_is_away(self) -> bool:
        return disk_state(self._watch.folder, 0, self._listed).room is Room.AWAY

    def _worst(self, needed: int) -> DiskState | None:
        return worst_disk(dict.fromkeys((self._own, *self._follower.folders)), needed, self._usage)

    def _wait_for_room(self, tomogram: Path) -> Iterator[None]:
        if (rest := self._held_until - time.monotonic()) > 0:
            self._progress.restart("waiting for the next try")
            yield from self._pause(rest)
        while (state := self._worst(_needed(tomogram))) is not None and state.room >= Room.FULL:
            self._say(state)
            self._progress.restart("waiting for room on the disk")
            yield from self._pause(POLL_S)
        self._say(state)

    def _say(self, state: DiskState | None) -> None:
        """Say once what is waited for, and once that it goes on."""
        room = Room.ENOUGH if state is None else state.room
        if state is None or room is Room.ENOUGH:
            if self._said[0] is not Room.ENOUGH:
                self._said = (Room.ENOUGH, None)
                self._follower.waits(None)
                self._on_note("work goes on: the disk has room, and the folders are there")
            return
        if self._said != (room, state.folder):
            self._said = (room, state.folder)
            self._follower.waits(state)
            self._on_note(state.sentence)


def _needed(tomogram: Path) -> int:
    """Return what the results of a tomogram take at most: labels of a byte, twice, and numbers of four."""
    try:
        size = tomogram.stat().st_size
    except OSError:
        return 0
    return max(size, 1 << 20)


def _listed(folder: Path) -> tuple[int, int, int]:
    """Raise OSError where a folder cannot be listed; its disk is of no interest."""
    next(folder.iterdir(), None)
    return (1 << 62, 0, 1 << 62)
