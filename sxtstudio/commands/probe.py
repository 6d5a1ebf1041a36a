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
    parser = commands.add_parser("probe-card")
    parser.add_argument("answer_file")
    parser.set_defaults(run=probe_card)
    parser = commands.add_parser("probe-pytorch")
    parser.add_argument("answer_file")
    parser.set_defaults(run=probe_pytorch)
    parser = commands.add_parser("draw-scene")
    parser.add_argument("window")
    parser.add_argument("renderer")
    parser.set_defaults(run=draw)
    parser = commands.add_parser("draw-plots")
    parser.add_argument("plots")
    parser.add_argument("pictures", nargs="+")
    parser.set_defaults(run=draw_plots)


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


def probe_card(arguments: argparse.Namespace) -> int:
    """Load the libraries of a graphics card; where these are broken, this process ends or hangs."""
    from sxtstudio.segment.card_child import main

    main(arguments.answer_file)
    return 0


def probe_pytorch(arguments: argparse.Namespace) -> int:
    """Compute with PyTorch, in the program that has it."""
    from sxtstudio.workflow.retraining.child import bring_torch

    bring_torch()
    from sxtstudio.training.probe import main

    main(arguments.answer_file)
    return 0


def draw(arguments: argparse.Namespace) -> int:
    """Draw pictures of 3D scenes as long as the window asks for some."""
    from sxtstudio.app.view3d.painter_process import main

    main(arguments.window, arguments.renderer)
    return 0


def draw_plots(arguments: argparse.Namespace) -> int:
    """Draw the plots that a file describes."""
    from pathlib import Path

    from sxtstudio.app.objects.plots.headless import draw_figures
    from sxtstudio.core.plain_files import read_plain
    from sxtstudio.core.records import read_json_record
    from sxtstudio.workflow.handover.figures import ColumnPlot

    content = read_plain(Path(arguments.plots), 1 << 30)
    plots = read_json_record(content, tuple[ColumnPlot, ...], "The plots cannot be drawn")
    for picture in arguments.pictures:
        draw_figures([plot.figure() for plot in plots], Path(picture))
    return 0
