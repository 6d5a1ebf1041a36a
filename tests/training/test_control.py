import io
import os
import threading
import time

import pytest

from sxtstudio.training.control import Control, lines_of


def wait_for(condition):
    end = time.monotonic() + 60
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    assert condition()


def test_orders_come_through_a_pipe_and_its_end_cancels():
    reading, writing = os.pipe()
    control = Control()
    with open(reading) as stream:
        control.listen(lines_of(stream))
        os.write(writing, b"nonsense\r\npau")
        os.write(writing, b"se\r\nst")
        paused = []
        wait_for(control._paused.is_set)
        assert not control.stopped
        os.write(writing, b"op\n")
        wait_for(lambda: control.stopped)
        assert control.wait_while_paused(lambda: paused.append(1), lambda: None) == 0  # stop ends a pause
        assert not control.cancelled
        os.close(writing)
        wait_for(lambda: control.cancelled)
    assert paused == []


def test_lines_in_memory_are_read_as_well():
    assert list(lines_of(io.StringIO("pause\nresume\n"))) == ["pause\n", "resume\n"]


@pytest.mark.parametrize("order", ["resume", "cancel", "stop"])
def test_a_pause_lasts_until_the_next_order(order):
    control, told = Control(), []
    control.obey("pause")
    timer = threading.Timer(0.3, control.obey, [order])
    timer.start()
    length = control.wait_while_paused(lambda: told.append("paused"), lambda: told.append("resumed"))
    timer.join()
    assert told == ["paused", "resumed"]
    assert length >= 0.25
    assert (control.stopped, control.cancelled) == (order == "stop", order == "cancel")
