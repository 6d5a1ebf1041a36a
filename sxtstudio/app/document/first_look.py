"""The strip above the slices: what the file holds, and what it does not say."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)
from superqt import QFlowLayout

from sxtstudio.app import theme
from sxtstudio.app.context import Context
from sxtstudio.app.document.first_scan import FirstScan
from sxtstudio.app.widgets.controls import DoubleSpinBox
from sxtstudio.app.widgets.hasty_clicks import ignore_hasty_clicks
from sxtstudio.core.axes import AxisOrder
from sxtstudio.core.errors import sentence_of
from sxtstudio.core.printable import printable
from sxtstudio.core.volume import SizeUnknown
from sxtstudio.core.wording import cut, grouped, shape_text, voxel_text
from sxtstudio.io.axes import NamedBy, StoredAxes, axes_text
from sxtstudio.workflow.document.document import Document
from sxtstudio.workflow.jobs.inspecting import tilt_series_text


class FirstLook(QWidget):
    """One calm line about the tomogram; asks for the voxel size if the file has none."""

    def __init__(self, context: Context, first_scan: FirstScan, parent: QWidget | None = None) -> None:
        """Build the widget, hidden until something is open."""
        super().__init__(parent)
        self._context = context
        self._session = context.session
        self.first_scan = first_scan
        self._error = ""
        self._latest: tuple[float, str] | None = None  # size in nm, and for which file it was given
        self.setAutoFillBackground(True)
        self.setBackgroundRole(QPalette.ColorRole.AlternateBase)
        self.line = QLabel()
        self.line.setWordWrap(True)
        self.line.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.line.linkActivated.connect(self._on_line_linkActivated)
        self.close_button = QToolButton()
        self.close_button.setAutoRaise(True)
        self.close_button.setIconSize(QSize(16, 16))
        self.close_button.setToolTip("Close this line; the panel “Image” says the same")
        self.close_button.setAccessibleName("Close")
        self.close_button.clicked.connect(self.hide)
        row = QHBoxLayout()
        row.addWidget(self.line, 1)
        row.addWidget(self.close_button, 0, Qt.AlignmentFlag.AlignTop)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 5, 6, 5)
        layout.setSpacing(4)
        layout.addWidget(self._question())  # first: the facts below it come and go while it is answered
        layout.addLayout(row)
        self.warning = QLabel()
        self.warning.setWordWrap(True)
        layout.addWidget(self.warning)
        self._session.document_changed.connect(self._on_document)
        self._session.facts_changed.connect(self._show)
        self.first_scan.sampled.connect(self._show)
        self.first_scan.judged.connect(self._show)
        self.first_scan.failed.connect(self._on_failure)
        theme.set_icon(self.close_button, "mdi6.close")
        ignore_hasty_clicks(self)
        self.hide()

    def _question(self) -> QWidget:
        self.question = QWidget()
        self.size_nm = DoubleSpinBox()
        self.size_nm.setRange(0.01, 100_000)
        self.size_nm.setDecimals(2)
        self.size_nm.setValue(10)
        self.size_nm.setSuffix(" nm")
        self.size_nm.setMaximumWidth(96)
        self.size_nm.setAccessibleName("Voxel size in nm")
        self.apply = QPushButton("Apply")
        self.apply.setToolTip("Use this voxel size along x, y and z; the panel “Image” has a field for each")
        self.apply.clicked.connect(self._on_apply)
        self.unknown = QPushButton("I do not know")
        self.unknown.setToolTip("Go on in pixels; sizes in nm and µm are not given then")
        self.unknown.clicked.connect(lambda: self.question.hide())
        row = QFlowLayout(self.question)  # several lines in a narrow window
        row.setContentsMargins(0, 0, 0, 0)
        row.setHorizontalSpacing(8)
        row.setVerticalSpacing(4)
        words = QLabel("The file has no voxel size:")
        words.setMinimumHeight(self.apply.sizeHint().height())  # in line with the buttons
        self.as_for = QLabel()
        self.as_for.setProperty("role", "note")
        self.as_for.setTextFormat(Qt.TextFormat.PlainText)
        self.as_for.hide()
        self.as_for.setMinimumHeight(self.apply.sizeHint().height())
        for widget in (words, self.size_nm, self.as_for, self.apply, self.unknown):
            row.addWidget(widget)
        return self.question

    def _on_document(self) -> None:
        document = self._session.document
        self._error = ""
        self.question.setVisible(document is not None and document.voxel_nm is None)
        self.setVisible(document is not None)
        self._suggest()
        series = document is not None and bool(document.tomogram.tilt_series)
        self.warning.setVisible(series)
        if document is not None and series:
            self.warning.setText(f"<b>⚠ {_escaped(tilt_series_text(document.tomogram))}</b>")
        self._show()

    def _suggest(self) -> None:
        """Offer the size that was given last, and say for which file: others may be of another microscope."""
        if self._latest is not None:
            edge, name = self._latest
            self.size_nm.setValue(edge)
            self.as_for.setText(f"as for {cut(printable(name), 40)}, the last file")
        self.as_for.setVisible(self._latest is not None)

    def _show(self) -> None:
        document = self._session.document
        if document is None:
            return
        if document.voxel_nm is not None:
            self.question.hide()
        self.line.setText("  ·  ".join(self._facts(document)))
        self.line.setToolTip("" if document.polarity is None else document.polarity.reason)

    def _facts(self, document: Document) -> list[str]:
        facts = [
            f"<b>{_escaped(document.name)}</b>",
            f"{shape_text(document.shape)} voxels (z × y × x)",
            voxel_text(document.voxel_nm),
        ]
        sample = self.first_scan.sample
        if sample is None and not self._error:
            facts.append("values are being read …")  # about as long as what comes, so that no line is added
        if sample is not None:
            if sample.value_range is None:
                facts.append("no finite values")
            else:
                low, high = sample.value_range
                facts.append(f"values {low:.4g} to {high:.4g}")
            if sample.non_finite:
                facts.append(
                    f"{grouped(sample.non_finite)} voxels without a number (NaN) in {sample.slices} slices"
                )
        facts.append(self._polarity(document))
        facts.append(_axes(document.tomogram.axes))
        facts += [_escaped(note) for note in document.tomogram.notes if not isinstance(note, SizeUnknown)]
        if self._error:
            facts.append(_escaped(self._error))
        return [fact for fact in facts if fact]

    def _polarity(self, document: Document) -> str:
        polarity = document.polarity
        if polarity is None:
            return "" if self._error else "polarity is being found out …"
        return polarity.summary  # with Try and Segment, the network is asked as well

    def _on_failure(self, error: Exception) -> None:
        self._error = sentence_of(error) or f"The tomogram could not be read to the end: {error}"
        self._show()

    def _on_line_linkActivated(self, link: str) -> None:
        self._context.parts.actions.by_name[link].trigger()

    def _on_apply(self) -> None:
        edge, document = self.size_nm.value(), self._session.document
        if document is not None:
            self._latest = edge, document.name
        self._session.set_voxel_nm((edge, edge, edge))


def _axes(axes: StoredAxes) -> str:
    """Say how the axes are stored where that is not as always, and offer to say it."""
    if axes.named_by is NamedBy.FORMAT or (axes.named_by is NamedBy.FILE and axes.order == AxisOrder()):
        return ""
    text = f"axes {axes_text(axes)}"
    return text if axes.named_by is NamedBy.FILE else f'{text} <a href="file.axes">change…</a>'


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")
