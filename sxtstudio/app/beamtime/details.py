"""What is known of the chosen tomogram: its pictures, what asks for a look in words, and its figures."""

from __future__ import annotations

import html
from collections.abc import Iterable
from pathlib import Path

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QTextBrowser,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from sxtstudio.app import theme
from sxtstudio.app.beamtime.thumbnails import Thumbnails
from sxtstudio.app.beamtime.wall import colour_of
from sxtstudio.app.widgets.elided import ElidedLabel
from sxtstudio.core.printable import printable
from sxtstudio.core.quality.record import QualityFlag
from sxtstudio.core.wording import duration, share
from sxtstudio.workflow.beamtime.page import voxels_text
from sxtstudio.workflow.beamtime.record import PictureKind, TomogramRecord
from sxtstudio.workflow.beamtime.summary import TomogramMark, mark_of, objects_text, sentences_of

_PICTURES = ((PictureKind.SLICE, "Slice"), (PictureKind.PLANES, "Three planes"), (PictureKind.SURFACE, "3D"))
_PICTURE_PX = 640
#: A button that is one of several: on a dark window a pressed one is else hardly told from the others.
CHECKED = "QToolButton:checked { background: palette(highlight); color: palette(highlighted-text); }"
_MARKS = {QualityFlag.LOOK: TomogramMark.LOOK, QualityFlag.BAD: TomogramMark.BAD}


class _Picture(QWidget):
    """A picture as large as there is room, never larger than it is."""

    def __init__(self, thumbnails: Thumbnails) -> None:
        super().__init__()
        self._thumbnails = thumbnails
        self._path: Path | None = None
        self.setMinimumHeight(160)
        self.setAccessibleName("Picture of the chosen tomogram")
        thumbnails.arrived.connect(lambda path: self.update())

    def sizeHint(self) -> QSize:
        """Return the usual size."""
        return QSize(340, 300)

    def show_file(self, path: Path | None) -> None:
        """Show another picture, or none."""
        self._path = path
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint it in the middle."""
        with QPainter(self) as painter:
            if self._path is None:
                return
            picture = self._thumbnails.get(self._path, _PICTURE_PX)
            if picture is None:
                return
            if picture.isNull():
                painter.setPen(self.palette().placeholderText().color())
                painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, "This picture cannot be read.")
                return
            ratio = self.devicePixelRatio()
            room = self.size() * ratio
            size = picture.size().scaled(room, Qt.AspectRatioMode.KeepAspectRatio) / ratio
            target = self.rect()
            target.setSize(size)
            target.moveCenter(self.rect().center())
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawPixmap(target, picture)


class Details(QWidget):
    """The side of the wall."""

    def __init__(self, thumbnails: Thumbnails) -> None:
        """Begin without a tomogram."""
        super().__init__()
        self.folder = Path()
        self.record: TomogramRecord | None = None
        self.name = ElidedLabel(most_px=2000)
        self.name.setProperty("role", "title")
        self.picture = _Picture(thumbnails)
        self.text = QTextBrowser()
        self.text.setOpenLinks(False)
        self.text.setAccessibleName("What is known of the chosen tomogram")
        self.open_button = QPushButton("Open this tomogram")
        self.open_button.setToolTip("Open it in the main window (double-click or Enter on the wall)")
        self.open_button.setAutoDefault(False)
        theme.set_icon(self.open_button, "mdi6.folder-open-outline")
        self.kinds = QButtonGroup(self)
        self._buttons: dict[PictureKind, QToolButton] = {}
        row = QHBoxLayout()
        for number, (kind, text) in enumerate(_PICTURES):
            button = QToolButton()
            button.setText(text)
            button.setCheckable(True)
            button.setStyleSheet(CHECKED)
            button.setChecked(number == 0)
            self.kinds.addButton(button, number)
            self._buttons[kind] = button
            row.addWidget(button)
        row.addStretch()
        self.hint = QLabel("Choose a tomogram on the wall to see what is known of it.")
        self.hint.setWordWrap(True)
        self.hint.setProperty("role", "note")
        self.hint.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._known = QWidget()
        column = QVBoxLayout(self._known)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.name)
        column.addLayout(row)
        column.addWidget(self.picture, 3)
        column.addWidget(self.text, 3)
        column.addWidget(self.open_button)
        layout = QVBoxLayout(self)
        layout.addWidget(self.hint)
        layout.addWidget(self._known)
        self.kinds.idToggled.connect(lambda number, on: self._show_picture())
        theme.follow(self, self._show)

    def show_record(self, record: TomogramRecord | None) -> None:
        """Show another tomogram, or what is new of the same."""
        self.record = record
        self._show()

    def _show(self) -> None:
        record = self.record
        self.hint.setVisible(record is None)
        self._known.setVisible(record is not None)
        if record is None:
            return
        self.name.setText(printable(record.name))
        self.name.setToolTip(printable(record.path))
        for kind, button in self._buttons.items():
            button.setEnabled(kind in record.pictures)
        scrolled = self.text.verticalScrollBar().value()
        self.text.setHtml(self._html(record))
        self.text.verticalScrollBar().setValue(scrolled)
        self._show_picture()

    def _show_picture(self) -> None:
        kind = _PICTURES[max(0, self.kinds.checkedId())][0]
        name = None if self.record is None else self.record.picture(kind)
        self.picture.show_file(None if name is None else self.folder / name)

    def _html(self, record: TomogramRecord) -> str:
        """Return what is known as rich text; names come from strangers, and are escaped."""
        mark = mark_of(record)
        faint = self.palette().placeholderText().color().name()
        parts = [
            f'<p><b style="color:{colour_of(mark, self.palette()).name()}">{mark.value.capitalize()}</b></p>'
        ]
        parts += [f"<p>{_text(sentence)}</p>" for sentence in sentences_of(record)]
        facts = [
            ("Arrived", record.arrived[:16].replace("T", " ")),
            ("Voxels", voxels_text(record)),
            ("Labelled", "" if record.labelled is None else share(record.labelled)),
            ("Objects", objects_text(record)),
            ("Labels", "" if record.labels is None else Path(record.labels).name),
            ("Segmented in", "" if record.seconds is None else duration(record.seconds)),
            ("Model", f"{record.model} ({record.device})" if record.model else ""),
        ]
        rows = [_row(title, _text(value)) for title, value in facts if value]
        for figure in () if record.quality is None else record.quality.figures:
            flagged = _MARKS.get(figure.flag)
            value = _text(figure.text)
            if flagged is not None:
                value = f'<b style="color:{colour_of(flagged, self.palette()).name()}">{value}</b>'
            said = (
                f'<br><span style="color:{faint}">{_text(figure.sentence)}</span>' if figure.sentence else ""
            )
            rows.append(_row(figure.definition.title, value + said))
        return f"{''.join(parts)}<table cellpadding='2'>{''.join(rows)}</table>"


def _row(title: str, value: str) -> str:
    return f"<tr><td valign='top'>{_text(title)}&nbsp;&nbsp;</td><td>{value}</td></tr>"


def _text(text: str) -> str:
    return html.escape(printable(text))


def files_of(folder: Path, record: TomogramRecord) -> Iterable[Path]:
    """Yield the files of the pictures of a tomogram."""
    for kind in record.pictures:
        name = record.picture(kind)
        if name is not None:
            yield folder / name
