"""What labels are wanted for, in three words: each stands for a threshold of the model."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from sxtstudio.app.widgets.controls import ComboBox
from sxtstudio.app.widgets.notes import note
from sxtstudio.core.uses import Use

if TYPE_CHECKING:
    from sxtstudio.segment import ModelCard

_OWN_NUMBER = "By the threshold below."
_NO_USES = "This model has one threshold for all aims: its card names no others."
_REAL_PATCHES = "4 labelled real patches"  # as our models' cards call them
_MORE = "All figures: Tools > Models."
_MODELS_OWN = "The threshold that comes with the model."


class UseChoice(QWidget):
    """A choice of the uses that the model's card knows, with what each means; a line where it knows none.

    What is wanted stays when a model does not know it, so that the next one that does goes by it.

    Signals
    -------
    chosen
        Somebody chose a use.
    """

    chosen = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        """Begin without a model."""
        super().__init__(parent)
        self._card: ModelCard | None = None
        self._wanted: Use | None = None
        self._by_number = False
        self.combo = ComboBox()
        self.meaning = note(name="use")
        self.meaning.keep_room(*(use.meaning for use in Use))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.combo)
        layout.addWidget(self.meaning)
        self.setFocusProxy(self.combo)
        self.combo.activated.connect(self._on_combo_activated)

    @property
    def use(self) -> Use | None:
        """The use that is wanted; None is the model's own threshold, also where the card does not know it."""
        known = self._card is not None and self._wanted in self._card.uses
        return self._wanted if known else None

    @property
    def wanted(self) -> Use | None:
        """What was chosen, whether the model knows it or not."""
        return self._wanted

    @property
    def threshold(self) -> float:
        """The threshold of the use, or the model's own; 0 without a model."""
        return 0.0 if self._card is None else self._card.threshold_of(self.use)

    @property
    def has_uses(self) -> bool:
        """Whether the model's card knows any."""
        return self._card is not None and bool(self._card.uses)

    def set_card(self, card: ModelCard | None) -> None:
        """Offer the uses of a model's card."""
        self._card = card
        self._show()

    def set_wanted(self, use: Use | None) -> None:
        """Choose a use; None is the model's own threshold."""
        self._wanted = use
        self._show()

    def show_number(self, by_number: bool) -> None:
        """Say that a number counts, and no use."""
        self._by_number = by_number
        self._show()

    def _show(self) -> None:
        card = self._card
        with QSignalBlocker(self.combo):
            self.combo.clear()
            self.combo.setVisible(self.has_uses)
            if card is None or not card.uses:
                self.meaning.show_text(_NO_USES)
                return
            shown = self.use or card.use_of(card.threshold)
            for use in Use:
                if use in card.uses:
                    self.combo.addItem(_capital(use.words), use.value)
                    self.combo.setItemData(self.combo.count() - 1, use.meaning, 3)  # ToolTipRole
            if card.use_of(card.threshold) is None:
                self.combo.addItem("Model's own", None)
            if self._by_number:
                self.combo.addItem("Own threshold", None)
                self.combo.setCurrentIndex(self.combo.count() - 1)
            else:
                self.combo.setCurrentIndex(self.combo.findData(None if shown is None else shown.value))
        meaning = _MODELS_OWN
        if shown is not None:
            same = card.same_as(shown)
            meaning = f"{shown.meaning} For this model {same}." if same else shown.meaning
        self.meaning.show_text(_OWN_NUMBER if self._by_number else meaning)
        self.combo.setToolTip(_measured(card))

    def _on_combo_activated(self, index: int) -> None:
        if self._by_number and index == self.combo.count() - 1:
            return
        chosen = self.combo.itemData(index)  # Qt keeps texts, no enums
        self._wanted = None if chosen is None else Use(chosen)
        self._by_number = False
        self._show()
        self.chosen.emit()


def _measured(card: ModelCard) -> str:
    """Return what was measured for each use, in a few lines of HTML; every text of the card is escaped."""
    judges = [
        judge
        for judge, figures in next(iter(card.uses.values())).scores.items()
        if {"precision", "recall"} <= set(figures)
    ]
    # Real cells are better evidence than simulated ones, and nobody reads five judges in a tooltip.
    judge = next((one for one in judges if one.startswith(_REAL_PATCHES)), next(iter(judges), None))
    if judge is None:
        return "How good the labels are for each aim was not measured."
    where = judge.replace(_REAL_PATCHES, "four patches of real cells")
    lines = []
    for use, entry in card.uses.items():
        figures = entry.scores.get(judge, {})
        if {"precision", "recall"} <= set(figures):
            right, found = (_of_100(figures[name]) for name in ("precision", "recall"))
            lines.append(
                f"<b>{_capital(use.words)}</b>: of 100 outlined pixels {right} are right; "
                f"of 100 true ones {found} are found."
            )
    return f"<p>Measured on {escape(where)}:<br>{'<br>'.join(lines)}</p><p>{_MORE}</p>"


def _of_100(share: float) -> int:
    return math.floor(100 * share + 0.5)  # not to the even one


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
