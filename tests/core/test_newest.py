"""A thread that does only the newest of what it is asked for."""

from __future__ import annotations

import threading

from sxtstudio.core.newest import Newest, NewestOnly, Stale


def nobody(error: Exception) -> None:
    raise AssertionError(error)


def test_of_those_that_wait_only_the_newest_is_done_and_one_at_a_time() -> None:
    worker, begun, go_on = NewestOnly("test", nobody), threading.Event(), threading.Event()
    done: list[object] = []

    def first(stale: Stale) -> None:
        begun.set()
        assert go_on.wait(10)
        done.append(("first", stale()))

    worker.request(first)
    assert begun.wait(10) and worker.busy
    for number in range(5):
        worker.request(lambda stale, number=number: done.append((number, stale())))
    go_on.set()
    worker.wait()
    assert done == [("first", True), (4, False)] and not worker.busy


def test_errors_are_handed_on_unless_nobody_waits_for_them() -> None:
    errors: list[Exception] = []
    worker, begun, go_on = NewestOnly("test", errors.append), threading.Event(), threading.Event()

    def bad(stale: Stale) -> None:
        begun.set()
        assert go_on.wait(10)
        raise ValueError("bad")

    worker.request(bad)
    assert begun.wait(10)
    go_on.set()
    worker.wait()
    assert [str(error) for error in errors] == ["bad"]
    begun.clear()
    go_on.clear()
    worker.request(bad)
    assert begun.wait(10)
    worker.drop()
    go_on.set()
    worker.wait()
    assert len(errors) == 1


def test_after_the_end_nothing_is_done() -> None:
    worker, done = NewestOnly("test", nobody), []
    worker.request(lambda stale: done.append(1))
    worker.wait()
    worker.shut_down(10)
    worker.request(lambda stale: done.append(2))
    worker.wait()
    assert done == [1] and not worker.busy


def test_a_request_replaces_what_waits_and_makes_stale_what_has_begun() -> None:
    newest: Newest[str] = Newest()
    assert newest.take() is None and newest.request("one") and newest.request("two") and newest.waits
    taken = newest.take()
    assert taken is not None and not newest.waits and newest.take() is None
    work, stale = taken
    assert work == "two" and not stale()
    newest.request("three")
    assert stale() and newest.waits
    newest.drop()
    assert not newest.waits and newest.request("four")
    newest.end()
    assert not newest.waits and not newest.request("five") and newest.take() is None
