"""The rules of the design, executable: layers, heavy imports, sizes of files, nothing of one machine."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "sxtstudio"
MODULES = sorted(PACKAGE.rglob("*.py"))
LONGEST_MODULE = 500
LARGEST_FILE_BYTES = 20_000_000

# What each layer may import of the program itself.
LAYERS = {
    "core": {"core"},
    "io": {"core"},
    "segment": {"core"},
    "surface": {"core"},
    "training": {"core", "io"},
    "workflow": {"core", "io", "segment", "surface"},
    "commands": {"core", "io", "segment", "surface", "workflow", "training", "app"},
    "cli": {"core", "commands"},
    "app": {"core", "io", "segment", "surface", "workflow"},
}
# The only places that may import a heavy library; a folder stands for all that is in it.
ONLY_HERE = {
    "torch": ("training",),
    "onnxruntime": ("segment",),
    "vtk": ("surface", "app/view3d"),
    "vtkmodules": ("surface", "app/view3d"),
    "pyvista": ("surface", "app/view3d"),
    "PySide6": ("app",),
    "qtpy": ("app",),
    "qtawesome": ("app",),
    "superqt": ("app",),
    "pyqtgraph": ("app",),
}
CORE_LIBRARIES = {"numpy", "scipy", "skimage", "cc3d", "edt", "psutil"}
NAME_REACHERS = {"getattr", "hasattr", "setattr", "delattr"}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__"}
FORBIDDEN_MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}
MACHINE_PATHS = re.compile(r"(?<![\w.~])/(?:work|root|tmp|mnt)/\w|/home/(?!you\b|user\b)\w+/|[A-Z]:\\\\Users")
TEXT = {".py", ".md", ".toml", ".json", ".yml", ".yaml", ".lock", ".txt", ".cfg", ".ini", ".sh", ""}


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def layer_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports_of(path: Path, tree: ast.AST) -> set[str]:
    """All modules that a file imports, anywhere in it, as absolute dotted names."""
    package = ["sxtstudio", *path.relative_to(PACKAGE).parts[:-1]]
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = [] if not node.level else package[: len(package) - node.level + 1]
            module = ".".join([*base, *([node.module] if node.module else [])])
            found |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = ast.unparse(node.func)
            if called in ("importlib.import_module", "import_module", "pytest.importorskip"):
                found.add(str(node.args[0].value))
    return found


def own_layers(imports: set[str]) -> set[str]:
    parts = [name.split(".") for name in imports if name.startswith("sxtstudio.")]
    return {part[1] for part in parts if (PACKAGE / part[1]).is_dir() or (PACKAGE / f"{part[1]}.py").exists()}


def parsed(path: Path) -> ast.AST:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def tracked() -> list[Path]:
    """Files under version control, or, without git, all files that look as if they were."""
    try:
        done = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            check=True,
        )
        names = done.stdout.decode().split("\0")
        files = [ROOT / name for name in names if name]
    except (OSError, subprocess.CalledProcessError):
        files = [
            p for p in ROOT.rglob("*") if not any(part.startswith(".") for part in p.relative_to(ROOT).parts)
        ]
    return [path for path in files if path.is_file()]


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_module_keeps_to_its_layer(path: Path) -> None:
    layer = layer_of(path)
    imports = imports_of(path, parsed(path))
    if layer not in ("__init__", "__main__"):
        allowed = LAYERS[layer] | {layer}
        assert own_layers(imports) <= allowed, f"{layer} may import {sorted(allowed)} only"
    for library, places in ONLY_HERE.items():
        if any(name.split(".")[0] == library for name in imports):
            assert name_of(path).startswith(tuple(f"{place}/" for place in places)), f"{library} here"
    if layer == "core":
        foreign = {name.split(".")[0] for name in imports} - {"sxtstudio", *sys.stdlib_module_names}
        assert foreign <= CORE_LIBRARIES, "a library that core must not know"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_module_is_of_a_readable_size(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").count("\n")
    assert lines <= LONGEST_MODULE, f"{lines} lines: this wants to be two modules"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_module_runs_no_code_from_data(path: Path) -> None:
    tree = parsed(path)
    roots = {name.split(".")[0] for name in imports_of(path, tree)}
    assert not roots & FORBIDDEN_MODULES
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in FORBIDDEN_CALLS, f"line {node.lineno}: {called}()"
            if called in ("np.load", "numpy.load"):
                given = {word.arg: ast.unparse(word.value) for word in node.keywords}
                assert given.get("allow_pickle") == "False", f"line {node.lineno}: say allow_pickle=False"
            if called == "torch.load":
                given = {word.arg: ast.unparse(word.value) for word in node.keywords}
                assert given.get("weights_only") == "True", f"line {node.lineno}: say weights_only=True"


def reached_by_name(tree: ast.AST) -> list[str]:
    """Where something is reached by a name in a string: getattr and its kin, ``parts["slices"]``."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in NAME_REACHERS:
            found.append(f"line {node.lineno}: {ast.unparse(node.func)}()")
        elif isinstance(node, ast.Subscript) and isinstance(node.value, ast.Attribute):
            if node.value.attr == "parts":
                found.append(f"line {node.lineno}: {ast.unparse(node)}")
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            # The only property of Qt is the one that the style sheet asks for.
            if node.func.attr in ("property", "setProperty") and ast.unparse(node.args[0]) != "'role'":
                found.append(f"line {node.lineno}: {ast.unparse(node)}")
    return found


@pytest.mark.parametrize("path", [path for path in MODULES if layer_of(path) == "app"], ids=name_of)
def test_window_reaches_nothing_by_a_name_in_a_string(path: Path) -> None:
    assert reached_by_name(parsed(path)) == []


def test_torch_free_application_only_names_training_in_commands() -> None:
    """Training is called by its own commands, inside their functions: starting the program never loads it."""
    for path in MODULES:
        if layer_of(path) == "commands":
            top = ast.Module([n for n in parsed(path).body if isinstance(n, ast.Import | ast.ImportFrom)], [])
            assert own_layers(imports_of(path, top)) <= {"core", "commands"}, f"{name_of(path)} starts slowly"


def test_no_large_file_outside_models() -> None:
    large = {
        path.relative_to(ROOT).as_posix(): path.stat().st_size
        for path in tracked()
        if path.stat().st_size > LARGEST_FILE_BYTES and path.relative_to(ROOT).parts[0] != "models"
    }
    assert not large


def test_nothing_of_one_machine_in_the_sources() -> None:
    found = []
    for path in tracked():
        if path.suffix in TEXT and path != Path(__file__).resolve():
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
            found += [
                f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
                for number, line in enumerate(lines, 1)
                if MACHINE_PATHS.search(line)
            ]
    assert not found, "\n".join(found)


def test_lock_files_pin_exactly_and_name_no_source() -> None:
    pin = re.compile(r"[A-Za-z0-9][\w.-]*==[\w.]+(; sys_platform [!=]= '\w+')?")
    for name in ("requirements.lock", "requirements-dev.lock"):
        lines = (ROOT / name).read_text().splitlines()
        wanted = [line for line in lines if line and not line.startswith("#")]
        assert wanted
        assert [line for line in wanted if not pin.fullmatch(line)] == []
    base = (ROOT / "requirements.lock").read_text().lower()
    assert not re.search(r"^(torch|nvidia|sympy|triton)", base, re.MULTILINE)


def test_starting_the_command_line_is_quick_and_loads_nothing_heavy() -> None:
    code = (
        "import sys; import sxtstudio.cli; sxtstudio.cli.build_parser();"
        "print(*sorted({name.split('.')[0] for name in sys.modules}))"
    )
    begin = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    seconds = time.perf_counter() - begin
    heavy = {
        "torch",
        "vtk",
        "vtkmodules",
        "pyvista",
        "onnxruntime",
        "onnx",
        "numpy",
        "scipy",
        "skimage",
        "zarr",
    }
    assert not heavy & set(done.stdout.split())
    # It takes about 0.1 s; the bound leaves room for a busy machine and still catches a heavy import.
    assert seconds < 3


def test_the_rules_can_fail() -> None:
    """The checker sees imports in functions, relative imports and imports by name."""
    source = (
        "from ..segment import x\nfrom . import raw\n"
        "def f():\n    import torch.nn\n    import importlib\n    importlib.import_module('vtk')\n"
    )
    imports = imports_of(PACKAGE / "io" / "x.py", ast.parse(source))
    assert {"sxtstudio.segment.x", "sxtstudio.io.raw", "torch.nn", "vtk"} <= imports
    assert "segment" in own_layers(imports)
    assert MACHINE_PATHS.search('open("/' + 'work/x")') and not MACHINE_PATHS.search("a/work/x")
    reached = ast.parse(
        'hasattr(self, "a"); getattr(x, name, None); context.parts["side"]; job.property("quiet")\n'
        'parts[0]; label.setProperty("role", "note")'
    )
    assert len(reached_by_name(reached)) == 4
