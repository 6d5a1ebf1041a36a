import errno
import sys
from pathlib import Path

import pytest

import sxtstudio
from sxtstudio.core.errors import UserError, sentence_of


@pytest.mark.parametrize(
    ("slices", "window", "command_line"),
    [
        ((3, 3), "slice 4 is damaged.", "slice 3 (counted from 0) is damaged."),
        ((0, 7), "slices 1 to 8 is damaged.", "slices 0 to 7 (counted from 0) is damaged."),
    ],
)
def test_each_door_counts_slices_in_its_own_way(
    slices: tuple[int, int], window: str, command_line: str
) -> None:
    error = UserError("{slices} is damaged.", slices=slices)
    assert str(error) == sentence_of(error) == window
    assert sentence_of(error, slices_from=0) == command_line
    again = UserError(f"Not written ({error.text})", slices=error.slices)
    assert sentence_of(again, slices_from=0) == f"Not written ({command_line})"


def test_a_name_in_braces_stays_as_it_is() -> None:
    assert str(UserError("{slices}.mrc is damaged.")) == "{slices}.mrc is damaged."
    assert "No such file" in str(sentence_of(OSError(errno.ENOENT, "No such file", "{slices}.mrc")))


def test_a_missing_part_of_the_installed_application_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a checkout it is a bug, whose details belong in the log."""
    error = ModuleNotFoundError("No module named 'vtkmodules'")
    assert sentence_of(error) is None
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    said = sentence_of(error)
    assert said is not None and "vtkmodules" in said and "install it again" in said


def test_a_file_of_the_installed_application_that_is_gone_is_told_from_one_of_the_user(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """So numpy ends when its compiled half is gone: it lists its folder."""
    gone = FileNotFoundError(
        errno.ENOENT, "No such file", str(Path(sxtstudio.__file__).parents[1] / "numpy" / "_core")
    )
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    said = sentence_of(gone)
    assert said is not None and "numpy" in said and "install it again" in said
    said = sentence_of(FileNotFoundError(errno.ENOENT, "No such file", str(tmp_path / "cell.mrc")))
    assert said is not None and "Check its name" in said
