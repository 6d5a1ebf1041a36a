"""The filopodium that is worked on: found by a click, cut where its handle stands, taken as an object."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, Signal

from sxtstudio.app import questions
from sxtstudio.app.context import Context
from sxtstudio.app.jobs.job import Job, JobKind
from sxtstudio.app.jobs.latest import Latest
from sxtstudio.app.objects.filopodia.measures import FilopodiumMeasures, Size, size_of
from sxtstudio.app.questions import Answer
from sxtstudio.app.session import Selection, Session
from sxtstudio.app.slice_preview import Labels
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.errors import UserError
from sxtstudio.core.filopodia.records import Filopodium, Incomplete
from sxtstudio.core.filopodia.sharing import shares_of, without
from sxtstudio.core.filopodia.taking import take
from sxtstudio.core.geometry import Triple
from sxtstudio.core.wording import count
from sxtstudio.workflow.document.document import Document

if TYPE_CHECKING:  # at run time these load what a window need not wait for
    from sxtstudio.core.filopodia.candidate import Candidate
    from sxtstudio.core.filopodia.sampling import OneObject

_NOTHING = (
    "There is neither an outline nor an object here. Segment the tomogram first, and click on the outline of "
    "a filopodium, or inside it."
)


class FilopodiumWork(QObject):
    """One proposal at a time; it is highlighted in all views.

    Signals
    -------
    changed()
        Another proposal, another cut, or none any more.
    taken(int)
        The number of the object that it has become.
    """

    changed = Signal()
    taken = Signal(int)

    def __init__(self, context: Context) -> None:
        """Begin without a proposal."""
        super().__init__(context.session)
        self._context = context
        self.candidate: Candidate | None = None
        self.found: Filopodium | None = None
        self.size: Size | None = None
        self.measures = FilopodiumMeasures(context, self)
        self.seeds: tuple[Triple, ...] = ()
        self._search: Job | None = None
        self._cut_from: int | None = None
        self._cut = Latest(context, "Cutting the filopodium", self._on_cut, delay_ms=0, parent=self)
        self._size = Latest(context, "Measuring the filopodium", self._on_size, delay_ms=100, parent=self)
        session = context.session
        session.document_changed.connect(self.drop)
        session.labels_changed.connect(self._on_session_labels_changed)
        session.edit_undone.connect(lambda _: self.drop())

    @property
    def session(self) -> Session:
        """The session of the window."""
        return self._context.session

    def find(self, seed: Triple, *, more: bool = False) -> None:
        """Look for the filopodium at a voxel (z, y, x), in a job.

        Parameters
        ----------
        more
            It lies on the same one as those that were clicked before: it runs through all of them, from the
            first to the last.

        Raises
        ------
        UserError
            If nothing is open, or there is nothing in which it could be looked for.
        """
        document = self.session.document
        if document is None:
            raise UserError("No tomogram is open. Open one first (File > Open tomogram).")
        before = tuple(place for place in self.seeds if place != seed) if more else ()
        source, cut_from = _source(document, before[0] if before else seed)
        self.drop()
        self._cut_from = cut_from
        self.seeds = seeds = (*before, seed)
        self.changed.emit()
        voxel_nm, check, tomogram, polarity = (
            document.voxel_nm, _check_of(document), document.tomogram, document.polarity
        )  # fmt: skip

        def work(job: Job) -> tuple[Candidate, Filopodium]:
            from sxtstudio.core.filopodia.find import find_filopodium
            from sxtstudio.core.filopodia.grey import grey_around
            from sxtstudio.core.filopodia.records import spacing_of

            grey = None
            if tomogram is not None and polarity is not None:
                dark = polarity.value == "dark"
                grey = grey_around(tomogram, seeds, spacing_of(voxel_nm), absorbing_dark=dark)
                job.progress.check()
            candidate = find_filopodium(
                source, seeds[0], voxel_nm, progress=job.progress, grey=grey, more=seeds[1:]
            )
            return candidate, check(candidate.cut())

        self._search = job = self._context.jobs.start(
            "Find the filopodium",
            work,
            on_done=lambda result: self._on_found(job, *result),
            on_error=self._on_error,
            kind=JobKind.PICKING,
        )

    def move_to(self, place: float) -> None:
        """Cut elsewhere along the axis: so far from the tip."""
        candidate, document = self.candidate, self.session.document
        if candidate is None or document is None:
            return
        check = _check_of(document)
        self._cut.request(lambda job: check(candidate.cut(place)))

    def step(self, steps: int) -> None:
        """Move the cut a voxel's width towards the cell, or (below 0) towards the tip."""
        if self.found is not None and self.candidate is not None:
            self.move_to(self.found.cut + steps * min(self.candidate.spacing[1:]))

    def take(self) -> int | None:
        """Make the proposal an object of the class Filopodium; return its number, None if it was not taken.

        Voxels of what it is cut from become its own; before others lose some, the user is asked.

        Raises
        ------
        UserError
            If objects cannot be changed now, or nothing of it is left.
        """
        document = self.session.document
        asked = self._asked()
        if asked is None or document is None:
            return None
        found, from_objects = asked
        # Who takes it has looked at it.
        looked_at = tuple(why for why in found.incomplete if why is not Incomplete.DOUBTFUL)
        found = replace(found, incomplete=looked_at)
        recorder = self.session.record(EditKind.FILOPODIUM, "objects")
        try:
            number = take(recorder, document.object_table, document.object_boxes, found)
        except BaseException:
            recorder.roll_back()
            raise
        self.drop()
        self.session.commit(recorder, seed=list(found.seed), cut=round(found.cut, 2))
        self.session.objects.set(selected=(number,))
        self.session.message.emit(
            f"Filopodium {number}: {count(found.voxels, 'voxel')}"
            + (f", {from_objects} among them" if from_objects else "")
        )
        self.taken.emit(number)
        return number

    def _asked(self) -> tuple[Filopodium, str] | None:
        """Return what may be taken, and in words from which objects; None where it must not be."""
        found, document = self.found, self.session.document
        if found is None or document is None:
            return None
        objects = document.objects
        if objects is None:
            return found, ""
        shares = shares_of(found, objects, document.object_table, self._cut_from)
        if not shares.others:
            return found, shares.all_in_words
        answer = questions.ask(
            self._context.window,
            "Take voxels of other objects?",
            f"The filopodium holds {shares.others_in_words}, from which it was not cut. If you take them, "
            "they become part of it.",
            (Answer.LEAVE_THEM, Answer.TAKE_THEM, Answer.CANCEL),
        )
        if answer == Answer.CANCEL or self.found is not found:
            return None
        if answer == Answer.TAKE_THEM:
            return found, shares.all_in_words
        found = without(found, objects, shares.others)
        if not found.voxels:
            raise UserError(
                f"Nothing is left of the filopodium: all of it is {shares.others_in_words}. "
                "Take their voxels, too, or give those objects the class Filopodium."
            )
        return found, shares.own_in_words

    def drop(self) -> None:
        """Forget the proposal."""
        if self._search is not None:
            self._search.cancel()
            self._search = None
        self._cut.cancel()
        self._size.cancel()
        if self.found is not None or self.seeds:
            had = self.found is not None
            self.candidate = self.found = None
            self.seeds = ()
            if had:
                self.session.select(None)
            self.changed.emit()

    @property
    def searching(self) -> bool:
        """Whether a proposal is still to come."""
        return self._search is not None

    def shut_down(self) -> None:
        """Let go of what is searched."""
        self.drop()
        self._cut.shut_down()
        self._size.shut_down()
        self.measures.shut_down()

    def _on_found(self, job: Job, candidate: Candidate, found: Filopodium) -> None:
        if job is not self._search:
            return
        self._search = None
        self.candidate = candidate
        self._show(found)

    def _on_error(self, error: Exception) -> None:
        self._search = None
        if len(self.seeds) > 1:  # the last one was the slip
            self.seeds = self.seeds[:-1]
            self.changed.emit()
        if isinstance(error, UserError):
            self.session.remark(str(error))
        else:
            self._context.jobs.failed.emit(error)

    def _on_cut(self, found: Filopodium) -> None:
        if self.candidate is not None:
            self._show(found)

    def _show(self, found: Filopodium) -> None:
        self.found, self.size = found, None
        first = np.argwhere(found.where)[0] + found.box.start
        seed = (int(first[0]), int(first[1]), int(first[2]))
        self.session.select(Selection(seed, found.box, found.where, found.voxels))
        document = self.session.document
        voxel_nm = None if document is None else document.voxel_nm
        self._size.request(lambda job: size_of(found.where, voxel_nm))
        self.changed.emit()

    def _on_size(self, size: Size | None) -> None:
        if self.found is not None:
            self.size = size
            self.changed.emit()

    def _on_session_labels_changed(self) -> None:
        """What it was found in is not there any more."""
        if self.found is not None or self._search is not None:
            self.drop()


def _source(document: Document, seed: Triple) -> tuple[Labels | OneObject, int | None]:
    """Return the labels where there are any, else the object under the click, and its number.

    With neither there is still the tomogram: then the labels are empty.
    """
    labels, objects = document.labels, document.objects
    inside = all(0 <= at < size for at, size in zip(seed, document.shape, strict=True))
    if labels is not None and document.voxels("labels"):
        return labels, None
    number = int(objects[seed]) if objects is not None and inside else 0
    if objects is None or not number:
        if document.tomogram is None or document.polarity is None:
            raise UserError(_NOTHING)
        return np.broadcast_to(np.uint8(0), document.shape), None
    from sxtstudio.core.filopodia.sampling import OneObject

    return OneObject(objects, number), number


def _check_of(document: Document) -> Callable[[Filopodium], Filopodium]:
    """Return what looks for gold; where it is not known whether that is dark or bright, nothing does."""
    labels, tomogram, polarity = document.labels, document.tomogram, document.polarity

    def check(found: Filopodium) -> Filopodium:
        from sxtstudio.core.filopodia.find import complete

        if tomogram is None or polarity is None:
            return found
        there = np.broadcast_to(np.uint8(0), tomogram.shape) if labels is None else labels
        why = complete(found, there, tomogram, absorbing_dark=polarity.value == "dark")
        return replace(found, incomplete=why)

    return check
