"""Dialogs, and those that stay open beside the window: one of each kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, TypeVar

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent, QShowEvent
from PySide6.QtWidgets import QDialog, QPushButton, QToolButton

from sxtstudio.app import theme
from sxtstudio.app.widgets.hasty_clicks import ignore_hasty_clicks
from sxtstudio.app.widgets.placement import bring_to_front, fit_dialog

if TYPE_CHECKING:  # the context holds the dialogs
    from sxtstudio.app.context import Context


class Dialog(QDialog):
    """A dialog that lies within the screen, whatever its size, and takes no click that was under way.

    Attributes
    ----------
    PAGE
        The page of the documentation about it, "objects.md#4-classes": Shift+F1 opens it.
    PARTS_SCROLL
        All that is high in it scrolls by itself, or can be low: on a small screen it need not as a whole.
    """

    PAGE: ClassVar[str]
    PARTS_SCROLL: ClassVar[bool] = False
    _guarded = False

    def showEvent(self, event: QShowEvent) -> None:
        """Become smaller where the screen is."""
        fit_dialog(self, parts_scroll=self.PARTS_SCROLL)
        if not self._guarded:  # its buttons are there now
            self._guarded = True
            ignore_hasty_clicks(self)
        super().showEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter presses the button that has the focus, which Qt grants to some buttons only."""
        focused = self.focusWidget()
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and isinstance(
            focused, QPushButton | QToolButton
        ):
            focused.click()
            return
        super().keyPressEvent(event)


class ToolDialog(Dialog):
    """A dialog that stays open beside the window, and closes with it."""

    TITLE: ClassVar[str] = ""
    #: Whether the window may come in front of it.
    BESIDE: ClassVar[bool] = False

    def __init__(self, context: Context) -> None:
        """Begin empty; the dialog belongs to the window."""
        super().__init__(context.window)
        self.setWindowTitle(self.TITLE)
        if self.BESIDE:
            self.setWindowFlag(Qt.WindowType.Window)

    def showEvent(self, event: QShowEvent) -> None:
        """Lie beside the window, not above it: what is opened from here must be seen."""
        super().showEvent(event)
        handle = self.windowHandle()
        if self.BESIDE and handle is not None:
            handle.setTransientParent(None)  # type: ignore[arg-type]  # None is "nobody" in Qt

    def button(self, text: str, icon: str, tip: str) -> QPushButton:
        """Return a button that Enter does not press by accident."""
        button = QPushButton(text)
        button.setToolTip(tip)
        button.setAutoDefault(False)
        if icon:
            theme.set_icon(button, icon)
        return button

    def shut_down(self) -> None:
        """Close with the window."""
        self.close()


Kind = TypeVar("Kind", bound=ToolDialog)


class Dialogs:
    """The dialogs of a window: one of each class, made when it is first wanted."""

    def __init__(self, context: Context) -> None:
        """Begin without any."""
        self._context = context
        self._made: dict[type[ToolDialog], ToolDialog] = {}

    def bring_up(self, kind: type[Kind]) -> Kind:
        """Show the dialog of a class in front of the others."""
        dialog = self.find(kind)
        if dialog is None:
            dialog = self._made[kind] = kind(self._context)
        bring_to_front(dialog)
        return dialog

    def find(self, kind: type[Kind]) -> Kind | None:
        """Return the dialog of a class, or None if it has not been wanted yet."""
        dialog = self._made.get(kind)
        return dialog if isinstance(dialog, kind) else None

    def shut_down(self) -> None:
        """Close all of them for good."""
        for dialog in self._made.values():
            dialog.shut_down()
