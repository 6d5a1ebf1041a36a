"""`make run` and `make test` on a machine that has git, make, python3 and python3-venv only.

    python installer/linux/clean_machine.py [ARGS of pytest]

Makes a bare Debian 12, clones the repository into it (what is committed), and runs both as root, as somebody
on a fresh server would. With ARGS, such as "tests/core -k box", only these tests are run. All of them take
about as long as `make test` does, and the packages some minutes before.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from roots import Change, Failed, Root, end, patience
from screen import Screen
from steps import BUILD, REPOSITORY, check, step
from window_work import COLOURS

_NEEDED = ("git", "make", "python3", "python3-venv")
_SOURCE = "/srv/sxtstudio"
_CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
_HOURS_S = 2 * 3600
_WINDOW_S = 600


def try_clean_machine(screen: Screen, arguments: str) -> None:
    """Run both in a fresh system."""
    print("a clean machine: Debian 12 with git, make, python3 and python3-venv", flush=True)
    with step("a bare system"):
        root = Root.fresh("bookworm", BUILD / "roots-of-clean-machine", screen.name, ", ".join(_NEEDED))
    # How the machine itself reaches the network.
    network = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    if Path(_CERTIFICATES).is_file():
        place = root.folder / _CERTIFICATES[1:]
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(_CERTIFICATES, place)
    wheels = network.get("PIP_FIND_LINKS", "").split()
    lent = Change(lent=tuple(path for path in wheels if Path(path).is_dir()))

    def make(*words: str) -> None:
        without_screen = {"DISPLAY": "", **network}
        words = ("make", "-C", _SOURCE, *words)
        print(
            _last_line(root.run(*words, user=0, change=lent, more=without_screen, seconds=_HOURS_S)),
            flush=True,
        )

    with step("clone"):
        clone = ["git", "clone", "--quiet", "--no-hardlinks", str(REPOSITORY), str(root.folder / _SOURCE[1:])]
        subprocess.run(clone, check=True)
    with step("make run, without a screen: install, and segment the sample"):
        make("run")
        made = sorted(path.name for path in (root.folder / _SOURCE[1:] / "out").iterdir())
        check(len(made) >= 3, f"make run wrote {made}")
        print(f"  {', '.join(made)}", flush=True)
    with step("make run, with a screen: the window"):
        show_window(root, screen, lent)
    with step(f"make test {arguments}".strip()):
        make("test", *([f"ARGS={arguments}"] if arguments else []))


def _last_line(said: str) -> str:
    return "  " + (said.strip().splitlines() or [""])[-1]


def show_window(root: Root, screen: Screen, lent: Change) -> None:
    """Wait until `make run` shows the sample."""
    process = root.started("make", "-C", _SOURCE, "run", user=0, change=lent)
    begin = time.monotonic()
    try:
        while screen.colours() < COLOURS:
            check(process.poll() is None, f"make run ended with code {process.returncode}")
            check(time.monotonic() - begin < patience(_WINDOW_S), "no window")
            time.sleep(0.5)
        time.sleep(3)
        screen.save(BUILD / "pictures/clean-machine.png")
    finally:
        end(process)


def main() -> int:
    """Run it; the exit code says whether all is well."""
    if os.geteuid() != 0:
        print("Bare systems can be made by root only: sudo make clean-machine-test", file=sys.stderr)
        return 2
    screen = Screen(BUILD / "screen-clean-machine")
    try:
        try_clean_machine(screen, " ".join(sys.argv[1:]))
    except Failed as failed:
        print(f"FAILED: {failed}", file=sys.stderr)
        return 1
    finally:
        screen.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
