from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from sxtstudio.core.errors import UserError
from sxtstudio.segment import checkpoint as module
from sxtstudio.segment.checkpoint import (
    Checkpoint,
    UndecidedError,
    forget,
    has_unfinished,
    read_unfinished,
)
from sxtstudio.segment.ledger import MadeFrom
from sxtstudio.segment.run_settings import RunSettings

SHAPE = (5, 6, 7)


def pixels(z: int) -> np.ndarray:
    return (np.random.default_rng(z).random(SHAPE[1:]) > 0.5).astype(np.uint8) * 255


def settings(**changes: Any) -> RunSettings:
    first = RunSettings("compact", "0" * 64, 0.0, "dark", 0, 4, False, 1, SHAPE, "float32", "1" * 64)
    return replace(first, **changes)


def opened(folder: Path, resume: bool | None = True, **changes: Any) -> Checkpoint:
    return Checkpoint(folder, settings(**changes), resume=resume)


@pytest.fixture
def interrupted(tmp_path: Path) -> Path:
    """A folder with the finished slices 0 and 3."""
    folder = tmp_path / "work"
    checkpoint = opened(folder)
    for z in (0, 3):
        checkpoint.write(z, pixels(z))
    checkpoint.close()
    return folder


def test_finished_slices_are_found_again(interrupted: Path) -> None:
    checkpoint = opened(interrupted)
    assert checkpoint.finished == {0, 3}
    assert not checkpoint.complete
    np.testing.assert_array_equal(checkpoint.labels()[3], pixels(3))
    np.testing.assert_array_equal(checkpoint.read(3), pixels(3))
    assert not checkpoint.labels()[1].any()
    for z in (1, 2, 4):
        checkpoint.write(z, pixels(z))
    assert checkpoint.complete
    checkpoint.close()
    # Read by another means: the file is the plain array.
    stored = np.frombuffer((interrupted / "labels.raw").read_bytes(), np.uint8).reshape(SHAPE)
    np.testing.assert_array_equal(stored, np.stack([pixels(z) for z in range(5)]))


def test_probability_lies_beside_the_labels(tmp_path: Path) -> None:
    checkpoint = opened(tmp_path / "w", probability=True)
    checkpoint.write(2, pixels(2), pixels(9))
    np.testing.assert_array_equal(checkpoint.probability()[2], pixels(9))
    checkpoint.close()
    content = bytearray((tmp_path / "w" / "probability.raw").read_bytes())
    content[2 * 42] ^= 1
    (tmp_path / "w" / "probability.raw").write_bytes(content)
    again = opened(tmp_path / "w", probability=True)
    assert again.finished == set()
    again.close()


def test_other_settings_are_refused_and_named(interrupted: Path) -> None:
    with pytest.raises(UserError, match=r"threshold was 0\.0 and is now 0\.5") as told:
        opened(interrupted, threshold=0.5)
    assert "model was" not in str(told.value)
    checkpoint = opened(interrupted)
    assert checkpoint.finished == {0, 3}, "a refusal must not lose anything"
    checkpoint.close()


def test_without_a_word_nothing_is_resumed_or_lost(interrupted: Path) -> None:
    with pytest.raises(UndecidedError, match="2 finished slices"):
        opened(interrupted, resume=None)
    checkpoint = opened(interrupted)
    assert checkpoint.finished == {0, 3}
    checkpoint.close()


@pytest.mark.parametrize("resume", [True, None])
def test_a_folder_without_finished_slices_is_begun_anew(tmp_path: Path, resume: bool | None) -> None:
    opened(tmp_path / "w", threshold=0.7).close()
    checkpoint = opened(tmp_path / "w", resume=resume)
    assert checkpoint.finished == set()
    checkpoint.close()


def test_restart_discards(interrupted: Path) -> None:
    checkpoint = opened(interrupted, resume=False, threshold=0.5)
    assert checkpoint.finished == set()
    assert not checkpoint.labels().any()
    checkpoint.close()


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda log: log + b"1 0000", id="torn line"),
        pytest.param(lambda log: log + b"1 00000000\n", id="voxels never arrived"),
        pytest.param(lambda log: log + b"\x00" * 40, id="zeros after a power cut"),
        pytest.param(lambda log: log + b"77 00000000\n", id="no such slice"),
    ],
)
def test_a_damaged_ledger_promises_only_what_is_there(interrupted: Path, damage: Any) -> None:
    ledger = interrupted / "finished.log"
    ledger.write_bytes(damage(ledger.read_bytes()))
    checkpoint = opened(interrupted)
    assert checkpoint.finished == {0, 3}
    checkpoint.write(1, pixels(1))
    checkpoint.close()
    again = opened(interrupted)
    assert again.finished == {0, 1, 3}
    again.close()


@pytest.mark.parametrize("length", range(1, 20))
def test_a_torn_line_takes_no_other_with_it(interrupted: Path, length: int) -> None:
    """Wherever a power cut tears the line of slice 2, the slice written next is found again."""
    ledger = interrupted / "finished.log"
    ledger.write_bytes(ledger.read_bytes() + b"2 7f3a11c9 55aa55aa\n"[:length])
    checkpoint = opened(interrupted)
    assert checkpoint.finished == {0, 3}
    checkpoint.write(1, pixels(1))
    checkpoint.close()
    again = opened(interrupted)
    assert again.finished == {0, 1, 3}
    again.close()


def test_a_slice_whose_voxels_changed_counts_as_not_done(interrupted: Path) -> None:
    with open(interrupted / "labels.raw", "r+b") as file:
        file.seek(3 * 42)
        file.write(b"\x07")
    checkpoint = opened(interrupted)
    assert checkpoint.finished == {0}
    checkpoint.close()


def test_a_labels_file_of_another_size_is_begun_anew(interrupted: Path) -> None:
    os.truncate(interrupted / "labels.raw", 100)
    checkpoint = opened(interrupted)
    assert checkpoint.finished == set()
    checkpoint.close()


def test_two_jobs_do_not_share_a_folder(interrupted: Path) -> None:
    first = opened(interrupted)
    with pytest.raises(UserError, match="Another window"):
        opened(interrupted)
    first.close()
    opened(interrupted).close()


def test_discard_removes_the_folder_it_made(interrupted: Path) -> None:
    checkpoint = opened(interrupted)
    (interrupted / "cleaned").write_bytes(b"made by a later step")
    checkpoint.discard()
    assert not interrupted.exists()


def test_discard_leaves_the_files_of_others(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    opened(tmp_path).discard()
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_who_does_not_hold_the_lock_removes_nothing(interrupted: Path) -> None:
    winner = opened(interrupted)
    for refused in (lambda: opened(interrupted), lambda: opened(interrupted, resume=False)):
        with pytest.raises(UserError, match="Another window"):
            refused()
    with pytest.raises(UserError, match="Another window"):
        forget(interrupted)
    for z in (1, 2, 4):
        winner.write(z, pixels(z))
    winner.close()
    closed = opened(interrupted)
    closed.close()
    winner = opened(interrupted)
    closed.discard()  # another works there now
    np.testing.assert_array_equal(winner.labels(), np.stack([pixels(z) for z in range(5)]))
    winner.discard()
    assert not interrupted.exists()


def test_a_run_that_ends_before_its_first_slice_leaves_nothing(tmp_path: Path, interrupted: Path) -> None:
    for folder, left in ((tmp_path / "new", False), (interrupted, True)):
        checkpoint = opened(folder)
        with pytest.raises(KeyboardInterrupt), checkpoint.closed_on_error():
            raise KeyboardInterrupt
        assert folder.exists() == left
    with pytest.raises(UserError, match="threshold"):
        opened(interrupted, threshold=0.5)
    assert read_unfinished(interrupted) == module.UnfinishedRun(settings(), 2)


@pytest.mark.parametrize("moment", ["labels.raw", "settings.json", "first slice"])
def test_what_a_kill_at_the_start_leaves_goes_with_the_next_run(tmp_path: Path, moment: str) -> None:
    code = (
        "import sys, os, signal, numpy as np; from pathlib import Path\n"
        "from sxtstudio.segment import checkpoint as c\n"
        "from sxtstudio.segment.run_settings import RunSettings\n"
        "s = RunSettings('m', '', 0.0, 'dark', 0, 4, False, 1, (5, 6, 7), 'float32', '')\n"
        "def kill(*a, **k): os.kill(os.getpid(), signal.SIGKILL)\n"
        "if sys.argv[2] == 'labels.raw': c.create_own = kill\n"
        "if sys.argv[2] == 'settings.json': c.json.dumps = kill\n"
        "c.Checkpoint(Path(sys.argv[1]), s); kill()\n"
    )
    folder = tmp_path / "w"
    done = subprocess.run([sys.executable, "-c", code, str(folder), moment], timeout=60)
    assert done.returncode == -signal.SIGKILL and folder.exists()
    assert read_unfinished(folder) is None and not has_unfinished(folder)
    checkpoint = opened(folder, resume=None)
    checkpoint.write(0, pixels(0))
    checkpoint.discard()
    assert not folder.exists()


def test_an_interrupted_run_says_its_settings_and_can_be_forgotten(interrupted: Path) -> None:
    assert read_unfinished(interrupted) == module.UnfinishedRun(settings(), 2)
    (interrupted / "notes.txt").write_text("mine")
    forget(interrupted)
    assert [path.name for path in interrupted.iterdir()] == ["notes.txt"]
    assert read_unfinished(interrupted) is None
    forget(interrupted / "no such folder")


def test_settings_of_a_former_version(interrupted: Path) -> None:
    content = json.loads((interrupted / "settings.json").read_text())
    content["settings"]["looks at each slice"] = 3
    del content["settings"]["neighbours on each side"]
    (interrupted / "settings.json").write_text(json.dumps(content))
    checkpoint = opened(interrupted)
    assert checkpoint.finished == {0, 3}
    checkpoint.close()


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{", '{"settings": {"model": "x"}, "own_folder": true}', "[" * 10**5, '{"settings": 7}'],
)
def test_finished_slices_outlive_damaged_settings(interrupted: Path, content: str) -> None:
    (interrupted / "settings.json").write_text(content)
    for resume in (True, None):
        with pytest.raises(UserError, match=r"2 finished slices .* damaged"):
            opened(interrupted, resume=resume)
    assert (interrupted / "finished.log").read_bytes().count(b"\n") == 2
    checkpoint = opened(interrupted, resume=False)
    checkpoint.close()


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("last slice", 99, "'last slice' is wrong"),
        ("first slice", 4.0, "'first slice' is wrong; it must be a whole number from 0"),
        ("first slice", -1, "'first slice' is wrong"),
        ("size of the tomogram", [5, 6, 0], "'size of the tomogram' is wrong"),
        ("probability", "no", "'probability' is wrong; it must be true or false"),
        ("polarity", "red", "'polarity' is wrong"),
    ],
)
def test_damaged_settings_are_named(interrupted: Path, key: str, value: object, said: str) -> None:
    content = json.loads((interrupted / "settings.json").read_text())
    assert key in content["settings"]
    content["settings"][key] = value
    (interrupted / "settings.json").write_text(json.dumps(content))
    with pytest.raises(UserError, match=said):
        opened(interrupted)
    assert read_unfinished(interrupted) is None


def test_the_probability_can_be_taken(tmp_path: Path) -> None:
    checkpoint = opened(tmp_path / "w", probability=True)
    for z in range(5):
        checkpoint.write(z, pixels(z), pixels(z + 9))
    checkpoint.take_probability(tmp_path / "output.raw")
    checkpoint.discard()
    stored = np.frombuffer((tmp_path / "output.raw").read_bytes(), np.uint8).reshape(SHAPE)
    np.testing.assert_array_equal(stored, np.stack([pixels(z + 9) for z in range(5)]))
    assert not (tmp_path / "w").exists()


def test_what_a_slice_was_made_from_is_known_again(interrupted: Path) -> None:
    checkpoint = opened(interrupted)
    checkpoint.write(1, pixels(1), source=MadeFrom(0xFEDC))
    checkpoint.write(2, pixels(2), source=MadeFrom(0x12, 0))
    checkpoint.close()
    again = opened(interrupted)
    assert [again.source(z) for z in (0, 1, 2)] == [None, MadeFrom(0xFEDC), MadeFrom(0x12, 0)]
    again.close()


def test_a_full_disk_is_told(interrupted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint = opened(interrupted)

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(module.os, "fsync", full)
    with pytest.raises(UserError, match="No space left"):
        checkpoint.write(1, pixels(1))
    monkeypatch.undo()
    assert checkpoint.finished == {0, 3}
    checkpoint.close()


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be kept in"):
        opened(tmp_path / "file" / "work")


def test_wrong_slices_are_refused(tmp_path: Path) -> None:
    checkpoint = opened(tmp_path / "w")
    with pytest.raises(ValueError, match="uint8"):
        checkpoint.write(0, np.zeros((6, 7), np.float32))
    with pytest.raises(ValueError, match="uint8"):
        checkpoint.write(0, np.zeros((7, 6), np.uint8))
    checkpoint.close()


def test_kill_9_loses_at_most_the_slice_being_written(tmp_path: Path) -> None:
    code = (
        "import sys, numpy as np; from pathlib import Path\n"
        "from sxtstudio.segment.checkpoint import Checkpoint\n"
        "from sxtstudio.segment.run_settings import RunSettings\n"
        "s = RunSettings('m', '', 0.0, 'dark', 0, 1999, False, 1, (2000, 6, 7), 'float32', '')\n"
        "c = Checkpoint(Path(sys.argv[1]), s, resume=True)\n"
        "for z in range(2000):\n"
        "    c.write(z, np.full((6, 7), z % 255 + 1, np.uint8)); print(z, flush=True)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "w")], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        seen = 0
        for line in process.stdout:
            seen = int(line)
            if seen >= 20:
                process.send_signal(signal.SIGKILL)
                break
        seen = max([seen, *(int(line) for line in process.stdout if line.strip())])
    found = read_unfinished(tmp_path / "w")
    assert found is not None
    checkpoint = Checkpoint(tmp_path / "w", found.settings, resume=True)
    assert set(range(seen + 1)) <= checkpoint.finished <= set(range(seen + 2))
    assert seen < 1999
    for z in checkpoint.finished:
        assert (checkpoint.labels()[z] == z % 255 + 1).all()
    checkpoint.close()


def test_settings_on_disk_are_plain_json(interrupted: Path) -> None:
    content = json.loads((interrupted / "settings.json").read_text())
    assert content["settings"]["size of the tomogram"] == [5, 6, 7]
