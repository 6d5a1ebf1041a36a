"""Windows as Wine plays it: a computer of its own in a folder, its user with a space and umlauts."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

WINE_FOLDERS = (Path("/usr/lib/wine"), Path("/usr/bin"))
USER = "Jörg Müller"


def wine_program(name: str) -> Path | None:
    """Return a program of Wine's, or None where there is none."""
    return next((folder / name for folder in WINE_FOLDERS if (folder / name).is_file()), None)


@dataclass(frozen=True)
class Ended:
    """How a program ended: its exit code, and what it wrote to stdout."""

    code: int
    said: str


class Computer:
    """A Windows computer below a folder, which nothing outside of it can see."""

    def __init__(self, folder: Path) -> None:
        """Set Windows up (some seconds)."""
        home = folder / "home"
        # Wine links the user's folders to those of the home folder where these exist.
        for name in ("Desktop", "Documents"):
            (home / name).mkdir(parents=True)
        self.prefix = folder / "prefix"
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        self.environment = {
            **kept,
            "HOME": str(home),
            "USER": USER,
            "LOGNAME": USER,
            "LC_ALL": "C.UTF-8",
            "WINEPREFIX": str(self.prefix),
            "WINEDEBUG": "-all",
            # No .NET, no browser, and no entries in the menu of the desktop that Wine runs on.
            "WINEDLLOVERRIDES": "mscoree,mshtml,winemenubuilder.exe=",
        }
        self.user = self.prefix / "drive_c" / "users" / USER
        self.local = self.user / "AppData" / "Local"
        self.menu = self.user / "AppData" / "Roaming" / "Microsoft" / "Windows" / "Start Menu" / "Programs"
        self.desktop = self.user / "Desktop"
        self.run("wineboot", "-i")
        self.windows("win10")

    def windows(self, name: str) -> None:
        """Choose the version that Windows says it has."""
        self.run("reg", "add", r"HKCU\Software\Wine", "/v", "Version", "/d", name, "/f")

    def start(self, *words: str | Path) -> subprocess.Popen[bytes]:
        """Start a program and return at once."""
        return subprocess.Popen(
            [str(wine_program("wine64")), *map(str, words)],
            env=self.environment,
            cwd=self.environment["HOME"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def run(self, *words: str | Path, seconds: float = 120) -> Ended:
        """Run a program to its end."""
        process = self.start(*words)
        try:
            said, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        return Ended(process.returncode, said.decode("utf-8", "replace").strip())

    def run_line(self, line: str) -> Ended:
        """Run a command line exactly as it stands: Wine itself puts quotes around a word with a space."""
        script = self.prefix / "drive_c" / "line.bat"
        # Wine's cmd reads it as code page 437, whatever chcp says.
        script.write_bytes(f"@echo off\r\n{line}\r\nexit /b %errorlevel%\r\n".encode("cp437"))
        return self.run("cmd", "/c", r"C:\line.bat")

    def settle(self) -> None:
        """Wait until nothing runs any more and the registry is in its files."""
        subprocess.run([str(wine_program("wineserver64") or wine_program("wineserver")), "-w"],
                       env=self.environment, timeout=60, check=True)  # fmt: skip

    def registry(self, name: str = "user") -> dict[str, dict[str, str]]:
        """Return the keys and values of HKCU ("user") or HKLM ("system"), as Wine writes them down."""
        self.settle()
        found: dict[str, dict[str, str]] = {}
        values: dict[str, str] = {}
        for line in (self.prefix / f"{name}.reg").read_text(encoding="utf-8").splitlines():
            if key := re.match(r"\[(.+)\] \d+", line):
                values = found.setdefault(_plain(key[1]), {})
            elif value := re.match(r'(?:@|"((?:[^"\\]|\\.)*)")=(.*)', line):
                content = re.fullmatch(r'"((?:[^"\\]|\\.)*)"', value[2])
                values[_plain(value[1] or "")] = _plain(content[1]) if content else value[2]
        return found

    def windows_path(self, path: Path) -> str:
        """Return how Windows calls a path."""
        drive = self.prefix / "drive_c"
        if path.is_relative_to(drive):
            return "C:\\" + str(path.relative_to(drive)).replace("/", "\\")
        return "Z:" + str(path).replace("/", "\\")

    def shut_down(self) -> None:
        """End all that runs on it."""
        subprocess.run([str(wine_program("wineserver64") or wine_program("wineserver")), "-k"],
                       env=self.environment, timeout=60)  # fmt: skip


def wait_for(condition: Callable[[], bool], seconds: float = 30) -> bool:
    """Return whether something becomes true in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def _plain(text: str) -> str:
    r"""Return a text of a .reg file of Wine's: \\ is one, \x00fc is a letter."""
    return re.sub(
        r"\\(x([0-9a-f]{1,4})|.)", lambda match: chr(int(match[2], 16)) if match[2] else match[1], text
    )
