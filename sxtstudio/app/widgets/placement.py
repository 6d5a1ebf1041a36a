"""Windows and dialogs stay within the screen they are on, however small it is or large its scale factor."""

from __future__ import annotations

from PySide6.QtCore import QMargins, QRect, QSize, Qt
from PySide6.QtWidgets import QDialog, QFrame, QScrollArea, QVBoxLayout, QWidget

# What a desktop puts around a window, as long as it has not done so yet: a guess on the safe side.
_FRAME = QMargins(4, 32, 4, 4)
_FREE = Qt.WindowState.WindowMaximized | Qt.WindowState.WindowFullScreen | Qt.WindowState.WindowMinimized


def room(window: QWidget) -> QRect:
    """Return what the screen of a window has free beside the desktop's bars, in logical pixels."""
    return window.screen().availableGeometry()


def fit_to_screen(window: QWidget) -> None:
    """Make a window smaller, and move it, until it lies within its screen with its frame.

    A window that is maximised is left to the desktop.
    """
    if window.windowState() & _FREE:
        return
    inside = room(window).marginsRemoved(_frame(window))
    wanted = window.geometry()
    size = wanted.size().boundedTo(inside.size())
    left = max(inside.left(), min(wanted.left(), inside.right() + 1 - size.width()))
    top = max(inside.top(), min(wanted.top(), inside.bottom() + 1 - size.height()))
    place = QRect(left, top, size.width(), size.height())
    if place != wanted:
        window.setGeometry(place)


def bring_to_front(window: QWidget) -> None:
    """Show a window in front of the others, also one that was minimised; a maximised one stays so."""
    window.setWindowState(window.windowState() & ~Qt.WindowState.WindowMinimized)
    window.show()
    window.raise_()
    window.activateWindow()


def fit_dialog(dialog: QDialog, *, parts_scroll: bool = False) -> None:
    """Do the same for a dialog; where its content needs more room than there is, it scrolls.

    ``parts_scroll``: what is high in it scrolls by itself, so that as a whole it does only where even that
    does not fit.
    """
    inside = room(dialog).marginsRemoved(_frame(dialog)).size()
    least = _least(dialog, inside.width(), parts_scroll)
    if not inside.boundedTo(least) == least:
        _let_scroll(dialog)
    fit_to_screen(dialog)


def _least(dialog: QDialog, room_px: int, parts_scroll: bool) -> QSize:
    """Return the smallest size at which nothing is cut, words in several lines included.

    Qt's least height of a layout forgets notes that set their height themselves, and lists are readable only
    at the height that they ask for: less than that is for dialogs of which all high parts scroll.
    """
    least = dialog.minimumSizeHint().expandedTo(dialog.minimumSize())
    layout = dialog.layout()
    if layout is not None and layout.hasHeightForWidth():
        width = max(least.width(), min(dialog.width(), room_px))
        height = layout.totalMinimumHeightForWidth if parts_scroll else layout.totalHeightForWidth
        least.setHeight(max(least.height(), height(width)))
    return least


def _frame(window: QWidget) -> QMargins:
    """What lies around the content of a window; not known before the desktop has shown it."""
    outer, inner = window.frameGeometry(), window.geometry()
    known = QMargins(
        inner.left() - outer.left(),
        inner.top() - outer.top(),
        outer.right() - inner.right(),
        outer.bottom() - inner.bottom(),
    )
    return _FRAME if known.isNull() else known


def _let_scroll(dialog: QDialog) -> None:
    """Put all that a dialog holds into a scroll area, once."""
    layout = dialog.layout()
    if layout is None:
        return
    content = QWidget()
    content.setLayout(layout)  # takes the widgets along
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setWidget(content)
    dialog.setMinimumSize(0, 0)
    outer = QVBoxLayout(dialog)
    outer.setContentsMargins(0, 0, 0, 0)
    outer.addWidget(area)
