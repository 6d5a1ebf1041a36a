"""Bare Debian systems in folders, to try packages in: made by debootstrap, nothing stays mounted.

Needs root. Each command runs in mount and process namespaces of its own, which end with it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# /dev holds what every program may expect, and shared memory.
_ENTER = """\
root=$1; shift
IFS=
mount -t proc proc "$root/proc"
mount -t tmpfs tmpfs "$root/dev"
for device in null zero full random urandom tty; do
  touch "$root/dev/$device"; mount --bind "/dev/$device" "$root/dev/$device"
done
ln -s /proc/self/fd "$root/dev/fd"
mkdir "$root/dev/shm"; mount -t tmpfs tmpfs "$root/dev/shm"
if [ -n "${SMALL_DISK:-}" ]; then
  mkdir -p "$root$SMALL_FOLDER"; mount -t tmpfs -o "$SMALL_DISK" small "$root$SMALL_FOLDER"
fi
if [ -n "${READ_ONLY:-}" ]; then
  mount --bind "$root$READ_ONLY" "$root$READ_ONLY"; mount -o remount,ro,bind "$root$READ_ONLY"
fi
printf %s "${HIDDEN:-}" | while IFS= read -r path; do
  for found in "$root"$path; do
    if [ -d "$found" ]; then mount -t tmpfs none "$found"
    elif [ -e "$found" ]; then mount --bind /dev/null "$found"; fi
  done
done
printf %s "${LENT:-}" | while IFS= read -r path; do
  mkdir -p "$root$path"; mount --bind "$path" "$root$path"
done
exec chroot "$root" "$@"
"""
USER = 1000
# Debian's installer writes it, debootstrap does not; without it nobody knows "localhost" or his own name.
_HOSTS = (
    f"127.0.0.1\tlocalhost\n127.0.1.1\t{socket.gethostname()}\n::1\tlocalhost ip6-localhost ip6-loopback\n"
)
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


def patience(seconds: float) -> float:
    """Return how long is waited for what an idle machine does in so many seconds: longer on a busy one."""
    return seconds * max(1.0, max(os.getloadavg()) / (os.cpu_count() or 1))


class Failed(Exception):
    """A check of the installer failed."""


@dataclass(frozen=True)
class Change:
    """What is otherwise in a system while one command runs.

    Attributes
    ----------
    small_disk, small_folder
        A disk of this size ("size=400m") at this folder, which is empty then.
    read_only
        A folder in which nothing can be written.
    hidden
        Files that are empty, and folders without content; ``*`` stands for any name.
    lent
        Folders of the machine that the system has, too.
    """

    small_disk: str = ""
    small_folder: str = "/small"
    read_only: str = ""
    hidden: tuple[str, ...] = ()
    lent: tuple[str, ...] = ()

    def variables(self) -> dict[str, str]:
        """Return it as ``_ENTER`` reads it."""
        hidden, lent = ("".join(f"{path}\n" for path in paths) for paths in (self.hidden, self.lent))
        return {
            "SMALL_DISK": self.small_disk,
            "SMALL_FOLDER": self.small_folder,
            "READ_ONLY": self.read_only,
            "HIDDEN": hidden,
            "LENT": lent,
        }


UNCHANGED = Change()


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
    def fresh(cls, suite: str, cache: Path, screen: str, needs: str = "") -> Root:
        """Unpack a bare system; it is made once, and kept as ``cache/SUITE.tar``.

        Parameters
        ----------
        suite
            Of Debian, such as "bookworm".
        cache
            Where archives and the system lie.
        screen
            The X display of the machine.
        needs
            Packages that are installed in it, as in a "Depends" line; kept in an archive of their own.
        """
        if needs:
            return cls._with(suite, cache, screen, needs)
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
        (folder / "etc" / "hosts").write_text(_HOSTS)
        home = folder / HOME[1:]
        home.mkdir(parents=True)
        shutil.chown(home, USER, USER)
        return root

    @classmethod
    def _with(cls, suite: str, cache: Path, screen: str, needs: str) -> Root:
        key = hashlib.sha256(needs.encode()).hexdigest()[:8]
        archive = cache / f"{suite}-{key}.tar"
        folder = cache / suite
        if archive.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            subprocess.run(["tar", "-C", str(folder), "-xf", str(archive)], check=True)
            return cls(folder, screen)
        root = cls.fresh(suite, cache, screen)
        root.run("apt-get", "update", user=0)
        root.run("apt-get", "satisfy", "-y", "--no-install-recommends", needs, user=0)
        root.run("apt-get", "clean", user=0)
        partial = archive.with_suffix(".partial")
        subprocess.run(["tar", "-C", str(folder), "--one-file-system", "-cf", str(partial), "."], check=True)
        partial.rename(archive)
        return root

    def started(
        self,
        *words: str,
        user: int = USER,
        home: str = HOME,
        change: Change = UNCHANGED,
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
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **change.variables()},
        )

    def run(
        self,
        *words: str,
        user: int = USER,
        home: str = HOME,
        code: int = 0,
        change: Change = UNCHANGED,
        more: Mapping[str, str] = {},
        seconds: float = 600,
    ) -> str:
        """Run a command in the system, and return what it prints; ``seconds`` as in `patience`.

        Raises
        ------
        Failed
            If its exit code is not ``code``.
        """
        process = self.started(*words, user=user, home=home, change=change, more=more)
        try:
            said = process.communicate(timeout=patience(seconds))[0].decode(errors="replace")
        except subprocess.TimeoutExpired:
            end(process)
            raise Failed(f"{' '.join(words)}: not done in time ({seconds} s of an idle machine)") from None
        if process.returncode != code:
            raise Failed(f"{' '.join(words)}: exit code {process.returncode}, not {code}\n{said[-3000:]}")
        return said

    def give(self, path: Path) -> None:
        """Make a file or folder of the system, with all that is in it, that of the user."""
        for each in [path, *(path.rglob("*") if path.is_dir() else ())]:
            shutil.chown(each, USER, USER)

    def files(self) -> set[str]:
        """Return the paths of all files, but for those that come and go without a package."""
        found = set()
        for path in self.folder.rglob("*"):
            name = path.relative_to(self.folder).as_posix()
            if not any(name == passing or name.startswith(passing + "/") for passing in _PASSING):
                found.add(name)
        return found
