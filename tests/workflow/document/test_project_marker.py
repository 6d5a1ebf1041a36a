"""The file in a project that a double-click opens."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sxtstudio.core.errors import UserError
from sxtstudio.core.temporary import temporary_name
from sxtstudio.io.project import half_written, is_project, project_folder
from sxtstudio.io.project_marker import NAME, is_marker
from sxtstudio.workflow.document import workplace
from sxtstudio.workflow.document.document import Document
from sxtstudio.workflow.document.project import adopt, open_project, save, snapshot


@pytest.fixture
def document(
    tomogram: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Document]:
    monkeypatch.setenv(workplace.VARIABLE, str(tmp_path_factory.mktemp("sessions")))
    document = Document.open(tomogram)
    document.volume("labels")[1, 2:5, 10:20] = 255
    document.recount("labels")
    yield document
    document.discard()
    document.close()


def keep(document: Document, folder: Path) -> None:
    """Save as the window does."""
    adopt(document, save(snapshot(document), folder))


def labels_of(path: Path) -> int:
    """Open a project, and return how many voxels are labelled in it."""
    document = open_project(path).document
    try:
        return document.voxels("labels")
    finally:
        document.discard()
        document.close()


def test_it_opens_the_folder_it_lies_in_also_after_that_was_moved(document: Document, tmp_path: Path) -> None:
    folder = tmp_path / "cell.sxt"
    keep(document, folder)
    document.project_lock.release()  # type: ignore[union-attr]
    assert labels_of(folder / NAME) == 30
    moved = tmp_path / "Zellen & mehr" / "Hefe-Zelle ü.sxt"
    moved.parent.mkdir()
    folder.rename(moved)
    (tmp_path / "cell.mrc").rename(moved.parent / "cell.mrc")
    renamed = (moved / NAME).rename(moved / "Double-click me.SXTPROJECT")
    assert is_project(renamed) and project_folder(renamed) == moved
    assert labels_of(renamed) == 30


def test_what_stands_in_it_counts_for_nothing(document: Document, tmp_path: Path) -> None:
    folder = tmp_path / "cell.sxt"
    keep(document, folder)
    document.project_lock.release()  # type: ignore[union-attr]
    (folder / NAME).write_bytes(b"/etc\0\xff../other.sxt")
    assert labels_of(folder / NAME) == 30
    keep(document, folder)
    assert (folder / NAME).read_bytes() == b"/etc\0\xff../other.sxt"  # whoever changed it may keep it


def test_a_former_project_gets_one_when_it_is_saved(document: Document, tmp_path: Path) -> None:
    folder = tmp_path / "cell.sxt"
    keep(document, folder)
    os.remove(folder / NAME)
    document.volume("labels")[3, 2:5, 10:20] = 255
    document.recount("labels")
    keep(document, folder)
    assert "whole folder" in (folder / NAME).read_text(encoding="utf-8")


def test_one_that_was_copied_out_says_so(document: Document, tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "cell.sxt", tmp_path / "desktop"
    keep(document, folder)
    elsewhere.mkdir()
    (folder / NAME).rename(elsewhere / NAME)
    with pytest.raises(UserError, match="desktop is none") as caught:
        open_project(elsewhere / NAME)
    assert str(caught.value).count(". ") == 1


def test_nothing_is_written_through_a_link_of_its_name(document: Document, tmp_path: Path) -> None:
    folder, precious = tmp_path / "cell.sxt", tmp_path / "thesis.txt"
    keep(document, folder)
    os.remove(folder / NAME)
    (folder / NAME).symlink_to(precious)  # of a file that is not there: lexists, not exists
    document.volume("labels")[3, 2:5, 10:20] = 255
    document.recount("labels")
    keep(document, folder)
    assert not precious.exists()


def test_a_folder_of_that_suffix_is_none(tmp_path: Path) -> None:
    folder = tmp_path / "slices.sxtproject"
    folder.mkdir()
    assert not is_marker(folder) and not is_project(folder)


def test_what_a_killed_saving_left_of_it_goes(document: Document, tmp_path: Path) -> None:
    folder = tmp_path / "cell.sxt"
    keep(document, folder)

    left = temporary_name(folder / NAME)
    left.write_text("half")
    assert half_written(folder) == [left.name]


def test_a_link_to_one_opens_the_project_that_the_real_one_lies_in(
    document: Document, tmp_path: Path
) -> None:
    folder, desktop = tmp_path / "cell.sxt", tmp_path / "desktop"
    keep(document, folder)
    document.project_lock.release()  # type: ignore[union-attr]
    desktop.mkdir()
    for name in (NAME, "my cell.sxtproject"):
        (desktop / name).symlink_to(Path("..", "cell.sxt", NAME))
        assert is_project(desktop / name) and project_folder(desktop / name) == folder
        assert labels_of(desktop / name) == 30


def test_a_link_to_nothing_and_a_folder_are_said_to_be_that(tmp_path: Path) -> None:
    gone = tmp_path / "gone.sxtproject"
    gone.symlink_to(tmp_path / "nowhere" / NAME)
    folder = tmp_path / NAME
    with pytest.raises(UserError, match=r"gone\.sxtproject is a link to .*nowhere.*, which is not there"):
        open_project(gone)
    folder.mkdir()
    assert is_project(folder)
    with pytest.raises(UserError, match=r"open\.sxtproject is a folder, and not the file that opens"):
        open_project(folder)
    link = tmp_path / "link.sxtproject"
    (tmp_path / "alone.sxtproject").write_text("x")
    link.symlink_to(tmp_path / "alone.sxtproject")
    with pytest.raises(UserError, match="opens the project that it lies in"):
        open_project(link)
