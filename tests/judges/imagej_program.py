"""ImageJ itself, where it is installed (Debian: imagej, default-jre-headless, xvfb), driven by macros."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

JAR = Path("/usr/share/java/ij.jar")


def has_imagej() -> bool:
    """Whether ImageJ and what it needs are there."""
    return JAR.is_file() and all(shutil.which(name) for name in ("java", "xvfb-run"))


def run_macro(macro: str, folder: Path) -> list[str]:
    """Run a macro that calls say(text), and return what it says.

    ImageJ has no batch mode without windows: it runs on a virtual screen, and ends with the macro.
    """
    out = folder / "said.txt"
    script = folder / "macro.ijm"
    say = f'function say(text) {{ File.append(text, "{out}"); }}\n'
    script.write_text(f'{say}{macro}\nrun("Quit");\n', encoding="utf-8")
    java = ["java", "-Dfile.encoding=UTF-8", "-cp", str(JAR), "ij.ImageJ", "-macro", str(script), "-batch"]
    home = {**os.environ, "HOME": str(folder)}
    subprocess.run(["xvfb-run", "-a", *java], env=home, timeout=180, check=False, capture_output=True)
    return [line for line in out.read_text(encoding="utf-8").splitlines() if line] if out.is_file() else []
