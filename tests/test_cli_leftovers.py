"""What kills leave behind goes with the next run beside the same output."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import mrcfile
import numpy as np
import pytest

from sxtstudio.cli import main

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX systems")

# The process is killed when a function of it is called, or when that returns.
CODE = """
import importlib, os, signal, sys
from sxtstudio.cli import main
moment, module, name, *words = sys.argv[1:]
place = importlib.import_module(module)
real = getattr(place, name)

def killed(*arguments, **options):
    if moment == "at":
        os.kill(os.getpid(), signal.SIGKILL)
    result = real(*arguments, **options)
    os.kill(os.getpid(), signal.SIGKILL)

setattr(place, name, killed)
main(words)
"""

CLEAN = ["clean", "labels.mrc", "--erode", "1", "-o"]
SEGMENT = ["segment", "cell.mrc", "--model", "toy.onnx", "--device", "cpu", "--erode", "1", "-o"]
SURFACE = ["surface", "labels.mrc", "--voxel", "10", "-o"]


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        ("at sxtstudio.workflow.jobs.cleaning run_clean_up", [*CLEAN, "out.tif"]),
        ("at sxtstudio.core.atomic _flush_to_disk", [*CLEAN, "out.mrc"]),
        ("at sxtstudio.core.atomic _flush_to_disk", [*CLEAN, "out.zarr"]),
        ("after sxtstudio.core.atomic exchange", [*CLEAN, "there.zarr"]),
        ("at sxtstudio.workflow.jobs.surfacing extract_surface", [*SURFACE, "out.ply"]),
        ("at sxtstudio.segment.checkpoint FolderLock", [*SEGMENT, "out.tif"]),
        ("at sxtstudio.segment.checkpoint reserve", [*SEGMENT, "out.tif"]),
        ("after sxtstudio.segment.checkpoint _flush_folder", [*SEGMENT, "out.tif"]),
        ("at sxtstudio.workflow.jobs.segmenting run_clean_up", [*SEGMENT, "out.tif"]),
        ("at sxtstudio.core.atomic _rename", [*SEGMENT, "out.zarr", "--resume"]),
    ],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
def test_the_next_run_leaves_nothing_else(
    moment: str, words: list[str], toy_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noise = np.random.default_rng(0).normal(size=(6, 48, 40)).astype(np.float32)
    for name, voxels in (("cell.mrc", noise), ("labels.mrc", (noise > -0.5).astype(np.int8))):
        with mrcfile.new(tmp_path / name) as file:
            file.set_data(voxels)
    monkeypatch.chdir(tmp_path)
    assert main([*CLEAN, "there.zarr"]) == 0
    before = set(os.listdir())
    done = subprocess.run([sys.executable, "-c", CODE, *moment.split(), *words], timeout=120)
    assert done.returncode == -signal.SIGKILL
    assert set(os.listdir()) > before, "the kill came too early for this test"
    if words[0] == "segment":
        words = [*words, "--resume"]
    assert main(words) == 0
    assert set(os.listdir()) == before | {words[words.index("-o") + 1]}
