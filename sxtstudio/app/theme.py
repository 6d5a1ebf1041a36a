"""Dark and light, icons and spacing: how the window looks."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Literal

import qtawesome
from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QColor, QGuiApplication, QIcon, QPalette
from PySide6.QtWidgets import QAbstractButton, QApplication, QWidget

from sxtstudio.core.shipped import resources

RESOURCES = resources()

Scheme = Literal["dark", "light", "system"]

_SCHEMES = {
    "dark": Qt.ColorScheme.Dark,
    "light": Qt.ColorScheme.Light,
    "system": Qt.ColorScheme.Unknown,
}
ACCENT = "#2f81f7"
# Window, fields, buttons, text, faint text.
_DARK = ("#23262b", "#1a1d21", "#2e3238", "#e6e8eb", "#858b94")
_LIGHT = ("#f3f4f6", "#ffffff", "#e6e8ec", "#1c1f24", "#7a808a")
_STYLE = """
QGroupBox { font-weight: 600; border: 0; margin-top: 18px; padding: 0; }
QGroupBox::title { subcontrol-origin: margin; left: 0; top: 2px; }
QToolTip { padding: 4px; }
QDialogButtonBox { dialogbuttonbox-buttons-have-icons: 0; }
QLabel[role="title"] { font-size: 15px; font-weight: 600; }
QLabel[role="note"] { color: palette(placeholder-text); }
QPushButton { padding: 5px 12px; }
QPushButton[role="main"] { background: #2f81f7; color: white; font-weight: 600; border: 0;
                           border-radius: 4px; padding: 8px 12px; }
QPushButton[role="main"]:hover { background: #4a93ff; }
QPushButton[role="main"]:pressed { background: #1f6fe0; }
QPushButton[role="main"]:disabled { background: palette(button); color: palette(placeholder-text);
                                    border: 1px solid palette(mid); padding: 7px 11px; }
QPushButton[role="main"]:focus { border: 2px solid palette(window-text); padding: 6px 10px; }
QPushButton:flat:focus { border: 1px solid %(accent)s; border-radius: 3px; }
/* Fusion's own boxes are all but invisible on a dark window while they are not ticked. */
QCheckBox::indicator, QRadioButton::indicator, QListView::indicator {
    width: 13px; height: 13px; border: 1px solid palette(placeholder-text); background: palette(base); }
QCheckBox::indicator, QListView::indicator { border-radius: 3px; }
QRadioButton::indicator { border-radius: 7px; }
QCheckBox::indicator:checked, QListView::indicator:checked {
    border-color: %(accent)s; background: %(accent)s; image: url("%(icons)s/check.svg"); }
QRadioButton::indicator:checked {
    border-color: %(accent)s; background: %(accent)s; image: url("%(icons)s/dot.svg"); }
QCheckBox::indicator:focus, QRadioButton::indicator:focus { border-color: palette(text); }
QCheckBox::indicator:disabled, QRadioButton::indicator:disabled {
    border-color: palette(placeholder-text); background: transparent; }
QCheckBox::indicator:checked:disabled, QRadioButton::indicator:checked:disabled {
    background: palette(placeholder-text); }
"""


def app_icon() -> QIcon:
    """Return the icon of the application."""
    return QIcon(str(RESOURCES / "icons" / "sxtstudio.svg"))


def apply(app: QApplication, scheme: Scheme) -> None:
    """Style the application; "system" follows the desktop."""
    with _nothing_collected():
        app.setStyle("Fusion")
        app.styleHints().setColorScheme(_SCHEMES[scheme])
        if scheme != "system" and is_dark() != (scheme == "dark"):
            # Some desktops know no schemes; there the colours are set by hand.
            app.setPalette(_palette(_DARK if scheme == "dark" else _LIGHT))
        app.setStyleSheet(_STYLE % {"accent": ACCENT, "icons": (RESOURCES / "icons").as_posix()})


@contextmanager
def _nothing_collected() -> Iterator[None]:
    """Free what Python holds in circles before Qt goes through all widgets, and nothing meanwhile.

    Widgets call back into Python while their style changes. A collection just then could delete widgets of a
    closed window, or of a plot, that Qt still has on its list: a crash.
    """
    gc.collect()
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _palette(colours: tuple[str, ...]) -> QPalette:
    window, base, raised, text, faint = (QColor(name) for name in colours)
    role = QPalette.ColorRole
    palette = QPalette(raised, window)
    for where, colour in (
        (role.Window, window),
        (role.Base, base),
        (role.AlternateBase, raised),
        (role.Button, raised),
        (role.ToolTipBase, raised),
        (role.WindowText, text),
        (role.Text, text),
        (role.ButtonText, text),
        (role.ToolTipText, text),
        (role.PlaceholderText, faint),
        (role.Highlight, QColor(ACCENT)),
        (role.Accent, QColor(ACCENT)),
        (role.HighlightedText, QColor("white")),
        (role.Link, QColor(ACCENT)),
    ):
        palette.setColor(where, colour)
    for where in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, where, faint)
    return palette


def is_dark() -> bool:
    """Whether the window is dark now."""
    return QGuiApplication.palette().window().color().lightness() < 128


def icon(name: str) -> QIcon:
    """Return an icon of the Material Design set, such as "mdi6.brush", in the colours of the window."""
    colours = QGuiApplication.palette()
    shade = QColor.NameFormat.HexArgb
    return _icon(
        name, colours.windowText().color().name(shade), colours.placeholderText().color().name(shade)
    )


@cache
def _icon(name: str, colour: str, disabled: str) -> QIcon:
    """Return the same icon each time: the window has two hundred, and a list may have one in each row."""
    drawn: QIcon = qtawesome.icon(name, color=QColor(colour), color_disabled=QColor(disabled))
    return drawn


class _Follower(QObject):
    """Calls ``restyle`` whenever the colours of its widget change; lives as long as the widget."""

    def __init__(self, widget: QWidget, restyle: Callable[[], None]) -> None:
        super().__init__(widget)
        self._restyle = restyle
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Let everything pass."""
        if event.type() == QEvent.Type.PaletteChange:
            self._restyle()
        return False


class _ButtonIcon(_Follower):
    """The icon of a button."""

    def __init__(self, button: QAbstractButton) -> None:
        super().__init__(button, self._draw)
        self._button = button
        self._name = ""

    def show_icon(self, name: str) -> None:
        """Show another icon, if it is another one."""
        if name != self._name:
            self._name = name
            self._draw()

    def _draw(self) -> None:
        if self._name:
            self._button.setIcon(icon(self._name))


def follow(widget: QWidget, restyle: Callable[[], None]) -> None:
    """Call ``restyle`` now and whenever ``widget`` changes between dark and light."""
    _Follower(widget, restyle)
    restyle()


def set_icon(button: QAbstractButton, name: str) -> None:
    """Give a button an icon, such as "mdi6.brush", that stays in the colours of the window."""
    found = button.findChild(_ButtonIcon, "", Qt.FindChildOption.FindDirectChildrenOnly)
    (found if isinstance(found, _ButtonIcon) else _ButtonIcon(button)).show_icon(name)


def set_role(widget: QWidget, role: str) -> None:
    """Have a widget look as what it is: "main" is the button that leads on, "" one of the others."""
    if role != (widget.property("role") or ""):
        widget.setProperty("role", role)
        widget.style().polish(widget)
