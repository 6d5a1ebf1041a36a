"""Bare Debian systems in folders, to try packages in: made by debootstrap, nothing stays mounted.

Needs root. Each command runs in mount and process namespaces of its own, which end with it.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

# /dev holds what every program may expect, and shared memory.
_ENTER = """\
root=$1; shift
mount -t proc proc "$root/proc"
mount -t tmpfs tmpfs "$root/dev"
for device in null zero full random urandom tty; do
  touch "$root/dev/$device"; mount --bind "/dev/$device" "$root/dev/$device"
done
ln -s /proc/self/fd "$root/dev/fd"
mkdir "$root/dev/shm"; mount -t tmpfs tmpfs "$root/dev/shm"
if [ -n "${SMALL_DISK:-}" ]; then
  mkdir -p "$root/small"; mount -t tmpfs -o "$SMALL_DISK" small "$root/small"
fi
exec chroot "$root" "$@"
"""
USER = 1000
# A name that a careless script breaks at.
HOME = "/home/Jörg Müller"
# What differs without anything being left of a package.
_PASSING = (
    "proc",
    "dev",
    "sys",
    "tmp",
    "run",
    "var/cache",
    "var/log",
    "var/lib/apt",
    "var/lib/dpkg",
    "small",
)


class Failed(Exception):
    """A check of the installer failed."""


def end(process: subprocess.Popen[bytes]) -> None:
    """End a command in a system, with all that it started: its first process takes the others with it."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    if process.poll() is None and children.exists():
        for child in children.read_text().split():
            os.kill(int(child), signal.SIGKILL)
    process.wait()


class Root:
    """A bare system.

    Parameters
    ----------
    folder
        Where it lies.
    screen
        The X display of the machine, which programs in the system reach without a file.
    """

    def __init__(self, folder: Path, screen: str) -> None:
        self.folder = folder
        self.screen = screen

    @classmethod
    def fresh(cls, suite: str, cache: Path, screen: str) -> Root:
        """Unpack a bare system; it is made once, and kept as ``cache/SUITE.tar``."""
        archive = cache / f"{suite}.tar"
        folder = cache / suite
        shutil.rmtree(folder, ignore_errors=True)
        cache.mkdir(parents=True, exist_ok=True)
        if not archive.exists():
            subprocess.run(
                ["debootstrap", "--variant=minbase", suite, str(folder)],
                check=True,
                stdout=subprocess.DEVNULL,
            )
            for mounted in ("proc", "sys"):  # debootstrap leaves them
                subprocess.run(["umount", str(folder / mounted)], stderr=subprocess.DEVNULL)
            partial = archive.with_suffix(".partial")
            subprocess.run(
                ["tar", "-C", str(folder), "--one-file-system", "-cf", str(partial), "."], check=True
            )
            partial.rename(archive)
        else:
            folder.mkdir()
            subprocess.run(["tar", "-C", str(folder), "-xf", str(archive)], check=True)
        root = cls(folder, screen)
        home = folder / HOME[1:]
        home.mkdir(parents=True)
        shutil.chown(home, USER, USER)
        return root

    def started(
        self,
        *words: str,
        user: int = USER,
        home: str = HOME,
        small_disk: str = "",
        more: Mapping[str, str] = {},
    ) -> subprocess.Popen[bytes]:
        """Start a command in the system."""
        environment = {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": "/root" if user == 0 else home,
            "LANG": "C.UTF-8",
            "DISPLAY": self.screen,
            "DEBIAN_FRONTEND": "noninteractive",
            **more,
        }
        told = [f"{name}={value}" for name, value in environment.items()]
        group = f"--regid={user}"
        inner = ["/usr/bin/env", "-i", *told, "setpriv", f"--reuid={user}", group, "--clear-groups", *words]
        return subprocess.Popen(
            [
                "unshare",
                "-m",
                "-p",
                "-f",
                "sh",
                "-ec",
                _ENTER,
                "enter",
                str(self.folder),
                *inner,
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "SMALL_DISK": small_disk},
        )

    def run(
        self,
        *words: str,
        user: int = USER,
        home: str = HOME,
        code: int = 0,
        small_disk: str = "",
        more: Mapping[str, str] = {},
        seconds: float = 600,
    ) -> str:
        """Run a command in the system, and return what it prints.

        Raises
        ------
        Failed
            If its exit code is not ``code``.
        """
        process = self.started(*words, user=user, home=home, small_disk=small_disk, more=more)
        try:
            said = process.communicate(timeout=seconds)[0].decode(errors="replace")
        except subprocess.TimeoutExpired:
            end(process)
            raise Failed(f"{' '.join(words)}: not done after {seconds} s") from None
        if process.returncode != code:
            raise Failed(f"{' '.join(words)}: exit code {process.returncode}, not {code}\n{said[-3000:]}")
        return said

    def files(self) -> set[str]:
        """Return the paths of all files, but for those that come and go without a package."""
        found = set()
        for path in self.folder.rglob("*"):
            name = path.relative_to(self.folder).as_posix()
            if not any(name == passing or name.startswith(passing + "/") for passing in _PASSING):
                found.add(name)
        return found
