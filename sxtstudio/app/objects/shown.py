"""The line that says that not all objects are shown, with the way back; there is none while all are."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from sxtstudio.app.context import Context
from sxtstudio.core.wording import count, grouped


class ShownObjects(QLabel):
    """Stands wherever the user works with objects: who hid them may have done so in another tab."""

    def __init__(self, context: Context, *, shrinks: bool, parent: QWidget | None = None) -> None:
        """Begin hidden; where it ``shrinks``, it is as wide as there is room."""
        super().__init__(parent)
        self._context, self._session = context, context.session
        self.setTextFormat(Qt.TextFormat.RichText)
        self.setToolTip(
            "Others are hidden, or left out by a filter, by limits or by a lasso (Show all: Ctrl+Shift+A)"
        )
        if shrinks:
            self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.linkActivated.connect(lambda name: context.parts.actions.do(name))
        self._session.objects.changed.connect(self._show)
        self._session.table_changed.connect(self._show)
        self._session.document_changed.connect(self._show)
        self.hide()

    def _show(self) -> None:
        document, state = self._session.document, self._session.objects.value
        there = frozenset(() if document is None else document.object_table.rows)
        shown = (there if state.only is None else there & state.only) - state.hidden
        less = len(shown) < len(there)
        text = f"{grouped(len(shown))} of {count(len(there), 'object')} shown"
        self.setText(f'{text} · <a href="objects.show_all">Show all</a>' if less else "")
        self.setVisible(less)
