"""The scene of the 3D view: surfaces, slice planes, box and lights in a VTK window; no Qt.

The window may be a hidden one, whose pixels are fetched, or that of a widget. It belongs to the scene, which
releases it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkCommonCore import vtkUnsignedCharArray
from vtkmodules.vtkCommonDataModel import vtkPlane
from vtkmodules.vtkFiltersSources import vtkCubeSource
from vtkmodules.vtkRenderingCore import vtkActor, vtkCellPicker, vtkPolyDataMapper, vtkRenderer

from sxtstudio.app.view3d.camera import Camera3D
from sxtstudio.app.view3d.contents import (
    SceneContents,
    ScenePart,
    ShownSlice,
    all_corners,
    clip_corners,
    corners_of,
)
from sxtstudio.app.view3d.planes import SlicePlane
from sxtstudio.app.view3d.state import SceneState
from sxtstudio.core.geometry import Triple
from sxtstudio.core.volume import VoxelSize
from sxtstudio.surface.objects import BodyMeshes
from sxtstudio.surface.scene import DIFFUSE, actor_of, light_kit

Pixels = NDArray[np.uint8]
Place = tuple[float, float, float]
Quality = Literal["moving", "screen", "best"]

# Calm, so that the surfaces stand out. A gradient would not survive VTK's passes for shadows.
BACKDROPS: dict[str, Place] = {
    "dark": (0.098, 0.112, 0.137),
    "light": (0.925, 0.937, 0.953),
    "white": (1.0, 1.0, 1.0),
}
MASK = (0.45, 0.72, 0.90)
# White would drown in the slices, so the chosen object is pink; the others step back.
HIGHLIGHT = (1.0, 0.28, 0.62)
CONTACT = (1.0, 0.93, 0.35)
DIMMED = 0.52
MASK_SPECULAR = 0.05
# What lies on other surfaces is lighter in the shade.
ON_TOP_AMBIENT = 0.30
LEAST_HIGHLIGHT = 0.6
CLIP_INK = (0.18, 0.51, 0.97)
# Larger surfaces are drawn lighter while they move, also by a graphics card.
_HEAVY_FACES = 3_000_000
_CUT_OPACITY = 0.45  # of the plane that an object is to be split by
_PEELS = {"screen": 3, "best": 8}


@dataclass(frozen=True)
class Picked:
    """What lies under the pointer: the place (x, y, z), and "surface", "bodies", "highlight" or "plane".

    ``number`` is that of the object where it is one of the bodies.
    """

    place: Place
    what: str
    number: int = 0


class Scene3D:
    """Everything that is drawn; lengths are in nm, or in voxels where the voxel size is unknown."""

    def __init__(self, window: Any, *, software: bool) -> None:
        """Draw in the VTK window ``window``; ``software``: the processor draws there."""
        self._window = window
        self._software = software
        self._renderer: Any = vtkRenderer()
        self._renderer.SSAOBlurOn()
        self._renderer.SetSSAOKernelSize(32)
        self._window.AddRenderer(self._renderer)
        self.camera = Camera3D(self._renderer.GetActiveCamera())
        self._state = SceneState()
        self._backdrop = BACKDROPS["dark"]
        self._light: float | None = None
        self._full: vtkActor | None = None
        self._coarse: vtkActor | None = None
        self._mask: vtkActor | None = None
        self._highlight: vtkActor | None = None
        self._contacts: vtkActor | None = None
        self._cut: vtkActor | None = None
        self._bodies: vtkActor | None = None
        self._light_bodies: vtkActor | None = None
        self._body_meshes: BodyMeshes | None = None
        self._volume: tuple[Triple, VoxelSize | None] = ((1, 1, 1), None)
        self._lower, self._upper = corners_of(*self._volume)
        self._box = _edges()
        self._clip_edges = _edges()
        self.planes = tuple(SlicePlane(axis) for axis in range(3))
        for prop in (self._box[1], self._clip_edges[1], *(plane.actor for plane in self.planes)):
            self._renderer.AddActor(prop)

    # -- what is in it ---------------------------------------------------------------------------

    def set_volume(self, shape: Triple, voxel_nm: VoxelSize | None) -> None:
        """Begin an empty scene around a volume (z, y, x); the centre of voxel 0 lies at 0."""
        self._volume = (shape, voxel_nm)
        self._lower, self._upper = corners_of(shape, voxel_nm)
        diagonal = float(np.linalg.norm(self._upper - self._lower))
        self._renderer.SetSSAORadius(0.035 * diagonal)
        self._renderer.SetSSAOBias(0.0012 * diagonal)
        self.set_surface(None)
        self.set_mask(None)
        self.set_highlight(None)
        self.set_bodies(None)
        self.set_contacts(None)
        self.set_cut(None)
        for plane in self.planes:
            plane.set_volume(shape, voxel_nm or (1.0, 1.0, 1.0))
        _set_edges(self._box, self._lower, self._upper)

    @property
    def bounds(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Corners of the volume, (x, y, z)."""
        return self._lower, self._upper

    @property
    def has_surface(self) -> bool:
        """Whether there is a surface of labels."""
        return self._full is not None

    def set_surface(self, full: Any, coarse: Any = None) -> None:
        """Show the mesh of the labels (with normals), and a lighter one while it moves; None: nothing."""
        self._full = self._exchanged(self._full, full)
        self._coarse = self._exchanged(self._coarse, coarse)

    def set_mask(self, mesh: Any) -> None:
        """Show the surface of the cell mask."""
        self._mask = self._exchanged(self._mask, mesh)
        if self._mask is not None:
            look = self._mask.GetProperty()
            look.SetColor(*MASK)
            look.SetSpecular(MASK_SPECULAR)

    def set_highlight(self, mesh: Any) -> None:
        """Show the chosen object."""
        self._highlight = self._exchanged(self._highlight, mesh)
        if self._highlight is not None:
            look = self._highlight.GetProperty()
            look.SetColor(*HIGHLIGHT)
            look.SetAmbient(ON_TOP_AMBIENT)
            # It lies on the surface itself: draw it in front.
            mapper = self._highlight.GetMapper()
            mapper.SetResolveCoincidentTopologyToPolygonOffset()
            mapper.SetRelativeCoincidentTopologyPolygonOffsetParameters(-4.0, -400.0)

    def set_contacts(self, mesh: Any) -> None:
        """Show contact sites, which lie on the objects."""
        self._contacts = self._exchanged(self._contacts, mesh)
        if self._contacts is not None:
            look = self._contacts.GetProperty()
            look.SetColor(*CONTACT)
            look.SetAmbient(ON_TOP_AMBIENT)
            mapper = self._contacts.GetMapper()
            mapper.SetResolveCoincidentTopologyToPolygonOffset()
            mapper.SetRelativeCoincidentTopologyPolygonOffsetParameters(-4.0, -400.0)
            self._clip(self._state)

    def set_cut(self, mesh: Any) -> None:
        """Show the plane that an object is to be split by; one can see through it, and it is not picked."""
        self._cut = self._exchanged(self._cut, mesh)
        if self._cut is not None:
            self._cut.PickableOff()
            look = self._cut.GetProperty()
            look.SetColor(*HIGHLIGHT)
            look.SetOpacity(_CUT_OPACITY)
            look.LightingOff()

    def set_bodies(self, meshes: BodyMeshes | None) -> None:
        """Show the surfaces of the objects; what is drawn of them is as the meshes were styled last."""
        self._body_meshes = meshes
        self._bodies = self._exchanged(self._bodies, None if meshes is None else meshes.full.mesh)
        self._light_bodies = self._exchanged(
            self._light_bodies, None if meshes is None else meshes.light.mesh
        )

    @property
    def bodies(self) -> BodyMeshes | None:
        """The surfaces of the objects."""
        return self._body_meshes

    def restyle_bodies(self) -> None:
        """Draw the objects as their meshes are styled now."""
        meshes = self._body_meshes
        if meshes is not None and self._bodies is not None and self._light_bodies is not None:
            self._bodies.GetMapper().SetInputData(meshes.full.mesh)
            self._light_bodies.GetMapper().SetInputData(meshes.light.mesh)

    def set_mesh(self, part: ScenePart, mesh: Any) -> None:
        """Show the mesh of one part; None: nothing."""
        if part is ScenePart.SURFACE:
            self.set_surface(mesh)
        elif part is ScenePart.BODIES:
            self._bodies = self._exchanged(self._bodies, mesh)
        elif part is ScenePart.MASK:
            self.set_mask(mesh)
        elif part is ScenePart.CONTACTS:
            self.set_contacts(mesh)
        elif part is ScenePart.CUT:
            self.set_cut(mesh)
        else:
            self.set_highlight(mesh)

    def contents(self, dark: bool) -> SceneContents:
        """Return what is in the scene now and from where it is seen; ``dark``: the window is dark."""
        shape, voxel_nm = self._volume
        actors = {ScenePart.SURFACE: self._full, ScenePart.MASK: self._mask}
        actors |= {ScenePart.HIGHLIGHT: self._highlight, ScenePart.BODIES: self._bodies}
        actors |= {ScenePart.CONTACTS: self._contacts, ScenePart.CUT: self._cut}
        return SceneContents(
            shape=shape,
            voxel_nm=voxel_nm,
            meshes={
                part: actor.GetMapper().GetInput() for part, actor in actors.items() if actor is not None
            },
            planes=tuple(
                ShownSlice(plane.axis, plane.image.index, plane.grey)
                for plane in self.planes
                if plane.image is not None and plane.grey is not None
            ),
            state=self._state,
            dark=dark,
            camera=self.camera.state(),
        )

    def recolour(self, colours: NDArray[np.uint8]) -> None:
        """Give object 1, 2, … of the surface the colours (n, 3)."""
        for actor in (self._full, self._coarse):
            if actor is None:
                continue
            data = actor.GetMapper().GetInput().GetPointData()
            objects = data.GetArray("object")
            if objects is not None:
                shown = data.GetArray("RGB")
                vtk_to_numpy(shown)[:] = colours[vtk_to_numpy(objects) - 1]
                shown.Modified()

    def _exchanged(self, former: vtkActor | None, mesh: Any) -> vtkActor | None:
        if former is not None:
            self._renderer.RemoveActor(former)
            former.ReleaseGraphicsResources(self._window)
        if mesh is None:
            return None
        actor = actor_of(mesh)
        self._renderer.AddActor(actor)
        return actor

    # -- how it looks ----------------------------------------------------------------------------

    def apply(self, state: SceneState, dark: bool) -> None:
        """Take over everything that the state says."""
        self._state = state
        for actor, opacity in (
            (self._full, state.opacity),
            (self._coarse, state.opacity),
            (self._bodies, state.opacity),
            (self._light_bodies, state.opacity),
            (self._mask, state.mask_opacity),
            (self._highlight, max(LEAST_HIGHLIGHT, state.opacity)),
        ):
            if actor is not None:
                actor.GetProperty().SetOpacity(opacity)
                actor.GetProperty().SetLighting(state.lighting)
        for actor in (self._full, self._coarse):
            if actor is not None:
                actor.GetProperty().SetDiffuse(DIFFUSE if self._highlight is None else DIMMED)
                actor.GetProperty().SetColor(*(channel / 255 for channel in state.rgb))
        if self._mask is not None:
            self._mask.SetVisibility(state.mask_visible)
        for plane, visible in zip(self.planes, (state.plane_xy, state.plane_xz, state.plane_yz), strict=True):
            plane.show(visible, state.plane_opacity)
        if self._light != state.light:
            self._light = state.light
            self._renderer.RemoveAllLights()
            light_kit(state.light).AddLightsToRenderer(self._renderer)
        backdrop = state.backdrop(dark)
        self._backdrop = BACKDROPS[backdrop]
        self._box[1].GetProperty().SetColor(*box_ink(backdrop))
        self._box[1].SetVisibility(state.box)
        self.camera.set_perspective(state.perspective)
        self._clip(state)

    def clip_bounds(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Corners (x, y, z) of the clipping box."""
        return clip_corners(self._state, self._lower, self._upper)

    def _clip(self, state: SceneState) -> None:
        low, high = self.clip_bounds()
        planes = []
        if state.clip:
            for axis in range(3):
                for place, limit, sign in ((low, self._lower, 1.0), (high, self._upper, -1.0)):
                    if place[axis] != limit[axis]:
                        plane = vtkPlane()
                        plane.SetOrigin(*place)
                        plane.SetNormal(*(sign * np.eye(3)[axis]))
                        planes.append(plane)
        solid = (self._full, self._coarse, self._mask, self._highlight, self._bodies, self._light_bodies)
        for actor in (*solid, self._contacts):
            if actor is not None:
                mapper = actor.GetMapper()
                mapper.RemoveAllClippingPlanes()
                for plane in planes:
                    mapper.AddClippingPlane(plane)
        _set_edges(self._clip_edges, low, high)
        self._clip_edges[1].GetProperty().SetColor(*CLIP_INK)
        self._clip_edges[1].SetVisibility(state.clip and state.clip_box)

    # -- drawing ---------------------------------------------------------------------------------

    def render(
        self,
        size: tuple[int, int],
        quality: Quality = "best",
        *,
        shadows: bool = True,
        light: bool = False,
        clear: bool = False,
    ) -> Pixels:
        """Draw the scene in a hidden window; return uint8 (height, width, 4), first row on top.

        ``size`` is (width, height); the rest is as of ``prepare``.
        """
        self._window.SetSize(*size)
        self.prepare(quality, shadows=shadows, light=light, clear=clear)
        self._window.Render()
        pixels = vtkUnsignedCharArray()
        self._window.GetRGBACharPixelData(0, 0, size[0] - 1, size[1] - 1, 0, pixels)
        values = vtk_to_numpy(pixels).reshape(size[1], size[0], 4)
        return np.ascontiguousarray(values[::-1])

    def prepare(
        self, quality: Quality, *, shadows: bool = True, light: bool = False, clear: bool = False
    ) -> None:
        """Choose how well the window draws the next time.

        Parameters
        ----------
        quality
            "moving": the lighter surface without refinements; "screen", "best".
        shadows
            Darken what lies between and below objects.
        light
            Draw the lighter surface in any quality.
        clear
            Transparent background; colours are premultiplied with the opacity then, and edges are hard:
            draw larger and average.
        """
        state, renderer = self._state, self._renderer
        refined = quality != "moving"
        light = light or (not refined and self._heavy)
        for full, coarse, visible in (
            (self._full, self._coarse, state.surface_visible),
            (self._bodies, self._light_bodies, state.bodies_visible),
        ):
            lighter = light and coarse is not None
            if full is not None:
                full.SetVisibility(visible and not lighter)
            if coarse is not None:
                coarse.SetVisibility(visible and lighter)
        renderer.SetUseSSAO(refined and shadows and state.lighting)
        renderer.SetUseFXAA(refined and not clear)  # it would smooth the colours, but not the opacity
        renderer.SetUseDepthPeeling(refined and self.translucent)
        renderer.SetBackground(*((0, 0, 0) if clear else self._backdrop))
        renderer.SetBackgroundAlpha(0.0 if clear else 1.0)
        renderer.SetMaximumNumberOfPeels(_PEELS.get(quality, 1))
        renderer.ResetCameraClippingRange()

    @property
    def _heavy(self) -> bool:
        return self._faces > 0 and (self._software or self._faces > _HEAVY_FACES)

    @property
    def _faces(self) -> int:
        state = self._state
        shown = ((self._full, state.surface_visible), (self._bodies, state.bodies_visible))
        return sum(
            int(actor.GetMapper().GetInput().GetNumberOfCells())
            for actor, visible in shown
            if actor is not None and visible
        )

    @property
    def translucent(self) -> bool:
        """Whether anything is seen through, which takes longer to draw."""
        state = self._state
        return (
            (self._full is not None and state.surface_visible and state.opacity < 1)
            or (self._bodies is not None and state.bodies_visible and state.opacity < 1)
            or (self._mask is not None and state.mask_visible)
            or self._cut is not None
            or (state.plane_opacity < 1 and (state.plane_xy or state.plane_xz or state.plane_yz))
        )

    def frame_all(self, view: str, aspect: float) -> None:
        """Look from one of the named sides so that the whole volume fills the picture."""
        self.camera.look(view, self.corners, aspect)

    @property
    def corners(self) -> NDArray[np.float64]:
        """The eight corners of the volume, (8, 3)."""
        return all_corners(self._lower, self._upper)

    def pick(self, x: float, y: float) -> Picked | None:
        """Return what was drawn at (x, y) pixels from the top left of the last picture, or None."""
        picker = vtkCellPicker()
        picker.SetTolerance(0.0)
        picker.PickFromListOn()
        actors: dict[str, vtkActor] = {}
        solid = {
            "surface": self._to_pick(self._full, self._coarse) if self._state.surface_visible else None,
            "bodies": self._to_pick(self._bodies, self._light_bodies) if self._state.bodies_visible else None,
        }
        drawn = {name: actor for name, actor in solid.items() if actor is not None}
        actors |= drawn
        if self._highlight is not None:
            actors["highlight"] = self._highlight
        actors |= {f"plane{p.axis}": p.actor for p in self.planes if p.actor.GetVisibility()}
        for actor in actors.values():
            picker.AddPickList(actor)
        height = self._window.GetSize()[1]
        shown = {name: actor.GetVisibility() for name, actor in drawn.items()}
        for actor in drawn.values():
            actor.VisibilityOn()  # else VTK passes it over
        hit = picker.GetActor() if actors and picker.Pick(x, height - 1 - y, 0, self._renderer) else None
        for name, actor in drawn.items():
            actor.SetVisibility(shown[name])
        if hit is None:
            return None
        what = next(name for name, actor in actors.items() if actor is hit)
        px, py, pz = picker.GetPickPosition()
        number = 0
        if what == "bodies" and self._body_meshes is not None:
            meshes = self._body_meshes
            number = (meshes.light if hit is self._light_bodies else meshes.full).number_of(
                picker.GetCellId()
            )
        return Picked((px, py, pz), "plane" if what.startswith("plane") else what, number)

    def _to_pick(self, full: vtkActor | None, coarse: vtkActor | None) -> vtkActor | None:
        """All faces, as the good picture shows them; of heavy surfaces those that were drawn last."""
        if full is None or coarse is None or coarse.GetVisibility() == 0:
            return full
        return coarse if self._faces > _HEAVY_FACES else full

    def close(self) -> None:
        """Release everything that belongs to OpenGL; the scene cannot be used after that."""
        if self._window is None:
            return
        self._renderer.RemoveAllViewProps()
        self._renderer.RemoveAllLights()
        self._window.RemoveRenderer(self._renderer)
        self._window.Finalize()
        self._full = self._coarse = self._mask = self._highlight = None
        self._bodies = self._light_bodies = self._body_meshes = self._contacts = self._cut = None
        self.planes = ()
        self._window = self._renderer = None


def box_ink(backdrop: str) -> Place:
    """Return the colour of the edges of the volume before a backdrop."""
    return (0.50, 0.55, 0.62) if backdrop == "dark" else (0.45, 0.49, 0.55)


def _edges() -> tuple[vtkCubeSource, vtkActor]:
    """Return a box that is drawn by its edges."""
    source = vtkCubeSource()
    mapper = vtkPolyDataMapper()
    mapper.SetInputConnection(source.GetOutputPort())
    actor = vtkActor()
    actor.SetMapper(mapper)
    look = actor.GetProperty()
    look.SetRepresentationToWireframe()
    look.SetLighting(False)
    look.SetLineWidth(1.0)
    actor.PickableOff()
    return source, actor


def _set_edges(
    edges: tuple[vtkCubeSource, vtkActor], low: NDArray[np.float64], high: NDArray[np.float64]
) -> None:
    edges[0].SetBounds(low[0], high[0], low[1], high[1], low[2], high[2])
    edges[0].Update()
