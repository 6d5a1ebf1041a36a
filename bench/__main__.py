"""``python -m bench [TOPIC ...]``: run every topic in turn, each in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

# Modules that topics use; everything else in this folder is a topic with a `main()`.
HELPERS = {"__init__", "__main__", "measure"}


def topics() -> list[str]:
    return sorted(
        path.stem
        for path in Path(__file__).parent.glob("*.py")
        if path.stem not in HELPERS and "def main(" in path.read_text(encoding="utf-8")
    )


def main(wanted: list[str]) -> int:
    known = topics()
    unknown = [name for name in wanted if name not in known]
    if unknown:
        print(
            f"no such topic: {', '.join(unknown)}; there are {', '.join(known) or 'none yet'}",
            file=sys.stderr,
        )
        return 2
    failed = []
    for name in wanted or known:
        print(f"== {name}", flush=True)
        if subprocess.run([sys.executable, "-m", f"bench.{name}"], check=False).returncode:
            failed.append(name)
    if failed:
        print(f"== failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
