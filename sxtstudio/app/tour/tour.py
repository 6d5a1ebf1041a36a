"""Help > Guided tour: which step it is at, and what it shows; it follows whatever the user does meanwhile."""

from __future__ import annotations

from PySide6.QtCore import QObject, QPoint, QRect, QTimer
from PySide6.QtWidgets import QAbstractSpinBox, QComboBox, QLineEdit, QMenuBar, QWidget

from sxtstudio.app.context import Context
from sxtstudio.app.tour.bubble import Bubble, BubbleText, TargetFrame
from sxtstudio.app.tour.doing import TourDriver
from sxtstudio.app.tour.results import (
    chosen,
    is_done,
    labelled_slice,
    missing,
    sample_of,
    stopped_after,
    volume_text,
)
from sxtstudio.app.tour.steps import STEPS, WORDS, TourStep
from sxtstudio.workflow.document.document import Document

_SETTING = "tour/step"
# Rooms move, scroll and hide in many ways, and a step may be done by anybody: it looks where all is.
_LOOK_MS = 100
_MARGIN_PX = 6


class Tour(QObject):
    """Begins with ``start``, ends with ``leave`` or after the last step; else there is nothing of it."""

    def __init__(self, context: Context) -> None:
        """Show nothing yet."""
        super().__init__(context.window)
        self._context = context
        self._doing = TourDriver(context)
        self.step: TourStep | None = None
        self.bubble: Bubble | None = None
        self.frame: TargetFrame | None = None
        self._prepared: tuple[TourStep, Document | None] | None = None
        self._begun_at: int | None = None  # the slice that was shown when the user was asked to look around
        self._looked = False
        self._helping: set[TourStep] | None = None  # what the tour has done by itself, while it does
        self._stopped = False
        self._revealed = False  # a slice that has labels is shown
        self._acting = False  # an action of the tour may ask something, and wait for the answer
        self._look = QTimer(self, interval=_LOOK_MS)
        self._look.timeout.connect(self.refresh)

    # -- what the user does ------------------------------------------------------------------------

    def start(self) -> None:
        """Begin, or go on where the tour was left; where it is shown already, it gets the keyboard."""
        if self.bubble is None:
            window = self._context.window
            self.frame, self.bubble = TargetFrame(window), Bubble(window)
            self.bubble.back.connect(lambda: self._move(-1))
            self.bubble.forward.connect(lambda: self._move(1))
            self.bubble.helped.connect(self.help)
            self.bubble.left.connect(self.leave)
            stored = self._context.settings.get(_SETTING, "")
            self._go(next((step for step in STEPS if step.value == stored), STEPS[0]))
            self._look.start()
        self.bubble.setFocus()

    def leave(self) -> None:
        """Put the tour away; the work on the sample stays as it is."""
        if self.step is not None:
            self._context.settings.set(_SETTING, self.step.value)
            self._context.session.message.emit("Help > Guided tour goes on with the tour.")
        self._end()

    @property
    def has_keyboard(self) -> bool:
        """Whether its bubble, or a button in it, has the keyboard."""
        focus = self._context.window.focusWidget()
        return self.bubble is not None and (focus is self.bubble or self.bubble.isAncestorOf(focus))

    @property
    def takes_escape(self) -> bool:
        """Whether Esc may leave it: it is shown, and nobody is writing in a field."""
        fields = (QAbstractSpinBox, QComboBox, QLineEdit)
        writing = isinstance(self._context.window.focusWidget(), fields)
        return self.bubble is not None and self.bubble.isVisible() and not writing

    def help(self) -> None:
        """Do this step for the user, and what it needs before it."""
        self._helping, self._stopped = set(), False
        self.refresh()

    def shut_down(self) -> None:
        """Close with the window."""
        if self.step is not None:
            self._context.settings.set(_SETTING, self.step.value)
        self._end()

    def _move(self, by: int) -> None:
        if self.step is None:
            return
        place = STEPS.index(self.step) + by
        if place == len(STEPS):
            self._context.settings.set(_SETTING, "")
            self._end()
        elif place >= 0:
            self._go(STEPS[place])

    def _go(self, step: TourStep) -> None:
        self.step, self._prepared, self._begun_at = step, None, None
        self._context.settings.set(_SETTING, step.value)  # soon on the disk: a crash goes on here
        self._helping, self._stopped, self._revealed = None, False, False
        self.refresh()

    def _end(self) -> None:
        self._look.stop()
        self._doing.restore()
        self.step = self._helping = self._prepared = None
        if self.bubble is not None and self.frame is not None:
            self.bubble.hide()
            self.bubble.deleteLater()
            self.frame.delete()
        self.bubble = self.frame = None

    # -- what it shows -----------------------------------------------------------------------------

    def refresh(self) -> None:
        """Look where the work is, and show it."""
        if self.step is None or self.bubble is None or self.frame is None:
            return
        self._follow(self.step)
        if self._helping is not None:
            self._go_on_helping(self.step, self._helping)
        self.bubble.say(self._words(self.step))
        room = self._context.window.rect()
        target = self._target(self.step)
        self.frame.show_around(target, room)
        bar = self._context.window.statusBar().height()  # where the progress of jobs is shown
        inside = room.adjusted(_MARGIN_PX, _MARGIN_PX, -_MARGIN_PX, -_MARGIN_PX - bar)
        self.bubble.stand_beside(target, inside)

    def done(self, step: TourStep) -> bool:
        """Whether a step is done."""
        done = is_done(step, self._context)
        return done and (self._looked or step is not TourStep.LOOK)

    def _follow(self, step: TourStep) -> None:
        """Bring up what a step needs, once for each tomogram; see whether slices were looked through."""
        session, document = self._context.session, sample_of(self._context)
        if missing(step, self._context) is None and self._prepared != (step, document):
            self._prepared = (step, document)
            self._begun_at = session.cursor[0]
            self._doing.prepare(step)
        if step is TourStep.SEGMENT and not self._working:
            self._reveal()
        if step is TourStep.LOOK and document is not None and self._begun_at is not None:
            self._looked = self._looked or session.cursor[0] != self._begun_at

    def _reveal(self) -> None:
        """Go to a slice that is coloured, once it is said that something is."""
        done = self.done(TourStep.SEGMENT)
        if done and not self._revealed:
            found = labelled_slice(self._context)
            if found is not None:
                _, y, x = self._context.session.cursor
                self._context.session.set_cursor((found, y, x))
        self._revealed = done

    def _go_on_helping(self, step: TourStep, tried: set[TourStep]) -> None:
        """Do the next of the steps that are to be done; what fails or is cancelled is not tried again."""
        if self._acting:
            return  # it asks the user something: nothing else is begun meanwhile, nor the same again
        if self._working or self.done(step):
            self._helping = None if self.done(step) else self._helping
            return
        wanted = missing(step, self._context) or step
        if wanted in tried:
            self._helping, self._stopped = None, True
            return
        if wanted is not step:
            self._doing.prepare(wanted)
            self._prepared = None
        tried.add(wanted)
        self._acting = True
        try:
            if not self._doing.do(wanted):
                tried.discard(wanted)
        finally:
            self._acting = False

    @property
    def _working(self) -> bool:
        """Whether something goes on that the user can see."""
        return self._context.session.busy is not None or bool(self._context.jobs.visible)

    def _words(self, step: TourStep) -> BubbleText:
        words, done, lacks = WORDS[step], self.done(step), missing(step, self._context)
        if done:
            said = words.done.format(
                number=chosen(self._context), volume=volume_text(self._context) or ""
            )  # both are known where they stand
        elif self._working and (self._helping is not None or sample_of(self._context) is not None):
            said = "This takes a moment. The line below the window says how long, and can stop it."
        elif lacks is not None:
            said = f"This step needs {WORDS[lacks].lacks}: go back, or let the tour do it."
        elif step is TourStep.SEGMENT and (parts := stopped_after(self._context)) is not None:
            said = f"It was stopped after {parts[0]} of {parts[1]} slices. Press “Go on”."
        elif self._stopped:
            said = f"That was stopped, or did not work. {words.text}"
        elif step is TourStep.OPEN and not self._context.parts.slices.start_page.sample.isVisible():
            said = words.text.replace("Press “Open sample”, or choose", "Choose")
        elif step is TourStep.MEASURE and self._context.parts.measured.value is not None:
            said = "Click a row of the table, to see the numbers of one object."
        else:
            said = words.text
        return BubbleText(
            step.number,
            len(STEPS),
            words.title,
            said,
            done=done,
            helps=self._helping is None and not self._working,
            last=step is STEPS[-1],
        )

    def _target(self, step: TourStep) -> QRect | None:
        """Return what is seen of the first control of a step that can be seen, in the window."""
        lacks = missing(step, self._context)
        for widget in self._doing.targets(lacks or step):
            seen = self._seen(widget)
            if seen is not None and isinstance(widget, QMenuBar):
                file = widget.actionGeometry(widget.actions()[0])  # "File" is the first
                seen = file.translated(widget.mapTo(self._context.window, QPoint()))
            if seen is not None:
                return seen
        return None

    def _seen(self, widget: QWidget) -> QRect | None:
        if not widget.isVisible():
            return None
        # Its visible region lacks what a child with a window of its own covers, such as a 3D picture.
        window: QWidget = self._context.window
        seen = widget.rect().translated(widget.mapTo(window, QPoint()))
        around = widget.parentWidget()
        while around is not None and around is not window:
            seen = seen.intersected(around.rect().translated(around.mapTo(window, QPoint())))
            around = around.parentWidget()
        seen = seen.intersected(window.rect())
        return None if seen.isEmpty() else seen
