"""The pane below the views: the table of the objects, and beside it tabs for plots and filopodia."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QToolButton, QVBoxLayout, QWidget

from sxtstudio.app import theme
from sxtstudio.app.context import Context, ShutsDown
from sxtstudio.app.objects.shown import ShownObjects
from sxtstudio.app.widgets.controls import TabWidget

LEAST_HEIGHT_PX = 80  # the tabs and a line of a table, on a small screen


class PaneTab(Enum):
    """The tabs of the pane, in their order; the settings keep the value."""

    TABLE = "table"
    PLOTS = "plots"
    FILOPODIA = "filopodia"


class ObjectsPane(QWidget):
    """Tabs that are made when they are first shown, so that the window starts without them."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        """Begin without tabs; whoever has one adds it with ``add_page``."""
        super().__init__(parent)
        self._context = context
        self._makers: list[tuple[PaneTab, Callable[[], QWidget]]] = []
        self._holders: list[QVBoxLayout] = []
        self._made: dict[PaneTab, QWidget] = {}
        self.tabs = TabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.tabBar().setDrawBase(False)
        close = QToolButton()
        theme.set_icon(close, "mdi6.close")
        close.setAutoRaise(True)
        close.setToolTip("Hide this pane")
        close.setAccessibleName("Hide this pane")
        close.clicked.connect(lambda: context.session.layout.set(objects_pane=False))
        self.shown = ShownObjects(context, shrinks=False)
        corner = QWidget()
        beside = QHBoxLayout(corner)
        beside.setContentsMargins(0, 0, 0, 0)
        beside.setSpacing(8)
        beside.addWidget(self.shown)
        beside.addWidget(close)
        self.tabs.setCornerWidget(corner, Qt.Corner.TopRightCorner)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.tabs)
        self.setMinimumHeight(LEAST_HEIGHT_PX)
        self.tabs.currentChanged.connect(self._make_current)

    def add_page(self, page: PaneTab, title: str, tip: str, make: Callable[[], QWidget]) -> None:
        """Add a tab; ``make`` is called when it is first seen; its widget hears when the window closes."""
        self._makers.append((page, make))
        holder = QWidget()
        layout = QVBoxLayout(holder)
        layout.setContentsMargins(0, 0, 0, 0)
        self._holders.append(layout)
        area = QScrollArea()  # on a small screen a page scrolls, rather than making the window larger
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidget(holder)
        number = self.tabs.addTab(area, title)
        self.tabs.setTabToolTip(number, tip)

    def show_page(self, page: PaneTab) -> QWidget:
        """Bring a tab to the front, show the pane, and return what is in the tab."""
        self._context.session.layout.set(objects_pane=True)
        self.tabs.setCurrentIndex([known for known, _ in self._makers].index(page))
        return self.widget(page)

    def take_focus(self) -> None:
        """Have the tab in front get the keys."""
        self.widget(self.current).setFocus(Qt.FocusReason.ShortcutFocusReason)

    @property
    def current(self) -> PaneTab:
        """The tab in front."""
        return self._makers[self.tabs.currentIndex()][0]

    def widget(self, page: PaneTab) -> QWidget:
        """Return what is in a tab, made if need be."""
        if page not in self._made:
            number = [known for known, _ in self._makers].index(page)
            self._made[page] = made = self._makers[number][1]()
            self._holders[number].addWidget(made)
            made.show()
        return self._made[page]

    def _make_current(self) -> None:
        if self.isVisible() and self.tabs.currentIndex() >= 0:
            self.widget(self.current)

    def showEvent(self, event: object) -> None:
        """Make the tab in front when the pane is first seen."""
        self._make_current()

    def shut_down(self) -> None:
        """Have the tabs let go of what they hold."""
        for widget in self._made.values():
            if isinstance(widget, ShutsDown):
                widget.shut_down()
