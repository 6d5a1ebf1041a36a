"""The folders that PyInstaller made as one installer for Windows, by NSIS: setup.nsi says what it does.

    python installer/windows/make_setup.py OUT --program build/dist/sxtstudio --retrain build/dist/…-retrain
    python installer/windows/make_setup.py OUT --cuda build/dist/sxtstudio-cuda

The package for NVIDIA cards is an installer of its own: NSIS and GitHub take no file of more than 2 GB.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
ICON = ROOT / "installer" / "icons" / "sxtstudio.ico"
MAKENSIS = ("makensis", r"C:\Program Files (x86)\NSIS\makensis.exe")
#: What NSIS can put into one file, compressed.
MOST_BYTES = 2_000_000_000
#: The program in its window, and the same one in a terminal; see bundle.spec.
PROGRAMS = ("sxtstudiow.exe", "sxtstudio.exe")


def version() -> str:
    """Return the version of the program, as pyproject.toml has it."""
    return str(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"])


def four_numbers(text: str) -> tuple[int, int, int, int]:
    """Return a version as Windows wants it: "1.2.0rc1" is (1, 2, 0, 0).

    Raises
    ------
    ValueError
        If it does not begin with numbers, or one of them is above 65535.
    """
    match = re.match(r"\d+(\.\d+){0,3}", text)
    numbers = [int(part) for part in match[0].split(".")] if match else []
    if not numbers or max(numbers) > 0xFFFF:
        raise ValueError(f"{text!r} is no version that Windows knows")
    first, second, third, fourth = [*numbers, 0, 0, 0][:4]
    return first, second, third, fourth


def setup_name(number: str, *, cuda: bool = False) -> str:
    """Return the name of the installer, or of that for NVIDIA cards."""
    return f"SXTStudio-{'nvidia-' if cuda else ''}{number}-setup.exe"


def compiler() -> str:
    """Return makensis."""
    found = next(filter(None, map(shutil.which, MAKENSIS)), None)
    if found is None:
        raise SystemExit("makensis was not found: install NSIS (Debian: apt-get install nsis).")
    return found


def compile_setup(
    out: Path,
    parts: dict[str, Path],
    *,
    number: str | None = None,
    target: str = "x86-unicode",
    compressor: str = "/SOLID lzma",
    reserve_kb: int = 102_400,
) -> Path:
    """Compile the installer and return it.

    Parameters
    ----------
    out
        The folder for it.
    parts
        Folders by their names in setup.nsi: "PROGRAM" with "RETRAIN" or not, or "CUDA" alone.
    number
        Its version; by default that of the program.
    target
        What the installer itself runs on; the program needs 64 bits in any case.
    compressor
        As SetCompressor has it.
    reserve_kb
        How much must stay free on the disk.

    Raises
    ------
    SystemExit
        If a folder is not what it must be, or does not fit.
    """
    number = number or version()
    for folder in parts.values():
        if not folder.is_dir():
            raise SystemExit(f"{folder} is no folder: build it by PyInstaller first (installer/README.md).")
    if ("PROGRAM" in parts) == ("CUDA" in parts):
        raise SystemExit("Give either --program or --cuda: together they do not fit into one file.")
    missing = [name for name in PROGRAMS if "PROGRAM" in parts and not (parts["PROGRAM"] / name).is_file()]
    if missing:
        raise SystemExit(
            f"{parts['PROGRAM']} is not the program's folder: it has no {' and no '.join(missing)}."
        )
    made = out.resolve() / setup_name(number, cuda="CUDA" in parts)
    facts = {
        "VERSION": number,
        "VERSION4": ".".join(map(str, four_numbers(number))),
        "OUT": made,
        "ICON": ICON,
        "SIDE": ICON.with_name("setup.bmp"),
        "NAME_CUDA": setup_name(number, cuda=True),
        "TARGET": target,
        "COMPRESSOR": compressor,
        "RESERVE_KB": reserve_kb,
        **{name: folder.resolve() / "*.*" for name, folder in parts.items()},
    }
    out.mkdir(parents=True, exist_ok=True)
    run_makensis(HERE / "setup.nsi", facts)
    if made.stat().st_size > MOST_BYTES:
        raise SystemExit(f"{made} is larger than NSIS can unpack: give fewer parts.")
    return made


def run_makensis(script: Path, facts: dict[str, object]) -> None:
    """Compile a script; what it warns of is an error."""
    words = [compiler(), "-V2", "-WX", "-INPUTCHARSET", "UTF8", *(f"-D{k}={v}" for k, v in facts.items())]
    done = subprocess.run([*words, str(script)], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{done.stdout}\n{done.stderr}\nmakensis could not compile {script.name}.")


def main() -> None:
    """Make one installer."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("out", type=Path)
    for name, what in (("program", "the program"), ("retrain", "retraining"), ("cuda", "NVIDIA cards")):
        parser.add_argument(f"--{name}", type=Path, metavar="FOLDER", help=f"folder for {what}")
    arguments = parser.parse_args()
    given = {"PROGRAM": arguments.program, "RETRAIN": arguments.retrain, "CUDA": arguments.cuda}
    made = compile_setup(arguments.out, {name: folder for name, folder in given.items() if folder})
    print(f"{made} ({made.stat().st_size / 1e6:.0f} MB)")


if __name__ == "__main__":
    sys.exit(main())
