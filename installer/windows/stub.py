"""A STUB of the program's folder for Windows: it has the names and does nothing; see stub.nsi.

It stands in for the real one where that cannot be built, to try the installer with it.
"""

from __future__ import annotations

from pathlib import Path

import make_setup

HERE = Path(__file__).resolve().parent
#: Names that packers lose: without a dot, with a dot first, with a space and umlauts, deep.
ODD_NAMES = ("LICENSE", ".hidden", "Größe µm.txt", "a/b/c/d/deep.json")


def make_stub(folder: Path, number: str, programs: tuple[str, ...], *, megabytes: int = 1) -> Path:
    """Make a folder of stubs and return it.

    Parameters
    ----------
    folder
        Where to make it.
    number
        The version that the stubs say they have.
    programs
        Names of stubs.
    megabytes
        How much else lies in it, which cannot be compressed.
    """
    inside = folder / "_internal"
    inside.mkdir(parents=True)
    for name in programs:
        facts: dict[str, object] = {
            "OUT": folder / name,
            "VERSION": number,
            "VERSION4": ".".join(map(str, make_setup.four_numbers(number))),
            "TARGET": "amd64-unicode",
        }
        make_setup.run_makensis(HERE / "stub.nsi", facts)
    for name in ODD_NAMES:
        (inside / name).parent.mkdir(parents=True, exist_ok=True)
        (inside / name).write_text(f"{name} of {number}", encoding="utf-8")
    (inside / f"only in {number}.txt").write_text("", encoding="utf-8")
    with (inside / "large.bin").open("wb") as file:
        with open("/dev/urandom", "rb") as noise:
            file.write(noise.read(megabytes << 20))
    return folder
