"""Importing published weights: the file that belongs to them, and the command that a window starts for it.

The published weights take 2 GB of memory for half a minute: the conversion runs in a process of its own,
which can be ended at any time and gives all of it back.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import time
from pathlib import Path

from sxtstudio.core.errors import Cancelled, UserError
from sxtstudio.core.progress import Progress
from sxtstudio.workflow.retraining.child import environment, program

_POLL_S = 0.1
# A child that does not end within this time is ended without asking.
_PATIENCE_S = 5.0
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


def run_import(command: list[str], progress: Progress) -> None:
    """Run the words of ``import_command`` in a process of its own until it ends or is cancelled.

    What it keeps on disk meanwhile is removed in any case; a model is installed when it has passed the check,
    in one step.

    Raises
    ------
    UserError
        With the sentence that the command ended with.
    Cancelled
        If that was asked for.
    """
    with tempfile.TemporaryDirectory(prefix="sxtstudio-") as folder:
        places = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), folder)
        errors = Path(folder, "told.txt")
        with errors.open("wb") as stderr:
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                env=os.environ | environment() | places,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        try:
            while child.poll() is None:
                if progress.cancelled:
                    raise Cancelled
                time.sleep(_POLL_S)
        finally:
            _end(child)
        if child.returncode:
            raise UserError(_sentence(errors.read_text(encoding="utf-8", errors="replace")))


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _sentence(errors: str) -> str:
    """The program's own line, the last one; whatever a library printed before it is left out."""
    lines = [line.partition(": ")[2] for line in errors.splitlines() if line.startswith("sxtstudio: ")]
    if lines:
        return lines[-1]
    return (
        "The import ended without a word; there may not be enough memory. Close other programs and try again."
    )
