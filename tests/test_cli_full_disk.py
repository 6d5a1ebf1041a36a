"""A disk that gets full in the middle of a job: one sentence, never the end of the process by a signal."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import mrcfile
import numpy as np
import pytest

from sxtstudio.core import reserved
from sxtstudio.core.errors import UserError

SMALL_DISK = (
    'mount -t tmpfs -o size=12m tmpfs "$1" && cp cell.mrc labels.mrc "$1" && cd "$1" && shift && exec "$@"'
)

# Somebody else fills the disk just before or just after a function of a job is called.
CODE = """
import importlib, os, sys
from sxtstudio.cli import main
moment, module, name, *words = sys.argv[1:]

def fill():
    with open("filler", "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass

place = importlib.import_module(module)
real = getattr(place, name)

def filled(*arguments, **options):
    if moment == "before":
        fill()
    result = real(*arguments, **options)
    if moment == "after":
        fill()
    return result

setattr(place, name, filled)
code = main(words)
print(*sorted(os.listdir(".")))
sys.exit(code)
"""


def on_a_small_disk(folder: Path, *words: str) -> tuple[int, str, list[str]]:
    """Run a command where 12 MB fit; return its code, what it said, and the files that it left."""
    disk = folder / "disk"
    disk.mkdir()
    command = ["unshare", "-rm", "sh", "-c", SMALL_DISK, "sh", str(disk), sys.executable, "-c", CODE, *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    if "mount" in done.stderr or "unshare" in done.stderr:
        pytest.skip("no small disk can be made here")
    return done.returncode, done.stderr, done.stdout.splitlines()[-1].split()


@pytest.fixture
def folder(tmp_path: Path, toy_model: Path) -> Path:
    if shutil.which("unshare") is None:
        pytest.skip("no small disk can be made here")
    noise = np.random.default_rng(0).normal(size=(24, 160, 160)).astype(np.float32)
    for name, voxels in (("cell.mrc", noise), ("labels.mrc", (noise > 1).astype(np.int8))):
        with mrcfile.new(tmp_path / name) as file:
            file.set_data(voxels)
    return tmp_path


JOBS = "sxtstudio.workflow.jobs"
CLEAN = ["clean", "labels.mrc", "-o", "out.tif", "--min-size", "5"]
SURFACE = ["surface", "labels.mrc", "-o", "out.ply", "--voxel", "10"]


@pytest.mark.parametrize(
    ("moment", "function", "words"),
    [
        ("before", f"{JOBS}.segmenting run_clean_up", None),
        ("after", f"{JOBS}.segmenting _segment", None),
        ("after", f"{JOBS}.segmenting _check_disk", None),
        ("before", f"{JOBS}.cleaning run_clean_up", CLEAN),
        ("after", f"{JOBS}.cleaning check_space", CLEAN),
        ("after", f"{JOBS}.surfacing check_space", SURFACE),
    ],
    ids=["cleaning", "before cleaning", "before segmenting", "clean: cleaning", "clean: reading", "surface"],
)
def test_one_sentence(
    folder: Path, toy_model: Path, moment: str, function: str, words: list[str] | None
) -> None:
    if words is None:
        words = ["segment", "cell.mrc", "-o", "out.tif", "--model", str(toy_model), "--device", "cpu"]
        words += ["--min-size", "5", "--polarity", "dark"]
    code, told, left = on_a_small_disk(folder, moment, *function.split(), *words)
    assert code == 2, told
    assert len(told.splitlines()) == 1 and ("full" in told or "No space left" in told)
    kept = {"out.tif.partial"} if "segment" in words and "_check_disk" not in function else set()
    assert set(left) == {"cell.mrc", "labels.mrc", "filler"} | kept


def test_room_is_claimed_also_where_the_file_system_cannot_do_that_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cannot(*_: int) -> None:
        raise OSError(reserved.errno.EOPNOTSUPP, "not here")

    monkeypatch.setattr(reserved.os, "posix_fallocate", cannot, raising=False)
    reserved.create_reserved(tmp_path / "a.raw", 9_000_001)
    facts = (tmp_path / "a.raw").stat()
    assert facts.st_size == 9_000_001 and facts.st_blocks * 512 >= 9_000_001
    assert not np.fromfile(tmp_path / "a.raw", np.uint8).any()


@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX systems")
def test_a_limit_of_the_size_of_files_is_told(tmp_path: Path) -> None:
    code = (
        "import resource, sys; from pathlib import Path\n"
        "from sxtstudio.core.reserved import create_array\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "create_array(Path(sys.argv[1]), (10, 20, 30), 'ask for more')\n"
    )
    words = [sys.executable, "-c", code, str(tmp_path / "a.raw")]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert "UserError: A limit for the size of files" in done.stderr and "ask for more" in done.stderr
    assert "are free" not in done.stderr
    assert not (tmp_path / "a.raw").exists()


def test_a_file_of_another_size_is_no_array(tmp_path: Path) -> None:
    reserved.create_reserved(tmp_path / "a.raw", 10)
    with pytest.raises(UserError, match="damaged"):
        reserved.open_array(tmp_path / "a.raw", (1, 2, 3))
