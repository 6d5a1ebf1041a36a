"""Odd words, odd names and odd systems: a sentence and exit code 2, or the work is done."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile

from sxtstudio.cli import main
from sxtstudio.core import folders
from sxtstudio.core.errors import sentence_of


def refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Run a command that must fail politely; return what it said."""
    code = main(words)
    told = capsys.readouterr()
    assert code == 2, told.err
    (line,) = told.err.splitlines()
    assert line.startswith("sxtstudio: ") and "went wrong in the program" not in line and told.out == ""
    return line


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    tifffile.imwrite(
        tmp_path / "old.tif", np.eye(30, dtype=np.uint8)[None].repeat(3, 0), photometric="minisblack"
    )
    return tmp_path / "old.tif"


@pytest.mark.parametrize("size", ["1e-300", "1e300", "1e-4", "1e8", "10,10,1e-300", "nan", "-10", "0"])
def test_voxel_sizes_of_no_microscope(
    size: str, labels: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["clean", str(labels), "-o", str(tmp_path / "new.tif"), "--voxel", size]
    assert "no voxel size" in refused(words, capsys)


def test_numbers_of_thousands_of_digits(
    labels: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["segment", str(labels), "-o", str(tmp_path / "new.tif")]
    for option, value in (("--slices", "9" * 5000 + ":"), ("--tile", "9" * 5000), ("--erode", "9" * 5000)):
        refused([*words, option, value], capsys)


def test_erosion_without_end(labels: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["clean", str(labels), "-o", str(tmp_path / "new.tif"), "--erode", "1000000000000"]) == 0
    assert not tifffile.imread(tmp_path / "new.tif").any()


@pytest.mark.parametrize("name", ["x" * 244 + ".tif", "µ" * 122 + ".tif", "x" * 300 + ".tif"])
def test_output_name_that_is_too_long(
    name: str, tomogram: Path, toy_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refused(["segment", str(tomogram), "-o", str(tmp_path / name), "--model", str(toy_model)], capsys)
    assert "too long" in said
    assert not list(tmp_path.glob("*.partial"))


@pytest.mark.parametrize("name", ["x" * 243 + ".tif", "µ" * 121 + ".tif", "\U0001f9a0" * 60 + ".tif"])
def test_longest_output_name_that_fits(name: str, tomogram: Path, toy_model: Path, tmp_path: Path) -> None:
    words = ["segment", str(tomogram), "-o", str(tmp_path / name), "--model", str(toy_model)]
    assert main([*words, "--device", "cpu"]) == 0
    assert (tmp_path / name).is_file()


def test_input_name_that_is_too_long(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "too long" in refused(["info", str(tmp_path / ("x" * 300 + ".mrc"))], capsys)
    words = ["segment", str(tmp_path / ("x" * 300 + ".mrc")), "-o", str(tmp_path / "a.tif")]
    assert "too long" in refused(words, capsys)


def test_batch_of_a_name_to_which_nothing_can_be_added(
    tomogram: Path, toy_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    long = tmp_path / ("x" * 250 + ".mrc")
    tomogram.rename(long)
    assert main(["batch", str(long), "--model", str(toy_model), "--device", "cpu"]) == 2
    told = capsys.readouterr().out
    assert "failed" in told and "too long" in told and "went wrong in the program" not in told


def test_deeply_nested_configuration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "deep.toml").write_text("name = " + "[" * 3000 + "]" * 3000)
    assert "nested too deeply" in refused(["train", str(tmp_path / "deep.toml")], capsys)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
@pytest.mark.parametrize("what", ["pipe", "device"])
def test_configuration_or_model_without_an_end(
    what: str, tomogram: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("run.toml", "model.onnx", "model.json"):
        if what == "pipe":
            os.mkfifo(tmp_path / name)
        else:
            (tmp_path / name).symlink_to("/dev/zero")
    refused(["train", str(tmp_path / "run.toml")], capsys)
    refused(["models", "check", str(tmp_path / "model.onnx")], capsys)
    for name in ("model.onnx", "model.json"):
        words = ["segment", str(tomogram), "-o", str(tmp_path / "a.tif"), "--model", str(tmp_path / name)]
        refused(words, capsys)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
@pytest.mark.parametrize("key", ["labelled", "unlabelled", "held_out"])
def test_configuration_that_names_a_pipe(
    key: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    os.mkfifo(tmp_path / "cell.npy")
    (tmp_path / "run.toml").write_text(
        f'name = "x"\n[[{key}]]\ntomogram = "cell.npy"\npolarity = "dark"\n'
        + ("" if key == "unlabelled" else 'labels = "cell.npy"\n')
    )
    assert "no file" in refused(["train", str(tmp_path / "run.toml")], capsys)


@pytest.mark.parametrize(
    "card", ['{"name": "a\\ud800"}', "[" * 100_000, '{"name": ' * 50_000, "\xff", "7", ""]
)
def test_cards_that_are_none(card: str, toy_model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    toy_model.with_suffix(".json").write_text(card, encoding="latin-1")
    refused(["models", "check", str(toy_model)], capsys)


def test_half_a_character_in_a_card(toy_model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    card = {"name": "toy", "description": "half: \ud800", "trained_on": "x", "base_width": 2}
    card |= {"label_output": "label", "sha256": "0" * 64, "licence": "MIT"}
    toy_model.with_suffix(".json").write_text(json.dumps(card))
    assert "halves of characters" in refused(["models", "check", str(toy_model)], capsys)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\0" * 100])
def test_state_of_a_training_that_is_none(content: bytes, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from sxtstudio.core.errors import UserError
    from sxtstudio.training.checkpoint import load_state

    (tmp_path / "state.npz").write_bytes(content)
    with pytest.raises(UserError, match="not the state of a training run"):
        load_state(tmp_path / "state.npz")


@pytest.mark.skipif(os.name != "posix", reason="needs the user database of POSIX systems")
@pytest.mark.parametrize("home", [None, "", "/", "not/absolute"])
def test_no_home(home: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(uid: int) -> None:
        raise KeyError(uid)

    import pwd

    monkeypatch.setattr(pwd, "getpwuid", nobody)
    monkeypatch.setattr(folders.tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.delenv("HOME") if home is None else monkeypatch.setenv("HOME", home)
    folders._spare_home.cache_clear()
    try:
        found = folders.home_folder()
        assert found.parent == tmp_path and found.stat().st_mode & 0o77 == 0
        found.rename(tmp_path / "elsewhere")
        found.symlink_to(tmp_path / "elsewhere")  # somebody else was quicker
        folders._spare_home.cache_clear()
        assert folders.home_folder() != found
    finally:
        folders._spare_home.cache_clear()


NOBODY = """
import os, pwd, sys
def unknown(*_):
    raise KeyError
pwd.getpwuid = pwd.getpwnam = unknown
from sxtstudio.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.skipif(os.name != "posix", reason="needs the user database of POSIX systems")
def test_a_user_without_name_and_home(tomogram: Path, toy_model: Path, tmp_path: Path) -> None:
    """As in a container that was started with just a number for the user."""
    words = ["batch", tomogram.name, "-o", "out", "--model", toy_model.name, "--device", "cpu"]
    kept = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH")
    done = subprocess.run(
        [sys.executable, "-c", NOBODY, *words],
        env={name: os.environ[name] for name in kept if name in os.environ} | {"TMPDIR": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "out" / "cell.labels.tif").is_file()


@pytest.mark.skipif(os.name != "posix", reason="needs descriptors that are closed")
@pytest.mark.parametrize("closed", [(), (1,), (2,), (0, 1, 2)], ids=str)
@pytest.mark.parametrize("bad", [False, True], ids=["good", "bad"])
def test_streams_that_are_closed(closed: tuple[int, ...], bad: bool, tomogram: Path) -> None:
    def close() -> None:
        for descriptor in closed:
            os.close(descriptor)

    words = ["info", str(tomogram) if not bad else "/no/such/file.mrc"]
    done = subprocess.run(
        [sys.executable, "-m", "sxtstudio", *words],
        stdout=None if 1 in closed else subprocess.DEVNULL,
        stderr=None if 2 in closed else subprocess.DEVNULL,
        preexec_fn=close,
        check=False,
        timeout=120,
    )
    assert done.returncode == (2 if bad else 0)


@pytest.mark.parametrize("where", ["--erode=--", "--voxel=--", "--mask=--", "--crop=--", "--axes=--", "-o--"])
def test_an_option_whose_value_is_two_dashes(
    where: str, labels: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Some were ignored, others ended with an error of the program."""
    said = refused(["clean", str(labels), "-o", str(tmp_path / "new.tif"), where], capsys)
    assert f"The option {where[:-2].rstrip('=')} has no value" in said
    assert not (tmp_path / "new.tif").exists()


def test_two_dashes_end_the_options(labels: Path, tmp_path: Path) -> None:
    odd = labels.rename(tmp_path / "--mask=--")
    code = subprocess.run(
        [sys.executable, "-m", "sxtstudio", "clean", "-o", "new.tif", "--", odd.name],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        check=False,
        timeout=120,
    ).returncode
    assert code == 0 and (tmp_path / "new.tif").exists()


FULL = Path("/dev/full")


@pytest.mark.skipif(not FULL.exists(), reason="needs a device that is always full")
@pytest.mark.parametrize(
    ("words", "stream", "code", "said"),
    [
        (["clean", "old.tif", "-o", "new.tif"], "stdout", 2, "printed cannot be written (No space left"),
        (["info", "old.tif"], "stdout", 2, "printed cannot be written (No space left"),
        (["info", "--json", "old.tif"], "stdout", 2, "printed cannot be written"),
        (["--help"], "stdout", 2, "printed cannot be written"),
        (["--version"], "stdout", 2, "printed cannot be written"),
        (["info", "nosuch.tif"], "stdout", 2, "nosuch.tif does not exist"),
        (["info", "nosuch.tif"], "stderr", 2, ""),
        (["clean", "old.tif", "-o", "new.tif"], "stderr", 0, ""),
    ],
)
def test_a_terminal_that_is_full_is_no_full_disk(
    words: list[str], stream: str, code: int, said: str, labels: Path
) -> None:
    """What was written before is not "unchanged", and nothing is wrong with the disk of the output."""
    with FULL.open("w") as full:
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, stream: full}
        done = subprocess.run(
            [sys.executable, "-m", "sxtstudio", *words],
            cwd=labels.parent,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
            text=True,
            check=False,
            timeout=120,
            **streams,
        )
    assert done.returncode == code, done.stderr
    if stream == "stdout":
        assert said in done.stderr and len(done.stderr.splitlines()) == 1
        assert "unchanged" not in done.stderr
    assert (labels.parent / "new.tif").exists() == ("-o" in words)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems keep a folder that is in use")
def test_started_in_a_folder_that_has_gone(tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    command = "import os, sys; os.rmdir(os.getcwd()); from sxtstudio.cli import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", command, "info", "cell.mrc"],
        cwd=tmp_path / "gone",
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1 and "went wrong" not in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="other systems hardly have links")
@pytest.mark.parametrize("suffix", [".tif", ".zarr", ".onnx", ".toml", ".json"])
def test_links_in_a_circle(
    suffix: str, labels: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As an input they do not exist, and as an output they are replaced, as other links are."""
    loop = tmp_path / f"loop{suffix}"
    loop.symlink_to(loop.name)
    inner = loop / "inner.tif"
    if suffix in (".tif", ".zarr"):
        refused(["info", str(loop)], capsys)
        refused(["clean", str(loop), "-o", str(tmp_path / "new.tif")], capsys)
        refused(["clean", str(labels), "-o", str(inner)], capsys)
        refused(["segment", str(labels), "-o", str(tmp_path / "new.tif"), "--mask", str(loop)], capsys)
        assert main(["clean", str(labels), "-o", str(loop)]) == 0
        assert loop.exists() and not loop.is_symlink()
    elif suffix == ".toml":
        refused(["train", str(loop), "-o", str(tmp_path / "run")], capsys)
    else:
        refused(["models", "check", str(loop)], capsys)
        refused(["segment", str(labels), "-o", str(tmp_path / "new.tif"), "--model", str(loop)], capsys)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
def test_an_output_that_is_a_pipe(labels: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pipe = tmp_path / "pipe.tif"
    os.mkfifo(pipe)
    assert "pipe or a device" in refused(["clean", str(labels), "-o", str(pipe)], capsys)
    assert "pipe or a device" in refused(["segment", str(labels), "-o", str(pipe)], capsys)
    assert pipe.is_fifo()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
@pytest.mark.parametrize("what", ["pipe", "device"])
def test_a_model_that_is_a_pipe_is_not_called_empty(
    what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "net.onnx"
    os.mkfifo(path) if what == "pipe" else path.symlink_to("/dev/zero")
    assert "is a pipe or device" in refused(["models", "check", str(path)], capsys)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems keep a folder that is in use")
def test_names_in_a_folder_that_has_gone(
    labels: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is not damaged."""
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert "has been deleted or renamed" in refused(["info", "../old.tif"], capsys)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.EMFILE, "Too many open files", "a"), "ulimit -n"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "not enough free memory"),
        (OSError(errno.EIO, "Input/output error"), "Input/output error"),
        (FileNotFoundError(errno.ENOENT, "No such file or directory"), "No such file"),
    ],
    ids=["files", "memory", "disk", "folder"],
)
def test_what_the_system_refuses_is_said(error: OSError, words: str) -> None:
    assert words in str(sentence_of(error))


def test_errors_of_the_program_are_not_blamed_on_the_user() -> None:
    assert sentence_of(OSError("no number")) is None
    assert sentence_of(OSError(errno.EBADF, "Bad file descriptor")) is None
