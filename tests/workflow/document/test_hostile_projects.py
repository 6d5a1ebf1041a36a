"""Projects that point to what has no end: a sentence, and soon."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from sxtstudio.core.errors import UserError
from sxtstudio.io import stamp
from sxtstudio.workflow.document import workplace
from sxtstudio.workflow.document.project import open_project

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes and devices")


@pytest.mark.parametrize("method", ["sha256", "sha256 of the names and sizes of all files", ""])
@pytest.mark.parametrize("what", ["/dev/zero", "pipe", "link to a pipe", "/"])
def test_project_that_points_to_no_file(
    what: str, method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(workplace.VARIABLE, str(tmp_path / "sessions"))
    monkeypatch.setattr(stamp, "MOST_FILES", 1000)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link to a pipe").symlink_to("pipe")
    folder = tmp_path / "cell.sxt"
    folder.mkdir()
    known = {"method": method, "value": "0" * 64, "bytes": 5} if method else {}
    record = {
        "schema": "sxtstudio-project/1",
        "tomogram": {
            "absolute": str(tmp_path / what),
            "relative": "",
            "shape_zyx": [6, 64, 80],
            "fingerprint": known,
        },
    }
    (folder / "project.json").write_text(json.dumps(record))
    with pytest.raises(UserError, match=r"is not a file|holds no TIFF or PNG slices"):
        open_project(folder)
    assert not list((tmp_path / "sessions").glob("*")) if (tmp_path / "sessions").exists() else True


@pytest.mark.parametrize("name", ["project.json", "in-use", "in-use-by.json"])
def test_pipes_within_a_project(
    name: str, tomogram: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(workplace.VARIABLE, str(tmp_path / "sessions"))
    folder = tmp_path / "cell.sxt"
    folder.mkdir()
    pointer = {"absolute": str(tomogram), "relative": "", "shape_zyx": [6, 64, 80]}
    record = {"schema": "sxtstudio-project/1", "tomogram": pointer}
    (folder / "project.json").write_text(json.dumps(record))
    (folder / name).unlink(missing_ok=True)
    os.mkfifo(folder / name)
    if name == "project.json":
        with pytest.raises(UserError, match=r"no project\.json"):
            open_project(folder)
        return
    opened = open_project(folder)
    assert opened.document.read_only == (name == "in-use")
    opened.document.discard()
    opened.document.close()
