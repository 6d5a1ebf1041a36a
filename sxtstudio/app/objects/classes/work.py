"""Gives classes to objects and changes the list of classes: each call is one edit that Undo takes back."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from PySide6.QtCore import QObject, Signal

from sxtstudio.app.objects.colouring import ColourBy
from sxtstudio.app.session import Session
from sxtstudio.core.classes.assigning import Rows, by_hand, class_changed, class_removed, with_classes
from sxtstudio.core.classes.given import class_given
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.edits import Edit
from sxtstudio.core.errors import UserError
from sxtstudio.core.object_classes import CLASSES, ObjectClass, Rgb
from sxtstudio.core.object_table import ObjectTable, TableChange

LONGEST_NAME = 100
COLOURED = "Objects are coloured by class now; light grey ones have none."
# Colours of new classes, far from those of the ones that are there from the beginning.
_NEW: tuple[Rgb, ...] = (
    (255, 120, 60),
    (60, 220, 240),
    (190, 230, 80),
    (250, 150, 160),
    (130, 140, 255),
    (160, 115, 75),
    (60, 175, 110),
    (215, 60, 150),
)


class ClassWork(QObject):
    """What is done with classes, and which of them is the current one: what clicks and keys give.

    Signals
    -------
    current_changed()
        Another class is the current one.
    """

    current_changed = Signal()

    def __init__(self, session: Session) -> None:
        """Begin with the first class as the current one."""
        super().__init__(session)
        self._session = session
        self._current = CLASSES[0].name
        session.table_changed.connect(self._on_session_table_changed)
        session.document_changed.connect(self._on_session_table_changed)

    @property
    def table(self) -> ObjectTable:
        """The table of the open tomogram, or an empty one."""
        document = self._session.document
        return ObjectTable() if document is None else document.object_table

    @property
    def current(self) -> str:
        """The name of the current class, "" where there is none at all."""
        return self._current

    def set_current(self, name: str) -> None:
        """Make another class the current one."""
        if name != self._current:
            self._current = name
            self.current_changed.emit()

    def name_at(self, place: int) -> str | None:
        """Return the class at a place of the list, from 0."""
        classes = self.table.classes
        return classes[place].name if 0 <= place < len(classes) else None

    def give(self, numbers: Collection[int], name: str) -> Edit | None:
        """Give objects a class by hand; "" takes it away.

        Raises
        ------
        UserError
            If nothing is open or a job is changing the objects.
        """
        change = self.table.change(by_hand(self.table, numbers, name))
        edit = self._session.change_rows(change, EditKind.CLASS, **class_given(change))
        if edit is not None and name:
            self.show_classes()
        return edit

    def apply(
        self, rows: Rows, kind: EditKind, added: Collection[ObjectClass] = (), **parameters: Any
    ) -> Edit | None:
        """Change rows, and add the classes that the table does not have, as one edit.

        ``parameters`` stand in the record of steps.

        Raises
        ------
        UserError
            As ``give``.
        """
        table = self.table
        return self._session.change_rows(table.change(rows, with_classes(table, added)), kind, **parameters)

    def show_classes(self) -> bool:
        """Colour objects by class, unless they are already, or a column of measurements colours them.

        Returns
        -------
        bool
            Whether the colours are others now, which is said in the status line.
        """
        if self._session.objects.value.colour_by != ColourBy.NUMBER:
            return False
        self._session.objects.set(colour_by=str(ColourBy.CLASS))
        self._session.message.emit(COLOURED)
        return True

    def add(self, name: str) -> ObjectClass:
        """Add a class, in a colour that no other has, and make it the current one.

        Raises
        ------
        UserError
            If the name is empty or there is such a class, or as ``give``.
        """
        table = self.table
        taken = {one.rgb for one in table.classes}
        rgb = next((colour for colour in _NEW if colour not in taken), _NEW[len(taken) % len(_NEW)])
        added = ObjectClass(self._checked(name), rgb)
        self._change(table.change({}, (*table.classes, added)))
        self.set_current(added.name)
        return added

    def rename(self, former: str, name: str) -> None:
        """Give a class another name; its objects go with it.

        Raises
        ------
        UserError
            As ``add``.
        """
        known = self.table.class_named(former)
        if known is None or name.strip() == former:
            return
        new = ObjectClass(self._checked(name), known.rgb)
        if former == self._current:
            self._current = new.name
        self._change(class_changed(self.table, known, new))

    def recolour(self, name: str, rgb: Rgb) -> None:
        """Give a class another colour."""
        known = self.table.class_named(name)
        if known is not None:
            self._change(class_changed(self.table, known, ObjectClass(name, rgb)))

    def remove(self, name: str) -> None:
        """Remove a class; its objects have none then."""
        self._change(class_removed(self.table, name))

    def _change(self, change: TableChange) -> None:
        self._session.change_rows(change, EditKind.EDIT_CLASSES)

    def _checked(self, name: str) -> str:
        name = " ".join(name.split())
        if not name:
            raise UserError("A class needs a name.")
        if len(name) > LONGEST_NAME:
            raise UserError(f"The name of a class has {LONGEST_NAME} characters at most.")
        if self.table.class_named(name) is not None:
            raise UserError(f"There is a class “{name}” already: choose another name.")
        return name

    def _on_session_table_changed(self) -> None:
        """A class that is gone gives nothing any more."""
        if self.table.class_named(self._current) is None:
            self.set_current(self.name_at(0) or "")
