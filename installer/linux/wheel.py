"""The wheel: built from what git knows, installed into a fresh environment, and checked there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys

from day_of_work import OPTIONAL, self_check
from screen import Screen
from steps import BUILD, REPOSITORY, check, step

_QUIET = ("--quiet", "--disable-pip-version-check")


def try_wheel(screen: Screen) -> None:
    """Build, install, and run the self-check and the demonstration."""
    print("wheel", flush=True)
    folder = BUILD / "wheel"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with step("build"):
        clean = folder / "source"
        words = ["git", "-C", str(REPOSITORY), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        for name in subprocess.run(words, check=True, capture_output=True).stdout.decode().split("\0"):
            source = REPOSITORY / name
            if name and source.is_file():
                (clean / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, clean / name)
        pip = [sys.executable, "-m", "pip", "wheel", *_QUIET, "--no-deps", "--no-build-isolation"]
        subprocess.run([*pip, "-w", str(folder), str(clean)], check=True)
        shutil.rmtree(clean)
    with step("install into a fresh environment"):
        subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True)
        (wheel,) = folder.glob("*.whl")
        words = [str(folder / "venv/bin/python"), "-m", "pip", "install", *_QUIET, str(wheel)]
        lock = (REPOSITORY / "requirements.lock").read_text(encoding="utf-8")
        versions = folder / "versions.txt"  # with hashes, pip would want one of the wheel as well
        versions.write_text(re.sub(r"( \\)?\n +--hash=\S+", "", lock), encoding="utf-8")
        subprocess.run([*words, "-c", str(versions)], check=True)
    where = {**os.environ, "DISPLAY": screen.name, "HOME": str(folder), "LIBGL_ALWAYS_SOFTWARE": "1"}
    where.pop("PYTHONPATH", None)

    def run(*words: str) -> str:
        program = [str(folder / "venv/bin/sxtstudio"), *words]
        done = subprocess.run(program, cwd=folder, env=where, capture_output=True, text=True)
        words_said = f"{done.stdout[-2000:]}{done.stderr[-2000:]}"
        check(done.returncode == 0, f"exit code {done.returncode}: {words_said}")
        return done.stdout

    with step("self-check"):
        # Without its extras: what they add is said to be missing.
        self_check(run, OPTIONAL | {"NVIDIA card", "cluster"})
    shutil.rmtree(folder)
