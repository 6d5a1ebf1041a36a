"""A broken package for NVIDIA's cards costs the card only: the program's own onnxruntime computes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

#: An installed program with the package, whose onnxruntime is tried in a process of its own.
PROGRAM = """
import sys
sys.frozen = True
from sxtstudio.core import add_ons
add_ons._wanted = lambda: add_ons.TestedLibraries("sxtstudio-add-ons/1", {"cuda": "onnxruntime-gpu 1.2.3"})
from sxtstudio.segment import device
print(device.ort.__version__)
print(device.choose_device("cpu").kind)
print(add_ons.find(add_ons.AddOn.NVIDIA).problem)
device._driver_library = lambda: None
device.driver_cards = lambda: ["NVIDIA Test"]
print(device.choose_device("auto").reason)
"""


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ('raise ImportError("libcublasLt.so.12: cannot open shared object file")',
         "ImportError: libcublasLt.so.12: cannot open shared object file"),
        ('raise RuntimeError("no\\nCUDA")', "RuntimeError: no CUDA"),
        ("import sys; sys.exit(5)", "SystemExit: 5"),
        ("", "its onnxruntime is empty, and should be 1.2.3"),
        ('__version__ = "1.0"', "its onnxruntime is 1.0, and should be 1.2.3"),
        ("import onnxruntime.part", "ModuleNotFoundError: No module named 'onnxruntime.part'"),
    ],
    ids=["a library is missing", "raises", "exits", "empty", "old", "half"],
)  # fmt: skip
def test_a_broken_one_is_given_up(
    tmp_path: Path, write_nvidia_package: Callable[[Path, str], Path], content: str, reason: str
) -> None:
    import onnxruntime

    folder = write_nvidia_package(tmp_path, content)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        # Whether it is tried in another process first is tested in test_card_trial.py.
        env={**os.environ, "SXTSTUDIO_NVIDIA": str(folder), "SXTSTUDIO_CARD_TRIAL": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert not done.returncode, done.stderr
    version, kind, problem, why = done.stdout.splitlines()
    assert (version, kind) == (onnxruntime.__version__, "cpu")
    assert problem == f"the one in {folder} does not work ({reason})"
    assert problem in why and "sxtstudio-cuda" in why.rpartition("; put ")[2]
