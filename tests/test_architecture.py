"""The rules of the design, executable: layers, heavy imports, sizes of files, nothing of one machine."""

from __future__ import annotations

import ast
import graphlib
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

import grimp
import pytest
from importlinter.cli import lint_imports

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "sxtstudio"
MODULES = sorted(PACKAGE.rglob("*.py"))
LONGEST_MODULE = 500
LARGEST_FILE_BYTES = 20_000_000

# The only places that may import a heavy library; a folder stands for all that is in it.
ONLY_HERE = {
    "torch": ("training",),
    "onnxruntime": ("segment",),
    "vtk": ("surface", "app.view3d"),
    "vtkmodules": ("surface", "app.view3d"),
    "pyvista": ("surface", "app.view3d"),
    "pyvistaqt": ("app.view3d",),
    "PySide6": ("app",),
    "qtpy": ("app",),
    "qtawesome": ("app",),
    "superqt": ("app",),
    "pyqtgraph": ("app",),
    "sklearn": ("core.classes.fitting",),
    "dask": ("cluster",),
    "dask_jobqueue": ("cluster",),
    "distributed": ("cluster",),
    "cryptography": ("cluster",),
}
CORE_LIBRARIES = {"numpy", "scipy", "skimage", "cc3d", "edt", "msgspec", "platformdirs", "psutil", "sklearn"}
NAME_REACHERS = {"getattr", "hasattr", "setattr", "delattr"}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__"}
FORBIDDEN_MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}
# Names of classes that stand for the same thing in two modules.
ONE_THING_TWICE = {
    "Decoder": "io.network writes the graph of the part that training.network is in PyTorch, layer by layer",
    "NeckBranch": "as Decoder",
}
MACHINE_PATHS = re.compile(r"(?<![\w.~])/(?:work|root|tmp|mnt)/\w|/home/(?!you\b|user\b)\w+/|[A-Z]:\\\\Users")
TEXT = {".py", ".md", ".toml", ".json", ".yml", ".yaml", ".lock", ".txt", ".cfg", ".ini", ".sh", ""}


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def layer_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@cache
def imports(*, of_types: bool = True) -> grimp.ImportGraph:
    """Who imports whom, anywhere in a file, libraries included; ``of_types`` those for annotations too."""
    return grimp.build_graph(
        "sxtstudio",
        include_external_packages=True,
        exclude_type_checking_imports=not of_types,
        cache_dir=None,
    )


def own_modules(graph: grimp.ImportGraph, package: str = "sxtstudio") -> list[str]:
    return sorted(name for name in graph.modules if name == package or name.startswith(f"{package}."))


def misplaced_libraries(graph: grimp.ImportGraph) -> list[str]:
    """Heavy libraries outside of their places, and what core must not know."""
    found = []
    for name in own_modules(graph):
        for library in graph.find_modules_directly_imported_by(name):
            places = [f"sxtstudio.{place}." for place in ONLY_HERE.get(library, ())]
            in_core = name.startswith("sxtstudio.core")
            foreign = library not in sys.stdlib_module_names and not library.startswith("sxtstudio")
            if (places and not f"{name}.".startswith(tuple(places))) or (
                in_core and foreign and library not in CORE_LIBRARIES
            ):
                found.append(f"{name} imports {library}")
    return found


def circles(graph: grimp.ImportGraph) -> list[str]:
    """The modules of an import circle, if there is one."""
    own = own_modules(graph)
    try:
        graphlib.TopologicalSorter(
            {name: graph.find_modules_directly_imported_by(name).intersection(own) for name in own}
        ).prepare()
    except graphlib.CycleError as error:
        return list(error.args[1])
    return []


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


@pytest.fixture(autouse=True, scope="module")
def forget_what_was_parsed() -> Iterator[None]:
    """Trees of 700 modules are a lot to keep for the tests that come after these in the same process."""
    yield
    parsed.cache_clear()


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


@pytest.fixture(autouse=True)
def loggers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The linter would turn off the loggers of all that is loaded, and later tests miss what is logged."""
    monkeypatch.setattr("logging.config.dictConfig", lambda config: None)


def test_layers_are_kept(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(ROOT)
    assert lint_imports(no_cache=True) == 0, capsys.readouterr().out


def test_libraries_keep_to_their_places() -> None:
    assert misplaced_libraries(imports()) == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Not even through functions. For annotations they may: nothing is loaded for them."""
    assert circles(imports(of_types=False)) == []


# json_lines prints JSON in ASCII, in which nothing can be hidden.
PRINTING = ("commands/output.py", "commands/guard.py", "commands/json_lines.py")


def test_commands_print_in_one_place() -> None:
    """Names of strangers' files could hold escape sequences; ``commands.output`` writes these out."""
    found = [
        f"{name_of(path)}:{node.lineno}"
        for path in MODULES
        if layer_of(path) == "commands" and name_of(path) not in PRINTING
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("print", "sys.stdout.write")
    ]
    assert found == []


def test_links_are_followed_in_one_place() -> None:
    """``Path.resolve`` raises RuntimeError for links in a circle: ``core.paths`` follows them."""
    found = [
        f"{name_of(path)}:{node.lineno}"
        for path in MODULES
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Attribute) and node.attr == "resolve" and "__file__" not in ast.unparse(node)
    ]
    assert found == []


def found_in(paths: Iterable[Path], look: Callable[[ast.AST], list[str]]) -> dict[str, list[str]]:
    """What is found in the modules, by their names; those in which nothing is found are not named."""
    found = {name_of(path): look(parsed(path)) for path in paths}
    return {name: lines for name, lines in found.items() if lines}


def kept_painters(tree: ast.AST) -> list[str]:
    """Where a painter is given a name, not made for a ``with``."""
    return [
        f"line {node.lineno}: write: with QPainter(…) as painter"
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and ast.unparse(node.value).startswith("QPainter(")
    ]


def test_painters_end_also_after_an_error() -> None:
    """One that is not ended when its widget has been painted, as an error keeps it, ends the program."""
    assert found_in((path for path in MODULES if layer_of(path) == "app"), kept_painters) == {}


def test_tables_are_written_in_one_place() -> None:
    """No text of a table may be a formula; ``core.printable.csv_text`` sees to it."""
    assert imports().find_modules_that_directly_import("csv") == {"sxtstudio.core.printable"}


def classes_defined_twice(trees: Mapping[str, ast.Module]) -> dict[str, list[str]]:
    """The public classes whose name is given in more than one module, and these modules."""
    where: dict[str, list[str]] = {}
    for module, tree in trees.items():
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                where.setdefault(node.name, []).append(module)
    return {name: modules for name, modules in where.items() if len(modules) > 1}


def test_a_name_of_a_class_means_one_thing() -> None:
    """Who reads ``Flag`` or ``State`` must not have to look up at the top of the file which of them it is."""
    twice = classes_defined_twice({name_of(path): parsed(path) for path in MODULES})
    assert {name: modules for name, modules in twice.items() if name not in ONE_THING_TWICE} == {}
    assert ONE_THING_TWICE.keys() <= twice.keys(), "an exception that is none any more"


def test_modules_are_of_a_readable_size() -> None:
    lines = {name_of(path): path.read_text(encoding="utf-8").count("\n") for path in MODULES}
    long = {name: count for name, count in lines.items() if count > LONGEST_MODULE}
    assert long == {}, "lines: each wants to be two modules"


def run_from_data(tree: ast.AST) -> list[str]:
    """Where code could be run that stands in data."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            given = {word.arg: word.value for word in node.keywords}
            if called in FORBIDDEN_CALLS:
                found.append(f"line {node.lineno}: {called}()")
            elif called.endswith("import_module"):  # grimp cannot see it, so only within a package
                if not ast.unparse(node.args[0]).startswith("f'{__name__}."):
                    found.append(f"line {node.lineno}: {called}()")
            elif called in ("np.load", "numpy.load"):
                if "allow_pickle" not in given or ast.unparse(given["allow_pickle"]) != "False":
                    found.append(f"line {node.lineno}: say allow_pickle=False")
            elif called == "torch.load":
                if "weights_only" not in given or ast.unparse(given["weights_only"]) != "True":
                    found.append(f"line {node.lineno}: say weights_only=True")
    return found


def test_no_module_runs_code_from_data() -> None:
    assert found_in(MODULES, run_from_data) == {}


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


def test_window_reaches_nothing_by_a_name_in_a_string() -> None:
    assert found_in((path for path in MODULES if layer_of(path) == "app"), reached_by_name) == {}


def written_maps(tree: ast.AST) -> list[str]:
    """Where a memory map is made that may be written to: with a file full of holes and a disk that gets full
    it ends the program without a word."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("memmap", "mmap.mmap")):
            words = [*node.args, *(word.value for word in node.keywords if word.arg == "mode")]
            if "r" not in {word.value for word in words if isinstance(word, ast.Constant)}:
                found.append(f"line {node.lineno}: {ast.unparse(node)}")
    return found


def test_maps_are_written_only_where_their_room_is_claimed() -> None:
    assert found_in(MODULES, written_maps).keys() == {"core/reserved.py"}


def test_nothing_is_read_that_may_hold_code() -> None:
    imported = {name: imports().find_modules_that_directly_import(name) for name in imports().modules}
    assert {name: imported[name] for name in FORBIDDEN_MODULES & imported.keys()} == {}


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
    pin = re.compile(r"[A-Za-z0-9][\w.-]*==[\w.]+( ; \w+ [!=<>]=? '[\w.]+')?( \\)?|    --hash=.*")
    for name in ("requirements.lock", "requirements-dev.lock"):
        lines = (ROOT / name).read_text().splitlines()
        wanted = [line for line in lines if line and not line.startswith("#")]
        assert wanted
        assert [line for line in wanted if not pin.fullmatch(line)] == []
    base = (ROOT / "requirements.lock").read_text().lower()
    assert not re.search(r"^(torch|nvidia|sympy|triton)", base, re.MULTILINE)


def test_starting_the_command_line_loads_no_library_and_no_other_layer() -> None:
    """That is what makes it quick: a heavy library costs more than all the rest."""
    code = (
        "import sys; before = set(sys.modules); import sxtstudio.cli; sxtstudio.cli.build_parser();"
        "print(*set(sys.modules) - before)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = {tuple(name.split(".")[:2]) for name in done.stdout.split()}
    assert {name[0] for name in loaded} - sys.stdlib_module_names == {"sxtstudio"}
    layers = {name[1] for name in loaded if name[0] == "sxtstudio" and len(name) > 1}
    assert layers == {"cli", "commands", "core"}, "commands load what they need when they run"


def test_the_rules_can_fail() -> None:
    assert MACHINE_PATHS.search('open("/' + 'work/x")') and not MACHINE_PATHS.search("a/work/x")
    reached = ast.parse(
        'hasattr(self, "a"); getattr(x, name, None); context.parts["side"]; job.property("quiet")\n'
        'parts[0]; label.setProperty("role", "note")'
    )
    assert len(reached_by_name(reached)) == 4
    maps = 'np.memmap(p, u1, "r"); np.memmap(p, mode="r+"); memmap(p); np.memmap(p, u1, mode)'
    assert len(written_maps(ast.parse(maps))) == 3

    code = (
        "eval(x); f.compile(x); __import__(x); importlib.import_module(x); import_module(f'{__name__}.x')\n"
        "np.load(p); np.load(p, allow_pickle=True); numpy.load(p, allow_pickle=False); torch.load(p)\n"
        "torch.load(p, weights_only=True)"
    )
    assert [line.split(": ")[1] for line in run_from_data(ast.parse(code))] == [
        "eval()", "__import__()", "importlib.import_module()", "say allow_pickle=False",
        "say allow_pickle=False", "say weights_only=True",
    ]  # fmt: skip
    painters = "p = QPainter(self)\nwith QPainter(self) as p: ..."
    assert len(kept_painters(ast.parse(painters))) == 1

    classes = {
        "a.py": "class Flag: ...\nclass _Row: ...\nclass One:\n    class Two: ...",
        "b.py": "class Flag(str): ...\nclass _Row: ...\nclass Two: ...",
    }
    twice = classes_defined_twice({name: ast.parse(text) for name, text in classes.items()})
    assert twice == {"Flag": ["a.py", "b.py"]}

    graph = grimp.ImportGraph()
    for importer, imported in (("core.a", "core.b"), ("core.b", "core.c"), ("core.c", "core.a")):
        graph.add_import(importer=f"sxtstudio.{importer}", imported=f"sxtstudio.{imported}")
    assert len(circles(graph)) == 4
    graph.remove_import(importer="sxtstudio.core.c", imported="sxtstudio.core.a")
    assert circles(graph) == [] and misplaced_libraries(graph) == []
    for name, library in (("core.a", "h5py"), ("app.view3dx", "pyvista"), ("app.view3d.y", "pyvista")):
        graph.add_module(library, is_squashed=True)
        graph.add_import(importer=f"sxtstudio.{name}", imported=library)
    assert misplaced_libraries(graph) == [
        "sxtstudio.app.view3dx imports pyvista",
        "sxtstudio.core.a imports h5py",
    ]


@pytest.mark.parametrize(
    ("importer", "imported", "broken"),
    [
        ("core/x.py", "io.x", ["Arrows point down only"]),
        ("io/x.py", "segment.x", ["Arrows point down only"]),
        (
            "workflow/x.py",
            "app.x",
            ["Arrows point down only", "Only commands start the window or a training"],
        ),
        ("training/x.py", "workflow.x", ["Training knows io and core only"]),
        ("app/x.py", "training.x", ["Only commands start the window or a training"]),
        ("cli.py", "workflow.x", ["The command line leaves all work to commands"]),
        ("workflow/x.py", "cluster.x", ["Arrows point down only"]),
        ("app/x.py", "cluster.x", []),
        ("app/x.py", "workflow.x", []),
        ("commands/x.py", "training.x", []),
    ],
)
@pytest.mark.parametrize("form", ["import sxtstudio.{}", "def f():\n    from {dots}{} import y"])
def test_an_arrow_upwards_is_seen(
    tmp_path: Path, importer: str, imported: str, broken: list[str], form: str
) -> None:
    """The contracts, on a package of empty modules with a single import: in whatever form it is written."""
    for layer in ("core", "io", "segment", "surface", "training", "workflow", "cluster", "commands", "app"):
        for name in ("__init__.py", "x.py"):
            path = tmp_path / "sxtstudio" / layer / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    for name in ("__init__.py", "cli.py"):
        (tmp_path / "sxtstudio" / name).touch()
    dots = "." * len(Path(importer).parts)
    (tmp_path / "sxtstudio" / importer).write_text(form.format(imported, dots=dots))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    code = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert re.findall("^(.+) BROKEN$", done.stdout, re.MULTILINE) == broken
    assert done.returncode == bool(broken), done.stdout + done.stderr
