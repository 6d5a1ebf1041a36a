"""The plane that an object is to be split by, in the 3D view."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtCore import QObject

from sxtstudio.app.session import Session
from sxtstudio.app.states import CutState, Observed
from sxtstudio.app.view3d.canvas import Canvas3D
from sxtstudio.app.view3d.state import SceneState
from sxtstudio.core.volume import VoxelSize
from sxtstudio.surface.mesh import polydata
from sxtstudio.surface.scene import shaded


class CuttingPlane(QObject):
    """Draws ``session.cut``."""

    def __init__(
        self, session: Session, canvas: Canvas3D, scene: Observed[SceneState], parent: QObject | None = None
    ) -> None:
        """Draw in ``canvas``."""
        super().__init__(parent)
        self._session, self._canvas, self._scene = session, canvas, scene
        session.cut.changed.connect(self._show)
        self._show()

    def shut_down(self) -> None:
        """Listen to nobody any more."""
        self._session.cut.changed.disconnect(self._show)

    def _show(self) -> None:
        document, cut = self._session.document, self._session.cut.value
        self._canvas.scene.set_cut(None if document is None else square_of(cut, document.voxel_nm))
        self._canvas.refresh(self._scene.value)


def square_of(cut: CutState, voxel_nm: VoxelSize | None) -> Any:
    """Return a square in the plane around its point, as a mesh with normals (x, y, z); None: no plane."""
    if cut.place is None:
        return None
    middle = (np.array(cut.place) * np.array(voxel_nm or (1.0, 1.0, 1.0)))[::-1]
    normal = np.array(cut.normal)[::-1]
    first = np.cross(normal, np.eye(3)[int(np.abs(normal).argmin())])
    first /= np.linalg.norm(first)
    second = np.cross(normal, first)
    corners = [a * first + b * second for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
    points = (middle + cut.reach * np.array(corners)).astype(np.float32)
    return shaded(polydata(points, np.array([(0, 1, 2), (0, 2, 3)], np.int32)))
