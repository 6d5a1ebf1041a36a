from __future__ import annotations

import threading
import time
from contextlib import closing
from typing import Any

import pytest

from sxtstudio.core.errors import Cancelled
from sxtstudio.segment.overlap import overlapped


def nothing() -> None:
    pass


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Any:
    before = threading.active_count()
    yield
    assert threading.active_count() == before


def test_everything_arrives_in_order() -> None:
    results = overlapped(range(50), lambda x: x * 2, lambda x: x + 1, check=nothing)
    assert list(results) == [2 * x + 1 for x in range(50)]


def test_an_empty_source_gives_nothing() -> None:
    assert list(overlapped([], lambda x: x, lambda x: x, check=nothing)) == []


def test_the_three_parts_run_side_by_side() -> None:
    """Each part waits for the next to be busy: one after another, this would never end."""
    reading, writing = threading.Event(), threading.Event()

    def source() -> Any:
        yield 0
        yield 1
        reading.set()
        yield 2

    def work(item: int) -> int:
        if item == 0:
            assert reading.wait(10), "nothing is read while slices are computed"
        if item == 1:
            assert writing.wait(10), "nothing is written while slices are computed"
        return item

    def sink(item: int) -> int:
        writing.set()
        return item

    assert list(overlapped(source(), work, sink, check=nothing)) == [0, 1, 2]


def test_reading_does_not_run_away() -> None:
    read: list[int] = []

    def source() -> Any:
        for i in range(100):
            read.append(i)
            yield i

    with closing(overlapped(source(), lambda x: x, lambda x: x, check=nothing, places=2)) as results:
        next(results)
        time.sleep(0.2)
        assert len(read) < 10


@pytest.mark.parametrize("part", ["source", "work", "sink"])
def test_an_error_of_any_part_comes_out(part: str) -> None:
    written: list[int] = []

    def fail(name: str, item: int) -> int:
        if name == part and item == 5:
            raise KeyError(part)
        return item

    def sink(item: int) -> int:
        written.append(fail("sink", item))
        return item

    with pytest.raises(KeyError, match=part):
        list(
            overlapped((fail("source", i) for i in range(9)), lambda x: fail("work", x), sink, check=nothing)
        )
    assert written == list(range(5)), "what was finished before is kept"


def test_an_error_at_the_last_item_of_the_sink_comes_out() -> None:
    with pytest.raises(ZeroDivisionError):
        list(overlapped([1, 0], lambda x: x, lambda x: 1 / x, check=nothing))


def test_a_cancel_ends_a_wait_for_a_slow_source() -> None:
    asked = []

    def source() -> Any:
        yield 0
        time.sleep(0.5)
        yield 1

    def check() -> None:
        asked.append(1)
        if len(asked) > 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        list(overlapped(source(), lambda x: x, lambda x: x, check=check))


def test_what_was_computed_is_written_before_a_cancel_comes_out() -> None:
    written: list[int] = []
    state = {"cancelled": False}

    def work(item: int) -> int:
        state["cancelled"] = item == 2
        return item

    def check() -> None:
        if state["cancelled"]:
            raise Cancelled

    with pytest.raises(Cancelled):
        list(overlapped(range(9), work, written.append, check=check))
    assert written == [0, 1, 2]
