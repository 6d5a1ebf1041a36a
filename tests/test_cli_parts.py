"""What the commands share: how sizes are written, exit codes, the progress bar."""

from __future__ import annotations

import argparse
import errno
import io
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from sxtstudio.commands import guard, options, terminal
from sxtstudio.commands.segment import polarity_text
from sxtstudio.core.errors import Cancelled, UserError
from sxtstudio.core.polarity import Basis, Polarity, chosen_polarity
from sxtstudio.core.progress import Progress, ProgressState


@pytest.mark.parametrize(
    ("written", "voxels", "nm3"),
    [
        ("500", 500, None),
        ("0", 0, None),
        ("500voxels", 500, None),
        ("2e6nm3", None, 2e6),
        ("2e6 nm³", None, 2e6),
        ("0.002um3", None, 2e6),
        ("0.002µm3", None, 2e6),
    ],
)
def test_size(written: str, voxels: int | None, nm3: float | None) -> None:
    assert options.size(written) == (voxels, None if nm3 is None else pytest.approx(nm3))


@pytest.mark.parametrize("written", ["", "-5", "1.5", "5 litres", "nm3", "1..2nm3", "1e999nm3", "inf"])
def test_size_that_is_none(written: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="is no size"):
        options.size(written)


@pytest.mark.parametrize(
    ("written", "expected"),
    [("3:7", (3, 7)), (":7", (None, 7)), ("3:", (3, None)), (":", (None, None)), ("-50:", (-50, None))],
)
def test_slice_range(written: str, expected: tuple[int | None, int | None]) -> None:
    assert options.slice_range(written) == expected


@pytest.mark.parametrize("written", ["5", "a:b", "1:2:3", "-:4", "1.5:3", ""])
def test_slice_range_that_is_none(written: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="is no range"):
        options.slice_range(written)


def test_crop_and_voxel_size() -> None:
    assert options.crop("2,8,9") == (2, 8, 9)
    assert options.voxel_size("9.8") == (9.8, 9.8, 9.8)
    assert options.voxel_size("20,10,12") == (20.0, 10.0, 12.0)
    for written in ("2,8", "2,8,-1", "2,8,x", "8"):
        with pytest.raises(argparse.ArgumentTypeError):
            options.crop(written)
    for written in ("0", "-3", "nan", "1,2", "ten"):
        with pytest.raises(argparse.ArgumentTypeError):
            options.voxel_size(written)


def raising(error: BaseException) -> Callable[[], int]:
    def command() -> int:
        raise error

    return command


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (UserError("This file is\nbroken. Copy it again."), 2, "This file is broken. Copy it again."),
        (Cancelled(), 130, "Cancelled."),
        (KeyboardInterrupt(), 130, "Cancelled."),
        (MemoryError(), 2, "memory"),
        (OSError(errno.ENOSPC, "No space left on device", "/x/labels.tif"), 2, "labels.tif"),
    ],
    ids=["user", "cancelled", "ctrl-c", "memory", "disk"],
)
def test_how_a_command_ends(
    error: BaseException, code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert guard.guarded([], raising(error)) == code
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 and words in lines[0]


def test_unexpected_error_goes_into_a_log_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(guard.sys, "platform", "linux")
    assert guard.guarded(["segment", "my cell.mrc"], raising(ZeroDivisionError("odd"))) == 1
    lines = capsys.readouterr().err.splitlines()
    (log,) = (tmp_path / "sxtstudio").iterdir()
    assert len(lines) == 1 and str(log) in lines[0]
    content = log.read_text(encoding="utf-8")
    assert "ZeroDivisionError: odd" in content and "segment 'my cell.mrc'" in content


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_cancel_and_then_interrupt(number: signal.Signals) -> None:
    progress = Progress(5)
    before = signal.getsignal(number)
    with guard.cancel_on_signals(progress):
        progress.step()
        os.kill(os.getpid(), number)
        with pytest.raises(Cancelled):
            progress.step()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)
    assert signal.getsignal(number) is before


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_on_a_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "REDRAW_S", 0)
    monkeypatch.setenv("COLUMNS", "200")
    display = terminal.ProgressDisplay(Screen())
    display.slices = (16, 64)
    display(ProgressState("segmenting", 0.25, 30.0, 90.0))
    line = display.stream.getvalue()
    assert "25 % segmenting, 16 of 64 slices, 90 s left" in line
    assert line.count("#") == 6 and "\n" not in line
    display.clear()
    assert display.stream.getvalue().endswith("\r\x1b[K")


def test_progress_in_a_log_is_sparse(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr(terminal.time, "monotonic", lambda: clock[0])
    display = terminal.ProgressDisplay(io.StringIO())
    for step in range(100):
        clock[0] += 1
        display(ProgressState("segmenting", step / 100, float(step), 100.0 - step))
    lines = display.stream.getvalue().splitlines()
    assert 5 <= len(lines) <= 7
    assert lines[0].strip() == "14 % segmenting, 86 s left"


def test_a_doubt_about_polarity_names_the_option() -> None:
    unsure = Polarity(
        "dark", 0.6, "60 % sure, by the image and network, in 2 of 3 slices looked at", Basis.NETWORK
    )
    assert polarity_text(unsure) == f"dark: {unsure.reason} (--polarity bright)"
    assert polarity_text(chosen_polarity("dark")) == "dark: chosen by you"
