"""Importing published weights: the file that belongs to them, and the command that a window starts for it.

The conversion needs PyTorch, which a window never loads: it runs in a process of its own.
"""

from __future__ import annotations

import re
from pathlib import Path

from sxtstudio.core.errors import UserError
from sxtstudio.workflow.retraining_child import program

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")


def config_beside(weights: str | Path) -> Path | None:
    """Return the configuration that lies beside a weight file, if it is clear which one it is.

    ``weights_X.h5`` belongs to ``model_config_X.json``; else the only ``model_config….json`` of the folder.
    """
    weights = Path(weights)
    twin = weights.with_name(re.sub(r"^weights", "model_config", weights.stem) + ".json")
    if twin.stem.startswith("model_config") and twin.is_file():
        return twin
    try:
        found = [path for path in weights.parent.glob("model_config*.json") if path.is_file()]
    except OSError:
        return None
    return found[0] if len(found) == 1 else None


def check_name(name: str) -> str:
    """Return a model's name, or raise UserError if it is none."""
    if not _NAME.fullmatch(name):
        raise UserError(
            f"{name[:80]!r} is no name for a model: take letters, digits and . _ + - (64 at most), beginning "
            "with a letter or digit."
        )
    return name


def suggested_name(weights: str | Path) -> str:
    """Return a name for the model of a weight file, such as ``deep-sxt-2023-02``."""
    version = re.search(r"(\d{4})[_-](\d{2})", Path(weights).stem)
    return f"deep-sxt-{version[1]}-{version[2]}" if version else "deep-sxt"


def import_command(weights: Path, config: Path, name: str, *, replace: bool = False) -> list[str]:
    """Return the words that import weights as the user's model ``name``."""
    words = [*program(), "models", "import", str(weights), "--config", str(config), "-o", name]
    return [*words, "--replace"] if replace else words
