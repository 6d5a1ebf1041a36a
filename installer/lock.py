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
    by_hand
        Its versions stand in it alone, as an add-on holds no more than it must: only hashes are added.
    beside
        Lock files that are installed before it, whose versions it takes and does not repeat.
    sources
        Some of it is built here, as there are no wheels.
    systems
        For which it is.
    """

    name: str
    says: str = ""
    extra: str | None = None
    more: tuple[str, ...] = ()
    by_hand: bool = False
    beside: tuple[str, ...] = (BASE,)
    sources: bool = False
    systems: tuple[str, ...] = SYSTEMS


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
    Lock(
        "requirements-cluster.lock",
        "What batches on many machines need (batch --cluster), beside requirements.lock; packages hold it.",
        extra="cluster",
    ),
    Lock("requirements-retrain.lock", by_hand=True),
    Lock("requirements-cuda.lock", by_hand=True, systems=SYSTEMS[:2]),
    Lock(
        "requirements-dev.lock",
        "What tests and checks need, beside requirements.lock and PyTorch of requirements-retrain.lock.",
        extra="dev",
    ),
    Lock(
        "requirements-docs.lock",
        "What `make site` builds the documentation with, beside requirements.lock and requirements-dev.lock.",
        extra="docs",
        beside=(BASE, "requirements-dev.lock"),
    ),
    Lock("requirements-handover.lock", by_hand=True, sources=True, systems=()),
)
_WHEELS_ONLY = ("--only-binary", ":all:")
_UNIVERSAL = (
    "--universal", "--python-version", OLDEST_PYTHON, *_WHEELS_ONLY, "--generate-hashes",
    "--no-annotate", "--no-header", "--quiet",
)  # fmt: skip


def pinned(text: str, *, everywhere: bool = False) -> list[str]:
    """Return the names in a lock file; ``everywhere``: without those that only some systems need."""
    lines = re.findall(r"^([\w.-]+)==([^\\\n]*)", text, re.MULTILINE)
    return [name for name, rest in lines if not (everywhere and ";" in rest)]


def uv() -> str:
    """Return the program uv."""
    beside = Path(sys.executable).with_name("uv")
    found = str(beside) if beside.is_file() else shutil.which("uv")
    if found is None:
        raise SystemExit("uv was not found: make .venv/.dev, or pip install uv.")
    return found


def resolve(lock: Lock, target: Path) -> None:
    """Let uv write a lock file; versions that the target has already stay where they may."""
    if lock.by_hand:
        text = with_hashes(target.read_text(encoding="utf-8"), sources=lock.sources)
        target.write_text(text, encoding="utf-8")
        return
    words = [uv(), "pip", "compile", str(ROOT / "pyproject.toml"), "-", "--output-file", str(target)]
    words += _UNIVERSAL
    if lock.extra:
        words += ["--extra", lock.extra]
        for other in lock.beside:
            words += ["--constraints", str(ROOT / other)]
            for name in pinned((ROOT / other).read_text(encoding="utf-8"), everywhere=other != BASE):
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


def with_hashes(text: str, *, sources: bool = False) -> str:
    """Return a lock file with the hashes of its versions.

    Raises
    ------
    SystemExit
        If a build of its own ("+cpu") has no hash yet: it is not in the usual registry, and is given by hand.
    """
    comments = "".join(line for line in text.splitlines(keepends=True) if line.startswith("#"))
    own, usual = [], []
    for block in blocks(text):
        (own if "+" in block.splitlines()[0] else usual).append(block)
    for block in own:
        if "--hash=" not in block:
            raise SystemExit(f"Give the hash of its wheel by hand (pip hash FILE): {block.strip()}")
    pins = "\n".join(block.splitlines()[0].removesuffix(" \\") for block in usual)
    universal = [word for word in _UNIVERSAL if not (sources and word in _WHEELS_ONLY)]
    if sources:  # Debian 12's own Python: "3.11" is 3.11.0, which some refuse
        universal[universal.index(OLDEST_PYTHON)] = f"{OLDEST_PYTHON}.2"
    words = [uv(), "pip", "compile", "-", "--no-deps", *universal]
    done = subprocess.run(words, input=pins, capture_output=True, text=True, cwd=ROOT)
    if done.returncode:
        raise SystemExit(done.stderr.strip())
    return comments + "".join(sorted([*own, *blocks(done.stdout)], key=str.lower))


def blocks(text: str) -> list[str]:
    """Return the lines of a lock file for each of its versions."""
    whole = "".join(line for line in text.splitlines(keepends=True) if not line.startswith("#"))
    return re.split(r"^(?=[\w.-]+==)", whole.rstrip("\n") + "\n", flags=re.MULTILINE)[1:]


def check_wheels(lock: Lock) -> None:
    """End where a system or a version of Python has no wheel of a version that is pinned."""
    usual = [block for block in blocks((ROOT / lock.name).read_text(encoding="utf-8")) if "+" not in block]
    for system in lock.systems:
        for python in (OLDEST_PYTHON, NEWEST_PYTHON):
            words = [
                uv(), "pip", "compile", "-", "--no-deps", "--only-binary", ":all:",
                "--python-platform", system, "--python-version", python, "--generate-hashes", "--quiet",
            ]  # fmt: skip
            environment = {**os.environ, "MACOSX_DEPLOYMENT_TARGET": OLDEST_MACOS}
            done = subprocess.run(
                words, input="".join(usual), capture_output=True, text=True, cwd=ROOT, env=environment
            )
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
                raise SystemExit(f"{lock.name} is not what `make lock` writes: run it.")
        check_wheels(lock)
        print(f"{lock.name}: complete; wheels for {', '.join(lock.systems)}")


if __name__ == "__main__":
    main()
