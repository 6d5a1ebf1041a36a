"""Slices of the tomogram as pictures inside the 3D scene."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from vtkmodules.util.numpy_support import numpy_to_vtk
from vtkmodules.vtkCommonDataModel import vtkImageData
from vtkmodules.vtkFiltersSources import vtkPlaneSource
from vtkmodules.vtkRenderingCore import vtkActor, vtkPolyDataMapper, vtkTexture

from sxtstudio.core.contrast import auto_window
from sxtstudio.core.geometry import Box, Triple
from sxtstudio.core.volume import Volume

# Pixels along the longer edge of a texture.
LONGEST_PX = 1024


@dataclass(frozen=True, eq=False)
class SliceImage:
    """A slice perpendicular to ``axis`` (of z, y, x) at reduced resolution: float32 (rows, columns)."""

    axis: int
    index: int
    values: NDArray[np.float32]

    def grey(self, low: float, high: float, inverted: bool) -> NDArray[np.uint8]:
        """Return the slice as grey levels; ``low`` is black, or white if inverted."""
        if (low, high) == (0.0, 1.0):  # nobody has chosen a contrast yet
            low, high = auto_window(self.values)
        scaled = (self.values - low) * (255.0 / (high - low or 1.0))
        grey = np.clip(np.nan_to_num(scaled), 0, 255).astype(np.uint8)
        return np.asarray(255 - grey if inverted else grey, np.uint8)


def read_slice(volume: Volume, axis: int, index: int, longest: int = LONGEST_PX) -> SliceImage:
    """Read one slice; blocks of pixels are averaged so that no edge is longer than ``longest``."""
    start, stop = [0, 0, 0], list(volume.shape)
    start[axis], stop[axis] = index, index + 1
    box = Box((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))
    values = volume.read(box).squeeze(axis).astype(np.float32)
    step = -(-max(values.shape) // longest)
    if step > 1:
        rows, columns = (np.arange(0, n, step) for n in values.shape)
        counts = np.outer(np.diff([*rows, values.shape[0]]), np.diff([*columns, values.shape[1]])).astype(
            np.float32
        )
        sums = np.add.reduceat(np.add.reduceat(values, rows, 0), columns, 1)
        values = (sums / counts).astype(np.float32)
    return SliceImage(axis, index, values)


def plane_corners(
    axis: int, index: int, shape: NDArray[np.float64], size: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return three corners (x, y, z) of a slice: of its first pixel, and at the ends of its columns and rows.

    ``shape`` and ``size`` of the voxels are (z, y, x), and ``axis`` is one of them.
    """
    low, high = -0.5 * size, (shape - 0.5) * size
    low[axis] = high[axis] = index * size[axis]
    # Rows and columns of the picture run along the other two axes, in the order of z, y, x.
    rows, columns = (other for other in range(3) if other != axis)
    along_columns, along_rows = low.copy(), low.copy()
    along_columns[columns], along_rows[rows] = high[columns], high[rows]
    return low[::-1], along_columns[::-1], along_rows[::-1]


class SlicePlane:
    """A rectangle at one slice with its grey values on it."""

    def __init__(self, axis: int) -> None:
        """Make the plane perpendicular to ``axis`` of (z, y, x)."""
        self.axis = axis
        self._source = vtkPlaneSource()
        self._texture = vtkTexture()
        self._texture.InterpolateOn()
        self._texture.MipmapOn()
        self._texture.EdgeClampOn()
        mapper = vtkPolyDataMapper()
        mapper.SetInputConnection(self._source.GetOutputPort())
        self.actor = vtkActor()
        self.actor.SetMapper(mapper)
        self.actor.SetTexture(self._texture)
        self.actor.GetProperty().SetLighting(False)
        self.actor.VisibilityOff()
        self._size = np.ones(3)
        self._shape = np.ones(3)
        self._image: SliceImage | None = None
        self._grey: NDArray[np.uint8] | None = None
        self._wanted = False

    def set_volume(self, shape: Triple, size: tuple[float, ...]) -> None:
        """Fit into a volume (z, y, x) with voxels of ``size`` (z, y, x)."""
        self._shape, self._size = np.array(shape, float), np.array(size)
        self._image = self._grey = None
        self.actor.VisibilityOff()

    def show(self, visible: bool, opacity: float) -> None:
        """Show or hide the plane; it is seen once it has a picture."""
        self._wanted = visible
        self.actor.SetVisibility(visible and self._image is not None)
        self.actor.GetProperty().SetOpacity(opacity)

    def set_image(self, image: SliceImage, grey: NDArray[np.uint8]) -> None:
        """Put the picture of a slice on the plane, and the plane where the slice lies."""
        self._image, self._grey = image, grey
        corner, along_columns, along_rows = plane_corners(self.axis, image.index, self._shape, self._size)
        self._source.SetOrigin(*corner)
        self._source.SetPoint1(*along_columns)
        self._source.SetPoint2(*along_rows)
        self._source.Update()
        self._texture.SetInputData(_image_data(grey))
        self.actor.SetVisibility(self._wanted)

    @property
    def image(self) -> SliceImage | None:
        """The slice that is on the plane."""
        return self._image

    @property
    def grey(self) -> NDArray[np.uint8] | None:
        """Its grey levels (rows, columns)."""
        return self._grey


def _image_data(grey: NDArray[np.uint8]) -> Any:
    data = vtkImageData()
    data.SetDimensions(grey.shape[1], grey.shape[0], 1)
    rgb = np.repeat(grey.reshape(-1, 1), 3, axis=1)
    data.GetPointData().SetScalars(numpy_to_vtk(rgb, deep=1))
    return data
