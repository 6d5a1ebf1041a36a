"""Surfaces of labels, mesh files and off-screen pictures; VTK, no Qt."""

from sxtstudio.surface.extract import EmptyLabels, extract_surface, surface_stages
from sxtstudio.surface.files import write_mesh
from sxtstudio.surface.handover.kinds import MESH_SUFFIXES
from sxtstudio.surface.mesh import Surface, SurfaceParameters
from sxtstudio.surface.offscreen import OpenGL, find_opengl
from sxtstudio.surface.picture import Picture, render_picture
from sxtstudio.surface.scene import VIEWS

__all__ = [
    "MESH_SUFFIXES",
    "VIEWS",
    "EmptyLabels",
    "OpenGL",
    "Picture",
    "Surface",
    "SurfaceParameters",
    "extract_surface",
    "find_opengl",
    "render_picture",
    "surface_stages",
    "write_mesh",
]
