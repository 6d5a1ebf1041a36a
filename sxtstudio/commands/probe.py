"""How a bundled program starts parts of itself in processes of their own; not for users."""

from __future__ import annotations

import argparse
from typing import Any


def add(commands: Any) -> None:
    """Add the parsers; without help they do not appear in the list of commands."""
    parser = commands.add_parser("probe-opengl")
    parser.add_argument("window")
    parser.add_argument("answer_file")
    parser.set_defaults(run=probe)
    parser = commands.add_parser("probe-window")
    parser.add_argument("answer_file")
    parser.set_defaults(run=probe_window)
    parser = commands.add_parser("draw-scene")
    parser.add_argument("window")
    parser.add_argument("renderer")
    parser.set_defaults(run=draw)


def probe(arguments: argparse.Namespace) -> int:
    """Draw a test picture; where OpenGL is broken, this process ends, and not that of the user."""
    from sxtstudio.surface.probe import main

    main(arguments.window, arguments.answer_file)
    return 0


def probe_window(arguments: argparse.Namespace) -> int:
    """Draw a test picture in a window of Qt's that is not shown."""
    from sxtstudio.app.view3d.native_probe import main

    main(arguments.answer_file)
    return 0


def draw(arguments: argparse.Namespace) -> int:
    """Draw pictures of 3D scenes as long as the window asks for some."""
    from sxtstudio.app.view3d.painter_process import main

    main(arguments.window, arguments.renderer)
    return 0
