"""Help > Tutorial: a step per page, with buttons that do it in the window."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, QUrl
from PySide6.QtGui import QImage, QResizeEvent, QTextCursor, QTextDocument
from PySide6.QtWidgets import (
    QApplication,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QPushButton,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

from sxtstudio.app.context import Context
from sxtstudio.app.help.contents import HELP
from sxtstudio.app.help.pages import Button, TutorialStep, tutorial
from sxtstudio.app.widgets.dialogs import ToolDialog

_PICTURE_MARGIN = 40
_RESIZED_MS = 80


class MarkdownPage(QTextBrowser):
    """Shows Markdown; pictures are made as wide as the page at most."""

    def __init__(self) -> None:
        """Begin empty."""
        super().__init__()
        self._text = ""
        self._again = QTimer(self, singleShot=True, interval=_RESIZED_MS)
        self._again.timeout.connect(self._lay_out)

    def show_text(self, text: str) -> None:
        """Show a page from its beginning."""
        self._text = text
        self._lay_out()
        self.moveCursor(self.textCursor().MoveOperation.Start)

    def _lay_out(self) -> None:
        bar = self.verticalScrollBar()
        place = bar.value()
        self.document().clear()  # with the pictures in their former width
        self.setMarkdown(self._text)
        self._wrap_commands()
        bar.setValue(place)

    def _wrap_commands(self) -> None:
        """Wrap lines of commands, which Qt keeps whole, and put them onto a ground of their own."""
        block = self.document().begin()
        while block.isValid():
            form = block.blockFormat()
            if form.nonBreakableLines():
                form.setNonBreakableLines(False)
                form.setBackground(self.palette().alternateBase())
                QTextCursor(block).setBlockFormat(form)
            block = block.next()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Make the pictures as wide as the page is now."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._again.start()

    def loadResource(self, kind: int, name: QUrl | str) -> object:
        """Load a picture of the help; nothing else is loaded."""
        address = QUrl(name).path()
        place = HELP / address
        if kind != QTextDocument.ResourceType.ImageResource.value:
            return None
        if address.startswith("/") or ".." in place.parts or not place.is_file():
            return None
        image = QImage(str(place))
        width, ratio = max(200, self.viewport().width() - _PICTURE_MARGIN), self.devicePixelRatioF()
        if image.width() > width * ratio:
            image = image.scaledToWidth(round(width * ratio), Qt.TransformationMode.SmoothTransformation)
        # Points are not pixels on screens of high resolution.
        image.setDevicePixelRatio(max(1.0, min(ratio, image.width() / width)))
        return image


class TutorialDialog(ToolDialog):
    """Stays open beside the window, so that the steps can be tried."""

    TITLE = "Tutorial: five minutes with SXT Studio"
    PAGE = "tutorial.md"

    def __init__(self, context: Context) -> None:
        """Show the first step."""
        super().__init__(context)
        self._context = context
        self.steps: list[TutorialStep] = tutorial()
        self.resize(1120, 820)
        self.list = QListWidget()
        self.list.setSpacing(3)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setAccessibleName("Steps of the tutorial")
        self.list.addItems([step.title for step in self.steps])
        # As wide as the longest title, with room for the bar that scrolls on low screens.
        bar = self.list.verticalScrollBar().sizeHint().width()
        self.list.setFixedWidth(self.list.sizeHintForColumn(0) + 2 * self.list.frameWidth() + bar + 8)
        self.title = QLabel()
        self.title.setProperty("role", "title")
        self.page = MarkdownPage()
        self.page.setOpenLinks(False)
        self.page.document().setDocumentMargin(10)
        self._buttons = QWidget()
        self._button_row = QHBoxLayout(self._buttons)
        self._button_row.setContentsMargins(0, 0, 0, 0)
        self._made: list[QPushButton] = []
        self.back = QPushButton("Back")
        self.back.setToolTip("The step before")
        self.next = QPushButton("Next")
        self.next.setToolTip("The next step")
        self.note = QLabel()
        self.note.setProperty("role", "note")
        self.note.setWordWrap(True)
        lower = QHBoxLayout()
        lower.addWidget(self.note, 1)
        for button in (self.back, self.next):
            button.setAutoDefault(False)
            lower.addWidget(button)
        right = QVBoxLayout()
        right.addWidget(self.title)
        right.addWidget(self._buttons)
        right.addWidget(self.page, 1)
        right.addLayout(lower)
        layout = QHBoxLayout(self)
        layout.setSpacing(12)
        layout.addWidget(self.list)
        layout.addLayout(right, 1)
        self.list.currentRowChanged.connect(self._show_step)
        self.back.clicked.connect(lambda: self.list.setCurrentRow(self.list.currentRow() - 1))
        self.next.clicked.connect(self._on_next_clicked)
        self.list.setCurrentRow(0)

    @property
    def step_buttons(self) -> list[QPushButton]:
        """The buttons of the step that is shown."""
        return list(self._made)

    def do(self, button: Button) -> None:
        """Do what a button of a step says, as if it were chosen in the window."""
        self.note.setText(press(self._context, button))

    def _show_step(self, number: int) -> None:
        step = self.steps[number]
        self.title.setText(step.title)
        for button in self._made:
            button.hide()
            button.deleteLater()
        while self._button_row.takeAt(0) is not None:
            pass
        self._made = []
        for info in step.buttons:
            made = QPushButton(info.text)
            made.setAutoDefault(False)
            made.setToolTip("Does it in the window")
            made.clicked.connect(lambda _=False, info=info: self.do(info))
            self._button_row.addWidget(made)
            self._made.append(made)
        self._button_row.addStretch()
        self.note.setText("")
        self.page.show_text(step.text)
        self.back.setEnabled(number > 0)
        self.next.setText("Close" if number == len(self.steps) - 1 else "Next")

    def _on_next_clicked(self) -> None:
        if self.list.currentRow() == len(self.steps) - 1:
            self.close()
        else:
            self.list.setCurrentRow(self.list.currentRow() + 1)


def press(context: Context, button: Button) -> str:
    """Do what a button of a page says, as if it were chosen in the window; return why it cannot be done."""
    if QApplication.activeModalWidget() is not None:  # the window waits for an answer; this page does not
        return "Answer the open question first."
    if button.panel is not None:
        context.parts.side.show_panel(button.panel)
        return ""
    action = context.parts.actions.by_name[button.action]
    if action.isEnabled():
        action.trigger()
        return ""
    if context.session.busy:
        return f"“{context.session.busy.name}” is running; wait for it first."
    return "This needs a step before: open the sample first, then segment it."
