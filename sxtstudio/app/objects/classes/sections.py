"""All that has to do with classes in the panel of the objects: made together, since one uses the other."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from sxtstudio.app.context import Context
from sxtstudio.app.objects.classes.classifier import ClassifierSection
from sxtstudio.app.objects.classes.classifier_work import ClassifierWork
from sxtstudio.app.objects.classes.click_gives import ClickGives
from sxtstudio.app.objects.classes.queue import QueueSection
from sxtstudio.app.objects.classes.section import ClassesSection
from sxtstudio.app.objects.classes.work import ClassWork
from sxtstudio.app.objects.measured import ObjectMeasurements
from sxtstudio.app.objects.show_object import show_object
from sxtstudio.app.widgets.scroll import bring_into_view
from sxtstudio.app.widgets.section import Section
from sxtstudio.core.classes.rules import ClassRule, RuleSet, rules_of, values_of
from sxtstudio.core.errors import UserError


class ClassSections(QObject):
    """The sections of the classes.

    Attributes
    ----------
    work, classifier_work
        What is done, without widgets.
    classes, classifier, queue
        The widgets, one section each.
    rules
        In their order; the dialog edits them, the project keeps them.

    Signals
    -------
    rules_restored()
        The rules may be those of a project now.
    """

    rules_restored = Signal()

    def __init__(self, context: Context, measured: ObjectMeasurements) -> None:
        """Make them."""
        super().__init__(context.session)
        self.work = ClassWork(context.session)
        self.classifier_work = ClassifierWork(context, self.work, measured)
        self.click_gives = ClickGives(context.session, self.work)
        self.classes = ClassesSection(context, self.work)
        self.classifier = ClassifierSection(context, self.classifier_work, measured)
        self._sections: tuple[Section, ...] = ()
        self.rules: tuple[ClassRule, ...] = ()
        self.queue = QueueSection(
            context, self.work, self.classifier_work, lambda number: show_object(context, number)
        )

        self.classifier_work.trained.connect(self._show_result)
        self.classifier_work.said.connect(lambda text: self._show_result() if text else None)
        context.session.register_view("classes", self)

    def view_state(self) -> dict[str, Any]:
        """Return the rules and the current class, for the project."""
        return {"rules": values_of(RuleSet(self.rules)), "current": self.work.current}

    def restore_view_state(self, state: dict[str, Any]) -> None:
        """Take the rules of a project; where it has none, those that were in use go on with it."""
        with suppress(UserError):
            if isinstance(state.get("rules"), dict):
                self.rules = rules_of(state["rules"], "The rules of the project cannot be used").rules
        name = state.get("current")
        if isinstance(name, str) and self.work.table.class_named(name) is not None:
            self.work.set_current(name)
        self.rules_restored.emit()

    def key(self, place: int) -> None:
        """Give the class at a place of the list to the chosen objects.

        If the chosen one is being checked, and one sees that, the class is the answer.

        Raises
        ------
        UserError
            If no object is chosen, or a job is changing the objects.
        """
        name = self.work.name_at(place)
        if name is None:
            return
        if self.queue.takes_keys:
            self.queue.give(name)
        else:
            self.classes.give_to_chosen(name)

    def add_to(self, add_section: Callable[[str, QWidget], Section]) -> None:
        """Add the sections to the panel."""
        self._sections = tuple(
            add_section(title, widget)
            for title, widget in (
                ("Classes", self.classes),
                ("Classifier", self.classifier),
                ("Check", self.queue),
            )
        )
        for section in self._sections[1:]:
            section.open(False)  # they come later in the work, and the panel is long

    def begin_training(self) -> None:
        """Train the classifier.

        Raises
        ------
        UserError
            If the objects have not been measured.
        """
        self._open(self.classifier)
        self.classifier.begin_training()

    def classify(self) -> None:
        """Give a class to all objects that have none by hand and none by rule.

        Raises
        ------
        UserError
            If there is no classifier, or the objects have not been measured.
        """
        self._open(self.classifier)
        self.classifier_work.classify()

    def open_classifier(self) -> None:
        """Let the user choose the file of a classifier.

        Raises
        ------
        UserError
            If it cannot be read.
        """
        self._open(self.classifier)
        self.classifier.open_file()

    def save_classifier(self) -> None:
        """Let the user choose where to write the classifier.

        Raises
        ------
        UserError
            If there is none, or it cannot be written.
        """
        self._open(self.classifier)
        self.classifier.save_file()

    def remove_classifier(self) -> None:
        """Have no classifier any more."""
        self._open(self.classifier)
        self.classifier_work.remove()

    def check(self) -> None:
        """Begin, or go on, to check objects one by one."""
        self._open(self.queue)
        self.queue.begin()

    def _show_result(self) -> None:
        """What came of training or classifying may lie below the fold."""
        if self.classifier.isVisible():
            bring_into_view(self.classifier)

    def _open(self, widget: QWidget) -> None:
        for section in self._sections:
            if section.content is widget:
                section.open()
                bring_into_view(section)
