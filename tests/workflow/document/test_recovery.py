"""What killed commands leave is removed by the next; a user's unsaved work stays."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sxtstudio.workflow.document import workplace
from sxtstudio.workflow.document.document import Document
from sxtstudio.workflow.document.recovery import leftovers, of_a_command

KILLED = """
import sys, time
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.steps import Step, StepKind
from sxtstudio.workflow.document.document import Document
from sxtstudio.workflow.document.recovery import of_a_command
document = Document.open(sys.argv[1])
if sys.argv[2] == "command":
    of_a_command(document.folder)
document.volume("labels")[3, 10:20] = 255
document.recount("labels")
document.add_step(Step(StepKind.EDIT, EditKind.BRUSH, parameters={"size_px": 4}))
document.autosave(wait=True)
print(document.folder, flush=True)
time.sleep(60)
"""


def killed(tomogram: Path, by: str) -> Path:
    child = subprocess.Popen([sys.executable, "-c", KILLED, str(tomogram), by], stdout=subprocess.PIPE)
    assert child.stdout is not None
    folder = Path(child.stdout.readline().decode().strip())
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    return folder


def test_only_what_killed_commands_left_is_removed(
    tomogram: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(workplace.VARIABLE, str(tmp_path / "sessions"))
    works, commands = killed(tomogram, "window"), killed(tomogram, "command")
    assert works.is_dir() and commands.is_dir()
    document = Document.open(tomogram)
    of_a_command(document.folder)
    assert works.is_dir() and not commands.exists() and document.folder.is_dir(), "the own one is in use"
    document.discard()
    document.close()
    assert [left.folder for left in leftovers()] == [works] == list((tmp_path / "sessions").iterdir())
