"""Fields of the 3D panel that follow the state of the scene, and change it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from PySide6.QtCore import QObject, QSignalBlocker, Qt
from PySide6.QtWidgets import QCheckBox, QWidget

from sxtstudio.app.states import Observed
from sxtstudio.app.view3d.state import SceneState
from sxtstudio.app.widgets.controls import ComboBox, RangeSlider, Slider, SpinBox

_STEPS = 100


class SceneFields(QObject):
    """Makes widgets, each bound to one field of the scene's state in both directions."""

    def __init__(self, scene: Observed[SceneState], parent: QObject | None = None) -> None:
        """Bind to ``scene``."""
        super().__init__(parent)
        self._scene = scene
        self._shown: list[tuple[QWidget, Callable[[SceneState], None]]] = []
        scene.changed.connect(self._show_all)

    def _bind(self, widget: QWidget, show: Callable[[SceneState], None]) -> None:
        self._shown.append((widget, show))
        self._show_one(widget, show)

    def _show_all(self) -> None:
        for widget, show in self._shown:
            self._show_one(widget, show)

    def _show_one(self, widget: QWidget, show: Callable[[SceneState], None]) -> None:
        blocker = QSignalBlocker(widget)
        show(self._scene.value)
        blocker.unblock()

    def check(self, field: str, text: str, tip: str) -> QCheckBox:
        """Return a box for a field that is true or false."""
        box = QCheckBox(text)
        box.setToolTip(tip)
        box.setObjectName(field)
        box.toggled.connect(lambda on: self._scene.set(**{field: on}))
        self._bind(box, lambda state: box.setChecked(_value(state, field)))
        return box

    def slider(self, field: str, tip: str, low: float = 0.0, high: float = 1.0) -> Slider:
        """Return a slider for a number from ``low`` to ``high``."""
        slider = Slider(Qt.Orientation.Horizontal)
        slider.setRange(0, _STEPS)
        slider.setToolTip(tip)
        slider.setAccessibleName(tip)
        slider.setObjectName(field)
        slider.valueChanged.connect(
            lambda step: self._scene.set(**{field: round(low + (high - low) * step / _STEPS, 6)})
        )

        def show(state: SceneState) -> None:
            slider.setValue(round(_STEPS * (_value(state, field) - low) / (high - low)))

        self._bind(slider, show)
        return slider

    def spin(self, field: str, tip: str, low: int, high: int, step: int, special: str = "") -> SpinBox:
        """Return a field for a whole number; ``special`` is the word for ``low``."""
        spin = SpinBox()
        spin.setRange(low, high)
        spin.setSingleStep(step)
        spin.setKeyboardTracking(False)
        spin.setSpecialValueText(special)
        spin.setToolTip(tip)
        spin.setObjectName(field)
        spin.valueChanged.connect(lambda value: self._scene.set(**{field: value}))
        self._bind(spin, lambda state: spin.setValue(_value(state, field)))
        return spin

    def choice(self, field: str, tip: str, choices: Sequence[tuple[Any, str]]) -> ComboBox:
        """Return a list of (value, words) to choose from."""
        box = ComboBox()
        # Long words must not make the panel wider than its place.
        box.setSizeAdjustPolicy(ComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        box.setMinimumContentsLength(9)
        for value, words in choices:
            box.addItem(words, value)
        box.setToolTip(tip)
        box.setObjectName(field)
        box.currentIndexChanged.connect(lambda number: self._scene.set(**{field: box.itemData(number)}))
        self._bind(box, lambda state: box.setCurrentIndex(max(0, box.findData(_value(state, field)))))
        return box

    def range(self, field: str, tip: str) -> RangeSlider:
        """Return a slider with two handles for a part of 0…1."""
        slider = RangeSlider(Qt.Orientation.Horizontal)
        slider.setRange(0.0, 1.0)
        slider.setToolTip(tip)
        slider.setAccessibleName(tip)
        slider.setObjectName(field)
        slider.valueChanged.connect(
            lambda ends: self._scene.set(**{field: (round(float(ends[0]), 4), round(float(ends[1]), 4))})
        )
        self._bind(slider, lambda state: slider.setValue(_value(state, field)))
        return slider


def _value(state: SceneState, field: str) -> Any:
    """Return a field of the record, by the name that ``Observed.set`` takes."""
    return vars(state)[field]
