"""The installed window, worked with by keys and looked at from outside, as somebody at the screen does.

xdotool sends the keys. What is done is seen in the pixels (the labels and the surface of the sample are
orange, a job that runs has a blue bar below), in the files that are saved, and in the log.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from typing import Self

from roots import HOME, UNCHANGED, Change, Root, end, patience
from screen import Screen, place_of
from steps import PICTURES, check

LONGEST_S = 240
# A window of the program with a tomogram has hundreds of grey values.
COLOURS = 100
# Of a screen of 1366 × 768 with the sample: the bar of a running job; where slices show labels; and where a
# surface is and no labels are.
_JOB, _SLICES, _SURFACE = (1000, 735, 1366, 766), (0, 110, 560, 560), (600, 120, 800, 690)
# Where a dialog in the middle of the screen has its last buttons.
_FOOT = (500, 700, 1000, 768)
_SOME, _MANY = 100, 3000
_LOG = ".local/state/sxtstudio/sxtstudio.log"


def is_orange(red: int, green: int, blue: int) -> bool:
    """Whether it is the colour of labels, in whatever light."""
    return red - blue > 60 and red - green > 15


def is_blue(red: int, green: int, blue: int) -> bool:
    """Whether it is the colour of a progress bar."""
    return blue - red > 80


def is_accent(red: int, green: int, blue: int) -> bool:
    """Whether it is the colour of the button that leads on."""
    return (red, green, blue) == (47, 129, 247)


class Window:
    """A window of the program, which is closed at the end of the block."""

    def __init__(
        self,
        root: Root,
        screen: Screen,
        program: str,
        *words: str,
        home: str = HOME,
        change: Change = UNCHANGED,
    ) -> None:
        self.root, self.screen = root, screen
        self._logged = len(self._whole_log())
        self.begin = time.monotonic()
        self._process = root.started(program, "gui", *words, home=home, change=change)
        self._finished = False

    def __enter__(self) -> Self:
        """It is started already."""
        return self

    def __exit__(self, *_: object) -> None:
        """End it, and wait until the screen is empty."""
        end(self._process)
        begin = time.monotonic()
        while not self._finished and self.screen.colours() >= COLOURS:
            check(time.monotonic() - begin < patience(LONGEST_S), "the window is still there")
            time.sleep(0.5)

    def until(self, condition: Callable[[], bool], what: str, longest_s: float = LONGEST_S) -> float:
        """Wait for something, and return the seconds since the window was started."""
        last = time.monotonic() + patience(longest_s)
        while True:
            look = time.monotonic()
            if condition():
                break
            self.alive()
            if time.monotonic() > last:
                self.picture("failed")
                check(False, f"waited too long for {what}; {PICTURES / 'failed.png'} shows the window")
            # To look takes up to some seconds of a processor, which the program wants for its work.
            time.sleep(max(0.5, 2 * (time.monotonic() - look)))
        return time.monotonic() - self.begin

    def alive(self) -> None:
        """Fail if the program has ended."""
        if self._process.poll() is not None:
            assert self._process.stdout is not None
            said = self._process.stdout.read().decode(errors="replace")[-2000:]
            check(False, f"the program ended with code {self._process.returncode}: {said}")

    def content(self) -> float:
        """Wait until the window shows something; return the seconds that it took."""
        return self.until(lambda: self.screen.colours() >= COLOURS, "the window")

    def idle(self, seconds: float = 2) -> float:
        """Wait until no job has run for some seconds."""
        quiet = time.monotonic()

        def still() -> bool:
            nonlocal quiet
            if self.screen.count(_JOB, is_blue) > _SOME:
                quiet = time.monotonic()
            return time.monotonic() - quiet > seconds

        return self.until(still, "the end of a job") - seconds

    def labels(self) -> float:
        """Wait until the slices show labels."""
        return self.until(lambda: self.screen.count(_SLICES, is_orange) > _MANY, "labels in the slices")

    def surface(self) -> float:
        """Wait until the 3D view shows a surface."""
        return self.until(lambda: self.screen.count(_SURFACE, is_orange) > _MANY, "a surface in 3D")

    def keys(self, *keys: str) -> None:
        """Press keys, such as "ctrl+r", in the newest window of the program."""
        self._focus()
        for key in keys:
            self._xdotool("key", key)
            time.sleep(0.5)

    def type(self, text: str) -> None:
        """Write into what has the focus."""
        self._focus()
        self._xdotool("type", "--delay", "20", text)

    def click(self, words: str, right: int = 0) -> None:
        """Click where these words stand, as soon as they do, or so many pixels to the right of them."""
        x, y = self.read(words)
        self._click_at(x + right, y)

    def click_main(self) -> None:
        """Click the blue button at the foot of a dialog, as soon as it is there."""
        self.until(lambda: self.screen.count(_FOOT, is_accent) > _SOME, "the blue button of the dialog")
        self._click_at(*self.screen.middle(_FOOT, is_accent))

    def _click_at(self, x: int, y: int) -> None:
        self._xdotool("mousemove", "--sync", str(x), str(y), "click", "1")
        time.sleep(1)
        self._xdotool("mousemove", "--sync", "2", "2")  # no tool tip shall hide anything

    def read(self, words: str, longest_s: float = LONGEST_S) -> tuple[int, int]:
        """Wait until these words stand on the screen; return where."""
        places: list[tuple[int, int]] = []

        def stand() -> bool:
            place = place_of(self.screen.words(), words)
            places.extend([place] if place else [])
            return bool(places)

        self.until(stand, f"the words {words!r}", longest_s)
        return places[-1]

    def titles(self) -> list[str]:
        """Return the titles of all windows that are shown."""
        return [self._xdotool("getwindowname", number).strip() for number in self._windows()]

    def picture(self, name: str) -> None:
        """Save what the screen shows."""
        self.alive()
        self.screen.save(PICTURES / f"{name}.png")

    def quit(self) -> None:
        """Leave by the keyboard; the program must end well, and have logged no error."""
        self.keys("ctrl+q")
        last = time.monotonic() + patience(LONGEST_S)
        while self._process.poll() is None:
            check(time.monotonic() < last, f"the program does not end; windows: {self.titles()}")
            time.sleep(0.5)
        code = self._process.returncode
        check(code == 0, f"the window ended with code {code}")
        check(" ERROR " not in self.log(), f"the log has errors: {self.log()[-2000:]}")

    def finish(self) -> None:
        """End it at once, while another window stays."""
        end(self._process)
        self._finished = True

    def log(self) -> str:
        """Return what the program has logged since the window was started."""
        return self._whole_log()[self._logged :]

    def _whole_log(self) -> str:
        path = self.root.folder / HOME[1:] / _LOG
        return path.read_text(encoding="utf-8") if path.is_file() else ""

    def _windows(self) -> list[str]:
        return self._xdotool("search", "--onlyvisible", "--name", ".+").split()

    def _focus(self) -> None:
        """There is no window manager here that would do it."""
        self.alive()
        windows = self._windows()
        check(bool(windows), "the program has no window")
        self._xdotool("windowfocus", "--sync", windows[-1])

    def _xdotool(self, *words: str) -> str:
        environment = {**os.environ, "DISPLAY": self.screen.name}
        done = subprocess.run(
            ["xdotool", *words], env=environment, capture_output=True, text=True, timeout=60
        )
        return done.stdout


def work_in_window(root: Root, screen: Screen, program: str, name: str, tomogram: str, project: str) -> float:
    """Open the sample, segment it, find and measure objects, look at it in 3D, and save a project.

    Returns
    -------
    float
        Seconds from the start of the program to the first surface in 3D.
    """
    with Window(root, screen, program, tomogram) as window:
        print(f"  window with its content: after {window.content():.1f} s", flush=True)
        window.idle()
        window.keys("ctrl+r")
        window.labels()
        print(f"  segmented: after {window.idle():.1f} s", flush=True)
        window.keys("ctrl+3")
        seconds = window.surface()
        print(f"  the surface in the 3D view: after {seconds:.1f} s", flush=True)
        window.idle()
        window.picture(f"{name}-3d")
        window.keys("ctrl+shift+f")
        window.idle(4)
        window.keys("ctrl+shift+m")
        window.idle(4)
        window.picture(f"{name}-objects")
        save_and_quit(root, window, project)
    return seconds


def save_and_quit(root: Root, window: Window, project: str) -> None:
    """Save a project where its dialog begins, a folder whose name xdotool cannot write, and leave."""
    window.keys("ctrl+s")
    window.until(lambda: len(window.titles()) > 1, "the dialog of a project's name")
    window.type(project.rpartition("/")[2])
    window.keys("Return")
    saved = root.folder / project[1:] / "project.json"
    window.until(saved.is_file, f"the project {project}; windows: {window.titles()}")
    window.idle()
    window.quit()


def show(root: Root, screen: Screen, program: str, name: str, *words: str, home: str = HOME) -> None:
    """Open the window, wait until it shows something and no message, and take a picture."""
    with Window(root, screen, program, *words, home=home) as window:
        print(f"  window with its content: after {window.content():.1f} s", flush=True)
        window.idle()
        window.picture(name)
        check(len(window.titles()) == 1, f"there is more than the window: {window.titles()}")
