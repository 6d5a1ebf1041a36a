"""The dialog of rules: ranges of measured values that make a class, with the number of objects at once."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from sxtstudio.app import questions
from sxtstudio.app.context import Context
from sxtstudio.app.objects.classes.list import swatch
from sxtstudio.app.objects.table.columns import columns_of
from sxtstudio.app.objects.table.limits import LimitsBar
from sxtstudio.app.objects.table.listing import Limit
from sxtstudio.app.widgets.controls import ComboBox
from sxtstudio.app.widgets.dialogs import ToolDialog
from sxtstudio.app.widgets.notes import note
from sxtstudio.app.widgets.result_note import ResultNote
from sxtstudio.app.widgets.scroll import VerticalScroll
from sxtstudio.core.classes.assigning import by_rules
from sxtstudio.core.classes.rules import (
    Among,
    ClassRule,
    RuleSet,
    ValueRange,
    decided_by,
    read_rules,
    sheets_in,
    unit_of,
    usual_among,
    values_of,
    write_rules,
)
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.errors import UserError, sentence_of
from sxtstudio.core.measure.columns import Measurements
from sxtstudio.core.measure.counted import flagged, open_bodies
from sxtstudio.core.measure.units import heading
from sxtstudio.core.object_table import Decided, ObjectFlag
from sxtstudio.core.wording import count

_AMONG = {
    Among.BODIES: "Bodies only, no pieces of membrane",
    Among.SHEETS: "Pieces of membrane only, no bodies",
    Among.ALL: "Bodies and pieces of membrane",
}
_LEFT_OUT = {
    Among.BODIES: ("piece of membrane", "pieces of membrane"),
    Among.SHEETS: ("body", "bodies"),
}
FILTER = "Rules for classes (*.json)"


class RuleDialog(ToolDialog):
    """Several rules in their order; the first that fits an object decides."""

    TITLE = "Classes by rule"
    PAGE = "objects.md#4-classes"

    def __init__(self, context: Context) -> None:
        """Begin with one rule for the current class."""
        super().__init__(context)
        self._context, self._session = context, context.session
        self._classing = context.parts.objects.classing
        self._measured, self._work = context.parts.measured, self._classing.work
        self._rules: list[ClassRule] = []
        self.list = QListWidget()
        self.list.setAccessibleName("Rules, in their order")
        self.list.setToolTip("The first rule that an object fits gives its class")
        self.list.setWordWrap(True)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setResizeMode(QListWidget.ResizeMode.Adjust)
        self.add = self.button("Add", "mdi6.plus", "Add a rule below the others")
        self.remove = self.button("Remove", "mdi6.delete-outline", "Remove this rule")
        self.up = self.button("Up", "mdi6.arrow-up", "Ask this rule before the one above it")
        self.down = self.button("Down", "mdi6.arrow-down", "Ask this rule after the one below it")
        self.class_name = ComboBox()
        self.class_name.setAccessibleName("Class that the rule gives")
        self.class_name.setToolTip("The class of all objects that lie within all of the limits")
        self.among = ComboBox()
        self.among.setAccessibleName("Objects that the rule is about")
        self.among.setToolTip(
            "A piece of membrane encloses nothing, such as ER, or what is joined to the plasma membrane. It "
            "has the flag “sheet”: its volume is that of the membrane, not of a body. Objects with the flag "
            "“open” or “border” are bodies that are not whole: they are included"
        )
        for value, title in _AMONG.items():
            self.among.addItem(title, value)
        self.limits = LimitsBar()
        self.add_limit = self.button(
            "Add a limit", "mdi6.plus", "A further column that must lie within limits"
        )
        self.highlight = QCheckBox("Highlight in all views what fits this rule")
        self.highlight.setToolTip(
            "Choose the objects that fit, so that slices, 3D and table show which they are"
        )
        self.count, self.message = QLabel(), note(name="message")
        self._result = ResultNote(context.session, self.message)
        self.count.setTextFormat(Qt.TextFormat.PlainText)
        self.count.setWordWrap(True)
        self.open_button = self.button("Open…", "mdi6.folder-open-outline", "Read rules from a file")
        self.save_button = self.button(
            "Save…", "mdi6.content-save-outline", "Write the rules to a file for other tomograms"
        )
        self.measure = self.button(
            "Measure", "mdi6.ruler", "Measure all objects: rules go by values that hold now, and no others"
        )
        self.apply = self.button(
            "Give these classes", "", "Give all objects that fit their class, as one step"
        )
        self.apply.setProperty("role", "main")
        self._lay_out()
        self.list.currentRowChanged.connect(self._on_row_changed)
        self.class_name.currentIndexChanged.connect(self._on_class_changed)
        self.among.currentIndexChanged.connect(self._on_edited)
        self.limits.changed.connect(self._on_edited)
        self.add.clicked.connect(self.add_rule)
        self.remove.clicked.connect(self._on_remove)
        self.up.clicked.connect(lambda: self._move(-1))
        self.down.clicked.connect(lambda: self._move(1))
        self.add_limit.clicked.connect(self._on_add_limit)
        self.highlight.toggled.connect(lambda _: self._follow())
        self.open_button.clicked.connect(self._on_open)
        self.save_button.clicked.connect(self._on_save)
        self.measure.clicked.connect(self._on_measure)
        self.apply.clicked.connect(self.apply_all)
        session = self._session
        self._measured.changed.connect(self._on_measured_changed)
        session.document_changed.connect(self._on_measured_changed)
        session.table_changed.connect(self._on_session_table_changed)
        session.busy_changed.connect(self._follow)
        self._classing.rules_restored.connect(self._on_rules_restored)
        self._on_measured_changed()
        self._on_rules_restored()
        self.resize(760, 420)

    def _lay_out(self) -> None:
        order = QGridLayout()  # in two rows, so that the dialog fits a small screen
        for place, button in enumerate((self.add, self.remove, self.up, self.down)):
            order.addWidget(button, place // 2, place % 2)
        order.setVerticalSpacing(6)
        left = QVBoxLayout()
        left.addWidget(self.list, 1)
        left.addLayout(order)
        head = QGridLayout()
        head.setColumnStretch(1, 1)
        for row, (text, field) in enumerate((("Class", self.class_name), ("Of", self.among))):
            head.addWidget(QLabel(text), row, 0)
            head.addWidget(field, row, 1)
        fields = QWidget()
        right = QVBoxLayout(fields)
        right.setContentsMargins(0, 0, 0, 0)
        right.addLayout(head)
        right.addWidget(self.limits)
        add = QHBoxLayout()
        add.addWidget(self.add_limit)
        add.addStretch()
        right.addLayout(add)
        right.addWidget(self.count)
        again = QHBoxLayout()
        again.addWidget(self.measure)
        again.addStretch()
        right.addLayout(again)
        right.addWidget(self.highlight)
        right.addWidget(self.message)
        right.addStretch()
        halves = QHBoxLayout()
        halves.setSpacing(14)
        halves.addLayout(left, 2)
        halves.addWidget(VerticalScroll(fields), 3)  # many limits scroll; the dialog stays as large as it is
        below = QHBoxLayout()
        below.addWidget(self.open_button)
        below.addWidget(self.save_button)
        below.addStretch()
        below.addWidget(self.apply)
        layout = QVBoxLayout(self)
        layout.addLayout(halves, 1)
        layout.addLayout(below)
        self.class_name.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    @property
    def rules(self) -> tuple[ClassRule, ...]:
        """All of them, in their order."""
        return tuple(self._rules)

    def set_rules(self, rules: tuple[ClassRule, ...]) -> None:
        """Have other rules."""
        self._rules = list(rules) or [self._new_rule()]
        self._list(0)

    def add_rule(self) -> None:
        """Add a rule without limits for the current class."""
        self._rules.append(self._new_rule())
        self._list(len(self._rules) - 1)

    def _new_rule(self) -> ClassRule:
        return ClassRule(self._work.current, among=usual_among(self._work.current))

    def apply_all(self) -> None:
        """Give all objects that fit their class; what was given by hand stays."""
        try:
            rules = self._finished()
            rows = by_rules(self._work.table, decided_by(rules, self._measurements(rules), self._sheets()))
            said = values_of(RuleSet(tuple(rules)))
            edit = self._work.apply(rows, EditKind.CLASS_BY_RULE, rules=said)
        except UserError as error:
            self._result.show(sentence_of(error) or "")
            return
        self._work.show_classes()
        changed = 0 if edit is None or edit.rows is None else len(edit.rows.after)
        self._result.show_result(
            f"{count(changed, 'object')} changed. Undo takes it back." if changed else "Nothing changed."
        )

    # -- the chosen rule -------------------------------------------------------------------------

    @property
    def _row(self) -> int:
        return self.list.currentRow()

    def _list(self, chosen: int) -> None:
        """Show all rules; the one at ``chosen`` is edited."""
        with QSignalBlocker(self.list):
            self.list.clear()
            for rule in self._rules:
                item = QListWidgetItem(self._text(rule))
                known = self._work.table.class_named(rule.class_name)
                if known is not None:
                    item.setIcon(swatch(known.rgb))
                self.list.addItem(item)
            self.list.setCurrentRow(max(0, min(chosen, len(self._rules) - 1)))
        self._edit_chosen()

    def _edit_chosen(self) -> None:
        """Put the chosen rule into the fields."""
        rule = self._rules[self._row] if self._rules else ClassRule("")
        with QSignalBlocker(self.class_name):
            self.class_name.clear()
            names = [one.name for one in self._work.table.classes]
            if rule.class_name and rule.class_name not in names:
                names.append(rule.class_name)
            for name in names:
                known = self._work.table.class_named(name)
                if known is None:
                    self.class_name.addItem(name, name)
                else:
                    self.class_name.addItem(swatch(known.rgb), name, name)
            self.class_name.setCurrentIndex(self.class_name.findData(rule.class_name))
        with QSignalBlocker(self.among):
            self.among.setCurrentIndex(self.among.findData(rule.among))
        with QSignalBlocker(self.limits):
            self.limits.set_limits(tuple(Limit(one.column, one.low, one.high) for one in rule.ranges))
        self._follow()

    def _on_row_changed(self, row: int) -> None:
        if row >= 0:
            self._edit_chosen()

    def _on_class_changed(self) -> None:
        """Have another class, and the objects that it is usually about, unless others were chosen."""
        if self._rules:
            rule = self._rules[self._row]
            if rule.among is usual_among(rule.class_name):
                with QSignalBlocker(self.among):
                    usual = usual_among(str(self.class_name.currentData() or ""))
                    self.among.setCurrentIndex(self.among.findData(usual))
        self._on_edited()

    def _on_edited(self) -> None:
        if not self._rules:
            return
        units = {one.column: one.unit for one in self._rules[self._row].ranges}  # where nothing is measured
        ranges = tuple(
            ValueRange(one.key, one.low, one.high, self._unit(one.key) or units.get(one.key, ""))
            for one in self.limits.limits
        )
        among = Among(self.among.currentData())
        rule = ClassRule(str(self.class_name.currentData() or ""), ranges, among)
        self._rules[self._row] = rule
        item = self.list.currentItem()
        if item is not None:
            item.setText(self._text(rule))
            known = self._work.table.class_named(rule.class_name)
            if known is not None:
                item.setIcon(swatch(known.rgb))
        self._follow()

    def _on_remove(self) -> None:
        if len(self._rules) > 1:
            row = self._row
            del self._rules[row]
            self._list(row)
        else:
            self.set_rules(())

    def _move(self, step: int) -> None:
        row = self._row
        if 0 <= row + step < len(self._rules):
            self._rules[row], self._rules[row + step] = self._rules[row + step], self._rules[row]
            self._list(row + step)

    def _on_add_limit(self) -> None:
        self.limits.add()

    # -- what it would do ------------------------------------------------------------------------

    def _follow(self) -> None:
        """Say how many objects the chosen rule fits, and enable what can be done."""
        self._classing.rules = tuple(self._finished())
        row, last = self._row, len(self._rules) - 1
        self.up.setEnabled(row > 0)
        self.down.setEnabled(0 <= row < last)
        measured, stale = self._measured.value is not None, self._stale
        self.measure.setVisible(not measured or bool(stale) or bool(self._measured.outdated_columns))
        self.measure.setEnabled(self._session.busy is None and not self._measured.busy)
        self.add_limit.setEnabled(measured)
        self.apply.setEnabled(measured and self._session.busy is None and bool(self._finished()))
        self.save_button.setEnabled(bool(self._finished()))
        if not measured:
            self.count.setText("The objects have not been measured yet: measure them first.")
            return
        if row < 0:
            return
        rule = self._rules[row]
        try:
            values = self._measurements((rule,))
            within = rule.within(values).tolist()
            fits = rule.matching(values, self._sheets()).tolist()
        except UserError as error:
            self.count.setText(sentence_of(error) or "")
            return
        rows = self._work.table.rows
        by_hand = sum(number in rows and rows[number].decided is Decided.HAND for number in fits)
        text = f"{count(len(fits), 'object')} of {len(rows)}" if rule.ranges else "No limits yet: no object"
        text += f", {by_hand} of them given by hand, which stay" if by_hand else ""
        text += self._limits_warning()
        out = len(within) - len(fits)
        text += f"; {count(out, *_LEFT_OUT[rule.among])} left out" if out else ""
        sheets = len(self._sheets().intersection(fits)) if rule.among is Among.ALL else 0
        text += f"; {count(sheets, *_LEFT_OUT[Among.BODIES])} included, no bodies" if sheets else ""
        numbers = np.array(fits, np.int64)
        is_open = int(open_bodies(numbers, rows).sum())
        means = "its volume is an estimate" if is_open == 1 else "their volumes are estimates"
        text += f"; {is_open} open included: {means}" if is_open else ""
        border = int(flagged(numbers, rows, ObjectFlag.BORDER).sum())
        text += f"; {border} at the border included: not whole" if border else ""
        text += f"; {stale} changed since measured, left out" if stale else ""
        self.count.setText(text)
        if self.highlight.isChecked() and self.isVisible():
            self._session.objects.set(selected=tuple(number for number in fits if number in rows))

    def _limits_warning(self) -> str:
        """Return what is wrong with the limits as they are written, or ""."""
        wrong = [word for row in self.limits.rows for word in row.no_numbers]
        text = f"; “{wrong[0]}” is no number, so it is no limit" if wrong else ""
        return text + ("; “from” is above “to”" if any(row.crossed for row in self.limits.rows) else "")

    def _finished(self) -> list[ClassRule]:
        """The rules that have limits."""
        return [rule for rule in self._rules if rule.ranges and rule.class_name]

    @property
    def _stale(self) -> int:
        """How many objects changed since they were measured: no rule holds for them."""
        return len(self._measured.stale.intersection(self._work.table.rows))

    def _measurements(self, rules: Iterable[ClassRule]) -> Measurements:
        """Return the values that hold now, if the columns that the rules ask for do."""
        found = self._measured.holding
        if found is None:
            raise UserError("The objects have not been measured yet: measure them first.")
        if self._measured.all_stale:
            raise UserError("The objects have changed since they were measured: measure them again.")
        asked = {one.column for rule in rules for one in rule.ranges}
        old = [c.title for c in found.columns if c.key in asked & self._measured.outdated_columns]
        if old:
            raise UserError(
                f"“{old[0]}” depends on other objects, and these or their classes have changed: measure "
                "again."
            )
        return found

    def _sheets(self) -> frozenset[int]:
        return sheets_in(self._work.table)

    def _unit(self, key: str) -> str:
        return "" if self._measured.value is None else unit_of(key, self._measured.value) or ""

    def _text(self, rule: ClassRule) -> str:
        """Return "Vesicle: Volume (µm³) 0.1 to 0.5"."""
        found = self._measured.value
        titles = {}
        if found is not None:
            titles = {one.key: heading(one, calibrated=found.calibrated) for one in found.columns}
        if not rule.ranges:
            return f"{rule.class_name}: no limits yet"
        kind = "" if rule.among is usual_among(rule.class_name) else f" ({_AMONG[rule.among].lower()})"
        return f"{rule.class_name}{kind}: " + "; ".join(_range_text(one, titles) for one in rule.ranges)

    def _on_measure(self) -> None:
        try:
            self._context.parts.objects.measure()
        except UserError as error:
            self._result.show(sentence_of(error) or "")

    # -- what changes around it ------------------------------------------------------------------

    def _on_measured_changed(self) -> None:
        self.limits.show_columns(tuple(one for one in columns_of(self._measured.value) if one.measured))
        if self._rules:
            self._list(self._row)

    def _on_rules_restored(self) -> None:
        self.set_rules(self._classing.rules)

    def _on_session_table_changed(self) -> None:
        names = {one.name for one in self._work.table.classes}
        shown = {self.class_name.itemData(n) for n in range(self.class_name.count())}
        if names != shown:
            self._list(self._row)
        else:
            self._follow()

    def _on_open(self) -> None:
        path = questions.open_file(self._context, "Open rules", FILTER)
        if path is None:
            return
        try:
            found = read_rules(path)
            self._work.apply({}, EditKind.EDIT_CLASSES, found.classes)
        except UserError as error:
            self._result.show(sentence_of(error) or "")
            return
        self.set_rules(found.rules)
        self._result.show(f"{count(len(found.rules), 'rule')} of {path.name}.")

    def _on_save(self) -> None:
        path = questions.save_file(self._context, "Save rules", "rules.json", FILTER)
        if path is None:
            return
        rules = tuple(self._finished())
        used = {rule.class_name for rule in rules}
        try:
            write_rules(
                path, RuleSet(rules, tuple(one for one in self._work.table.classes if one.name in used))
            )
        except UserError as error:
            self._result.show(sentence_of(error) or "")
            return
        self._result.show(f"Saved as {path}.")

    def showEvent(self, event: QShowEvent) -> None:
        """Follow what happened meanwhile."""
        super().showEvent(event)
        self._follow()


def _range_text(one: ValueRange, titles: dict[str, str]) -> str:
    title = titles.get(one.column, one.column)
    if one.low is None:
        return f"{title} up to {_number(one.high)}"
    if one.high is None:
        return f"{title} from {_number(one.low)}"
    return f"{title} {_number(one.low)} to {_number(one.high)}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.5g}"
