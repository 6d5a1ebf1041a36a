"""The dialog that calibrates grey values: two materials of known LAC, or a known unit."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from sxtstudio.app.context import Context
from sxtstudio.app.jobs.job import Job
from sxtstudio.app.objects.calibration.plot import CalibrationPlot
from sxtstudio.app.widgets.controls import ComboBox, DoubleSpinBox
from sxtstudio.app.widgets.dialogs import ToolDialog
from sxtstudio.app.widgets.notes import note, show_note
from sxtstudio.core.errors import UserError, sentence_of
from sxtstudio.core.measure.calibration import (
    ICE_LAC,
    ICE_SOURCE,
    LARGEST_LAC,
    GreyUnit,
    LacCalibration,
    Material,
    calibrated_anew,
    contrast_warning,
    lac_warning,
    of_unit,
    through_materials,
)
from sxtstudio.workflow.document.document import Document
from sxtstudio.workflow.jobs.document_sampling import MaterialPlace, SampleFrom, sample_document

if TYPE_CHECKING:  # at run time this loads what measures objects
    from sxtstudio.core.measure.samples import MaterialGrey

_UNITS = {GreyUnit.PER_UM: "1/µm", GreyUnit.PER_NM: "1/nm", GreyUnit.PER_VOXEL: "per voxel"}
_INTRO = (
    "Grey values become linear absorption coefficients (LAC) along a straight line. This is right for "
    "reconstructions of absorption, made after the logarithm was taken of the projections."
)
_TYPED = "typed"
_SOURCE_CHARACTERS = 16


class MaterialFields(QWidget):
    """A material: its name, its LAC, its grey value, and where that is taken from."""

    changed = Signal()
    take = Signal(object)  # SampleFrom

    def __init__(self, name: str, tip: str, lac: float, *, source: SampleFrom) -> None:
        """Begin with a name and a LAC; nothing is known of its grey value."""
        super().__init__()
        self.measured = _TYPED
        self.sd: float | None = None  # of the grey values, where they were taken here
        self.name = QLineEdit(name)
        self.name.setMinimumWidth(90)
        self.name.setToolTip(tip)
        self.name.setAccessibleName("Name of the material")
        self.lac = DoubleSpinBox()
        self.lac.setRange(0, LARGEST_LAC)
        self.lac.setDecimals(3)
        self.lac.setSingleStep(0.01)
        self.lac.setSuffix(" 1/µm")
        self.lac.setValue(lac)
        self.lac.setToolTip(tip)
        self.lac.setAccessibleName(f"LAC of {name}")
        self.grey = QLineEdit()
        self.grey.setMinimumWidth(80)
        self.grey.setPlaceholderText("not known yet")
        self.grey.setToolTip("Type it, or take the mean of a place in the tomogram")
        self.grey.setAccessibleName(f"Grey value of {name}")
        self.source = ComboBox()
        self.source.setAccessibleName(f"Where {name} is")
        self.source.setToolTip("A place of the tomogram in which there is nothing else")
        for place in SampleFrom:
            self.source.addItem(place.value, place)
        # The longest of them would make the dialog wider than a small screen; the open list shows all of it.
        self.source.setSizeAdjustPolicy(ComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.source.setMinimumContentsLength(_SOURCE_CHARACTERS)
        self.source.view().setMinimumWidth(self.source.view().sizeHintForColumn(0) + 24)
        self.source.setCurrentIndex(self.source.findData(source))
        self.button = QPushButton("Take")
        self.button.setAutoDefault(False)
        self.button.setToolTip("Take the mean grey value of this place")
        self.button.setAccessibleName(f"Take the grey value of {name}")
        self.found = note(name="measured")
        self.found.keep_room("One line")  # the rows below do not slip when it comes
        self.name.textEdited.connect(self.changed)
        self.lac.valueChanged.connect(self.changed)
        self.grey.textEdited.connect(self._on_grey_edited)
        self.button.clicked.connect(lambda: self.take.emit(self.source.currentData()))

    def add_to(self, grid: QGridLayout, row: int) -> None:
        """Put the fields into a row, and what was found below them."""
        for column, field in enumerate((self.name, self.lac, self.grey, self.source, self.button)):
            grid.addWidget(field, row, column)
        grid.addWidget(self.found, row + 1, 2, 1, 3)

    @property
    def value(self) -> float | None:
        """The grey value; None while there is none."""
        try:
            grey = float(self.grey.text().strip().replace(",", ".").replace("−", "-"))
        except ValueError:
            return None
        return grey if math.isfinite(grey) else None

    def material(self) -> Material | None:
        """Return what the fields say; None while the grey value is not known."""
        if self.value is None:
            return None
        return Material(self.name.text().strip() or "material", self.value, self.lac.value(), self.measured)

    def show_value(self, grey: float, measured: str, sd: float | None = None) -> None:
        """Show a grey value and how it was measured."""
        self.measured, self.sd = measured, sd
        self.grey.setText(f"{grey:.6g}")
        show_note(self.found, "" if measured == _TYPED else measured)
        self.changed.emit()

    def show_material(self, material: Material) -> None:
        """Show a material of the calibration that holds."""
        self.name.setText(material.name)
        self.lac.setValue(material.lac)
        self.show_value(
            material.grey, material.measured, self.sd if material.measured == self.measured else None
        )

    def clear(self) -> None:
        """Know nothing of the grey value."""
        self.measured, self.sd = _TYPED, None
        self.grey.clear()
        show_note(self.found, "")

    def _on_grey_edited(self) -> None:
        self.measured, self.sd = _TYPED, None
        show_note(self.found, "")
        self.changed.emit()


class CalibrationDialog(ToolDialog):
    """Stays open beside the window, so that places can be looked for in the slices."""

    TITLE = "Calibrate LAC"
    PAGE = "measure.md#3-absorption-lac"

    def __init__(self, context: Context) -> None:
        """Begin with what the open tomogram has."""
        super().__init__(context)
        self._context, self._session = context, context.session
        self._job: Job | None = None
        self._failed = ""
        self._shown: Document | None = None
        self.by_materials = QRadioButton("By two materials whose LAC is known")
        self.by_unit = QRadioButton("The grey values are absorption already, in")
        self._ways = QButtonGroup(self)
        for way in (self.by_materials, self.by_unit):
            self._ways.addButton(way)
        self.by_materials.setChecked(True)
        self.unit = ComboBox()
        self.unit.setAccessibleName("Unit of the grey values")
        for unit, text in _UNITS.items():
            self.unit.addItem(text, unit)
        self.ice = MaterialFields(
            "Ice", f"Around the cell. {ICE_SOURCE}.", ICE_LAC, source=SampleFrom.CROSSHAIR
        )
        self.known = MaterialFields(
            "Known material",
            "Something whose LAC you know, such as a polystyrene bead or a body measured before",
            0.6,
            source=SampleFrom.OBJECT,
        )
        self.plot = CalibrationPlot()
        self.line = QLabel()
        self.line.setWordWrap(True)
        self.line.setTextFormat(Qt.TextFormat.PlainText)
        self.line.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.message = note(name="message")
        self.remove = self.button("Remove", "", "Have no calibration: no LACs in the table")
        self.apply = self.button("Calibrate", "", "Give all objects their LAC by this line")
        self.apply.setProperty("role", "main")
        self._lay_out()
        for fields in (self.ice, self.known):
            fields.changed.connect(self._follow)
            fields.take.connect(lambda source, own=fields: self._take(own, source))
        self._ways.buttonToggled.connect(lambda *_: self._follow())
        self.unit.currentIndexChanged.connect(lambda _: self._follow())
        self.apply.clicked.connect(self.calibrate)
        self.remove.clicked.connect(lambda: self._session.set_lac(None))
        self._session.document_changed.connect(self._show_current)
        self._session.facts_changed.connect(self._show_current)
        self._session.display.changed.connect(self._follow)
        self._show_current()
        self.resize(720, 520)

    def _lay_out(self) -> None:
        unit = QHBoxLayout()
        unit.addWidget(self.by_unit)
        unit.addWidget(self.unit)
        unit.addStretch()
        grid = QGridLayout()
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(4)
        grid.setContentsMargins(22, 0, 0, 4)
        for column, text in enumerate(("Material", "LAC", "Grey value", "Taken from")):
            grid.addWidget(QLabel(text), 0, column)
        self.ice.add_to(grid, 1)
        self.known.add_to(grid, 3)
        for column, stretch in enumerate((3, 2, 2, 3)):
            grid.setColumnStretch(column, stretch)
        below = QHBoxLayout()
        below.addWidget(self.remove)
        below.addStretch()
        below.addWidget(self.apply)
        layout = QVBoxLayout(self)
        layout.addWidget(note(_INTRO))
        layout.addWidget(self.by_materials)
        layout.addLayout(grid)
        layout.addLayout(unit)
        layout.addWidget(self.plot, 1)
        layout.addWidget(self.line)
        layout.addWidget(self.message)
        layout.addLayout(below)

    # -- what the fields say ---------------------------------------------------------------------

    def calibration(self) -> LacCalibration | None:
        """Return what the fields say; None while something is missing.

        Raises
        ------
        UserError
            If no line follows from it.
        """
        if self.by_unit.isChecked():
            document = self._session.document
            return of_unit(GreyUnit(self.unit.currentData()), None if document is None else document.voxel_nm)
        ice, known = self.ice.material(), self.known.material()
        return None if ice is None or known is None else through_materials(ice, known)

    def calibrate(self) -> None:
        """Give the open tomogram this calibration."""
        try:
            found = self.calibration()
        except UserError as error:
            show_note(self.message, sentence_of(error) or "")
            return
        if found is not None:
            self._session.set_lac(found)
            said = "Calibrated. The LACs stand in the table once objects are measured."
            show_note(self.message, self._unlikely(found) or said)

    def _unlikely(self, found: LacCalibration) -> str:
        """Return what is to be said of the LACs that measured objects have by a line, or ""."""
        measured = self._context.parts.measured.value
        return "" if measured is None else lac_warning(calibrated_anew(measured, found))

    def _warning(self, found: LacCalibration | None) -> str:
        """Return why the line may mean little, or ""."""
        ice, known = self.ice.material(), self.known.material()
        if found is None or not self.by_materials.isChecked() or ice is None or known is None:
            return ""
        return contrast_warning(ice, known, (self.ice.sd, self.known.sd))

    def _follow(self) -> None:
        """Show the line that follows from the fields."""
        materials = self.by_materials.isChecked()
        for fields in (self.ice, self.known):
            for field in (fields.name, fields.lac, fields.grey, fields.source):
                field.setEnabled(materials)
            fields.button.setEnabled(materials and self._session.document is not None and self._job is None)
        self.unit.setEnabled(not materials)
        found, sentence = None, "Give the grey values of both materials."
        try:
            found = self.calibration()
        except UserError as error:
            sentence = sentence_of(error) or ""
        display = self._session.display.value
        points = [] if not materials else [m for m in (self.ice.material(), self.known.material()) if m]
        self.plot.show_line(found, points, (display.low, display.high))
        self.line.setText(sentence if found is None else self._said(found))
        document = self._session.document
        self.apply.setEnabled(found is not None and document is not None and document.lac != found)
        self.remove.setEnabled(document is not None and document.lac is not None)
        show_note(self.message, self._warning(found))

    def _said(self, found: LacCalibration) -> str:
        display = self._session.display.value
        ends = sorted(found.slope * grey + found.offset for grey in (display.low, display.high))
        low, high = (f"{end:.2f}".replace("-", "−") for end in ends)
        text = f"{found.line}. Black to white in the slices is {low} to {high} 1/µm"
        if ends[1] <= 0:
            return f"{text}: negative, which cannot be. Check the fields."
        return f"{text}: more than any material has. Check it." if ends[1] > LARGEST_LAC else f"{text}."

    # -- what the tomogram says ------------------------------------------------------------------

    def _take(self, fields: MaterialFields, source: SampleFrom) -> None:
        """Measure the grey value of a material at a place, in a job."""
        document = self._session.document
        if document is None or self._job is not None:
            return
        chosen = self._session.objects.value.selected
        place = MaterialPlace(source, self._session.cursor, chosen[-1] if chosen else 0)
        show_note(self.message, "")
        self._job = self._context.jobs.start(
            "Taking a grey value",
            lambda job: sample_document(document, place, job.progress),
            on_done=lambda found: self._on_taken(fields, found),
            on_error=self._fail,
        )
        self._job.finished.connect(self._on_job_finished)
        for own in (self.ice, self.known):
            own.button.setEnabled(False)

    def _on_taken(self, fields: MaterialFields, found: MaterialGrey) -> None:
        fields.show_value(found.mean, found.measured, found.sd)
        self._failed = found.warning  # shown once the job has ended

    def _fail(self, error: Exception) -> None:
        sentence = sentence_of(error)
        if sentence is None:
            self._context.jobs.failed.emit(error)
        self._failed = sentence or ""

    def _on_job_finished(self) -> None:
        self._job = None
        failed, self._failed = self._failed, ""
        self._follow()
        if failed:
            show_note(self.message, failed)

    def _show_current(self) -> None:
        """Show the calibration that holds; another tomogram has other grey values."""
        document = self._session.document
        lac = None if document is None else document.lac
        if lac is not None and lac.unit is not None:
            self.by_unit.setChecked(True)
            self.unit.setCurrentIndex(self.unit.findData(lac.unit))
        elif lac is not None and len(lac.materials) == 2:
            self.by_materials.setChecked(True)
            for fields, material in zip((self.ice, self.known), lac.materials, strict=True):
                fields.show_material(material)
        elif document is not self._shown:
            for fields in (self.ice, self.known):
                fields.clear()
        self._shown = document
        self._follow()

    def showEvent(self, event: QShowEvent) -> None:
        """Begin at the name of what is to be given."""
        super().showEvent(event)
        self.ice.grey.setFocus()
