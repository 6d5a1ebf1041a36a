"""Segment: model, device, slices, estimate, preview, start."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from sxtstudio.app import questions, theme
from sxtstudio.app.context import Context
from sxtstudio.app.jobs.job import Job
from sxtstudio.app.jobs.label_job import LabelJob
from sxtstudio.app.jobs.latest import Latest
from sxtstudio.app.jobs.long_run import check_not_segmenting
from sxtstudio.app.jobs.strip import ProgressStrip
from sxtstudio.app.questions import Answer
from sxtstudio.app.segment.engine import Costs, PreviewEngine
from sxtstudio.app.segment.form import SegmentForm
from sxtstudio.app.segment.interrupted import InterruptedOffer
from sxtstudio.app.segment.manual_edits import HandMade
from sxtstudio.app.segment.polarity_choice import TwoPolarities
from sxtstudio.app.segment.recognised import RecognitionMap
from sxtstudio.app.segment.trial import SliceTrial, Tried
from sxtstudio.app.widgets.footer import Footer
from sxtstudio.app.widgets.notes import note, show_note
from sxtstudio.app.widgets.result_note import ResultNote
from sxtstudio.core import wording
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.edits import Edit, Recorder
from sxtstudio.core.errors import UserError
from sxtstudio.core.polarity import Basis, Polarity, Value, chosen_polarity
from sxtstudio.core.trust import SliceTrust, least_certain, replaced
from sxtstudio.segment.parameters import SegmentParameters
from sxtstudio.workflow.document.label_history import FINISHED_SLICES
from sxtstudio.workflow.jobs.choices import SegmentationChoices, find_choices
from sxtstudio.workflow.jobs.document_segmenting import (
    SegmentOutcome,
    segment_document,
    trust_lines,
)
from sxtstudio.workflow.jobs.inspecting import tilt_series_text


class SegmentPanel(QWidget):
    """Segment: model, device, slices, estimate, preview, start."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        """Build the widget; models and devices are looked for when it is shown first."""
        super().__init__(parent)
        self._context, self._session = context, context.session
        self.engine = PreviewEngine()
        self.form = SegmentForm(context)
        self.trial = SliceTrial(context, self.engine, self)
        self.recognition = RecognitionMap(context, self.engine, self)
        self.hand_made = HandMade(context.session)
        self.run: LabelJob | None = None
        self._projections: Path | None = None  # folder of the document whose projections may be segmented
        self._least_certain: int | None = None  # the slice that was gone to last
        self._starts_next = False  # once the polarity is known, for which a slice is tried now
        self._find = Latest(context, "Looking for models", self._on_choices_found, delay_ms=0, parent=self)
        self._costs = Latest(
            context,
            "Estimating",
            self._on_costs_done,
            on_error=lambda error: show_note(self.estimate, f"⚠ {error}"),
            delay_ms=500,
            parent=self,
        )
        self._build()
        self._connect()
        self._on_session_document_changed()

    def _build(self) -> None:
        self.estimate, self.result = note(name="estimate"), note(name="result")
        self._result = ResultNote(self._session, self.result)
        self.try_button = QPushButton("Try on this slice")
        theme.set_icon(self.try_button, "mdi6.eye-outline")
        self.try_button.setToolTip("Segment the visible slice only, as a preview (Ctrl+T)")
        self.hide_button = QPushButton("Hide preview")
        self.hide_button.setToolTip("Show the labels again")
        self.start_button = QPushButton("Segment")
        self.start_button.setProperty("role", "main")
        self.start_button.setToolTip("Segment the chosen slices (Ctrl+R); it can be undone")
        self.offers = InterruptedOffer(self._context)
        self.choice = TwoPolarities()
        self.strip = ProgressStrip()
        tries = QHBoxLayout()
        tries.addWidget(self.try_button, 1)
        tries.addWidget(self.hide_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self.form)
        layout.addStretch()
        self.footer = Footer(
            (self.result, self.offers.note, self.estimate),
            (self.choice, self.offers, self.strip, tries, self.start_button),
        )

    def _connect(self) -> None:
        session = self._session
        self.try_button.clicked.connect(self._guarded(self.try_slice))
        self.hide_button.clicked.connect(self.trial.clear)
        self.start_button.clicked.connect(self._guarded(self.start))
        self.offers.go_on.connect(self._guarded(self.resume))
        self.offers.start_again.connect(self._guarded(self.start_again))
        self.form.changed.connect(self._ask_for_costs)
        self.form.network_changed.connect(self.trial.clear)
        self.form.threshold.changed.connect(lambda: self.trial.set_threshold(self.form.threshold.value))
        self.trial.changed.connect(self._on_trial_changed)
        self.trial.tried.connect(self._on_trial_tried)
        self.choice.pointed_at.connect(self.trial.show_polarity)
        self.choice.chosen.connect(lambda value: self._guarded(lambda: self._on_choice_chosen(value))())
        self.form.network_changed.connect(self._stop_asking)
        session.facts_changed.connect(self._on_session_facts_changed)
        session.document_changed.connect(self._on_session_document_changed)
        session.busy_changed.connect(self._refresh)
        session.models_changed.connect(self._on_session_models_changed)

    def _guarded(self, run: Any) -> Any:
        """Return a handler that shows errors instead of raising them."""

        def handler() -> None:
            try:
                run()
            except Exception as error:
                self._context.jobs.failed.emit(error)

        return handler

    # -- what the actions call ---------------------------------------------------------------------

    def try_slice(self) -> None:
        """Segment the visible slice as a preview."""
        self._stop_asking()
        parameters = self.form.parameters()
        job = self.trial.start(self._session.cursor[0], parameters, self.form.threshold.value)
        self.strip.watch(job, counted=False)

    def show_unrecognised(self) -> None:
        """Show where the network does not recognise the visible slice, or take that away."""
        job = self.recognition.toggle(self._session.cursor[0], self.form.parameters())
        if job is not None:
            self.strip.watch(job, counted=False)

    def show_least_certain(self) -> None:
        """Go to the slice of whose labels the network was least sure; again, to the next."""
        document = self._session.document
        figures = () if document is None else document.trust
        slices = [z for z, _ in least_certain(figures, len(figures))]
        if not slices:
            self._session.remark("How sure the network is of each slice is known after a segmentation.")
            return
        z, y, x = self._session.cursor
        here = self._least_certain == z and z in slices
        wanted = slices[(slices.index(z) + 1) % len(slices)] if here else slices[0]
        self._least_certain = wanted
        self._session.set_cursor((wanted, y, x))

    def start(self) -> None:
        """Segment the chosen slices; an interrupted segmentation goes on, or it asks what is to become of it.

        Raises
        ------
        UserError
            If nothing is open, or another job changes the labels.
        """
        pending, document = self.offers.pending, self._session.document
        if pending is None or document is None or not pending.finished or self._session.busy is not None:
            self.start_again()
            return
        wanted, threshold = self.form.parameters(), self.form.threshold.value
        answer = self.offers.choose(pending.changes(wanted, threshold, document.shape[0]))
        if answer == Answer.GO_ON:
            self.resume()
        elif answer == Answer.START_AGAIN:
            self.start_again()

    def start_again(self) -> None:
        """Segment all chosen slices; asks before labels made by hand are replaced.

        Raises
        ------
        UserError
            If nothing is open, or another job changes the labels.
        """
        if not self._may_segment_projections():
            return
        if self._polarity_is_open():
            if self.trial.job is None or not self._starts_next:
                # Seconds now, rather than an hour for the wrong one.
                self.try_slice()
                self._starts_next = True
                self._result.show("Finding out on this slice whether membranes are dark or bright …")
            return
        self._start_all()

    def _start_all(self) -> None:
        parameters, document = self.form.parameters(), self._session.document
        if document is None or self._may_replace(*parameters.checked(document.shape[0])):
            self._start(parameters, resume=False)

    def _may_replace(self, first: int, last: int) -> bool:
        """Ask where labels in the slices ``first`` to ``last`` (not included) were made by hand."""
        if self._session.busy is not None or not self.hand_made.within(first, last):
            return True
        answer = questions.ask(
            self._context.window,
            "Replace labels?",
            "Some labels in these slices were made by hand.",
            (Answer.REPLACE, Answer.CANCEL),
            "The segmentation replaces all labels in its slices. Undo brings them back.",
        )
        return answer == Answer.REPLACE

    def _polarity_is_open(self) -> bool:
        """Whether the network is to be asked, and perhaps the user, before all slices are segmented."""
        document, idle = self._session.document, self._session.busy is None
        polarity = None if document is None else document.polarity
        return idle and polarity is not None and polarity.open

    def _may_segment_projections(self) -> bool:
        """Ask, once for a tomogram, whether what looks like a tilt series is to be segmented."""
        document = self._session.document
        if document is None or not document.tomogram.tilt_series or document.folder == self._projections:
            return True
        answer = questions.ask(
            self._context.window,
            "Segment projections?",
            tilt_series_text(document.tomogram),
            (Answer.SEGMENT_ALL_THE_SAME, Answer.CANCEL),
            "The network has learned from slices of cells; what it finds in projections means nothing.",
            default=Answer.CANCEL,
        )
        if answer == Answer.CANCEL:
            return False
        self._projections = document.folder
        return True

    def resume(self) -> None:
        """Go on with the interrupted segmentation; asks before labels made by hand are replaced.

        Raises
        ------
        UserError
            If there is none.
        """
        if self.offers.pending is None:
            raise UserError("There is no interrupted segmentation to go on with. Start a new one.")
        pending, document = self.offers.pending, self._session.document
        first, last = (0, 0) if document is None else pending.parameters.checked(document.shape[0])
        if self._may_replace(first + pending.finished, last):  # what is finished and was changed stays
            self._start(pending.parameters, resume=True)

    def _start(self, parameters: SegmentParameters, *, resume: bool) -> None:
        document, engine = self._session.document, self.engine
        if document is None:
            raise UserError("No tomogram is open. Open one first (File > Open tomogram).")
        check_not_segmenting(self._context)
        if resume:
            self._show_settings(parameters)
        identify, folder, work_dir = document.identify, document.bulk, document.segmentation_folder
        record: dict[str, Any] = {"model": self.form.name_of(parameters.model), "slices": parameters.slices}

        def work(job: Job, recorder: Recorder) -> SegmentOutcome:
            engine.close()  # its memory is needed now
            outcome = segment_document(
                recorder,
                identify(),
                parameters,
                folder,
                work_dir,
                job.progress,
                job.report,
                resume=resume,
                on_finished=lambda first, last: record.update({FINISHED_SLICES: [first, last]}),
                on_begun=record.update,  # stands there also where it is ended half-way
            )
            record.pop(FINISHED_SLICES, None)  # all that were asked for
            record.update(outcome.step())
            return outcome

        self._stop_asking()
        self.trial.clear()
        self.recognition.cancel()
        if self._costs.busy:
            show_note(self.estimate, "")
        self._costs.cancel()
        self._result.clear()
        self.form.remember()
        self.run = LabelJob(
            self._context,
            EditKind.SEGMENT,
            work,
            parameters=record,
            keep_on_cancel=True,
            on_done=self._on_run_done,
            on_cancel=self._on_run_cancelled,
        )
        self.run.ended.connect(self._on_run_ended)
        self.strip.watch(self.run.job)
        self._refresh()

    def _show_settings(self, parameters: SegmentParameters) -> None:
        """Have the fields say with what an interrupted segmentation goes on."""
        known = self.form.ready
        self.form.take_over(parameters)
        if known and not self.form.ready:  # a model that was not listed
            self.refresh_models()

    # -- what comes back -----------------------------------------------------------------------------

    def _on_run_done(self, outcome: SegmentOutcome, edit: Edit | None) -> None:
        document = self._session.document
        self._take_polarity(outcome.polarity)
        self.hand_made.forget(*outcome.slices)
        first, last = outcome.slices
        where = f"Slices {wording.slice_number(first)} to {last}" if last - first > 1 else f"Slice {last}"
        seen = ", as a noisy tomogram" if outcome.noisy else ""
        lines = [f"{where}: {wording.count(outcome.voxels, 'voxel')} labelled on {outcome.device}{seen}."]
        if edit is None:
            lines.append("The labels are the same as before.")
        if outcome.output_kept:
            lines.append("The threshold can still be changed, in the panel “Clean up”.")
        if document is not None and (outcome.trust or document.trust):
            # Figures of labels that were replaced go with them, also where there are no new ones.
            figures = outcome.trust or (SliceTrust(),) * (last - first)
            self._session.set_trust(replaced(document.trust, document.shape[0], first, figures), edit)
            lines += trust_lines(outcome.trust, first)
            self._session.autosave()
        self._result.show_result("\n".join([*lines, *outcome.notes]))
        self._session.message.emit(lines[0])

    def _take_polarity(self, judged: Polarity) -> None:
        """Keep what the network said of the polarity, unless more is known already."""
        document = self._session.document
        if document is None or judged.basis is Basis.USER:
            return
        if document.polarity is None or not document.polarity.sure:
            self._session.set_polarity(judged)

    def _on_run_cancelled(self, edit: Edit | None) -> None:
        kept = "" if edit is None else "The finished slices were kept; Undo takes them back."
        self._result.show_result(kept)

    def _on_run_ended(self, edit: Edit | None) -> None:
        self.run = None
        self.offers.look()
        self._refresh()
        self._ask_for_costs()

    def _on_trial_changed(self) -> None:
        if self._starts_next and self.trial.job is None and self.trial.latest is None:
            self._starts_next = False  # cancelled, or it failed: nobody finds anything out any more
            self._result.clear()
        self._refresh()

    def _on_trial_tried(self, tried: Tried) -> None:
        result, starts = tried.trial.judged, self._starts_next
        self._take_polarity(result.polarity)
        if self.trial.latest is None:  # another polarity than was assumed has taken it away
            self.trial.show(tried, result.polarity.value)
        self._starts_next = starts and tried.pictures is not None
        lines = list(result.notes)
        if result.labels is None:
            lines.insert(0, "There is nothing to be seen in this slice, so there is nothing to segment.")
        elif not result.labels.any() and tried.pictures is None:
            lines.insert(0, "Nothing is labelled in this slice.")
        self._result.show("\n".join(lines))
        if tried.pictures is not None:
            self.choice.ask(result.polarity, tried.pictures)
        elif starts:
            self._guarded(self._start_all)()

    def _on_choice_chosen(self, value: Value) -> None:
        """Take the polarity that the user chose, and go on with what it was needed for."""
        starts, tried = self._starts_next, self.trial.latest
        self._session.set_polarity(chosen_polarity(value))
        self._stop_asking()
        if starts:
            self._start_all()
        elif tried is not None:
            self.trial.show(tried, value)  # again, for another polarity has taken it away

    def _stop_asking(self) -> None:
        """Take the pictures away; whoever waited for the answer waits no longer."""
        self._starts_next = False
        self.choice.hide()

    def _on_session_facts_changed(self) -> None:
        document = self._session.document
        if document is None or document.polarity is None or document.polarity.sure:
            self.choice.hide()

    def _on_choices_found(self, choices: SegmentationChoices) -> None:
        self.form.show_choices(choices)
        self._ask_for_costs()

    def _on_costs_done(self, costs: Costs) -> None:
        estimate, document = costs.estimate, self._session.document
        if document is None:
            return
        self.form.show_device(costs.device, costs.device_reason)
        lines = [
            f"{wording.about(estimate.seconds)} · {wording.bytes_text(estimate.memory_bytes)} memory · "
            f"{wording.bytes_text(estimate.disk_bytes)} disk"
        ]
        lines += [f"⚠ {text}" for text in estimate.notes]
        if estimate.memory_bytes > costs.memory_left:
            lines.append(
                f"⚠ Only {wording.bytes_text(costs.memory_left)} of memory are free: close other programs, "
                "or "
                "choose smaller tiles."
            )
        if estimate.disk_bytes > costs.disk_left:
            lines.append(
                f"⚠ Only {wording.bytes_text(costs.disk_left)} are free on the disk of {document.bulk}."
            )
        show_note(self.estimate, "\n".join(lines))

    # -- following the session -----------------------------------------------------------------------

    def _on_session_document_changed(self) -> None:
        self._least_certain = None
        self._stop_asking()
        self._result.clear()
        show_note(self.estimate, "")
        self.offers.look()
        self._refresh()
        self._ask_for_costs()

    def _on_session_models_changed(self, _: str) -> None:
        self.refresh_models()
        self.form.choose_remembered_model()

    def _refresh(self) -> None:
        session = self._session
        idle = session.document is not None and session.busy is None
        self.form.setEnabled(self.run is None)
        self.try_button.setEnabled(idle and self.trial.job is None)
        self.hide_button.setEnabled(self.trial.shown)
        self.start_button.setEnabled(idle)
        self.offers.set_idle(idle)
        if self.run is not None:
            self.offers.forget()

    def _ask_for_costs(self) -> None:
        document, engine = self._session.document, self.engine
        if document is None or self.run is not None or not self.isVisible() or not self.form.ready:
            self._costs.cancel()
            return
        show_note(self.estimate, "Estimating time and memory…")
        parameters, folder = self.form.parameters(), document.bulk
        first, last = parameters.checked(document.shape[0])
        shape = (last - first, document.shape[1], document.shape[2])
        self._costs.request(lambda job: engine.costs(shape, parameters, folder, job.progress))

    def showEvent(self, event: QShowEvent) -> None:
        """Look for models and devices, which may have changed."""
        super().showEvent(event)
        if not event.spontaneous():
            self.refresh_models()
            self._ask_for_costs()

    def refresh_models(self) -> None:
        """Look for models and devices anew."""
        files = self.form.extra_files
        self._find.request(lambda job: find_choices(files), at_once=True)

    def shut_down(self) -> None:
        """Let go of the network and of the threads."""
        self.trial.cancel()
        self.recognition.cancel()
        self._find.shut_down()
        self._costs.shut_down()
        self.engine.close()
