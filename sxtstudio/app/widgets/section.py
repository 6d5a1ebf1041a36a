"""A part of a panel under a heading that opens and closes it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QSizePolicy, QToolButton, QVBoxLayout, QWidget

from sxtstudio.app import theme


class Section(QWidget):
    """A heading, and below it a widget that is shown while the section is open."""

    toggled = Signal(bool)

    def __init__(self, title: str, content: QWidget, *, opened: bool = True) -> None:
        """Put ``content`` below a heading."""
        super().__init__()
        self.content = content
        self.heading = QToolButton()
        self.heading.setText(title)
        self.heading.setCheckable(True)
        self.heading.setChecked(opened)
        self.heading.setAutoRaise(True)
        self.heading.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.heading.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.heading.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.heading.setStyleSheet("QToolButton { font-weight: 600; text-align: left; padding: 3px 2px; }")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.heading)
        layout.addWidget(content)
        self.heading.toggled.connect(self._on_heading_toggled)
        self._show(opened)

    @property
    def opened(self) -> bool:
        """Whether the content is shown."""
        return self.heading.isChecked()

    def open(self, opened: bool = True) -> None:
        """Show the content, or hide it."""
        self.heading.setChecked(opened)

    def _on_heading_toggled(self, opened: bool) -> None:
        self._show(opened)
        self.toggled.emit(opened)

    def _show(self, opened: bool) -> None:
        self.content.setVisible(opened)
        theme.set_icon(self.heading, "mdi6.chevron-down" if opened else "mdi6.chevron-right")
        words = "Hide" if opened else "Show"
        self.heading.setToolTip(f"{words} “{self.heading.text()}”")
