"""The checks of `make installer-test` can fail: what they would miss, they would miss in every release."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.installer.scripts import INSTALLER, loaded

LINUX = INSTALLER / "linux"


@pytest.fixture
def trials(monkeypatch: pytest.MonkeyPatch) -> None:
    """The scripts find each other as if one of them had been started."""
    if sys.platform != "linux":
        pytest.skip("they are run on Linux")
    monkeypatch.syspath_prepend(str(LINUX))


@pytest.mark.usefixtures("trials")
def test_every_import_is_wanted_wherever_it_stands(tmp_path: Path) -> None:
    package = tmp_path / "mine"
    (package / "part").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "part/__init__.py").write_text("import a.b\n", encoding="utf-8")
    late = "def f():\n    from c.d import e, g\n    if True:\n        import h as i\n"
    (package / "part/late.py").write_text(late, encoding="utf-8")
    wanted = loaded(LINUX / "contents.py").wanted(package)
    assert wanted == ["a.b", "c.d:e", "c.d:g", "h", "mine", "mine.part", "mine.part.late"]


def test_what_cannot_be_imported_is_written_with_the_reason(tmp_path: Path) -> None:
    """As the installed program answers: of modules, and of names in them, which may be modules."""
    names, answer = tmp_path / "names", tmp_path / "answer"
    names.write_text("json\njson:loads\nxml:dom\njson:nothing\nno_such.module:x\n", encoding="utf-8")
    assert loaded(INSTALLER / "start.py").import_all(str(names), str(answer)) == 0
    missing = [line.split("\t") for line in answer.read_text(encoding="utf-8").splitlines()]
    assert [name for name, _ in missing] == ["json:nothing", "no_such.module:x"]
    assert "'no_such'" in missing[1][1]


@pytest.fixture
def share(tmp_path: Path) -> Path:
    """A folder for the desktop's files in which nothing of the program is left."""
    folder = tmp_path / "usr/share"
    (folder / "mime").mkdir(parents=True)
    (folder / "mime/globs2").write_text("50:text/plain:*.txt\n", encoding="utf-8")
    return folder


@pytest.mark.usefixtures("trials")
def test_caches_that_know_the_program_no_more_are_no_remains(share: Path) -> None:
    loaded(LINUX / "desktop_files.py").check_nothing_left({"usr/share/mime/globs2"}, share)


@pytest.mark.usefixtures("trials")
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("mime/globs2", "50:application/x-mrc:*.mrc\n"),
        ("applications/mimeinfo.cache", "[MIME Cache]\ntext/plain=sxtstudio.desktop;\n"),
        ("icons/hicolor/scalable/apps/sxtstudio.svg", "<svg/>"),
        ("mime/packages/sxtstudio.xml", "<mime-info/>"),
    ],
)
def test_what_still_knows_the_program_is_found(share: Path, name: str, content: str) -> None:
    (share / name).parent.mkdir(parents=True, exist_ok=True)
    (share / name).write_text(content, encoding="utf-8")
    with pytest.raises(Exception, match=r"still knows|left behind"):
        loaded(LINUX / "desktop_files.py").check_nothing_left(set(), share)


@pytest.mark.usefixtures("trials")
def test_any_other_new_file_is_found(share: Path) -> None:
    with pytest.raises(Exception, match="left behind"):
        loaded(LINUX / "desktop_files.py").check_nothing_left({"opt/of-somebody.txt"}, share)


@pytest.mark.usefixtures("trials")
def test_the_parts_that_failed_are_read_from_a_self_check() -> None:
    said = "version: 1\nfiles:  works (0.1 s): failed was nothing\n3D picture:  failed (2.0 s): OpenGL\n"
    assert loaded(LINUX / "bad_cases.py").failed_parts(said) == {"3D picture"}


@pytest.mark.usefixtures("trials")
@pytest.mark.skipif(shutil.which("dpkg-deb") is None or shutil.which("ar") is None, reason="no dpkg-deb")
def test_a_package_gets_a_lower_number_and_keeps_its_files(tmp_path: Path) -> None:
    upgrade = loaded(LINUX / "upgrade.py")
    upgrade.BUILD = tmp_path
    upgrade.stub(tmp_path / "a.deb")
    upgrade.renumbered(tmp_path / "a.deb", tmp_path / "b.deb", "0.0.0~7")

    def of(*words: str) -> str:
        return subprocess.run(["dpkg-deb", *words], check=True, capture_output=True, text=True).stdout

    assert of("-f", str(tmp_path / "b.deb"), "Version").strip() == "0.0.0~7"
    assert of("-f", str(tmp_path / "b.deb"), "Package").strip() == "sxtstudio"
    assert "of-the-old-one.txt" in of("-c", str(tmp_path / "b.deb"))


@pytest.mark.parametrize("former", [None, "/opt/somewhere"])
def test_other_programs_get_no_libraries_of_the_bundle(
    former: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    monkeypatch.setenv("LD_LIBRARY_PATH", "/opt/sxtstudio/_internal")
    monkeypatch.setenv("PYINSTALLER_RESET_ENVIRONMENT", "")  # so that it is put back
    if former is None:
        monkeypatch.delenv("LD_LIBRARY_PATH_ORIG", raising=False)
    else:
        monkeypatch.setenv("LD_LIBRARY_PATH_ORIG", former)
    loaded(INSTALLER / "start.py").restore_library_path()
    assert os.environ.get("LD_LIBRARY_PATH") == former and "LD_LIBRARY_PATH_ORIG" not in os.environ
    assert os.environ["PYINSTALLER_RESET_ENVIRONMENT"] == "1", "else its own processes find none, either"


@pytest.mark.usefixtures("trials")
@pytest.mark.parametrize(
    ("wanted", "place"),
    [
        ("Retrain with my labels…", (100, 40)),
        ("Close", (300, 90)),  # the button, not the sentence above it or the note below
        ("close this window", (120, 60)),
        ("Next", None),
        ("labels… Close", None),  # of two lines
    ],
)
def test_words_are_found_where_they_stand(wanted: str, place: tuple[int, int] | None) -> None:
    screen = loaded(LINUX / "screen.py")
    lines = {
        (0, 40): ("Retrain", "with", "|", "my", "labels..."),
        (1, 60): ("First", "close", "this", "window"),
        (2, 90): ("Close",),
        (3, 95): ("Close", "it"),
    }
    words = [
        screen.Word(text, (1, 1, line), (x if line != 2 else 300, y))
        for (line, y), texts in lines.items()
        for x, text in zip(range(40, 999, 40 if line else 30), texts, strict=False)
    ]
    assert screen.place_of(words, wanted) == place


@pytest.mark.usefixtures("trials")
def test_the_middle_of_a_button_is_found_by_its_colour() -> None:
    module = loaded(LINUX / "screen.py")
    width, height = 40, 20
    rgb = bytearray(3 * width * height)
    for y in range(6, 11):
        for x in range(20, 31):
            rgb[3 * (y * width + x) : 3 * (y * width + x) + 3] = bytes((47, 129, 247))
    screen = module.Screen.__new__(module.Screen)
    screen.pixels = lambda: (width, height, bytes(rgb))
    assert screen.middle((10, 2, 40, 20), lambda *colour: colour == (47, 129, 247)) == (25, 8)


@pytest.mark.usefixtures("trials")
@pytest.mark.parametrize(("load", "seconds"), [((0.1, 0.2, 1.0), 600), ((4.0, 20.0, 9.0), 6000)])
def test_a_busy_machine_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, load: tuple[float, float, float], seconds: float
) -> None:
    """Of two processors with ten times more to do than they can."""
    roots = loaded(LINUX / "roots.py")
    monkeypatch.setattr(roots.os, "getloadavg", lambda: load)
    monkeypatch.setattr(roots.os, "cpu_count", lambda: 2)
    assert roots.patience(600) == seconds


@pytest.mark.usefixtures("trials")
@pytest.mark.parametrize("failing", ["first", "second"])
def test_one_lane_that_fails_fails_the_trial(
    failing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    trial = loaded(LINUX / "test.py")
    script = tmp_path / "lane.py"
    said = (
        "import os, sys; print(sys.argv[2], os.environ['SXTSTUDIO_TRIALS_LANE']); sys.exit('%s' in sys.argv)"
    )
    script.write_text(said % failing, encoding="utf-8")
    monkeypatch.setattr(trial, "BUILD", tmp_path)
    monkeypatch.setattr(trial, "__file__", str(script))
    assert not trial.try_in_lanes(tmp_path, [["first"], ["second", "third"]])
    shown = capsys.readouterr().out
    assert "first first\n" in shown and "second second-third\n" in shown
    assert trial.try_in_lanes(tmp_path, [["third"]])
