"""Whether everything that the program may ever import is in the package, also what it imports late.

The names are read from the sources: each module of ours, and each import statement in it. The installed
program imports them all, and so does this checkout: whatever only the checkout can import was forgotten.
"""

from __future__ import annotations

import ast
from pathlib import Path

from day_of_work import by_checkout
from roots import HOME, Root
from steps import BUILD, REPOSITORY, Program, check, step

_COMMAND = "import-all"
# Not in the package itself: training needs them, of an add-on.
_ADDED = ("torch", "onnxscript")


def wanted(sources: Path) -> list[str]:
    """Return all modules below a folder, and all that they import: "package.module", maybe with ":name"."""
    found = set()
    for path in sources.rglob("*.py"):
        name = ".".join(path.relative_to(sources.parent).with_suffix("").parts).removesuffix(".__init__")
        found.add(name)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found |= {f"{node.module}:{alias.name}" for alias in node.names}
    return sorted(found)


def check_contents(root: Root, run: Program) -> None:
    """The installed program imports all that the checkout imports."""
    with step("all that is ever imported is there"):
        names = root.folder / HOME[1:] / "names.txt"
        names.write_text("\n".join(wanted(REPOSITORY / "sxtstudio")), encoding="utf-8")
        answer = BUILD / "imports-of-checkout.txt"
        by_checkout(str(REPOSITORY / "installer/start.py"), _COMMAND, str(names), str(answer))
        run(_COMMAND, f"{HOME}/names.txt", f"{HOME}/imports.txt")
        here = {line.partition("\t")[0] for line in answer.read_text(encoding="utf-8").splitlines()}
        lines = (root.folder / HOME[1:] / "imports.txt").read_text(encoding="utf-8").splitlines()
        forgotten = [
            f"{name} ({why})"
            for name, _, why in (line.partition("\t") for line in lines)
            if name not in here and not any(f"'{added}" in why for added in _ADDED)
        ]
        older = "; is it older than the sources?" if forgotten else ""
        check(not forgotten, f"{len(forgotten)} are not in the package{older} {'; '.join(forgotten[:20])}")
