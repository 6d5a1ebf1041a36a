"""The 3D view: what it shows, screenshots, movies."""

from __future__ import annotations

from PySide6.QtWidgets import (
    QFormLayout,
    QGridLayout,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from sxtstudio.app import theme
from sxtstudio.app.context import Context
from sxtstudio.app.view3d.fields import SceneFields
from sxtstudio.app.view3d.saving import SavingGroup
from sxtstudio.app.view3d.view import View3D
from sxtstudio.app.widgets.footer import Footer
from sxtstudio.app.widgets.notes import note, show_note
from sxtstudio.core.wording import slice_number


class SurfacePanel(QWidget):
    """Everything about the 3D view; it speaks to the view by its ``scene`` and ``status`` only."""

    def __init__(self, context: Context, view: View3D, parent: QWidget | None = None) -> None:
        """Build the widget."""
        super().__init__(parent)
        self._context = context
        self._view = view
        self.fields = SceneFields(self._view.scene, self)
        self.saving = SavingGroup(context, view)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        self.update_button = QPushButton("Show the 3D view")
        self.update_button.setProperty("role", "main")
        self.update_button.clicked.connect(view.update_or_cancel)
        self._summary = note()
        self.footer = Footer((self._summary,), (self.update_button,))
        for group in (
            self._build_surface(),
            self._build_slices(),
            self._build_clipping(),
            self._build_look(),
            self.saving,
        ):
            layout.addWidget(group)
        layout.addStretch()
        self._view.status.changed.connect(self._apply_style)
        self._view.scene.changed.connect(self._apply_style)
        context.session.document_changed.connect(self._apply_style)
        self._apply_style()

    def _build_surface(self) -> QGroupBox:
        fields = self.fields
        group = QGroupBox("Surface")
        rows = QFormLayout(group)
        rows.addRow(fields.check("surface_visible", "Show the labels", "Show the surface of the labels"))
        rows.addRow(
            fields.check(
                "bodies_visible", "Show the objects", "Show the objects that were found, in their colours"
            )
        )
        self._dice = QToolButton()
        theme.set_icon(self._dice, "mdi6.dice-multiple-outline")
        self._dice.setToolTip("Other random colours")
        self._dice.setAccessibleName("Other random colours")
        self._dice.clicked.connect(lambda: self._view.scene.set(seed=self._view.scene.value.seed + 1))
        colour = QHBoxLayout()
        colour.addWidget(
            fields.choice(
                "objects",
                "One colour for all, or a random colour for each object",
                ((False, "One colour"), (True, "By object")),
            ),
            1,
        )
        colour.addWidget(self._dice)
        rows.addRow("Colour", colour)
        rows.addRow("Opacity", fields.slider("opacity", "Opacity of the surface", 0.05, 1.0))
        rows.addRow(
            "Smoothing", fields.spin("smooth", "Takes the steps of the voxels away; 20 is usual", 0, 200, 5)
        )
        rows.addRow(
            "Smallest object",
            fields.spin(
                "min_faces",
                "Objects with fewer triangles are left out. Automatic: 1,000 for random colours, else none",
                -1,
                1_000_000,
                100,
                "Automatic",
            ),
        )
        rows.addRow(
            "Most faces",
            fields.spin(
                "max_faces",
                "A surface with more triangles is simplified, with a note; fewer turn faster",
                10_000,
                20_000_000,
                100_000,
            ),
        )
        rows.addRow(fields.check("mask_visible", "Show the cell mask", "Show the cell mask as a pale shell"))
        rows.addRow("Mask opacity", fields.slider("mask_opacity", "Opacity of the cell mask", 0.02, 1.0))
        self._auto = fields.check(
            "auto_update", "Update by itself", "Make the surface anew after each change of the labels"
        )
        rows.addRow(self._auto)
        return group

    def _build_slices(self) -> QGroupBox:
        fields = self.fields
        group = QGroupBox("Slices inside")
        rows = QFormLayout(group)
        which = QHBoxLayout()
        for name in ("xy", "xz", "yz"):
            tip = f"Show the {name.upper()} slice at the crosshair; click on it to move the crosshair"
            which.addWidget(fields.check(f"plane_{name}", name.upper(), tip))
        which.addStretch()
        rows.addRow(which)
        rows.addRow("Opacity", fields.slider("plane_opacity", "Opacity of the slices", 0.05, 1.0))
        return group

    def _build_clipping(self) -> QGroupBox:
        fields = self.fields
        group = QGroupBox("Clipping")
        grid = QGridLayout(group)
        head = QHBoxLayout()
        head.addWidget(fields.check("clip", "Clip the surfaces", "Show only what lies within a box"))
        head.addWidget(fields.check("clip_box", "Show box", "Draw the edges of the clipping box"))
        grid.addLayout(head, 0, 0, 1, 3)
        self._ranges: dict[str, QLabel] = {}
        for row, axis in enumerate("xyz", 1):
            slider = fields.range(f"clip_{axis}", f"First and last shown place along {axis}")
            slider.valueChanged.connect(lambda _ends: self._view.scene.set(clip=True))
            self._ranges[axis] = QLabel()
            self._ranges[axis].setMinimumWidth(self.fontMetrics().horizontalAdvance("0000–0000"))
            grid.addWidget(QLabel(axis), row, 0)
            grid.addWidget(slider, row, 1)
            grid.addWidget(self._ranges[axis], row, 2)
        grid.setColumnStretch(1, 1)
        return group

    def _build_look(self) -> QGroupBox:
        fields = self.fields
        group = QGroupBox("Look")
        rows = QFormLayout(group)
        light = QHBoxLayout()
        light.addWidget(fields.check("lighting", "", "Shade the surfaces"))
        light.addWidget(fields.slider("light", "Strength of the light", 0.2, 2.0), 1)
        rows.addRow("Light", light)
        rows.addRow(
            "Background",
            fields.choice(
                "background",
                "What is behind the scene",
                (("auto", "As the window"), ("dark", "Dark"), ("light", "Light"), ("white", "White")),
            ),
        )
        rows.addRow(
            "Projection",
            fields.choice(
                "perspective",
                "Perspective: near things look larger. Orthographic: the scale bar holds everywhere",
                ((True, "Perspective"), (False, "Orthographic")),
            ),
        )
        shown = QHBoxLayout()
        shown.addWidget(fields.check("scale_bar", "Scale bar", "Show a scale bar"))
        shown.addWidget(fields.check("axes", "Axes", "Show the directions of x, y and z"))
        shown.addWidget(fields.check("box", "Box", "Show the edges of the volume"))
        rows.addRow(shown)
        return group

    # -- following the view ----------------------------------------------------------------------

    def _apply_style(self) -> None:
        status = self._view.status.value
        if status.building:
            text = "Cancel"
        elif not status.ready:
            text = "Show the 3D view"
        elif status.summary:
            text = "Update the surface"
        else:
            text = "Make the surface"
        self.update_button.setText(text)
        self.update_button.setEnabled(self._context.session.document is not None or not status.ready)
        lines = [status.summary] if status.summary else []
        if status.building:
            lines = ["Making the surface …"]
        elif status.outdated:
            lines.append("Out of date: labels or settings have changed since.")
        lines += status.notes
        if self._view.scene.value.bodies_visible:
            lines += status.body_notes
        if status.message and not status.building:
            lines.append(status.message)
        document = self._context.session.document
        if document is not None and document.voxel_nm is None and status.ready:
            unknown = "The voxel size is unknown: lengths are in voxels, not in nm."
            lines += [unknown] if unknown not in lines else []
        if status.software:
            lines.append("Drawn by the processor, without a graphics card: large surfaces turn slowly.")
        show_note(self._summary, "\n".join(lines))
        self._summary.setToolTip(status.opengl)
        state = self._view.scene.value
        self._dice.setVisible(state.objects)
        small = self._view.is_small
        self._auto.setEnabled(small)
        for axis, label in self._ranges.items():
            label.setText(self._range_text(axis, state.clip_range(axis)))

    def _range_text(self, axis: str, ends: tuple[float, float]) -> str:
        document = self._context.session.document
        if document is None:
            return ""
        count = document.shape["zyx".index(axis)]
        first = min(count - 1, round(ends[0] * count))
        last = max(first, round(ends[1] * count) - 1)
        # As under the slices: x and y from 0, slices from 1.
        return f"{slice_number(first)}–{slice_number(last)}" if axis == "z" else f"{first}–{last}"

    def shut_down(self) -> None:
        """Remember the sizes of pictures and movies."""
        self.saving.keep()
