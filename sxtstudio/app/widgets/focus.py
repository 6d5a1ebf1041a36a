"""Where the keyboard's focus goes when the control that had it goes."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QApplication, QWidget
from shiboken6 import isValid


class FocusReturns(QObject):
    """Gives the focus back to the slices when a control that had it hides or is disabled.

    Left to itself Qt gives it to whatever comes next, such as the field of the voxel size, which the arrow
    keys or the wheel would then change.
    """

    def __init__(self, window: QWidget, home: QWidget) -> None:
        """Follow the focus within ``window``; ``home`` takes it while it can be seen."""
        super().__init__(window)
        self._window, self._home = window, home
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        app.focusChanged.connect(self._on_app_focus_changed)

    def _on_app_focus_changed(self, former: QWidget | None, now: QWidget | None) -> None:
        if former is not None and now is not None and now is not self._home:
            inside = former.window() is self._window and now.window() is self._window
            # A table takes the focus back from the field of its cell by itself.
            if inside and not now.isAncestorOf(former):
                # A control that is being disabled does not say so yet.
                QTimer.singleShot(0, self, lambda: self._return(former, now))

    def _return(self, former: QWidget, now: QWidget) -> None:
        usable = isValid(former) and former.isVisible() and former.isEnabled()
        stays = isValid(now) and now.hasFocus()
        if stays and not usable and self._home.isVisible():
            self._home.setFocus()
