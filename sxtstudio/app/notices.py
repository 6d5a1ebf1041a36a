"""What has ended out of sight stays in the status bar until somebody has looked at it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QToolButton, QWidget

from sxtstudio.app import theme
from sxtstudio.app.widgets.elided import ElidedLabel
from sxtstudio.core.wording import count


class NoticeKind(Enum):
    """Of what a notice is; of each kind only the latest stands."""

    TRAINING = auto()
    BATCH = auto()
    BEAMTIME = auto()
    UNDO = auto()


@dataclass(frozen=True)
class Notice:
    """A sentence, and what shows more of it."""

    kind: NoticeKind
    text: str
    look: Callable[[], object]


class Notices(QObject):
    """The notices that nobody has looked at, the latest last."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        """Begin without any."""
        super().__init__(parent)
        self.unseen: tuple[Notice, ...] = ()

    def post(self, notice: Notice) -> None:
        """Keep a notice in the place of a former one of its kind."""
        self.unseen = (*(other for other in self.unseen if other.kind is not notice.kind), notice)
        self.changed.emit()

    def seen(self, kind: NoticeKind) -> None:
        """Forget the one of this kind: what it is about has been looked at."""
        left = tuple(other for other in self.unseen if other.kind is not kind)
        if left != self.unseen:
            self.unseen = left
            self.changed.emit()


class NoticeBar(QWidget):
    """The latest notice with *Show*, in the status bar."""

    def __init__(self, notices: Notices, parent: QWidget | None = None) -> None:
        """Show nothing until there is one."""
        super().__init__(parent)
        self._notices = notices
        self.words = ElidedLabel(300)
        self.show_button = QToolButton()
        self.show_button.setText("Show")
        theme.set_icon(self.show_button, "mdi6.bell-outline")
        self.show_button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.show_button.clicked.connect(self._on_show_clicked)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(4, 0, 4, 0)
        layout.setSpacing(6)
        layout.addWidget(self.words)
        layout.addWidget(self.show_button)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)
        notices.changed.connect(self._refresh)
        self._refresh()

    def _refresh(self) -> None:
        unseen = self._notices.unseen
        if unseen:
            more = f" (and {count(len(unseen) - 1, 'more notice')})" if len(unseen) > 1 else ""
            self.words.setText(unseen[-1].text + more)
            self.words.setToolTip("\n".join(notice.text for notice in reversed(unseen)))
        self.setVisible(bool(unseen))

    def _on_show_clicked(self) -> None:
        if self._notices.unseen:
            latest = self._notices.unseen[-1]
            self._notices.seen(latest.kind)
            latest.look()
