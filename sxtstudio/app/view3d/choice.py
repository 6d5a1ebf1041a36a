"""Which canvas shows the 3D view here, and why: from a wish and the system to one answer; no VTK."""

from __future__ import annotations

import glob
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # at run time this loads VTK, which must wait
    from sxtstudio.surface import OpenGL

# Qt's names of the platforms on which widgets may hold OpenGL.
_X11, _WAYLAND = "xcb", "wayland"
_ABLE = (_X11, "windows", "cocoa", _WAYLAND)
# Measured: in the window a picture takes the processor as long, and everything else waits for it.
_NO_WAIT = "the processor draws, and off-screen the window does not wait for it"
# Linux's ways to a graphics card: Mesa's, NVIDIA's, and that of Windows beneath it.
_CARDS = ("/dev/dri/renderD*", "/proc/driver/nvidia/version", "/dev/dxg")
# Variables that show a session on a screen far away, and what it is called.
_REMOTE = {
    "XRDP_SESSION": "xrdp",
    "VNCDESKTOP": "VNC",
    "X2GO_SESSION": "X2Go",
    "NXSESSIONID": "NX",
    "CHROME_REMOTE_DESKTOP_SESSION": "Chrome Remote Desktop",
}


class CanvasKind(Enum):
    """Who draws the 3D view: OpenGL in the window, or a hidden window whose pixels are shown."""

    NATIVE = "native"
    OFFSCREEN = "offscreen"


class Wish(Enum):
    """What the user has chosen in the preferences."""

    AUTOMATIC = "automatic"
    NATIVE = "native"
    OFFSCREEN = "offscreen"


def wish_of(stored: str) -> Wish:
    """Return what was stored in the settings; anything else counts as automatic."""
    return next((wish for wish in Wish if wish.value == stored), Wish.AUTOMATIC)


@dataclass(frozen=True)
class System:
    """What is known without trying.

    Attributes
    ----------
    platform
        Qt's name of the platform: "xcb", "wayland", "windows", "cocoa", "offscreen".
    remote
        What the remote desktop is called, or nothing.
    card
        There may be a graphics card.
    failed
        The program ended, or drew nothing, when OpenGL was last started in its window.
    """

    platform: str
    remote: str = ""
    card: bool = True
    failed: bool = False


@dataclass(frozen=True)
class CanvasChoice:
    """The canvas that is used, who draws in it, and why it is this one."""

    kind: CanvasKind
    opengl: OpenGL
    reason: str

    @property
    def description(self) -> str:
        """How the picture gets onto the screen, and why so, in words."""
        how = "in the window (pyvistaqt)" if self.kind is CanvasKind.NATIVE else "off-screen"
        return f"{how}: {self.reason}"


def remote_desktop(environment: Mapping[str, str], system: str = sys.platform) -> str:
    """Return the name of the remote desktop that the window is on, or nothing."""
    for variable, name in _REMOTE.items():
        if environment.get(variable):
            return name
    if system == "win32":
        return "Remote Desktop" if environment.get("SESSIONNAME", "").startswith("RDP-") else ""
    # X11 over SSH, or another computer's screen: "localhost:10.0", "host:0", not ":0" or a socket's path.
    host = environment.get("DISPLAY", "").rpartition(":")[0]
    return "X11 over a network" if host and not host.startswith(("/", "unix")) else ""


def may_have_card() -> bool:
    """Whether there may be a graphics card; only Linux says so without OpenGL."""
    return not sys.platform.startswith("linux") or any(glob.glob(pattern) for pattern in _CARDS)


def choose(
    wish: Wish, system: System, native: Callable[[], OpenGL | None], offscreen: Callable[[], OpenGL]
) -> CanvasChoice:
    """Return the canvas to use.

    Parameters
    ----------
    wish
        Of the user.
    system
        What is known without trying.
    native
        Tries OpenGL in a window; None where it does not work. Asked only where it may be used.
    offscreen
        Finds a way to draw without a window, or raises UserError.

    Raises
    ------
    UserError
        If nothing can draw here.
    """
    reason = _against(wish, system)
    if reason:
        return CanvasChoice(CanvasKind.OFFSCREEN, offscreen(), reason)
    found = native()
    if found is None:
        return CanvasChoice(
            CanvasKind.OFFSCREEN, offscreen(), "OpenGL does not work in windows here (it was tried)"
        )
    if wish is Wish.NATIVE:
        return CanvasChoice(CanvasKind.NATIVE, found, "chosen in the preferences")
    if found.software:
        return CanvasChoice(CanvasKind.OFFSCREEN, offscreen(), f"no graphics card is used; {_NO_WAIT}")
    return CanvasChoice(CanvasKind.NATIVE, found, "OpenGL in windows was tried and works")


def _against(wish: Wish, system: System) -> str:
    """Return why OpenGL in the window is not even tried, or nothing."""
    if wish is Wish.OFFSCREEN:
        return "chosen in the preferences"
    if not system.platform.startswith(_ABLE):
        return f"Qt's platform “{system.platform}” has no OpenGL in windows"
    if system.failed:
        return (
            "the last start of OpenGL in the window failed; choose “in the window” in the preferences to try "
            "it once more"
        )
    if wish is Wish.AUTOMATIC and system.platform.startswith(_WAYLAND):
        return "Qt runs on Wayland"
    if wish is Wish.AUTOMATIC and system.remote:
        return f"this is a remote desktop ({system.remote})"
    if wish is Wish.AUTOMATIC and not system.card:
        return f"there is no graphics card; {_NO_WAIT}"
    return ""
