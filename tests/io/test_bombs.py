"""Files made to fill the memory, or to keep the program busy for ever, end with a sentence, and soon."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

FUZZ = Path(__file__).parents[1] / "fuzz"

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="each runs in a fork")


def test_every_bomb() -> None:
    """Each in a process of its own, of 10 s of processor time and 2 GB at most."""
    done = subprocess.run(
        [sys.executable, str(FUZZ / "run.py"), "bombs", "--json"],
        env=os.environ | {"PYTHONPATH": str(FUZZ.parents[1])},
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert done.stdout, done.stderr
    faults = {name: fault for name, fault in json.loads(done.stdout.splitlines()[-1]).items() if fault}
    assert faults == {}
