"""ONNX Runtime reports to nobody."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

RUN = """
from sxtstudio.segment.device import _test_network, choose_device, create_session
session = create_session(_test_network(), choose_device("cpu"))
assert session.get_providers() == ["CPUExecutionProvider"]
"""


@pytest.mark.skipif(sys.platform == "win32", reason="the folder is that of other systems")
def test_a_session_leaves_no_identifier_behind(tmp_path: Path) -> None:
    """Where telemetry is on, ONNX Runtime keeps an identifier and unsent reports in the home folder."""
    # It is silent by itself where it sees that it is being tested, or where this was inherited from here.
    own = {"CI", "ORT_DISABLE_TELEMETRY", "ORT_RUNNING_UNIT_TESTS", "GITHUB_ACTIONS", "TF_BUILD"}
    environment = {name: value for name, value in os.environ.items() if name not in own}
    environment |= {"HOME": str(tmp_path)} | {
        f"XDG_{kind}_HOME": str(tmp_path / kind) for kind in ("CACHE", "DATA", "STATE", "CONFIG")
    }
    subprocess.run([sys.executable, "-c", RUN], env=environment, check=True, timeout=120)
    assert list(tmp_path.rglob("*")) == []
