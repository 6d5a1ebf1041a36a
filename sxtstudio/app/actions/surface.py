"""3D: the view, what it is seen from, pictures and movies."""

from __future__ import annotations

from functools import partial

from sxtstudio.app.actions.info import ActionInfo, of_layout
from sxtstudio.app.context import Context


def show(context: Context, on: bool) -> None:
    """Show or hide the 3D view, and its panel beside it."""
    context.session.layout.set(view3d=on)


def update(context: Context) -> None:
    """Make the surface anew."""
    context.parts.view3d.update_surface()


def reset(context: Context) -> None:
    """Show everything again."""
    context.parts.view3d.reset_camera()


def look(name: str, context: Context) -> None:
    """Look from a side."""
    context.parts.view3d.set_view(name)


def save_picture(context: Context) -> None:
    """Ask for a name and save what is seen."""
    context.parts.surface.saving.save_picture()


def save_movie(context: Context) -> None:
    """Ask for a name and save a turn."""
    context.parts.surface.saving.save_movie()


def save_povray_scene(context: Context) -> None:
    """Ask for a name and save what is seen for POV-Ray."""
    context.parts.surface.saving.save_povray_scene()


def save_povray_picture(context: Context) -> None:
    """Ask for a name and let POV-Ray draw what is seen."""
    context.parts.surface.saving.save_povray_picture()


def _look(name: str, text: str, tip: str) -> ActionInfo:
    return ActionInfo(
        f"surface.view_{name}", text, "3D/Look from", tip, partial(look, name), needs=("tomogram", "view3d")
    )


ACTIONS: tuple[ActionInfo, ...] = (
    ActionInfo(
        "surface.show",
        "Show the 3D view",
        "3D",
        "Show surfaces and slices in 3D beside the slices, or hide them",
        show,
        shortcut="Ctrl+3",
        icon="mdi6.cube-outline",
        toolbar=True,
        toolbar_text="3D view",
        shows=of_layout(lambda layout: layout.view3d),
    ),
    ActionInfo(
        "surface.update",
        "Update the surface",
        "3D",
        "Make the surface anew from the labels as they are now",
        update,
        icon="mdi6.refresh",
        needs=("tomogram",),
    ),
    ActionInfo(
        "surface.reset",
        "Reset the camera",
        "3D",
        "Show the whole volume from the usual side",
        reset,
        shortcut="R",
        icon="mdi6.image-filter-center-focus",
        needs=("tomogram", "view3d"),
        separator=True,
    ),
    _look("oblique", "An edge", "Look at everything from an edge"),
    _look("xy", "The front (XY)", "Look along z, as in the large slice view"),
    _look("xz", "Below (XZ)", "Look along y"),
    _look("yz", "The side (YZ)", "Look along x"),
    ActionInfo(
        "surface.picture",
        "Save 3D picture…",
        "3D",
        "Save what the 3D view shows as PNG, in any size",
        save_picture,
        icon="mdi6.camera-outline",
        needs=("tomogram", "view3d"),
        separator=True,
    ),
    ActionInfo(
        "surface.movie",
        "Save turntable movie…",
        "3D",
        "Save a movie (MP4 or GIF) of the scene turning once around",
        save_movie,
        icon="mdi6.movie-open-outline",
        needs=("tomogram", "view3d"),
    ),
    ActionInfo(
        "surface.povray_scene",
        "Save POV-Ray scene…",
        "3D",
        "Save what the 3D view shows as files for POV-Ray: a mesh for each object, camera, lights, clipping",
        save_povray_scene,
        icon="mdi6.cube-scan",
        needs=("tomogram", "view3d"),
        separator=True,
    ),
    ActionInfo(
        "surface.povray_picture",
        "Save picture by POV-Ray…",
        "3D",
        "Let POV-Ray, where it is installed, draw what the 3D view shows, in the size of the panel",
        save_povray_picture,
        icon="mdi6.camera-outline",
        needs=("tomogram", "view3d"),
    ),
)
