"""A card whose libraries hang or crash costs the card only: another process loads them first."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sxtstudio.segment import card_trial

#: This program, which says what it computes with and why; with one more argument, the process that tries.
PROGRAM = """
import os, sys
packaged, limit, program = sys.argv[1] == "packaged", float(sys.argv[2]), sys.argv[3]
if packaged:
    sys.frozen = True
    from sxtstudio.core import add_ons
    add_ons._wanted = lambda: add_ons.TestedLibraries(
        "sxtstudio-add-ons/1", {"cuda": "onnxruntime-gpu 1.2.3"}
    )
from sxtstudio.segment import card_trial
card_trial.LIMIT_S = limit
card_trial.own_program = lambda *_: [sys.executable, program, *sys.argv[1:4]]
if len(sys.argv) > 4:
    open(os.environ["TRIALS"], "a").write("x")
    from sxtstudio.segment import card_child
    card_child.main(sys.argv[4])
    sys.exit()
from sxtstudio.segment import device
chosen = device.choose_device("auto")
print(chosen.kind, chosen.reason, sep="\\n")
"""
CRASH, HANG = "import ctypes; ctypes.string_at(0)", "import time; time.sleep(600)"
#: A driver for the compiler: what it does once it is asked.
DRIVER = "int pause(void); int cuInit(unsigned flags) { %s return 0; }"


class Computer:
    """A computer with a program, its state, and what stands for a package or a driver."""

    def __init__(self, folder: Path, write_package: Callable[[Path, str], Path]) -> None:
        self._write_package = write_package
        self.folder, self.limit, self.packaged = folder, 60.0, "packaged"
        self.program, self.trials = folder / "program.py", folder / "trials"
        self.program.write_text(PROGRAM)
        self.trials.touch()
        self.variables = {"XDG_STATE_HOME": str(folder / "state"), "TRIALS": str(self.trials)}

    def add_package(self, content: str) -> Path:
        """Install a package for NVIDIA's cards whose onnxruntime does this when it is loaded."""
        folder = self._write_package(self.folder, content)
        self.variables["SXTSTUDIO_NVIDIA"] = str(folder)
        return folder

    def add_driver(self, does: str) -> None:
        """Install a driver that does this when a program begins with it."""
        source, folder = self.folder / "driver.c", self.folder / "driver"
        folder.mkdir(exist_ok=True)
        source.write_text(DRIVER % does)
        subprocess.run(["cc", "-shared", "-fPIC", "-o", folder / "libcuda.so.1", source], check=True)
        self.variables["LD_LIBRARY_PATH"] = str(folder)

    def chosen(self) -> tuple[str, str]:
        """Start the program; return the kind of its device, and why."""
        done = subprocess.run(
            [sys.executable, self.program, self.packaged, str(self.limit), self.program],
            env={**os.environ, **self.variables},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert not done.returncode, done.stderr
        kind, reason = done.stdout.splitlines()
        return kind, reason

    @property
    def tried(self) -> int:
        return len(self.trials.read_text())


@pytest.fixture
def computer(tmp_path: Path, write_nvidia_package: Callable[[Path, str], Path]) -> Computer:
    return Computer(tmp_path, write_nvidia_package)


needs_compiler = pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("cc") is None, reason="a driver is made by a C compiler"
)


@needs_compiler
@pytest.mark.parametrize(
    ("content", "limit", "words"),
    [(CRASH, 60.0, "ended the program that tried it while its libraries were loaded (SIGSEGV)"),
     (HANG, 8.0, "did not answer within 8 seconds while its libraries were loaded")],
    ids=["crashes", "hangs"],
)  # fmt: skip
def test_a_package_that_crashes_or_hangs_is_not_loaded(
    computer: Computer, content: str, limit: float, words: str
) -> None:
    folder = computer.add_package(content)
    computer.add_driver("")
    computer.limit = limit
    kind, reason = computer.chosen()
    assert kind == "cpu" and reason.startswith(
        f"the NVIDIA package cannot be used: the one in {folder} {words}"
    )
    assert computer.chosen() == (kind, reason) and computer.tried == 1, "remembered"
    os.utime(folder, (1, 1))  # another one is installed
    computer.chosen()
    assert computer.tried == 2


@needs_compiler
def test_a_driver_that_crashes_or_hangs_is_not_asked(computer: Computer) -> None:
    computer.packaged = "by pip"
    computer.add_driver("*(volatile int *)0 = 1;")
    kind, reason = computer.chosen()
    ended = "ended the program that tried it while the card was tried (SIGSEGV)"
    assert (kind, reason) == (
        "cpu", f"the NVIDIA driver or CUDA {ended}; update the driver, or restart the computer"
    )  # fmt: skip
    computer.add_driver("pause();")
    computer.limit = 8.0
    kind, reason = computer.chosen()
    assert kind == "cpu" and "did not answer within 8 seconds while the card was tried" in reason
    assert computer.tried == 2, "another driver is tried anew"


@needs_compiler
def test_what_answers_is_used_and_tried_once(computer: Computer) -> None:
    """The stub has no more than a beginning: this process finds that out, and says it."""
    computer.packaged = "by pip"
    computer.add_driver("return 803;")
    for _ in range(2):
        assert computer.chosen() == (
            "cpu", "the NVIDIA driver does not work (error 803): reinstall it or restart the computer"
        )  # fmt: skip
    assert computer.tried == 1
    kept = computer.folder / "state" / "sxtstudio" / "card-trial.json"
    assert json.loads(kept.read_text())["problem"] == ""
    kept.write_text("{")
    computer.chosen()
    assert computer.tried == 2, "what is damaged is not believed"


def test_a_computer_that_was_started_anew_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(card_trial, "state_folder", lambda: tmp_path)
    monkeypatch.setattr(card_trial, "_try", lambda: "did not answer")
    monkeypatch.setattr(card_trial, "_since_start", lambda: "first")
    found = []
    for started, tried in (("first", "did not answer"), ("first", "unused"), ("second", "")):
        monkeypatch.setattr(card_trial._Here, "tried", None)
        monkeypatch.setattr(card_trial, "_since_start", lambda started=started: started)
        monkeypatch.setattr(card_trial, "_try", lambda tried=tried: tried)
        found.append(card_trial.problem_of_card())
    assert found == ["did not answer", "did not answer", ""]
