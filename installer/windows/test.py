"""Tries the installer for Windows under Wine, with STUBS in the place of the programs (stub.nsi).

    python installer/windows/test.py [NAMES]      NAMES of tests below, such as upgrade; all without

What it shows is what setup.nsi does; that the program itself runs on Windows, only Windows can show.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import make_setup
import stub
from wine import Computer, Ended, wait_for, wine_program

OLD, NEW = "0.1.0", "0.2.0"
CLASSES = r"Software\Classes"
TYPES = {
    **dict.fromkeys((".mrc", ".rec", ".st", ".map", ".txm"), "SXTStudio.tomogram"),
    ".sxtproject": "SXTStudio.project",
}
UNINSTALL_KEY = r"Software\Microsoft\Windows\CurrentVersion\Uninstall\SXTStudio"
#: Keys that every real Windows has, with entries of many programs.
OF_WINDOWS = {
    rf"{CLASSES}\Applications",
    r"Software\Microsoft\Windows\CurrentVersion\Uninstall",
    r"Software\RegisteredApplications",
}
WRONG_USE, IN_USE, NO_ROOM = 2, 3, 4


class Setups:
    """The installers to try, and what is in them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.parts = {
            version: {
                "PROGRAM": stub.make_stub(folder / version / "program", version, make_setup.PROGRAMS),
                "RETRAIN": stub.make_stub(folder / version / "retrain", version, ()),
            }
            for version in (OLD, NEW)
        }
        self.old, self.new = (self.make(version, self.parts[version]) for version in (OLD, NEW))
        cuda = stub.make_stub(folder / NEW / "cuda", NEW, ())
        self.cuda = self.make(NEW, {"CUDA": cuda}, "nvidia")
        # Asks for more than any disk has; and for so little that the disk is full while it unpacks.
        self.greedy = self.make(NEW, self.parts[NEW], "greedy", reserve_kb=2_000_000_000)
        self.blind = self.make(NEW, self.parts[NEW], "blind", reserve_kb=-100_000)
        self.old_blind = self.make(OLD, self.parts[OLD], "blind", reserve_kb=-100_000)

    def make(self, version: str, parts: dict[str, Path], name: str = "out", **more: int) -> Path:
        """Compile one into a folder of its own."""
        out = self.folder / version / name
        return make_setup.compile_setup(
            out, parts, number=version, target="amd64-unicode", compressor="zlib", **more
        )


class Try:
    """One computer on which an installer is tried."""

    def __init__(self, computer: Computer, setups: Setups) -> None:
        self.computer, self.setups = computer, setups
        self.home = computer.local / "Programs" / "SXT Studio"

    def setup(self, setup: Path, *words: str) -> Ended:
        """Run an installer in silence."""
        return self.computer.run(setup, "/S", *words)

    def uninstall(self, home: Path | None = None) -> None:
        """Run the uninstaller, which goes on in a copy of itself, and wait for that."""
        self.computer.run((home or self.home) / "uninstall.exe", "/S")
        self.computer.settle()

    def check_program(self, version: str, *parts: str, home: Path | None = None) -> None:
        """All files are those of a version, byte by byte, and no others are there."""
        home = home or self.home
        folders = {"PROGRAM": "sxtstudio", "RETRAIN": "sxtstudio-retrain"}
        for part, folder in folders.items():
            there = contents(home / folder)
            wanted = contents(self.setups.parts[version][part]) if part in ("PROGRAM", *parts) else {}
            same(sorted(there), sorted(wanted), f"files of {folder}")
            wrong = [name for name in wanted if there[name] != wanted[name]]
            same(wrong, [], f"files of {folder} with another content")
        left = [path.name for path in home.iterdir() if path.name.endswith((".new", ".old"))]
        same(left, [], "what is left of unpacking")

    def check_refusal(self, ended: Ended, code: int, *words: str) -> None:
        """It ended with a code and said why, on stdout and in its log."""
        same(ended.code, code, "exit code")
        log = next(self.computer.user.rglob("SXT Studio setup.log")).read_text(encoding="utf-16")
        for word in words:
            if word not in ended.said or word not in log:
                raise SystemExit(f"{word!r} is not said: {ended.said!r}, log: {log!r}")


def contents(folder: Path) -> dict[str, bytes]:
    """Return all files below a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def same(found: object, wanted: object, what: str) -> None:
    """End the test where something is not as it must be."""
    if found != wanted:
        raise SystemExit(f"{what}: {found!r} instead of {wanted!r}")


@contextmanager
def small_disk(folder: Path, options: str) -> Iterator[None]:
    """A disk of its own in a folder, with too few bytes or too few files."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path, room: int, *, by_files: bool) -> None:
    """Fill the disk of a folder, but for so many files, or bytes."""
    free = os.statvfs(folder)
    if by_files:
        for number in range(free.f_favail - room):
            (folder / str(number)).write_text("", encoding="utf-8")
    else:
        (folder / "large").write_bytes(bytes(free.f_bavail * free.f_frsize - room))


# ------------------------------------------------------------------------------------------------- the tests


def test_install(pc: Try) -> None:
    """Files, shortcuts, registry of this user only; the uninstaller takes away just these."""
    registry, machine = pc.computer.registry(), pc.computer.registry("system")
    before = contents(pc.computer.user)
    same(pc.setup(pc.setups.old).code, 0, "exit code")
    pc.check_program(OLD, "RETRAIN")
    for link in (pc.computer.menu / "SXT Studio" / "SXT Studio.lnk", pc.computer.desktop / "SXT Studio.lnk"):
        same("sxtstudiow.exe".encode("utf-16-le") in link.read_bytes(), True, f"target of {link.name}")
    commands = (pc.computer.menu / "SXT Studio" / "SXT Studio commands.lnk").read_bytes()
    same("cmd.exe".encode("utf-16-le") in commands, True, "target of the commands")
    now = pc.computer.registry()
    window = pc.computer.windows_path(pc.home / "sxtstudio" / "sxtstudiow.exe")
    for extension, kind in TYPES.items():
        same(now[rf"{CLASSES}\{extension}"][""], kind, f"double-click on {extension}")
        command = now[rf"{CLASSES}\{kind}\shell\open\command"][""]
        same(command, f'"{window}" gui "%1"', f"command for {extension}")
    same(now[UNINSTALL_KEY]["DisplayVersion"], OLD, "version in Settings > Apps")
    same(set(pc.computer.registry("system")) - set(machine), set(), "keys for all users")
    pc.uninstall()
    same(sorted(set(pc.computer.registry()) - set(registry) - OF_WINDOWS), [], "keys left")
    # The uninstaller's copy of itself goes with the next start of Windows.
    left = {name for name in set(contents(pc.computer.user)) - set(before) if "Temp/" not in name}
    same(sorted(left), [], "files left")
    same(pc.home.exists(), False, "the folder is left")


def test_stub_runs(pc: Try) -> None:
    """What was installed can be started, from a folder with a space and umlauts in its path."""
    same(pc.setup(pc.setups.old).code, 0, "exit code")
    out, answer = pc.computer.user / "check.json", {"stub": True, "version": OLD}
    words = ("--selfcheck", "-o", pc.computer.windows_path(out))
    pc.computer.run(pc.home / "sxtstudio" / "sxtstudio.exe", *words)
    same(json.loads(out.read_text(encoding="utf-8")), answer, "self-check of the stub")
    # As the shortcut to the commands does it: a terminal whose PATH begins with the program's folder.
    out.unlink()
    path = pc.computer.windows_path(pc.home / "sxtstudio")
    pc.computer.run_line(f'cmd /c "set "PATH={path};%PATH%" & sxtstudio {" ".join(words)}"')
    same(json.loads(out.read_text(encoding="utf-8")), answer, "self-check by the commands")


def test_components(pc: Try) -> None:
    """Only what was chosen; a name that is not known is said, and nothing is installed."""
    ended = pc.setup(pc.setups.new, "/COMPONENTS=program,painting")
    pc.check_refusal(ended, WRONG_USE, "painting", "retraining")
    same(pc.home.exists(), False, "the folder is there")
    same(pc.setup(pc.setups.new, "/COMPONENTS=program").code, 0, "exit code")
    pc.check_program(NEW)
    same((pc.computer.desktop / "SXT Studio.lnk").exists(), False, "shortcut on the desktop")
    same(pc.setup(pc.setups.new, "/COMPONENTS=retraining,desktop").code, 0, "exit code")
    pc.check_program(NEW, "RETRAIN")
    same((pc.computer.desktop / "SXT Studio.lnk").exists(), True, "shortcut on the desktop")
    same(pc.setup(pc.setups.new, "/COMPONENTS=program,desktop").code, 0, "exit code")
    pc.check_program(NEW)


def test_other_folder(pc: Try) -> None:
    """A folder with spaces and umlauts; the next version goes there without being told."""
    home = pc.computer.prefix / "drive_c" / "Größere Platte" / "SXT Studio µ"
    setup = pc.computer.windows_path(pc.setups.old)
    same(pc.computer.run_line(f"{setup} /S /D={pc.computer.windows_path(home)}").code, 0, "exit code")
    pc.check_program(OLD, "RETRAIN", home=home)
    same(pc.setup(pc.setups.new).code, 0, "exit code")
    pc.check_program(NEW, "RETRAIN", home=home)
    pc.uninstall(home)
    same(home.exists(), False, "the folder is left")


def test_foreign_folder(pc: Try) -> None:
    """A folder that only has the same name is not replaced."""
    theirs = pc.home / "sxtstudio" / "theirs.txt"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("theirs", encoding="utf-8")
    pc.check_refusal(pc.setup(pc.setups.new), WRONG_USE, "choose another folder")
    same(contents(pc.home), {"sxtstudio/theirs.txt": b"theirs"}, "files")


def test_upgrade(pc: Try) -> None:
    """The new version in the place of the old one, the same parts; data of the user's own stay to the end."""
    same(pc.setup(pc.setups.old, "/COMPONENTS=program").code, 0, "exit code")
    user = pc.computer.user
    own = [
        user / "Documents" / "Zelle.sxt" / "project.json",
        pc.computer.local / "SXT Studio" / "models" / "mine.onnx",
        user / "AppData" / "Roaming" / "SXT Studio" / "SXT Studio.ini",
        pc.home / "beside.sxt" / "project.json",
        pc.home / "notes.txt",
    ]
    for path in own:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{path.name} of {OLD}", encoding="utf-8")
    same(pc.setup(pc.setups.new).code, 0, "exit code")
    pc.check_program(NEW)
    same((pc.computer.desktop / "SXT Studio.lnk").exists(), False, "shortcut on the desktop")
    same(pc.computer.registry()[UNINSTALL_KEY]["DisplayVersion"], NEW, "version in Settings > Apps")
    pc.uninstall()
    same([path for path in own if path.read_text(encoding="utf-8") != f"{path.name} of {OLD}"], [], "data")
    same(sorted(path.name for path in pc.home.iterdir()), ["beside.sxt", "notes.txt"], "what is left")


def test_running(pc: Try) -> None:
    """While a program of ours runs, neither setup nor uninstaller changes anything, and both say so."""
    same(pc.setup(pc.setups.old).code, 0, "exit code")
    for name in make_setup.PROGRAMS:
        flag = pc.computer.user / "running"
        flag.write_text("", encoding="utf-8")
        process = pc.computer.start(pc.home / "sxtstudio" / name, "--wait", pc.computer.windows_path(flag))
        try:
            refused = wait_for(lambda: pc.setup(pc.setups.new).code == IN_USE, 20)
            same(refused, True, f"refused while {name} runs")
            pc.check_refusal(pc.setup(pc.setups.new), IN_USE, "is running", name, "close it")
            pc.check_program(OLD, "RETRAIN")
            # _?= lets it run where it is, and not in a copy, so that its exit code can be seen.
            where = pc.computer.windows_path(pc.home)
            ended = pc.computer.run_line(f'"{where}\\uninstall.exe" /S _?={where}')
            pc.check_refusal(ended, IN_USE, "is running")
            pc.check_program(OLD, "RETRAIN")
        finally:
            flag.unlink()
            process.wait(30)
    same(pc.setup(pc.setups.new).code, 0, "exit code when it is closed")
    pc.check_program(NEW, "RETRAIN")


def test_full_disk(pc: Try) -> None:
    """Too little room is said before anything is written; the version that is there goes on."""
    same(pc.setup(pc.setups.old).code, 0, "exit code")
    pc.check_refusal(pc.setup(pc.setups.greedy), NO_ROOM, "The disk is too full", "MB are free", "Make room")
    pc.check_program(OLD, "RETRAIN")


def test_disk_fills_up(pc: Try) -> None:
    """Another program filled the disk meanwhile: by bytes, by files; the version that is there goes on."""
    for options, room in (("size=9m", 1 << 20), ("size=500m,nr_inodes=60", 6)):
        with small_disk(pc.home, options):
            same(pc.setup(pc.setups.old_blind).code, 0, "exit code")
            filler = pc.home / "filler"
            filler.mkdir()
            fill(filler, room, by_files="inodes" in options)
            pc.check_refusal(
                pc.setup(pc.setups.blind), NO_ROOM, "Not all files could be written", "Make room"
            )
            pc.check_program(OLD, "RETRAIN")
            shutil.rmtree(filler)
            same(pc.setup(pc.setups.blind).code, 0, "exit code when there is room")
            pc.check_program(NEW, "RETRAIN")
            pc.uninstall()


def test_killed_setup(pc: Try) -> None:
    """What a setup that was killed left, between two renames or while it unpacked, the next puts right."""
    same(pc.setup(pc.setups.old).code, 0, "exit code")
    (pc.home / "sxtstudio").rename(pc.home / "sxtstudio.old")
    (pc.home / "sxtstudio.new").mkdir()
    (pc.home / "sxtstudio.new" / "half.bin").write_bytes(b"half")
    pc.check_refusal(pc.setup(pc.setups.greedy), NO_ROOM, "too full")
    same(pc.setup(pc.setups.new).code, 0, "exit code")
    pc.check_program(NEW, "RETRAIN")


def test_types_of_others(pc: Try) -> None:
    """A file type that another program has stays with it, and comes to no harm."""
    theirs = rf"HKCU\{CLASSES}\.map"
    pc.computer.run("reg", "add", theirs, "/ve", "/d", "Other.map", "/f")
    pc.computer.run("reg", "add", rf"{theirs}\OpenWithProgids", "/v", "Other.map", "/d", "", "/f")
    same(pc.setup(pc.setups.new).code, 0, "exit code")
    now = pc.computer.registry()
    same(now[rf"{CLASSES}\.map"][""], "Other.map", "double-click on .map")
    offered = sorted(now[rf"{CLASSES}\.map\OpenWithProgids"])
    same(offered, ["Other.map", "SXTStudio.tomogram"], "Open with")
    # The user gives one to another program later on.
    pc.computer.run("reg", "add", rf"HKCU\{CLASSES}\.rec", "/ve", "/d", "Recorder", "/f")
    pc.uninstall()
    now = pc.computer.registry()
    same(now[rf"{CLASSES}\.map"][""], "Other.map", "double-click on .map")
    same(sorted(now[rf"{CLASSES}\.map\OpenWithProgids"]), ["Other.map"], "Open with")
    same(now[rf"{CLASSES}\.rec"][""], "Recorder", "double-click on .rec")
    same(rf"{CLASSES}\.mrc" in now, False, ".mrc is left")


def test_nvidia(pc: Try) -> None:
    """The package for NVIDIA cards: alone it wants the program; beside the installer it is a component."""
    pc.check_refusal(pc.setup(pc.setups.cuda), WRONG_USE, "install that first")
    pc.check_refusal(pc.setup(pc.setups.new, "/COMPONENTS=program,nvidia"), WRONG_USE, "beside it")
    same(pc.setup(pc.setups.new, "/COMPONENTS=program").code, 0, "exit code")
    cuda = contents(pc.setups.folder / NEW / "cuda")
    same(pc.setup(pc.setups.cuda).code, 0, "exit code")
    same(contents(pc.home / "sxtstudio-cuda"), cuda, "the part for NVIDIA cards")
    # A newer program alone leaves it.
    same(pc.setup(pc.setups.new).code, 0, "exit code")
    same(contents(pc.home / "sxtstudio-cuda"), cuda, "the part for NVIDIA cards")
    pc.uninstall()
    same(pc.home.exists(), False, "the folder is left")
    both = pc.computer.prefix / "drive_c" / "both"
    both.mkdir()
    for setup in (pc.setups.new, pc.setups.cuda):
        shutil.copy(setup, both)
    same(pc.setup(both / pc.setups.new.name, "/COMPONENTS=program,nvidia").code, 0, "exit code")
    same(contents(pc.home / "sxtstudio-cuda"), cuda, "the part for NVIDIA cards")
    same(pc.setup(both / pc.setups.new.name, "/COMPONENTS=program").code, 0, "exit code")
    same((pc.home / "sxtstudio-cuda").exists(), False, "the part that is no longer wanted")


def test_old_windows(pc: Try) -> None:
    """Windows 7 is told what is needed."""
    pc.computer.windows("win7")
    pc.check_refusal(pc.setup(pc.setups.new), WRONG_USE, "needs Windows 10 or newer")
    same(pc.home.exists(), False, "the folder is there")
    pc.computer.windows("win10")


TESTS = {name.removeprefix("test_"): test for name, test in globals().items() if name.startswith("test_")}


def main() -> int:
    """Run the tests, each from where the installer has never been."""
    missing = [name for name in ("makensis",) if not shutil.which(name)]
    missing += [name for name in ("wine64",) if not wine_program(name)]
    if missing:
        print(f"Skipped: the installer for Windows was not tried, as there is no {' and no '.join(missing)}.")
        return 0
    chosen = sys.argv[1:] or list(TESTS)
    with tempfile.TemporaryDirectory(prefix="sxtstudio-wine-") as folder:
        setups = Setups(Path(folder, "setups"))
        fresh = Computer(Path(folder, "computer"))
        fresh.settle()
        saved = Path(folder, "saved")
        shutil.copytree(fresh.prefix, saved, symlinks=True)
        for name in chosen:
            print(f"{name}: {(TESTS[name].__doc__ or '').strip()} ", end="", flush=True)
            try:
                TESTS[name](Try(fresh, setups))
            finally:
                fresh.shut_down()
            print("ok", flush=True)
            shutil.rmtree(fresh.prefix)
            shutil.copytree(saved, fresh.prefix, symlinks=True)
            for path in fresh.desktop.iterdir():
                path.unlink()
    print("The installer for Windows works under Wine, with stubs in the place of the programs.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
