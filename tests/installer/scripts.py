"""The scripts of the installer, which are no package, as modules for the tests."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

INSTALLER = Path(__file__).parents[2] / "installer"


def loaded(path: Path) -> ModuleType:
    """Run a script as a module under a name of its own, and return it."""
    spec = importlib.util.spec_from_file_location(f"installer_{path.stem}", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
