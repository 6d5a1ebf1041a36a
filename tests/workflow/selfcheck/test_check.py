"""The self-check works on a whole installation, and sees what is broken in it."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile

from sxtstudio import segment
from sxtstudio.cli import main
from sxtstudio.core import packaged
from sxtstudio.core.errors import Cancelled
from sxtstudio.core.progress import Progress
from sxtstudio.core.shipped import resources
from sxtstudio.segment.device import Device
from sxtstudio.workflow.jobs import povray, povray_program
from sxtstudio.workflow.retraining import child
from sxtstudio.workflow.selfcheck import check, file_parts, library_parts, optional_parts, parts
from sxtstudio.workflow.selfcheck.check import self_check
from sxtstudio.workflow.selfcheck.record import PartState


def test_every_part_of_this_checkout_works(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "check.json"
    code = main(["--selfcheck", "--json", "-o", str(file)])
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads(file.read_text())
    failed = [part for part in printed["parts"] if part["state"] == "failed"]
    assert code == 0 and printed["works"] and not failed
    assert {part["name"] for part in printed["parts"]} == set(parts.CHECKS)
    assert printed["libraries"]["numpy"] == np.__version__
    assert printed["device"]["kind"] in ("cpu", "cuda") and printed["device"]["reason"]
    assert printed["seconds"] == pytest.approx(sum(part["seconds"] for part in printed["parts"]), abs=0.01)


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of what ships, to spoil."""
    copy = tmp_path / "resources"
    shutil.copytree(resources(), copy)
    monkeypatch.setattr(parts, "resources", lambda: copy)
    return copy


def only(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(check, "CHECKS", {name: parts.CHECKS[name]})


def test_other_labels_than_the_stored_ones_are_a_failure(
    broken: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Half a percent of the pixels: more than processors differ, and less than an eye would see."""
    stored = tifffile.imread(broken / "selfcheck.tif")
    flat = stored.reshape(-1)
    flat[::200] ^= 255
    tifffile.imwrite(broken / "selfcheck.tif", stored, photometric="minisblack")
    only(monkeypatch, "segmentation")
    assert main(["selfcheck"]) == 1
    out = capsys.readouterr().out
    assert "0.50% of the labels" in out and "does not work: segmentation failed" in out


def test_a_missing_file_is_named(broken: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (broken / "help" / "tutorial.md").unlink()
    only(monkeypatch, "files")
    (part,) = self_check().parts
    assert part.state is PartState.FAILED and "help/tutorial.md" in part.said


def test_a_codec_that_is_missing_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a package that was made without it: the library is there, the module that unpacks LZW is not."""

    def gone(*_: object, **__: object) -> bytes:
        raise ImportError("imagecodecs._imcd is missing")

    monkeypatch.setattr(file_parts, "TIFF_PACKINGS", ("zlib", "lzw"))
    monkeypatch.setitem(tifffile.TIFF.DECOMPRESSORS._codecs, 5, gone)
    only(monkeypatch, "compression")
    (part,) = self_check().parts
    assert part.state is PartState.FAILED and "lzw" in part.said


def test_what_nobody_expected_is_said_and_the_next_part_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    def bug() -> str:
        raise RuntimeError("out of luck")

    def absent() -> str:
        raise parts.Absent("not installed")

    monkeypatch.setattr(check, "CHECKS", {"one": bug, "two": absent, "three": lambda: "good"})
    found = self_check()
    assert [part.state for part in found.parts] == [PartState.FAILED, PartState.MISSING, PartState.WORKS]
    assert "out of luck" in found.parts[0].said and not found.works


def test_it_can_be_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    progress = Progress()

    def cancel() -> str:
        progress.cancel()
        return ""

    never = pytest.fail
    monkeypatch.setattr(check, "CHECKS", {"one": cancel, "two": lambda: never("it went on")})
    with pytest.raises(Cancelled):
        self_check(progress)


def test_a_program_without_onnx_runtime_still_checks_itself(tmp_path: Path) -> None:
    """Half of a package is missing: what needs the other half fails, and everything else is tried."""
    file = tmp_path / "check.json"
    script = (
        "import sys; sys.modules['onnxruntime'] = None\n"
        "from sxtstudio.workflow.selfcheck import check, parts\n"
        "check.CHECKS = {name: parts.CHECKS[name] for name in ('device', 'segmentation', 'tables')}\n"
        "from sxtstudio.cli import main\n"
        f"sys.exit(main(['--selfcheck', '-o', {str(file)!r}]))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    found = json.loads(file.read_text())
    states = {part["name"]: part["state"] for part in found["parts"]}
    assert states == {"device": "failed", "segmentation": "failed", "tables": "works"}
    assert found["device"]["kind"] == "" and "onnxruntime" in found["device"]["reason"]


def alone(monkeypatch: pytest.MonkeyPatch, name: str) -> tuple[PartState, str]:
    only(monkeypatch, name)
    (part,) = self_check().parts
    return part.state, part.said


def test_without_a_card_it_is_said_why_and_that_nothing_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segment, "choose_device", lambda wish: Device("cpu", "CPU", "the driver is too old"))
    state, said = alone(monkeypatch, "NVIDIA card")
    assert state is PartState.MISSING and said.endswith("gives the same: the driver is too old")


def test_a_pytorch_that_cannot_be_loaded_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\necho libtorch_cpu.so is damaged >&2; exit 3\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setattr(child, "can_train", lambda: True)
    monkeypatch.setattr(child, "program", lambda: [str(program)])
    state, said = alone(monkeypatch, "retraining")
    assert state is PartState.FAILED and "libtorch_cpu.so is damaged" in said


def test_without_pytorch_it_is_said_what_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "can_train", lambda: False)
    state, said = alone(monkeypatch, "retraining")
    assert state is PartState.MISSING and "cannot be retrained" in said and "PyTorch" in said


@pytest.mark.parametrize(("found", "expected"), [(None, PartState.MISSING), ("/bin/false", PartState.FAILED)])
def test_povray_that_is_missing_or_does_not_draw(
    found: str | None, expected: PartState, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (povray, povray_program):
        monkeypatch.setattr(module, "find_povray", lambda: None if found is None else Path(found))
    state, said = alone(monkeypatch, "POV-Ray")
    assert state is expected and "POV-Ray" in said


@pytest.mark.parametrize(
    ("script", "expected", "words"),
    [
        ("exit 3", PartState.FAILED, "could be opened (Could not connect to display): no display was found"),
        (': > "$2"; exit 6', PartState.WORKS, "a window opened; OpenGL does not work inside"),
        ('printf llvmpipe > "$2"', PartState.WORKS, "llvmpipe drew in it"),
    ],
    ids=["no window", "OpenGL ends the process", "all works"],
)
def test_a_window_without_opengl_is_a_window(
    script: str, expected: PartState, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\necho Could not connect to display >&2\n{script}\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setattr(packaged, "own_program", lambda command, module: [str(program), command])
    monkeypatch.setenv("DISPLAY", ":7")
    state, said = alone(monkeypatch, "window")
    assert state is expected and words in said


def test_where_the_report_goes_is_tried_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(progress: Progress) -> None:
        raise AssertionError("checked for nothing")

    monkeypatch.setattr(check, "self_check", never)
    assert main(["selfcheck", "-o", str(tmp_path / "nowhere" / "check.json")]) == 2


def test_a_cluster_that_is_missing_or_has_no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    state, said = alone(monkeypatch, "cluster")
    assert state is PartState.WORKS and "A worker came after" in said
    monkeypatch.setattr(optional_parts, "find_spec", lambda name: None)
    state, said = alone(monkeypatch, "cluster")
    assert state is PartState.MISSING and "sxtstudio[cluster]" in said


def test_each_folder_of_what_ships_is_looked_for(broken: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = [folder for folder in (broken, *broken.rglob("*")) if folder.is_dir()]
    assert {folder.relative_to(broken) for folder in folders} == {Path(name).parent for name in parts.WANTED}
    shutil.rmtree(broken / "fonts")
    state, said = alone(monkeypatch, "files")
    assert state is PartState.FAILED and "fonts/DejaVuSans.ttf is missing" in said


@pytest.mark.parametrize("module", ["sklearn.ensemble", "roifile", "superqt"])
def test_a_library_that_is_missing_is_named(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    state, said = alone(monkeypatch, "libraries")
    assert state is PartState.FAILED and module in said and "install SXT Studio again" in said


def test_without_scikit_learn_no_classifier_is_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    assert alone(monkeypatch, "classifier")[0] is PartState.WORKS
    monkeypatch.setitem(sys.modules, "sklearn.ensemble", None)
    state, said = alone(monkeypatch, "classifier")
    assert state is PartState.FAILED and "sklearn" in said


def test_all_modules_that_the_program_imports_are_tried() -> None:
    """Read from the source: those that a function imports, too."""
    imported = set()
    for file in Path(check.__file__).parents[2].rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {name.name for name in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                imported.add(node.module)
    others = {name for name in imported if name.partition(".")[0] not in sys.stdlib_module_names}
    optional = {"sxtstudio", "torch", "dask", "dask_jobqueue", "distributed", "cryptography"}
    others = {name for name in others if name.partition(".")[0] not in optional}
    window = {name for name in others if name.partition(".")[0] in library_parts.OF_THE_WINDOW}
    assert others - window == set(library_parts.LIBRARIES)
    assert {name.partition(".")[0] for name in window} == set(library_parts.OF_THE_WINDOW)


def test_a_broken_library_of_images_is_one_of_the_findings(tmp_path: Path) -> None:
    """Much of the program loads it at once: the check does not, and says what fails."""
    file = tmp_path / "check.json"
    script = (
        "import sys; sys.modules['PIL'] = None\n"
        "from sxtstudio.core import packaged, errors\n"
        "errors.is_packaged = lambda: True\n"  # where a library that is missing ends a command with 2
        "from sxtstudio.workflow.selfcheck import check, parts\n"
        "check.CHECKS = {name: parts.CHECKS[name] for name in ('formats', 'classifier')}\n"
        "from sxtstudio.cli import main\n"
        f"sys.exit(main(['selfcheck', '--json', '-o', {str(file)!r}]))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    printed = json.loads(done.stdout)
    assert [part["state"] for part in printed["parts"]] == ["failed", "works"] and not printed["works"]
    assert json.loads(file.read_text()) == printed


_NUMPY_LISTS_A_FOLDER_THAT_IS_GONE = """
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "numpy":
            raise FileNotFoundError(2, "No such file or directory", "/opt/sxtstudio/_internal/numpy/_core")
sys.meta_path.insert(0, Finder())
"""


@pytest.mark.parametrize(
    "fault", ["sys.modules['sxtstudio.workflow.libraries'] = None\n", _NUMPY_LISTS_A_FOLDER_THAT_IS_GONE]
)
def test_a_check_that_cannot_begin_is_a_failure_and_no_wrong_usage(fault: str) -> None:
    script = (
        "import sys\n" + fault + "\n"
        "from sxtstudio.core import errors\n"
        "errors.is_packaged = lambda: True\n"
        "from sxtstudio.cli import main\n"
        "sys.exit(main(['selfcheck', '--json']))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 1 and "missing or damaged" in done.stderr


def test_a_platform_of_qt_without_a_display_is_no_fault_of_the_installation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What Qt says on such a computer; its last line lists platforms."""
    program = tmp_path / "program"
    program.write_text(
        "#!/bin/sh\necho 'qt.qpa.xcb: could not connect to display' >&2\n"
        "echo 'Available platform plugins are: offscreen, xcb.' >&2\nexit 134\n",
        encoding="utf-8",
    )
    program.chmod(0o755)
    monkeypatch.setattr(packaged, "own_program", lambda command, module: [str(program), command])
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("QT_QPA_PLATFORM", "xcb")
    state, said = alone(monkeypatch, "window")
    assert state is PartState.MISSING and "no display was found" in said
