"""Where the three slice views look, in lengths of the specimen: one centre and one zoom for all of them."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from sxtstudio.core.geometry import Triple
from sxtstudio.core.volume import VoxelSize

# A pixel of the slice never becomes larger than this on the screen, nor the volume smaller than that.
_LARGEST_PIXEL = 80.0
_SMALLEST_VOLUME = 40.0


class Camera(QObject):
    """Centre (z, y, x) and zoom; lengths are nm, or pixels where the voxel size is unknown."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        """Look at nothing."""
        super().__init__(parent)
        self.shape: Triple = (1, 1, 1)
        self.voxel: VoxelSize = (1.0, 1.0, 1.0)
        self.centre = [0.0, 0.0, 0.0]
        self.zoom = 1.0  # pixels of the screen per length

    def look_at(self, shape: Triple, voxel: VoxelSize | None) -> None:
        """Take another volume, or another voxel size for the same one; the place in the image stays."""
        new = voxel or (1.0, 1.0, 1.0)
        ratio = [b / a for a, b in zip(self.voxel, new, strict=True)]
        self.centre = [c * r for c, r in zip(self.centre, ratio, strict=True)]
        self.zoom /= ratio[2]
        self.shape, self.voxel = shape, new
        self.changed.emit()

    def length(self, axis: int) -> float:
        """Return the edge length of the volume along an axis."""
        return self.shape[axis] * self.voxel[axis]

    def fit(self, width: float, height: float) -> None:
        """Show the whole XY slice in a view of this size."""
        self.centre = [(n - 1) / 2 * v for n, v in zip(self.shape, self.voxel, strict=True)]
        self.zoom = 0.96 * min(width / self.length(2), height / self.length(1))
        self.changed.emit()

    def zoom_to(self, zoom: float) -> None:
        """Set the zoom, within reason."""
        longest = max(self.length(axis) for axis in range(3))
        self.zoom = min(max(zoom, _SMALLEST_VOLUME / longest), _LARGEST_PIXEL / min(self.voxel))
        self.changed.emit()

    def zoom_at(self, factor: float, place: dict[int, float]) -> None:
        """Zoom so that the point with these lengths along two axes stays where it is on the screen."""
        before = self.zoom
        self.blockSignals(True)
        self.zoom_to(self.zoom * factor)
        self.blockSignals(False)
        for axis, length in place.items():
            self.centre[axis] = length + (self.centre[axis] - length) * before / self.zoom
        self.changed.emit()

    def pan(self, moved: dict[int, float]) -> None:
        """Move the centre by lengths along two axes; a part of the volume stays in sight."""
        for axis, length in moved.items():
            self.centre[axis] = min(max(0.0, self.centre[axis] + length), self.length(axis))
        self.changed.emit()
