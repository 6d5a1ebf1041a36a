"""What the 3D view needs is loaded by the job that finds a canvas, not by the thread of the window."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
import textwrap

import pytest

from sxtstudio.app.view3d.choice import CanvasKind
from sxtstudio.app.view3d.starting import CanvasStart
from sxtstudio.app.view3d.view import View3D


def loaded_within(*functions: object) -> set[str]:
    """The modules of the program that functions load while they run."""
    found: set[str] = set()
    for function in functions:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))  # type: ignore[arg-type]
        found |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    return found


@pytest.mark.parametrize("kind", CanvasKind)
def test_the_window_loads_nothing_more_when_the_canvas_is_found(kind: CanvasKind) -> None:
    native = kind is CanvasKind.NATIVE
    wanted = loaded_within(View3D._on_canvas_found)
    wanted |= loaded_within(CanvasStart._native if native else CanvasStart._on_chosen)
    assert len(wanted) >= 6
    code = (
        "import sys; from sxtstudio.app.view3d.starting import load_view, CanvasKind; "
        f"load_view(CanvasKind.{kind.name}); print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert wanted <= set(done.stdout.split())
