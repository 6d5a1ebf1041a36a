"""Links that a stranger put where the program writes lead to no file of the user's."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sxtstudio.cli import main
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.steps import Step, StepKind
from sxtstudio.workflow.document import state as files
from sxtstudio.workflow.document import workplace
from sxtstudio.workflow.document.document import Document
from sxtstudio.workflow.document.project import adopt, open_project, save, snapshot

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs links")

PRECIOUS = b"hours of work"


@pytest.fixture
def precious(tmp_path: Path) -> Iterator[Path]:
    """A file of the user's, which must stay as it is."""
    folder = tmp_path / "home"
    folder.mkdir()
    path = folder / "thesis.txt"
    path.write_bytes(PRECIOUS)
    yield path
    assert path.read_bytes() == PRECIOUS and list(folder.iterdir()) == [path]


@pytest.fixture
def project(tomogram: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(workplace.VARIABLE, str(tmp_path / "sessions"))
    document = Document.open(tomogram)
    document.volume("labels")[1, 2:5, 10:20] = 255
    document.recount("labels")
    adopt(document, save(snapshot(document), tmp_path / "cell.sxt"))
    document.discard()
    document.close()
    return tmp_path / "cell.sxt"


@pytest.mark.parametrize("name", ["in-use", "in-use-by.json", "labels-2.zarr"])
def test_project_is_opened_changed_and_saved(name: str, project: Path, precious: Path) -> None:
    (project / name).unlink(missing_ok=True)
    (project / name).symlink_to(precious)
    opened = open_project(project)
    document = opened.document
    try:
        assert document.read_only == (name == "in-use")
        assert bool(opened.notes) == document.read_only
        if document.read_only:
            assert "is a link" in opened.notes[0]
        else:
            document.volume("labels")[2] = 255
            document.recount("labels")
            adopt(document, save(snapshot(document), project))
    finally:
        document.discard()
        document.close()


def test_record_of_a_project_is_replaced_not_followed(project: Path, precious: Path, tmp_path: Path) -> None:
    document = open_project(project).document
    try:
        (project / "project.json").unlink()
        (project / "project.json").symlink_to(precious)
        document.volume("labels")[2] = 255
        document.recount("labels")
        adopt(document, save(snapshot(document), project))
    finally:
        document.discard()
        document.close()
    assert not (project / "project.json").is_symlink()


@pytest.mark.parametrize("name", [files.STATE, files.STEPS, "labels.raw", files.DISCARDED])
def test_working_folder_with_a_link(name: str, tomogram: Path, precious: Path, tmp_path: Path) -> None:
    document = Document.open(tomogram, tmp_path / "sessions")
    try:
        (document.folder / name).symlink_to(precious)
        document.volume("labels")[2] = 255
        document.recount("labels")
        document.add_step(Step(StepKind.EDIT, EditKind.BRUSH))
        document.autosave()
    finally:
        document.discard()
        document.close()


SEGMENTING = ["labels.tif", "labels.tif.partial", "report.json"]
IN_PARTIAL = ["settings.json", "labels.raw", "finished.log", "trust.log", "cleaned.raw"]


@pytest.mark.parametrize("name", [*SEGMENTING, *(f"labels.tif.partial/{name}" for name in IN_PARTIAL)])
def test_segmentation_beside_links(
    name: str, tomogram: Path, toy_model: Path, precious: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    (folder / name).parent.mkdir(parents=True)
    (folder / name).symlink_to(precious.parent if name.endswith(".partial") else precious)
    words = ["segment", str(tomogram), "-o", str(folder / "labels.tif"), "--model", str(toy_model)]
    words += ["--device", "cpu", "--report", str(folder / "report.json"), "--erode", "1"]
    code = main(words)
    assert code == (2 if name.endswith(".partial") else 0)
    assert not (folder / name).is_symlink() or code == 2


def test_unfinished_segmentation_is_not_gone_on_with_through_a_link(
    run_settings: Callable[..., Any], precious: Path, tmp_path: Path
) -> None:
    from sxtstudio.core.errors import UserError
    from sxtstudio.segment.checkpoint import Checkpoint

    settings = run_settings((2, 4, 5))
    with_one = Checkpoint(tmp_path / "work", settings)
    with_one.write(0, np.zeros((4, 5), np.uint8))
    with_one.close()
    precious.write_bytes(PRECIOUS + bytes(40 - len(PRECIOUS)))  # of the size that is expected
    (tmp_path / "work" / "labels.raw").unlink()
    (tmp_path / "work" / "labels.raw").symlink_to(precious)
    with pytest.raises(UserError, match="is a link"):
        Checkpoint(tmp_path / "work", settings, resume=True)
    assert precious.read_bytes()[: len(PRECIOUS)] == PRECIOUS
    precious.write_bytes(PRECIOUS)


def test_folder_for_want_of_a_better_one_is_not_somebody_elses(
    precious: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sxtstudio.core.errors import UserError

    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setattr(workplace.tempfile, "gettempdir", lambda: str(tmp_path / "tmp"))
    assert workplace.new_folder(tmp_path / "file" / "x").parent == workplace.spare_root()
    workplace.spare_root().rename(tmp_path / "moved")
    workplace.spare_root().symlink_to(precious.parent)
    with pytest.raises(UserError, match="cannot be made"):
        workplace.new_folder(tmp_path / "file" / "x")
