"""Nothing is written through a link; a pipe or a device is no file."""

from __future__ import annotations

import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from sxtstudio.core.atomic import atomic_write
from sxtstudio.core.lock import HOLDER, NAME, FolderLock, holder
from sxtstudio.core.plain_files import (
    LinkRefused,
    append_lines,
    create_own,
    open_own,
    open_plain,
    read_plain,
)

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs links and pipes")

PRECIOUS = b"hours of work"
Trap = Callable[[Path, Path], None]
TRAPS: dict[str, Trap] = {
    "link": lambda name, precious: name.symlink_to(precious),
    "relative link": lambda name, precious: name.symlink_to(os.path.relpath(precious, name.parent)),
    "dangling link": lambda name, precious: name.symlink_to(precious.with_name("new")),
    "second name": lambda name, precious: os.link(precious, name),
    "pipe": lambda name, precious: os.mkfifo(name),
    "device": lambda name, precious: name.symlink_to("/dev/null"),
}


@pytest.fixture(params=TRAPS.values(), ids=TRAPS.keys())
def trap(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], Path]:
    """Puts a trap under a name in a folder; afterwards the user's file must be as it was."""
    precious = tmp_path / "home" / "precious.txt"
    precious.parent.mkdir()
    precious.write_bytes(PRECIOUS)
    (tmp_path / "project").mkdir()

    def put(name: str) -> Path:
        request.param(tmp_path / "project" / name, precious)
        return tmp_path / "project" / name

    yield put
    assert precious.read_bytes() == PRECIOUS
    assert list(precious.parent.iterdir()) == [precious]


@pytest.mark.parametrize("mode", ["r+b", "ab"])
def test_own_file_is_not_opened_through_a_trap(trap, mode):
    with pytest.raises(LinkRefused, match="nothing is written through it"):
        open_own(trap("labels.raw"), mode)


def test_new_file_takes_the_place_of_a_trap(trap):
    path = trap("labels.raw")
    with create_own(path) as file:
        file.write(b"new")
    assert path.read_bytes() == b"new" and not path.is_symlink()


def test_atomic_write_takes_the_place_of_a_trap(trap):
    path = trap("project.json")
    with atomic_write(path, own=True) as temporary:
        temporary.write_bytes(b"new")
    assert path.read_bytes() == b"new" and not path.is_symlink()


def test_atomic_folder_takes_the_place_of_a_trap(trap):
    path = trap("labels-1.zarr")
    with atomic_write(path, own=True) as temporary:
        temporary.mkdir()
        (temporary / "chunk").write_bytes(b"new")
    assert [entry.name for entry in path.iterdir()] == ["chunk"] and not path.is_symlink()


def test_lock_that_is_a_trap(trap, tmp_path):
    trap(NAME)
    with pytest.raises(LinkRefused):
        FolderLock(tmp_path / "project", signed=True)


def test_signature_that_is_a_trap(trap, tmp_path):
    path = trap(HOLDER)
    assert holder(tmp_path / "project") == ""
    lock = FolderLock(tmp_path / "project", signed=True)
    assert " on " in holder(tmp_path / "project") and not path.is_symlink()
    lock.release()
    assert not path.exists()


def test_folder_reached_by_a_link_is_written_to(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "here").symlink_to("disk")
    with atomic_write(tmp_path / "here" / "labels.tif") as temporary:
        temporary.write_bytes(b"new")
    assert (tmp_path / "disk" / "labels.tif").read_bytes() == b"new"


@pytest.mark.parametrize("what", ["pipe", "device", "folder"])
def test_only_files_are_read(what, tmp_path):
    path = tmp_path / "card.json"
    {"pipe": os.mkfifo, "device": lambda p: p.symlink_to("/dev/zero"), "folder": os.mkdir}[what](path)
    with pytest.raises(OSError, match=r"no file|directory"):
        open_plain(path)


def test_small_file_is_read_whole_and_a_large_one_not_at_all(tmp_path):
    (tmp_path / "a").write_bytes(b"12345")
    assert read_plain(tmp_path / "a", 5) == b"12345"
    with pytest.raises(OSError, match="larger than 4 bytes"):
        read_plain(tmp_path / "a", 4)


def test_reading_takes_the_memory_of_what_is_there(tmp_path):
    (tmp_path / "a").write_bytes(b"12345")
    tracemalloc.start()
    assert read_plain(tmp_path / "a", 100_000_000) == b"12345"
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux makes up such files")
def test_files_that_the_system_makes_up_are_read_whole():
    assert b"Threads" in read_plain(Path("/proc/self/status"), 1 << 20)
    with pytest.raises(OSError, match="larger than 50 bytes"):
        read_plain(Path("/proc/self/status"), 50)


def test_lines_are_appended_after_the_end_of_a_torn_one(tmp_path):
    path = tmp_path / "log.jsonl"
    append_lines(path, b"one\n")
    append_lines(path, b"two\nthr")
    append_lines(path, b"four\n")
    append_lines(path, b"five\n")
    assert path.read_bytes() == b"one\ntwo\nthr\nfour\nfive\n"
