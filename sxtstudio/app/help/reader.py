"""Help > Documentation: all pages, with contents, search and links; nothing of it needs a network."""

from __future__ import annotations

from functools import cached_property

from PySide6.QtCore import Qt, QTimer, QUrl
from PySide6.QtGui import QDesktopServices, QKeySequence, QShortcut, QTextBlock, QTextCursor
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QSplitter,
    QTextEdit,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from sxtstudio.app.context import Context
from sxtstudio.app.help.contents import (
    HELP,
    INDEX,
    Passage,
    anchor_of,
    contents,
    passages,
)
from sxtstudio.app.help.pages import BUTTON_LINE, Button
from sxtstudio.app.help.searching import explained_by, search
from sxtstudio.app.help.tables import filled
from sxtstudio.app.help.tutorial import MarkdownPage, press
from sxtstudio.app.widgets.dialogs import ToolDialog

TROUBLE = "trouble.md"
_LINK = Qt.ItemDataRole.UserRole
_MOST_FOUND = 60
_TYPED_MS = 150
_CONTENTS_PX = 300


class Documentation(ToolDialog):
    """Stays open beside the window. A page is named by its file, a place in it by its heading's anchor.

    It is a window of its own, with no other above it: a message that keeps mouse and keys from the window
    and all that belong to it leaves them to the documentation. Beside what keeps them from all windows
    it is used as help_key.py says.
    """

    TITLE = "Documentation"
    PAGE = INDEX

    def __init__(self, context: Context) -> None:
        """Show the contents."""
        super().__init__(context)
        self.setParent(None, Qt.WindowType.Window)
        self._context = context
        self.resize(1180, 820)
        self._history: list[str] = []
        self._items: dict[str, QTreeWidgetItem] = {}
        self.link = ""
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search, or paste an error message")
        self.search.setAccessibleName("Search the documentation")
        self.search.setClearButtonEnabled(True)
        self.tree = QTreeWidget()
        self.tree.setHeaderHidden(True)
        self.tree.setAccessibleName("Contents")
        self.tree.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.page = MarkdownPage()
        self.page.setOpenLinks(False)
        self.page.document().setDocumentMargin(16)
        # Pictures are made as wide as the page, so its width must not change with its length.
        self.page.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.note = QLabel()
        self.note.setProperty("role", "note")
        self.note.setWordWrap(True)
        self.back = self.button("Back", "mdi6.arrow-left", "The page before (Alt+Left)")
        self.home = self.button("Contents", "mdi6.table-of-contents", "What there is to read")
        close = self.button("Close", "", "Close the documentation")
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.search)
        column.addWidget(self.tree, 1)
        splitter = QSplitter()
        splitter.setChildrenCollapsible(False)
        splitter.addWidget(left)
        splitter.addWidget(self.page)
        splitter.setStretchFactor(1, 1)
        splitter.setSizes([_CONTENTS_PX, self.width() - _CONTENTS_PX])
        row = QHBoxLayout()
        row.addWidget(self.back)
        row.addWidget(self.home)
        row.addWidget(self.note, 1)
        row.addWidget(close)
        layout = QVBoxLayout(self)
        layout.addWidget(splitter, 1)
        layout.addLayout(row)
        self._typed = QTimer(self, singleShot=True, interval=_TYPED_MS)
        self._typed.timeout.connect(self._find)
        self.search.textChanged.connect(lambda: self._typed.start())
        self.search.returnPressed.connect(self._open_first)
        self.tree.itemClicked.connect(self._on_item_chosen)
        self.tree.itemActivated.connect(self._on_item_chosen)
        self.page.anchorClicked.connect(self._on_link_clicked)
        self.back.clicked.connect(self.go_back)
        self.home.clicked.connect(lambda: self.show_page(INDEX))
        close.clicked.connect(self.close)
        QShortcut(QKeySequence.StandardKey.Back, self, self.go_back)
        QShortcut(QKeySequence.StandardKey.Find, self, self.search.setFocus)
        self._list_contents()
        self.show_page(INDEX)

    def shut_down(self) -> None:
        """Close with the window, which is nothing above it that would take it along."""
        super().shut_down()
        self.deleteLater()

    @cached_property
    def passages(self) -> list[Passage]:
        """All pages, cut at their headings."""
        return passages()

    def show_page(self, link: str) -> None:
        """Show a page, or a place of it: "objects.md", or "objects.md#2-flags"."""
        if self.link and self.link != link:
            self._history.append(self.link)
        self._show(link)

    def explain(self, message: str) -> None:
        """Show what is to be done about an error message, or how to go on where no page names it."""
        found = explained_by(message, self.passages)
        if found is None:
            self.show_page(TROUBLE)
            return
        passage, sentence = found
        self.show_page(passage.link)
        self._mark_sentence(passage.anchor, sentence)

    def go_back(self) -> None:
        """Show the page before."""
        if self._history:
            self._show(self._history.pop())

    def _show(self, link: str) -> None:
        file, _, anchor = link.partition("#")
        if file != self.link.partition("#")[0]:
            text = filled((HELP / file).read_text(encoding="utf-8"))
            self.page.show_text(BUTTON_LINE.sub(r"- [\1](\2:\3)", text))
        self.link = link
        self.note.setText("")
        self.page.setExtraSelections([])
        self.back.setEnabled(bool(self._history))
        self._scroll_to(anchor)
        self._mark(file)

    def _mark_sentence(self, anchor: str, sentence: str) -> None:
        """Mark a sentence in the list below a heading, and bring it into view."""
        block, below = self.page.document().begin(), not anchor
        while block.isValid():
            if block.blockFormat().headingLevel() > 1:
                below = anchor_of(block.text()) == anchor
            elif below and block.text() == sentence:
                self._mark_block(block)
                return
            block = block.next()

    def _mark_block(self, block: QTextBlock) -> None:
        cursor = QTextCursor(block)
        cursor.movePosition(QTextCursor.MoveOperation.EndOfBlock, QTextCursor.MoveMode.KeepAnchor)
        mark = QTextEdit.ExtraSelection()
        mark.cursor = cursor
        mark.format.setBackground(self.palette().highlight())
        mark.format.setForeground(self.palette().highlightedText())
        self.page.setExtraSelections([mark])
        cursor.clearSelection()
        self.page.setTextCursor(cursor)
        self.page.ensureCursorVisible()
        self.note.setText("Your message is marked in the list; what to do stands above it.")

    def _scroll_to(self, anchor: str) -> None:
        """Bring a heading to the top: Qt gives those of Markdown no anchors."""
        block = self.page.document().begin()
        while anchor and block.isValid():
            if block.blockFormat().headingLevel() > 1 and anchor_of(block.text()) == anchor:
                bar = self.page.verticalScrollBar()
                bar.setValue(bar.maximum())  # so that moving there leaves the heading at the top
                self.page.setTextCursor(QTextCursor(block))
                return
            block = block.next()
        self.page.moveCursor(QTextCursor.MoveOperation.Start)

    def _list_contents(self) -> None:
        self.tree.clear()
        self._items = {}
        for chapter in contents():
            top = QTreeWidgetItem(self.tree, [chapter.title])
            top.setFlags(Qt.ItemFlag.ItemIsEnabled)
            font = top.font(0)
            font.setBold(True)
            top.setFont(0, font)
            for page in chapter.pages:
                item = QTreeWidgetItem(top, [page.title])
                item.setToolTip(0, page.about)
                item.setData(0, _LINK, page.file)
                self._items[page.file] = item
        self.tree.expandAll()

    def _mark(self, file: str) -> None:
        """Mark the page that is shown in the contents."""
        if self.search.text().strip():
            return
        if file in self._items:
            self.tree.setCurrentItem(self._items[file])
        else:
            self.tree.clearSelection()

    def _find(self) -> None:
        words = self.search.text().strip()
        if not words:
            self._list_contents()
            self._mark(self.link.partition("#")[0])
            return
        found = search(words, self.passages)
        self.tree.clear()
        self._items = {}
        for passage in found[:_MOST_FOUND]:
            same = passage.heading == passage.page.title
            item = QTreeWidgetItem(
                self.tree, [passage.heading if same else f"{passage.heading}  ·  {passage.page.title}"]
            )
            item.setToolTip(0, passage.text[:300])
            item.setData(0, _LINK, passage.link)
        if not found:
            item = QTreeWidgetItem(self.tree, ["Nothing found. Try fewer words."])
            item.setFlags(Qt.ItemFlag.NoItemFlags)

    def _open_first(self) -> None:
        self._typed.stop()
        self._find()
        if (item := self.tree.topLevelItem(0)) is not None:
            self._on_item_chosen(item)

    def _on_item_chosen(self, item: QTreeWidgetItem, *_: object) -> None:
        link = item.data(0, _LINK)
        if not link:
            return
        self.show_page(link)
        words = self.search.text().split()
        if words and self.page.find(words[0]):
            self.page.ensureCursorVisible()

    def _on_link_clicked(self, address: QUrl) -> None:
        kind, name = address.scheme(), address.path()
        if kind in ("http", "https"):
            QDesktopServices.openUrl(address)
        elif kind in ("action", "panel"):
            self.note.setText(press(self._context, Button.of("", kind, name)))
        else:
            here = self.link.partition("#")[0]
            anchor = f"#{address.fragment()}" if address.fragment() else ""
            self.show_page((name or here) + anchor)
