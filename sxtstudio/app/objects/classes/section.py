"""The classes in the panel: their list, and what gives one to the objects that are chosen or clicked on."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QColorDialog, QHBoxLayout, QPushButton, QToolButton, QVBoxLayout, QWidget

from sxtstudio.app import questions, theme
from sxtstudio.app.context import Context
from sxtstudio.app.objects.classes.click_gives import PICK
from sxtstudio.app.objects.classes.list import ClassList
from sxtstudio.app.objects.classes.work import COLOURED, ClassWork
from sxtstudio.app.questions import Answer
from sxtstudio.app.widgets.notes import narrow, note, show_note
from sxtstudio.core.errors import UserError
from sxtstudio.core.object_table import NONE_CHOSEN
from sxtstudio.core.wording import count

_NEW_NAME = "New class"
_PRESSED = (
    f"QPushButton:checked {{ border: 2px solid {theme.ACCENT}; border-radius: 4px; padding: 4px 10px; }}"
)


class ClassesSection(QWidget):
    """The list of classes with its buttons."""

    def __init__(self, context: Context, work: ClassWork) -> None:
        """Build the section."""
        super().__init__()
        self._context, self._session, self.work = context, context.session, work
        self.colours: QColorDialog | None = None
        self.list = ClassList()
        self.add = _button("mdi6.plus", "Add a class", self.add_class)
        self.colour = _button(
            "mdi6.palette-outline", "Change the colour of the current class", self.choose_colour
        )
        self.rename = _button("mdi6.pencil-outline", "Rename the current class (F2)", self.list.edit_current)
        self.remove = _button(
            "mdi6.delete-outline", "Remove the current class; its objects have none then", self._on_remove
        )
        self.give = QPushButton("Give to chosen")
        self.give.setToolTip("Give the current class to the chosen objects; keys 1 to 9 give the others")
        self.give.clicked.connect(self._said(self.give_to_chosen))
        self.by_click = QPushButton("By click")
        self.by_click.setCheckable(True)
        theme.set_icon(self.by_click, "mdi6.cursor-default-click-outline")
        self.by_click.setToolTip(
            "While this is on, each object that you click on, in slices, in 3D or in the table, gets the "
            "current class"
        )
        self.by_click.clicked.connect(self.set_by_click)
        self.by_rule = QPushButton("By rule…")
        self.by_rule.setToolTip("Give a class to all objects whose measurements lie within limits")
        theme.set_icon(self.by_rule, "mdi6.ruler")
        self.by_rule.clicked.connect(lambda: context.parts.actions.by_name["classes.by_rule"].trigger())
        self.hint = note(name="hint")
        self.setStyleSheet(_PRESSED)
        buttons = QHBoxLayout()
        buttons.setSpacing(2)
        for button in (self.add, self.rename, self.colour, self.remove):
            buttons.addWidget(button)
        buttons.addStretch()
        buttons.addWidget(self.by_rule)
        row = QHBoxLayout()
        row.addWidget(narrow(self.give, 110), 1)
        row.addWidget(narrow(self.by_click, 90), 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(self.list)
        layout.addLayout(buttons)
        layout.addLayout(row)
        layout.addWidget(self.hint)
        self.list.chosen.connect(work.set_current)
        self.list.renamed.connect(lambda former, name: self._try(partial(work.rename, former, name)))
        self.list.removed.connect(lambda _: self._on_remove())
        session = self._session
        session.table_changed.connect(self._follow)
        session.document_changed.connect(self._follow)
        session.objects.changed.connect(self._follow_chosen)
        session.busy_changed.connect(self._follow_chosen)
        work.current_changed.connect(self._follow)
        self._follow()

    def give_to_chosen(self, name: str | None = None) -> None:
        """Give a class, by default the current one, to the chosen objects; "" takes it away.

        Raises
        ------
        UserError
            If no object is chosen, or a job is changing the objects.
        """
        chosen = self._session.objects.value.selected
        if not chosen:
            raise UserError(NONE_CHOSEN)
        name = self.work.current if name is None else name
        former = self._session.objects.value.colour_by
        if self.work.give(chosen, name) is not None:
            others = self._session.objects.value.colour_by != former
            text = f"{name or 'No class'}: {count(len(chosen), 'object')}"
            self._session.message.emit(f"{text}. {COLOURED}" if others else text)

    def add_class(self) -> None:
        """Add a class and let the user write its name."""
        names = {one.name for one in self.work.table.classes}
        free = next(n for n in (_NEW_NAME, *(f"{_NEW_NAME} {i}" for i in range(2, 999))) if n not in names)
        if self._try(partial(self.work.add, free)):
            self.list.edit_current()

    def choose_colour(self) -> None:
        """Let the user choose another colour for the current class."""
        known = self.work.table.class_named(self.work.current)
        if known is None:
            return
        self.colours = dialog = QColorDialog(QColor(*known.rgb), self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setWindowTitle(f"Colour of “{known.name}”")
        dialog.colorSelected.connect(
            lambda c: self._try(partial(self.work.recolour, known.name, (c.red(), c.green(), c.blue())))
        )
        dialog.open()

    def _on_remove(self) -> None:
        name = self.work.current
        objects = sum(row.class_name == name for row in self.work.table.rows.values())
        if objects:
            text = f"“{name}” is the class of {count(objects, 'object')}, which will have none then."
            answers = (Answer.DELETE, Answer.CANCEL)
            if questions.ask(self._context.window, "Remove the class?", text, answers) != Answer.DELETE:
                return
        self._try(partial(self.work.remove, name))

    def set_by_click(self, on: bool) -> None:
        """Let clicks on objects give them the current class, or not."""
        self._session.objects.set(click_class=on)
        self._session.tool.set(target="objects", tool=PICK if on else "look")
        if on:
            self.work.show_classes()

    def _said(self, work: Callable[[], object]) -> Callable[[], None]:
        return lambda: (self._try(work), None)[1]

    def _try(self, work: Callable[[], object]) -> bool:
        """Do something; what the user can mend is said in the status bar."""
        try:
            work()
        except UserError as error:
            self._session.remark(str(error))
            self._follow()
            return False
        return True

    def _follow(self) -> None:
        self.list.show_table(self.work.table, self.work.current)
        self._follow_chosen()

    def _follow_chosen(self) -> None:
        state, there = self._session.objects.value, self._session.document is not None
        free = there and self._session.busy is None
        chosen = len(state.selected)
        self.give.setText(f"Give to chosen ({chosen})" if chosen else "Give to chosen")
        self.give.setEnabled(free and chosen > 0 and bool(self.work.current))
        self.by_click.setEnabled(free and bool(self.work.table.rows))
        self.by_rule.setEnabled(bool(self.work.table.rows))
        self.by_click.setChecked(state.click_class)
        for button in (self.add, self.list):
            button.setEnabled(there)
        for button in (self.rename, self.colour, self.remove):
            button.setEnabled(free and bool(self.work.current))
        if state.click_class:
            hint = f"Click on objects: each becomes “{self.work.current}”. Esc ends it."
        elif chosen:
            whom = f"object {state.selected[0]}" if chosen == 1 else f"the {chosen} chosen objects"
            hint = f"Keys 1 to 9 give {whom} a class."
        else:
            hint = ""
        show_note(self.hint, hint)


def _button(icon: str, tip: str, run: Callable[[], None]) -> QToolButton:
    button = QToolButton()
    theme.set_icon(button, icon)
    button.setAutoRaise(True)
    button.setToolTip(tip)
    button.setAccessibleName(tip)
    button.clicked.connect(lambda: run())
    return button
