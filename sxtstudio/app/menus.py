"""Menus, toolbar and shortcuts, built from the table of actions."""

from __future__ import annotations

from functools import partial
from typing import Any

from PySide6.QtCore import QEvent, QKeyCombination, QObject, Qt
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QMainWindow, QMenu, QToolBar, QToolButton

from sxtstudio.app import theme
from sxtstudio.app.actions import MENUS, TABLE, ActionInfo
from sxtstudio.app.actions.info import MISSING, ShownState
from sxtstudio.app.context import Context
from sxtstudio.app.errors import show_error
from sxtstudio.app.labels.history import next_text
from sxtstudio.app.labels.tools.catalogue import TOOLS
from sxtstudio.app.objects.classes.list import KEYS
from sxtstudio.app.objects.tools.catalogue import tool_info
from sxtstudio.app.session import Session
from sxtstudio.workflow.document.document import Document


def keys_of_actions() -> dict[str, list[tuple[str, str]]]:
    """Return the keys of all actions by menu, as this system writes them, each with what it does."""
    native = QKeySequence.SequenceFormat.NativeText
    found: dict[str, list[tuple[str, str]]] = {menu: [] for menu in MENUS}
    for info in TABLE:
        if info.shortcut:
            words = info.text.rstrip("…")
            what = "" if info.tip.startswith(words) else f"{words}: "
            tip = what + (info.tip[:1].lower() + info.tip[1:] if what else info.tip)
            found[info.menu.split("/")[0]].append((QKeySequence(info.shortcut).toString(native), tip))
    return found


class Actions(QObject):
    """The actions of a window by name; each is enabled while what it needs is there."""

    def __init__(self, window: QMainWindow, context: Context) -> None:
        """Build menus and toolbar of ``window``."""
        super().__init__(window)
        self._window = window
        self._context = context
        self.by_name: dict[str, QAction] = {}
        self._keys: dict[str, str] = {}  # as they stand in a tip, " (Ctrl+Z)"
        self._why: dict[str, str] = {}  # of those that cannot be done now, by their names
        self._names_by_key: dict[str, str] = {}
        self.menus: dict[str, QMenu] = {}
        self.toolbar = QToolBar("Toolbar", window)
        self.toolbar.setObjectName("toolbar")
        self.toolbar.setMovable(False)
        self._toolbar_menu = ""
        window.addToolBar(self.toolbar)
        for name in MENUS:
            self.menus[name] = window.menuBar().addMenu(f"&{name}")  # Alt and the first letter
            self.menus[name].setToolTipsVisible(True)
        for info in TABLE:
            self._add(info)
        for signal in (
            context.session.document_changed,
            context.session.history_changed,
            context.session.busy_changed,
            context.session.selection_changed,
            context.session.facts_changed,
            context.session.layout.changed,
            context.session.tool.changed,
            context.session.offers.changed,
            context.session.objects.changed,
            context.session.table_changed,
        ):
            signal.connect(self.refresh)
        self.refresh()
        theme.follow(window, self._draw_icons)
        window.installEventFilter(self)

    def _add(self, info: ActionInfo) -> None:
        action = QAction(info.text, self._window)
        action.setObjectName(info.name)
        if info.shortcut:
            action.setShortcut(QKeySequence(info.shortcut))
            self._names_by_key[action.shortcut().toString()] = info.name
        keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        self._keys[info.name] = f" ({keys})" if keys else ""
        action.setToolTip(info.why_disabled or info.tip + self._keys[info.name])
        action.setStatusTip(info.tip)
        if info.shows is not None:
            action.setCheckable(True)
            info.shows.state(self._context.session).changed.connect(
                partial(self._show_state, action, info.shows)
            )
            self._show_state(action, info.shows)
        # Only what the user does runs something; a tick that follows the state does not.
        action.triggered.connect(partial(self._run, info))
        menu = self.menu(info.menu)
        if info.separator:
            menu.addSeparator()
        menu.addAction(action)
        if info.toolbar:
            self._add_to_toolbar(action, info)
        self.by_name[info.name] = action

    def _add_to_toolbar(self, action: QAction, info: ActionInfo) -> None:
        menu = info.menu.split("/")[0]
        if self._toolbar_menu not in ("", menu):
            self.toolbar.addSeparator()
        self._toolbar_menu = menu
        self.toolbar.addAction(action)
        button = self.toolbar.widgetForAction(action)
        if info.toolbar_text and isinstance(button, QToolButton):
            action.setIconText(info.toolbar_text)
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)

    def menu(self, path: str) -> QMenu:
        """Return a menu or submenu, made if need be."""
        if path not in self.menus:
            parent, _, name = path.rpartition("/")
            self.menus[path] = self.menu(parent).addMenu(name)
        return self.menus[path]

    def keys(self) -> dict[str, list[tuple[str, str]]]:
        """Return the keys of all actions by menu, each with what it does."""
        return keys_of_actions()

    def _run(self, info: ActionInfo, *_: object) -> None:
        try:
            if info.shows is None:
                info.run(self._context)
            else:
                action = self.by_name[info.name]
                info.run(self._context, action.isChecked())
                self._show_state(action, info.shows)  # what was chosen may have to stay as it is
        except Exception as error:  # whatever it is, the window lives on
            show_error(self._window, error)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Hear of the keys that come to the window since neither an action nor a widget has taken them."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            modifiers = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
            typed = modifiers & ~Qt.KeyboardModifier.ShiftModifier  # "?" needs Shift, and does not name it
            for held in (modifiers, typed):
                keys = QKeySequence(QKeyCombination(held, Qt.Key(event.key()))).toString()
                if (name := self._names_by_key.get(keys)) is not None:
                    self._explain(name)
                    break
        return False

    def do(self, name: str) -> None:
        """Do what an action does, or say why that cannot be done now, as its key does."""
        self._explain(name)
        self.by_name[name].trigger()

    def _explain(self, name: str) -> None:
        """Say why the key of a greyed action does nothing, as its tooltip does."""
        action = self.by_name[name]
        if action.isEnabled() or not action.isVisible():
            return
        text, why = action.text().rstrip("…").replace("&", ""), self._why[name]
        self._context.session.remark(f"{text} – {why[:1].lower()}{why[1:]}")

    def _show_state(self, action: QAction, shown: ShownState[Any]) -> None:
        action.setChecked(shown.is_on(shown.state(self._context.session).value))

    def _drawn(self) -> bool:
        """Whether there is anything in what the tools change now."""
        session = self._context.session
        target = session.tool.value.target
        if session.document is None or target == "marks":  # marks are given one by one
            return False
        return bool(session.document.voxels(target))

    def refresh(self, *_: Any) -> None:
        """Enable what can be done now."""
        session = self._context.session
        document = session.document
        there = {
            "tomogram": document is not None,
            "labels": document is not None and document.labels is not None,
            "mask": document is not None and document.mask is not None,
            "changes": session.task_undo is None,
            "idle": session.busy is None,
            "selection": session.selection is not None,
            "objects": document is not None and document.objects is not None,
            "chosen": bool(session.objects.value.selected),
            # A task with steps of its own says itself why there is nothing of it to take back.
            "undo": session.history.undo_name is not None or _title(session, back=True) is not None,
            "redo": session.history.redo_name is not None or _title(session, back=False) is not None,
            "to_save": document is not None and _to_save(document),
            "trust": document is not None and any(f.certainty is not None for f in document.trust),
            "view3d": document is not None and session.layout.value.view3d,
            "drawn": self._drawn(),
            **vars(session.offers.value),
        }
        for info in TABLE:
            missing = next((need for need in info.needs if not there[need]), None)
            action = self.by_name[info.name]
            action.setEnabled(not info.why_disabled and missing is None)
            why = "" if missing is None else f"Not now: {MISSING[missing]}."
            self._why[info.name] = info.why_disabled or why
            if not info.why_disabled:
                action.setToolTip(info.tip + self._keys[info.name] + (why and f"\n{why}"))
        classes = () if document is None else document.object_table.classes
        for place in range(KEYS):
            action = self.by_name[f"classes.give_{place + 1}"]
            action.setText(classes[place].name if place < len(classes) else f"Class {place + 1}")
            action.setVisible(place < max(1, len(classes)))
        target = session.tool.value.target
        where = {"mask": " (cell mask)", "objects": " (objects)"}.get(target, "")
        for tool in TOOLS:
            title = (tool_info(tool.name, target) or tool).title
            self.by_name[f"labels.{tool.name}"].setText(title + where)
        for name, text, edit in (
            ("edit.undo", "Undo", session.history.next_undo),
            ("edit.redo", "Redo", session.history.next_redo),
        ):
            action = self.by_name[name]
            action.setText(text if edit is None else f"{text}: {edit.name}")
            if session.task_undo is not None:
                step = _title(session, back=name == "edit.undo")
                action.setText(text if step is None else f"{text}: {step}")
                if step is not None and action.isEnabled():
                    action.setToolTip(f"{text}: {step}{self._keys[name]}")
            elif edit is not None and document is not None and action.isEnabled():
                said = next_text(edit, document.steps, back=name == "edit.undo")
                action.setToolTip(f"{text}: {said}{self._keys[name]}")

    def _draw_icons(self) -> None:
        for info in TABLE:
            if info.icon:
                self.by_name[info.name].setIcon(theme.icon(info.icon))


def _title(session: Session, *, back: bool) -> str | None:
    """Return what the task in the hand would take back or make again; None: nothing, or no such task."""
    task = session.task_undo
    if task is None:
        return None
    return task.undo_title if back else task.redo_title


def _to_save(document: Document) -> bool:
    """Whether saving keeps anything: work, or view and fields of panels, which change all the time."""
    return document.modified or (document.project is not None and not document.read_only)
