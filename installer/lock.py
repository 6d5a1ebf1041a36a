"""The lock files: exact versions with hashes, the same for Linux, Windows and macOS.

    python installer/lock.py            write them anew: what is pinned stays, what is new or gone follows
    python installer/lock.py --check    are they as pyproject.toml wants them, with wheels for each system?

pyproject.toml alone says what is needed. uv resolves it for all systems and versions of Python at once; a
line that only some need says so by its marker. pip refuses a file whose hash is another one.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OLDEST_PYTHON, NEWEST_PYTHON = "3.11", "3.14"
#: Systems that the program is packed for, as uv calls them: Debian 12, Windows 10, macOS 14.
SYSTEMS = ("x86_64-manylinux_2_36", "x86_64-pc-windows-msvc", "aarch64-apple-darwin")
OLDEST_MACOS = "14.0"
BASE = "requirements.lock"


@dataclass(frozen=True)
class Lock:
    """A lock file.

    Attributes
    ----------
    name
        Its name, beside pyproject.toml.
    says
        Its first lines.
    extra
        The group of pyproject.toml that it is for, on top of requirements.lock; None: the program itself.
    more
        What is needed besides, such as what pip builds the program with.
    """

    name: str
    says: str
    extra: str | None = None
    more: tuple[str, ...] = ()


LOCKS = (
    Lock(
        BASE,
        "Everything that SXT Studio needs to run, exact versions; wheels exist for Python 3.11 to 3.14.",
        more=("setuptools",),
    ),
    Lock(
        "requirements-installer.lock",
        "What builds the installers, beside requirements.lock.",
        extra="installer",
    ),
)


def pinned(text: str) -> list[str]:
    """Return the names in a lock file."""
    return re.findall(r"^([\w.-]+)==", text, re.MULTILINE)


def uv() -> str:
    """Return the program uv."""
    beside = Path(sys.executable).with_name("uv")
    found = str(beside) if beside.is_file() else shutil.which("uv")
    if found is None:
        raise SystemExit("uv was not found: make .venv/.dev, or pip install uv.")
    return found


def resolve(lock: Lock, target: Path) -> None:
    """Let uv write a lock file; versions that the target has already stay where they may."""
    words = [
        uv(), "pip", "compile", str(ROOT / "pyproject.toml"), "-", "--output-file", str(target),
        "--universal", "--python-version", OLDEST_PYTHON, "--only-binary", ":all:", "--generate-hashes",
        "--no-annotate", "--no-header", "--quiet",
    ]  # fmt: skip
    if lock.extra:
        base = ROOT / BASE
        words += ["--extra", lock.extra, "--constraints", str(base)]
        for name in pinned(base.read_text(encoding="utf-8")):
            words += ["--no-emit-package", name]
    done = subprocess.run(words, input="\n".join(lock.more), capture_output=True, text=True, cwd=ROOT)
    if done.returncode:
        raise SystemExit(f"{lock.name}: {done.stderr.strip()}")
    head = f"# {lock.says}\n# Written by `make lock` from pyproject.toml: change that, and run it.\n"
    body = re.sub(
        r"^# The following packages were excluded.*\Z",
        "",
        target.read_text(encoding="utf-8"),
        flags=re.M | re.S,
    )
    target.write_text(head + body.rstrip("\n") + "\n", encoding="utf-8")


def check_wheels(lock: Lock) -> None:
    """End where a system or a version of Python has no wheel of a version that is pinned."""
    for system in SYSTEMS:
        for python in (OLDEST_PYTHON, NEWEST_PYTHON):
            words = [
                uv(), "pip", "compile", str(ROOT / lock.name), "--no-deps", "--only-binary", ":all:",
                "--python-platform", system, "--python-version", python, "--generate-hashes", "--quiet",
            ]  # fmt: skip
            surroundings = {**os.environ, "MACOSX_DEPLOYMENT_TARGET": OLDEST_MACOS}
            done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, env=surroundings)
            if done.returncode:
                raise SystemExit(f"{lock.name}, {system}, Python {python}: {done.stderr.strip()}")


def main() -> None:
    """Write the lock files, or check them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    for lock in LOCKS:
        path = ROOT / lock.name
        if not arguments.check:
            resolve(lock, path)
            print(lock.name)
            continue
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder, lock.name)
            shutil.copy(path, target)
            resolve(lock, target)
            if target.read_text(encoding="utf-8") != path.read_text(encoding="utf-8"):
                raise SystemExit(f"{lock.name} is not what pyproject.toml wants: run `make lock`.")
        check_wheels(lock)
        print(f"{lock.name}: as pyproject.toml wants it; wheels for {', '.join(SYSTEMS)}")


if __name__ == "__main__":
    main()
