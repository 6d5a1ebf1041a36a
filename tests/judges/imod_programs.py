"""IMOD's own programs, where there are any: on the path, in IMOD_DIR, or made from its public source.

A checkout of the source (https://github.com/LabShare-Archive/IMOD, version 4.8.2) in SXTSTUDIO_IMOD_SOURCE
is enough, with gcc and g++: the libraries that read models and images, and a few programs, are compiled as
they stand, without TIFF, HDF5 and windows. It takes a minute; nothing is written into the source.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

PROGRAMS = ("imodinfo", "imodmop", "imodmesh")

_CONFIGURATION = """
#define VERSION 482
#define VERSION_NAME "4.8.2"
#define COPYRIGHT_YEARS "1994-2014"
#define LAB_NAME1 ""
#define LAB_NAME2 ""
#define NOTIFFLIBS
#define NO_HDF_LIB
#define CTRL_STRING "Ctrl"
typedef signed char b3dByte;
typedef unsigned char b3dUByte;
typedef short b3dInt16;
typedef unsigned short b3dUInt16;
typedef int b3dInt32;
typedef unsigned int b3dUInt32;
typedef float b3dFloat;
"""
_LIBRARIES = ("libcfshr", "libimod", "libmesh", "libiimod")
_HDF = ("hdf_imageio.c", "iihdf.c")
_C = ("-std=gnu89", "-fcommon")


def find_imod(build: Path) -> Path | None:
    """Return the folder of the programs, None where there are none; ``build`` is for those that are made."""
    for folder in (os.environ.get("IMOD_DIR", ""), os.path.dirname(shutil.which("imodinfo") or "")):
        for place in (Path(folder, "bin"), Path(folder)):
            if folder and all((place / name).is_file() for name in PROGRAMS):
                return place
    source = os.environ.get("SXTSTUDIO_IMOD_SOURCE")
    if not source or shutil.which("g++") is None:
        return None
    make(Path(source), build)
    return build


def make(source: Path, build: Path) -> None:
    """Compile the programs into a folder."""
    build.mkdir(parents=True, exist_ok=True)
    (build / "imodconfig.h").write_text(_CONFIGURATION)
    flags = ["-O1", "-w", "-D_GNU_SOURCE", "-DB3D_LITTLE_ENDIAN", f"-I{build}", f"-I{source / 'include'}"]
    for library in _LIBRARIES:
        for file in sorted((source / library).glob("*.c")):
            if file.name not in _HDF:
                run("gcc", *flags, *_C, f"-I{source / library}", "-c", file, "-o", build / f"{file.stem}.o")
    archive = build / "all.a"
    run("ar", "rcs", archive, *sorted(build.glob("*.o")))
    for name in PROGRAMS:
        file = next((source / "imodutil").glob(f"{name}.c*"))
        compiler = ["g++", *flags] if file.suffix == ".cpp" else ["gcc", *flags, *_C]
        # What libtiff would do is asked for by nothing here.
        command = [*compiler, file, "-o", build / name, archive, archive, "-lm", "-lstdc++"]
        missing = set(re.findall(r"undefined reference to `(\w+)'", run(*command, check=False)))
        if missing:
            stub = build / f"{name}-stub.c"
            stub.write_text("".join(f"long {symbol}(void) {{ return 0; }}\n" for symbol in sorted(missing)))
            run("gcc", "-w", "-c", stub, "-o", stub.with_suffix(".stub"))
            run(*command, "-x", "none", stub.with_suffix(".stub"))


def run(*command: object, check: bool = True) -> str:
    """Return what a program says."""
    done = subprocess.run([str(part) for part in command], capture_output=True, timeout=300, check=False)
    text = done.stdout.decode("utf-8", "replace") + done.stderr.decode("utf-8", "replace")
    if check and done.returncode:
        raise AssertionError(f"{command[0]} ended with {done.returncode}: {text[-2000:]}")
    return text
