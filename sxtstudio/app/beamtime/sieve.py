"""Which tomograms the wall shows, and which come first: kinds, a search, and an order."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QLineEdit, QToolButton, QWidget

from sxtstudio.app.beamtime.details import CHECKED
from sxtstudio.app.beamtime.model import Order, Show, SortKey, WallModel, title_of
from sxtstudio.app.widgets.controls import ComboBox
from sxtstudio.core.quality.dictionary import FigureName
from sxtstudio.core.wording import count

_TIPS = {
    Show.ALL: "All tomograms",
    Show.LOOK: "Those that failed, are bad, or are worth a look",
    Show.FAILED: "Those that could not be segmented",
    Show.WORK: "Those that are segmented now, or wait for it",
    Show.GOOD: "Those of which nothing bad is known",
}
_KEYS: tuple[SortKey, ...] = (*Order, *FigureName)


class Sieve(QWidget):
    """The row of fields above the wall.

    Signals
    -------
    filtered, ordered
        Other tomograms are to be shown (``kind``, ``words``), or in another order (``key``).
    """

    filtered = Signal()
    ordered = Signal()

    def __init__(self) -> None:
        """Begin with all of them, the latest first."""
        super().__init__()
        self.kinds = QButtonGroup(self)
        for number, show in enumerate(Show):
            button = QToolButton()
            button.setCheckable(True)
            button.setChecked(show is Show.ALL)
            button.setToolTip(_TIPS[show])
            button.setStyleSheet(CHECKED)
            self.kinds.addButton(button, number)
        self.order = ComboBox()
        self.order.setAccessibleName("What comes first")
        self.order.setToolTip("What comes first on the wall")
        for key in _KEYS:
            self.order.addItem(title_of(key))
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search names and remarks")
        self.search.setClearButtonEnabled(True)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        for kind in self.kinds.buttons():
            row.addWidget(kind)
        row.addWidget(self.search, 1)
        row.addWidget(self.order)
        self.kinds.idClicked.connect(lambda number: self.filtered.emit())
        self.search.textChanged.connect(self.filtered)
        self.order.currentIndexChanged.connect(self.ordered)

    @property
    def kind(self) -> Show:
        """Which tomograms are wanted."""
        return tuple(Show)[self.kinds.checkedId()]

    @property
    def words(self) -> str:
        """What is searched."""
        return self.search.text()

    @property
    def key(self) -> SortKey:
        """What comes first."""
        return _KEYS[self.order.currentIndex()]

    def show_numbers(self, model: WallModel) -> None:
        """Say how many there are of each kind."""
        for number, show in enumerate(Show):
            self.kinds.button(number).setText(f"{show.value} {model.count(show)}")

    def show_hidden(self, hidden: int) -> None:
        """Say how many are not shown."""
        self.search.setToolTip(f"{count(hidden, 'tomogram')} hidden" if hidden else "All are shown")
