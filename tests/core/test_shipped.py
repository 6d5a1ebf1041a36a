"""What ships is found in a checkout, and where pip puts it; what lies in site-packages is somebody else's."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import pytest

import sxtstudio
from sxtstudio.core.shipped import resources, shipped_folders

ROOT = Path(__file__).parents[2]


def test_a_checkout_has_them_beside_the_package() -> None:
    assert resources() == ROOT / "resources"
    assert shipped_folders("models")[0] == ROOT / "models"


@pytest.mark.parametrize("place", ["site-packages", "target"])
def test_an_installation_has_them_below_share(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    package = tmp_path / "lib" / place / "sxtstudio" / "__init__.py"
    monkeypatch.setattr(sxtstudio, "__file__", str(package))
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    foreign = package.parents[1] / "resources"
    foreign.mkdir(parents=True)
    share = (package.parents[1] if place == "target" else tmp_path) / "share" / "sxtstudio" / "resources"
    share.mkdir(parents=True)
    if place == "site-packages":
        assert resources() == share and foreign not in shipped_folders("resources")
    else:
        foreign.rmdir()
        assert resources() == share


def test_a_wheel_holds_every_file_that_ships() -> None:
    """setuptools lists no folders below a folder: each has a line of its own in pyproject.toml."""
    lines = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["data-files"]
    packed = {path for patterns in lines.values() for pattern in patterns for path in ROOT.glob(pattern)}
    wanted = {path for path in (ROOT / "resources").rglob("*") if path.is_file()}
    wanted |= {path for path in (ROOT / "models").glob("*") if path.suffix in (".onnx", ".json")}
    assert wanted <= packed
    for folder, patterns in lines.items():
        for path in (path for pattern in patterns for path in ROOT.glob(pattern)):
            assert path.parent == ROOT / Path(folder).relative_to("share/sxtstudio")
