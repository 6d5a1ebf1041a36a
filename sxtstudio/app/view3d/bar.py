"""The row of buttons above the 3D picture."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QHBoxLayout, QLabel, QToolButton, QWidget

if TYPE_CHECKING:
    from sxtstudio.app.view3d.view import View3D

_VIEWS = (
    ("oblique", "Oblique", "Look at everything from an edge"),
    ("xy", "XY", "Look along z, as in the large slice view"),
    ("xz", "XZ", "Look along y"),
    ("yz", "YZ", "Look along x"),
)


class View3DBar(QWidget):
    """Views from the sides, and the hint that the surface is out of date."""

    def __init__(self, view: View3D) -> None:
        """Build the row."""
        super().__init__(view)
        self._view = view
        layout = QHBoxLayout(self)
        layout.setContentsMargins(6, 3, 6, 3)
        layout.setSpacing(2)
        for name, text, tip in _VIEWS:
            button = QToolButton()
            button.setText(text)
            button.setToolTip(tip)
            button.setAutoRaise(True)
            button.clicked.connect(partial(view.set_view, name))
            layout.addWidget(button)
        layout.addStretch()
        self._hint = QLabel()
        self._hint.setProperty("role", "note")
        layout.addWidget(self._hint)
        self._update = QToolButton()
        self._update.setText("Update")
        self._update.setToolTip("Make the surface anew from the labels as they are now")
        self._update.clicked.connect(view.update_or_cancel)
        layout.addWidget(self._update)
        self._apply_style()
        view.status.changed.connect(self._apply_style)
        self.setMaximumHeight(self.sizeHint().height())

    def _apply_style(self) -> None:
        status = self._view.status.value
        if status.building:
            self._hint.setText("Making the surface …")
        elif status.outdated:
            self._hint.setText("Out of date")
        else:
            self._hint.setText("")
        self._update.setText("Cancel" if status.building else "Update")
        self._update.setVisible(status.building or status.outdated)
