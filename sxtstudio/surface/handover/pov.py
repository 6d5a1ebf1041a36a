"""A scene of POV-Ray made of meshes alone: seen from an edge of the volume, on white."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sxtstudio.surface.handover.part import MeshPart
from sxtstudio.surface.handover.sink import Lengths, MeshPaths, MeshSink, Step, Totals, Vector
from sxtstudio.surface.povray.meshes import MeshText, read_totals
from sxtstudio.surface.povray.scene import PovMesh, PovScene, camera_on, lights_of
from sxtstudio.surface.povray.write import check_scene, scene_text


class PovSink(MeshSink):
    """Meshes go to the .inc; the scene, whose camera sees all of them, is written at the end."""

    def __init__(self, where: MeshPaths, lengths: Lengths, name: str, step: Step = None) -> None:
        """Begin the file of the meshes."""
        super().__init__(where, lengths, name, step)
        check_scene(where.final)
        assert where.beside is not None
        file = self._stack.enter_context(open(where.beside, "w", encoding="utf-8", newline="\n"))
        self._text = MeshText(file, lengths.decimals, step=self._step)

    def _add(self, part: MeshPart, places: Vector) -> None:
        self._text.add(PovMesh(replace(part, points=places.astype(np.float32), normals=part.with_normals)))

    def finish(self) -> None:
        """Write the scene."""
        there = self.totals.points > 0
        low, high = (self.totals.low, self.totals.high) if there else (np.zeros(3), np.ones(3))
        camera = camera_on(low, high)
        scene = PovScene(
            self.name, self.lengths.word, (), camera, lights_of(camera), (1.0, 1.0, 1.0), low, high
        )
        text = scene_text(scene, self.final, self._text.objects.getvalue())
        self.path.write_text(text, encoding="utf-8", newline="\n")
        self._whole = text
        self.close()

    def read_back(self) -> Totals:
        """Return what the meshes hold."""
        if self.beside is None or self.path.read_text(encoding="utf-8") != self._whole:
            return Totals(-1, -1)
        return read_totals(self.beside, self._step)
