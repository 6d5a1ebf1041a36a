"""One holder at a time, also where the holder before removes the file between two steps of the next."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pytest

from sxtstudio.core import lock
from sxtstudio.core.errors import UserError
from sxtstudio.core.lock import NAME, FolderLock, is_in_use

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="open files cannot be removed there")


@pytest.fixture
def before_locking(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None]], None]:
    """Have something happen once, after the next start has opened the file and before it locks it."""
    real = lock._lock

    def arrange(happens: Callable[[], None]) -> None:
        waiting = [happens]

        def locked(file: IO[bytes]) -> None:
            if waiting:
                waiting.pop()()
            real(file)

        monkeypatch.setattr(lock, "_lock", locked)

    return arrange


def test_a_start_that_another_overtakes_is_refused(
    tmp_path: Path, before_locking: Callable[[Callable[[], None]], None]
) -> None:
    winners = []

    def overtake() -> None:
        (tmp_path / NAME).unlink()  # by the holder before, who is done
        winners.append(FolderLock(tmp_path))

    before_locking(overtake)
    with pytest.raises(UserError, match="Another window or command is working"):
        FolderLock(tmp_path)
    winners[0].release()
    FolderLock(tmp_path).release()


def test_a_start_whose_file_is_removed_holds_the_new_one(
    tmp_path: Path, before_locking: Callable[[Callable[[], None]], None]
) -> None:
    before_locking((tmp_path / NAME).unlink)
    held = FolderLock(tmp_path)
    with pytest.raises(UserError, match="Another window or command is working"):
        FolderLock(tmp_path)
    held.release()
    held.release()
    FolderLock(tmp_path).release()


def test_a_shared_lock_is_held_until_its_last_owner_releases_it(tmp_path: Path) -> None:
    first = FolderLock(tmp_path, signed=True)
    assert first.share()
    first.release()
    assert first.held and lock.holder(tmp_path)
    with pytest.raises(UserError):
        FolderLock(tmp_path)
    first.release()
    assert not first.held and not lock.holder(tmp_path) and not first.share()
    first.release()
    FolderLock(tmp_path).release()


@pytest.mark.parametrize(
    ("since", "user"),
    [("2026-05-04T14:03:00+00:00", "a" * 9000), ("yesterday", "anna"), (3, "anna"), ("2026-05-04", 7)],
)
def test_a_signature_that_is_none_names_nobody(tmp_path: Path, since: object, user: object) -> None:
    right = {"user": "anna", "host": "beamline-2", "process": 7, "since": "2026-05-04T14:03:00+00:00"}
    (tmp_path / lock.HOLDER).write_text(json.dumps(right), encoding="utf-8")
    assert lock.holder(tmp_path).startswith("anna on beamline-2 since 2026-05-0")
    (tmp_path / lock.HOLDER).write_text(json.dumps(right | {"user": user, "since": since}), encoding="utf-8")
    assert lock.holder(tmp_path) == ""


def test_one_who_only_looks_is_no_reason_to_be_refused(
    tmp_path: Path, before_locking: Callable[[Callable[[], None]], None]
) -> None:
    looks: list[FolderLock] = []
    before_locking(lambda: looks.append(FolderLock(tmp_path)))
    threading.Timer(0.05, lambda: looks[0].release()).start()
    held = FolderLock(tmp_path)
    assert looks and not looks[0].held and held.current
    assert is_in_use(tmp_path)
    held.release()
    assert not is_in_use(tmp_path)
