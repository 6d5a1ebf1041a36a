"""Projects: saved whole or not at all, read back by other programs, never overwritten by a second window."""

from __future__ import annotations

import errno
import json
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import mrcfile
import numpy as np
import pytest
import zarr

from sxtstudio.core import atomic, reserved
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.errors import Cancelled, UserError
from sxtstudio.core.measure.calibration import Material, through_materials
from sxtstudio.core.pace import Pace
from sxtstudio.core.polarity import Basis, Polarity
from sxtstudio.core.progress import Progress
from sxtstudio.core.steps import Step, StepKind
from sxtstudio.io import open_volume
from sxtstudio.io.fingerprint import fingerprint
from sxtstudio.io.project import NAME, Record, read_record
from sxtstudio.workflow.document import document as document_module
from sxtstudio.workflow.document import project as project_module
from sxtstudio.workflow.document import project_volumes, workplace
from sxtstudio.workflow.document.document import Document
from sxtstudio.workflow.document.network_output import find_output, forget_output, keep_output
from sxtstudio.workflow.document.project import TomogramNotFound, adopt, open_project, save, snapshot
from sxtstudio.workflow.document.recovered import recover
from sxtstudio.workflow.document.recovery import leftovers
from sxtstudio.workflow.document.workplace import create_file

LAC = through_materials(Material("ice", 80.0, 0.1), Material("droplet", 20.5, 0.6, "object 3"))


@pytest.fixture(autouse=True)
def root(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path_factory.mktemp("sessions")
    monkeypatch.setenv(workplace.VARIABLE, str(folder))
    return folder


@pytest.fixture
def document(tomogram: Path) -> Iterator[Document]:
    """Labels in one corner, a mask elsewhere, two steps."""
    document = Document.open(tomogram)
    document.volume("labels")[1, 2:5, 10:20] = 255
    document.recount("labels")
    document.volume("mask")[2:4, 30:, :] = 255
    document.recount("mask")
    document.voxel_nm = (12.0, 10.0, 10.5)
    document.polarity = Polarity("dark", 0.9, "told by the test", Basis.NETWORK)
    document.lac = LAC
    document.add_step(Step(StepKind.EDIT, EditKind.BRUSH, parameters={"size_px": 4}))
    document.view = {"slices": {"zoom": 1.5}}
    yield document
    document.discard()
    document.close()


def keep(document: Document, folder: Path) -> None:
    """Save as the window does."""
    adopt(document, save(snapshot(document), folder))


def closed(document: Document) -> None:
    document.discard()
    document.close()


def test_saved_project_opens_the_same(document: Document, tmp_path: Path) -> None:
    folder = tmp_path / "cell.sxt"
    keep(document, folder)
    assert document.labels is not None and document.mask is not None
    labels, mask = np.array(document.labels), np.array(document.mask)
    document.close()
    opened = open_project(folder)
    again = opened.document
    try:
        assert not opened.notes and not again.modified and not again.read_only
        assert np.array_equal(again.labels, labels) and np.array_equal(again.mask, mask)
        assert again.voxel_nm == (12.0, 10.0, 10.5)
        assert again.polarity == Polarity("dark", 0.9, "told by the test", Basis.NETWORK)
        assert again.lac == LAC
        assert again.view == {"slices": {"zoom": 1.5}}
        assert [(s.name, s.parameters) for s in again.steps] == [("Brush", {"size_px": 4})]
        assert again.name == "cell.sxt"
    finally:
        closed(again)


def rewritten(tomogram: Path) -> None:
    content = bytearray(tomogram.read_bytes())
    content[2000:2004] = b"\0\0\0\0"
    tomogram.write_bytes(content)


def test_a_tomogram_replaced_before_the_first_saving_is_not_taken_for_the_one_that_was_opened(
    tomogram: Path, tmp_path: Path
) -> None:
    os.utime(tomogram, (1, 1))
    document = Document.open(tomogram)
    before = fingerprint(tomogram)
    folder = tmp_path / "cell.sxt"
    rewritten(tomogram)
    saved = save(snapshot(document), folder)
    adopt(document, saved)
    assert "changed or replaced" in saved.notes[0]
    assert read_record(folder).tomogram.fingerprint == {}, "nobody knows it"
    closed(document)

    tomogram.unlink()
    with mrcfile.new(tomogram) as file:
        file.set_data(np.ones((6, 64, 80), np.float32))
    again = Document.open(tomogram)
    again.identify()
    first = fingerprint(tomogram)
    rewritten(tomogram)
    saved = save(snapshot(again), tmp_path / "again.sxt")
    saved.lock.release()
    assert "changed or replaced" in saved.notes[0]
    assert read_record(tmp_path / "again.sxt").tomogram.fingerprint == first != before
    closed(again)
    opened = open_project(tmp_path / "again.sxt")
    assert "is not the same file" in opened.notes[0]
    closed(opened.document)


def test_work_of_the_last_session_is_not_put_on_another_tomogram_without_a_word(
    document: Document, tomogram: Path
) -> None:
    document.identify()
    document.close()
    rewritten(tomogram)
    again = recover(document.folder)
    assert "is not the same file" in again.notes[0]
    again.modified = True
    again.autosave(wait=True)
    again.close()
    once_more = recover(document.folder)
    assert not once_more.notes, "it was said once"
    closed(once_more)


@pytest.mark.parametrize("taken", [[], ["labels-1.zarr", "mask-1.zarr", "labels-3.zarr"]], ids=len)
def test_a_project_is_saved_under_names_that_can_be_opened_again(
    document: Document, tmp_path: Path, taken: list[str]
) -> None:
    folder = tmp_path / "cell.sxt"
    keep(document, folder)
    stored = read_record(folder).volumes
    (folder / stored["labels"].name).rename(folder / "labels-999999999.zarr")
    text = (folder / NAME).read_text().replace(stored["labels"].name, "labels-999999999.zarr")
    (folder / NAME).write_text(text)
    for name in taken:
        (folder / name).mkdir(exist_ok=True)
    document.volume("labels")[4, 4, 4] = 255
    keep(document, folder)
    document.close()
    opened = open_project(folder)
    assert not opened.notes and np.count_nonzero(opened.document.labels) == 31
    opened.document.volume("labels")[4, 4, 5] = 255
    keep(opened.document, folder)
    closed(opened.document)
    assert len(list(folder.glob("*.zarr"))) == 2
    again = open_project(folder)
    assert not again.notes and np.count_nonzero(again.document.labels) == 32
    closed(again.document)


def keep_values(document: Document, seed: int, slices: tuple[int, int] = (1, 5)) -> np.ndarray:
    """As a segmentation with *Keep the network's output*."""
    values = np.random.default_rng(seed).integers(0, 256, (slices[1] - slices[0], 64, 80), np.uint8)
    keep_output(lambda path: values.tofile(path), document.bulk, document.shape, slices, 0.25, "toy")
    return values


def stored_outputs(folder: Path) -> list[str]:
    return [path.name for path in folder.glob("output-*.zarr")]


def test_the_network_s_output_belongs_to_the_project(document: Document, tmp_path: Path) -> None:
    folder = tmp_path / "cell.sxt"
    values = keep_values(document, 1)
    keep(document, folder)
    (name,) = stored_outputs(folder)
    array = zarr.open_array(str(folder / name / "0"), mode="r")
    assert np.array_equal(array[:], values)
    document.close()

    again = open_project(folder).document
    found = find_output(again.bulk, again.shape)
    assert found is not None and np.array_equal(found.open(), values)
    assert (found.first, found.last, found.threshold, found.model) == (1, 5, 0.25, "toy")
    again.volume("labels")[5, 5, 5] = 255
    keep(again, folder)
    assert stored_outputs(folder) == [name], "what is the same is not written again"
    keep(again, tmp_path / "other.sxt")
    assert len(stored_outputs(tmp_path / "other.sxt")) == 1 and stored_outputs(folder) == [name]

    values = keep_values(again, 2, (0, 6))
    keep(again, folder)
    (other,) = stored_outputs(folder)
    assert other != name
    closed(again)
    again = open_project(folder).document
    found = find_output(again.bulk, again.shape)
    assert found is not None and np.array_equal(found.open(), values)
    forget_output(again.bulk)  # segmented without keeping it
    keep(again, folder)
    closed(again)
    assert not stored_outputs(folder) and read_record(folder).output is None
    assert "network_output" not in (folder / NAME).read_text(), "as former versions wrote it"


@pytest.mark.parametrize("damage", ["missing", "changed", "another size", "no room"])
def test_labels_open_without_a_spoilt_output(
    document: Document, tmp_path: Path, damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "cell.sxt"
    keep_values(document, 1)
    keep(document, folder)
    document.close()
    (name,) = stored_outputs(folder)
    if damage == "missing":
        shutil.rmtree(folder / name)
    elif damage == "changed":
        zarr.open_array(str(folder / name / "0"), mode="r+")[0, 0, :4] = 77
    elif damage == "another size":
        text = (folder / NAME).read_text()
        (folder / NAME).write_text(text.replace('"last": 5', '"last": 4'))
    else:  # once labels and mask are there
        real = reserved._free
        monkeypatch.setattr(reserved, "_free", lambda at: 0 if (at / "mask.raw").exists() else real(at))
    opened = open_project(folder)
    again = opened.document
    assert len(opened.notes) == 1 and "network's output was not loaded" in opened.notes[0]
    assert again.labels is not None and np.count_nonzero(again.labels) == 30
    assert find_output(again.bulk, again.shape) is None
    assert not (again.bulk / "output.raw").exists()
    closed(again)


@pytest.mark.parametrize(
    "change",
    [
        {"first": 5},
        {"last": 7},
        {"threshold": "0"},
        {"threshold": 2},
        {"model": None},
        {"volume": {"name": "labels-1.zarr", "crc32": 0}},
        {"volume": {"name": "output-1.zarr/../../x", "crc32": 0}},
    ],
    ids=str,
)
def test_nonsense_about_an_output_is_refused(
    document: Document, tmp_path: Path, change: dict[str, object]
) -> None:
    folder = tmp_path / "cell.sxt"
    keep_values(document, 1)
    keep(document, folder)
    content = json.loads((folder / NAME).read_text())
    content["network_output"].update(change)
    (folder / NAME).write_text(json.dumps(content))
    with pytest.raises(UserError, match="is damaged"):
        read_record(folder)


TWO_AT_ONCE = """
import sys
from pathlib import Path
from sxtstudio.core.errors import UserError
from sxtstudio.workflow.document import project
from sxtstudio.workflow.document.document import Document
from sxtstudio.workflow.document.network_output import find_output, forget_output, keep_output
document = Document.open(Path(sys.argv[1]))
document.volume("labels")[2] = 255
real = project.lock_project
def late(folder):
    print("made", flush=True)
    sys.stdin.readline()
    return real(folder)
project.lock_project = late
try:
    project.save(project.snapshot(document), Path(sys.argv[2]))
except UserError as error:
    print(error, flush=True)
document.discard()
document.close()
"""


def test_a_saving_that_comes_second_removes_nothing_of_the_first(
    document: Document, tomogram: Path, tmp_path: Path
) -> None:
    """It has made the folder, and another window is quicker with the lock."""
    folder = tmp_path / "cell.sxt"
    words = [sys.executable, "-c", TWO_AT_ONCE, str(tomogram), str(folder)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None and other.stdout.readline() == "made\n"
        keep(document, folder)
        told, _ = other.communicate("\n", timeout=60)
    assert "open in another window" in told
    document.close()
    opened = open_project(folder)
    assert not opened.notes and np.count_nonzero(opened.document.labels) == 30
    closed(opened.document)


def test_zarr_library_reads_the_volumes_as_they_were(document: Document, tmp_path: Path) -> None:
    keep(document, tmp_path / "cell.sxt")
    name = read_record(tmp_path / "cell.sxt").volumes["labels"].name
    array = zarr.open_array(str(tmp_path / "cell.sxt" / name / "0"), mode="r")
    expected = np.zeros((6, 64, 80), np.uint8)
    expected[1, 2:5, 10:20] = 255
    assert array.dtype == np.uint8 and np.array_equal(array[:], expected)


def test_only_what_changed_is_written_anew(document: Document, tmp_path: Path) -> None:
    folder = tmp_path / "cell.sxt"
    keep(document, folder)
    before = read_record(folder).volumes
    document.volume("labels")[5, 5, 5] = 255
    document.recount("labels")
    keep(document, folder)
    after = read_record(folder).volumes
    assert after["mask"] == before["mask"] and after["labels"].name != before["labels"].name
    assert sorted(p.name for p in folder.glob("*.zarr")) == sorted(v.name for v in after.values())


def test_the_bar_of_saving_and_opening_weighs_what_is_done(document: Document, tmp_path: Path) -> None:
    """What is only compared takes a twentieth of what is written; the output of the network is most of it."""
    depth, height, width = document.shape
    keep_values(document, 1, (0, depth))
    folder = tmp_path / "cell.sxt"
    voxels, stages, bars = depth * height * width, {}, {"save": [], "again": [], "open": []}
    for name in ("save", "again"):
        what = snapshot(document)
        former = read_record(folder) if name == "again" else Record(what.record.tomogram)
        stages[name] = [stage.expected_s(Pace()) for stage in project_module._saving(what, former)]
        listener = Progress(listener=lambda s, name=name: bars[name].append(s.fraction))
        adopt(document, save(what, folder, listener))
    assert stages["save"] == pytest.approx([20e-9 * voxels, 20e-9 * voxels, 15e-9 * voxels])
    assert stages["again"] == pytest.approx([21e-9 * voxels, 21e-9 * voxels, 16e-9 * voxels])
    closed(document)
    opened = open_project(folder, progress=Progress(listener=lambda s: bars["open"].append(s.fraction)))
    closed(opened.document)
    for name, bar in bars.items():
        assert bar == sorted(bar) and bar[-1] == pytest.approx(1), name


def test_new_voxel_size_reaches_the_volumes(document: Document, tmp_path: Path) -> None:
    folder = tmp_path / "cell.sxt"
    keep(document, folder)
    document.voxel_nm = (8.0, 9.0, 9.0)
    keep(document, folder)
    with open_volume(folder / read_record(folder).volumes["labels"].name) as volume:
        assert volume.voxel_nm == pytest.approx((8, 9, 9))


KILLED = """
import os, signal, sys
from pathlib import Path
from sxtstudio.core import atomic, reserved
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.workflow.document.document import Document
from sxtstudio.workflow.document.network_output import find_output, forget_output, keep_output
from sxtstudio.workflow.document.project import open_project, save, snapshot
document = open_project(Path(sys.argv[1])).document
document.volume("labels")[:] = 255
document.recount("labels")
real = atomic._flush_to_disk
def kill(path):
    real(path)
    if sys.argv[2] in path.name:
        os.kill(os.getpid(), signal.SIGKILL)
atomic._flush_to_disk = kill
save(snapshot(document), Path(sys.argv[1]))
"""


@pytest.mark.parametrize("moment", ["labels", "project"])
def test_kill_while_saving_leaves_the_old_project(document: Document, tmp_path: Path, moment: str) -> None:
    folder = tmp_path / "cell.sxt"
    keep(document, folder)
    document.close()
    done = subprocess.run([sys.executable, "-c", KILLED, str(folder), moment], timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert any(".part" in entry.name for entry in folder.iterdir())
    opened = open_project(folder)
    assert not opened.notes and not opened.document.read_only
    labels = opened.document.labels
    assert labels is not None and np.count_nonzero(labels) == 30
    labels[0, 0, 0] = 255
    keep(opened.document, folder)
    closed(opened.document)
    assert len([e for e in folder.iterdir() if e.suffix == ".zarr"]) == 2
    assert not any(".part" in entry.name for entry in folder.iterdir())


def test_damaged_volumes_are_noticed(document: Document, tmp_path: Path, root: Path) -> None:
    """Whatever is damaged: one sentence, or a note that something is not as it was saved."""
    good, folder = tmp_path / "good.sxt", tmp_path / "cell.sxt"
    document.volume("labels")[:] = np.random.default_rng(1).integers(0, 2, (6, 64, 80), np.uint8) * 255
    document.recount("labels")
    keep(document, good)
    document.close()
    dice = random.Random(3)
    places = sorted(p.relative_to(good) for p in good.glob("*.zarr/**/*") if p.is_file())
    noticed = 0
    for number in range(60):
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(good, folder)
        victim = folder / dice.choice(places)
        if number % 3 == 0:
            victim.unlink()
        elif number % 3 == 1:
            victim.write_bytes(victim.read_bytes()[: dice.randrange(victim.stat().st_size)])
        else:
            content = bytearray(victim.read_bytes())
            content[dice.randrange(len(content))] ^= 0x15
            victim.write_bytes(content)
        try:
            opened = open_project(folder)
        except UserError:
            noticed += 1
            continue
        noticed += bool(opened.notes)
        closed(opened.document)
    assert noticed > 30  # blanks in JSON and unused attributes may change without harm


def test_full_disk_leaves_the_old_project_whole(
    document: Document, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "cell.sxt"
    keep(document, folder)
    before = {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}

    real = atomic._flush_to_disk
    document.volume("labels")[3] = 255
    document.recount("labels")
    document.volume("mask")[0] = 255
    document.recount("mask")
    for victim in ("labels", "mask", "project"):

        def full(path: Path, victim: str = victim) -> None:
            if victim in path.name:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            real(path)

        with monkeypatch.context() as patched:
            patched.setattr(atomic, "_flush_to_disk", full)
            with pytest.raises(UserError, match="disk is full"):
                save(snapshot(document), folder)
        assert {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()} == before
    document.close()
    opened = open_project(folder)
    assert opened.document.labels is not None and not opened.document.labels[3].any()
    closed(opened.document)


def test_cancelled_first_saving_leaves_nothing(document: Document, tmp_path: Path) -> None:
    progress = Progress()
    progress.cancel()
    with pytest.raises(Cancelled):
        save(snapshot(document), tmp_path / "cell.sxt", progress)
    assert not (tmp_path / "cell.sxt").exists()


def test_second_window_is_told_and_cannot_overwrite(document: Document, tmp_path: Path) -> None:
    folder = tmp_path / "cell.sxt"
    keep(document, folder)
    opened = open_project(folder)
    second = opened.document
    try:
        assert second.read_only and "open in another window" in opened.notes[0]
        assert " since " in opened.notes[0]
        second.volume("labels")[:] = 0
        second.recount("labels")
        with pytest.raises(UserError, match="open in another window"):
            save(snapshot(second), folder)
        keep(second, tmp_path / "other.sxt")
    finally:
        closed(second)
    document.volume("labels")[0] = 255
    document.recount("labels")
    keep(document, folder)
    document.close()
    opened = open_project(folder)
    assert opened.document.labels is not None and opened.document.labels[0].all()
    closed(opened.document)


def test_project_and_tomogram_moved_together_are_found(
    document: Document, tomogram: Path, tmp_path: Path
) -> None:
    keep(document, tmp_path / "cell.sxt")
    document.close()
    new = tmp_path / "new"
    new.mkdir()
    shutil.move(tmp_path / "cell.sxt", new)
    shutil.move(tomogram, new)
    opened = open_project(new / "cell.sxt")
    assert opened.document.tomogram.path == new / "cell.mrc" and not opened.notes
    closed(opened.document)


def test_moved_tomogram_is_asked_for(document: Document, tomogram: Path, tmp_path: Path) -> None:
    keep(document, tmp_path / "cell.sxt")
    document.close()
    new = tmp_path / "far" / "renamed.mrc"
    new.parent.mkdir()
    shutil.move(tomogram, new)
    with pytest.raises(TomogramNotFound, match="where it is now"):
        open_project(tmp_path / "cell.sxt")
    opened = open_project(tmp_path / "cell.sxt", tomogram=new)
    assert not opened.notes and opened.document.tomogram.path == new
    closed(opened.document)


def test_changed_tomogram_is_told(document: Document, tomogram: Path, tmp_path: Path) -> None:
    keep(document, tmp_path / "cell.sxt")
    document.close()
    with mrcfile.open(tomogram, "r+") as file:
        file.data[0, 0, 0] += 1
    opened = open_project(tmp_path / "cell.sxt")
    assert "not the same file" in opened.notes[0]
    closed(opened.document)
    with mrcfile.new(tomogram, overwrite=True) as file:
        file.set_data(np.zeros((3, 4, 5), np.float32))
    with pytest.raises(TomogramNotFound, match="3 × 4 × 5"):
        open_project(tmp_path / "cell.sxt")


def test_labels_changed_by_another_program_are_told(document: Document, tmp_path: Path) -> None:
    folder = tmp_path / "cell.sxt"
    keep(document, folder)
    document.close()
    name = read_record(folder).volumes["labels"].name
    zarr.open_array(str(folder / name / "0"), mode="r+")[0, 0, 0] = 255
    opened = open_project(folder)
    assert "changed by another program" in opened.notes[0]
    closed(opened.document)


def output_of(first: int, last: int, name: str = "output-1.zarr", threshold: float = 0) -> dict[str, object]:
    volume = {"name": name, "crc32": 0}
    return {"volume": volume, "first": first, "last": last, "threshold": threshold, "model": "compact"}


def edited(folder: Path, **changes: object) -> None:
    content = json.loads((folder / NAME).read_text())
    content.update(changes)
    (folder / NAME).write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"schema": "sxtstudio-project/99"}, "newer SXT Studio"),
        ({"schema": "something else"}, "no project"),
        ({"volumes": {"labels": {"name": "../../secret.zarr", "crc32": 0}}}, "damaged"),
        ({"volumes": {"labels": {"name": "labels-9.zarr", "crc32": 0}}}, "missing"),
        ({"volumes": {"nuclei": {"name": "labels-1.zarr", "crc32": 0}}}, "damaged: the key 'volumes'"),
        ({"volumes": {"labels": {"name": "mask-1.zarr", "crc32": 0}}}, 'it must be "labels-" and a number'),
        (
            {"volumes": {"labels": {"name": "labels-1.zarr", "crc32": -1}}},
            "crc32' is wrong",
        ),
        ({"voxel_nm_zyx": [1, 2, -3]}, "damaged: the key 'voxel_nm_zyx' is wrong; it must be three lengths"),
        ({"voxel_nm_zyx": [1, 2]}, "damaged: the key 'voxel_nm_zyx' is wrong"),
        ({"polarity": "red"}, 'damaged: the key \'polarity\' is wrong; it must be "bright" or "dark"'),
        (
            {"lac": {"slope": 0.0}},
            "'slope' is wrong; it must be a number that is not 0",
        ),
        (
            {"lac": {"slope": 1.0, "materials": [{"name": 3}]}},
            r"damaged: the key 'lac\.materials\[0\]\.name'",
        ),
        ({"steps": [{"name": 3}]}, r"damaged: the key 'steps\[0\]\.name' is wrong; it must be a text"),
        ({"tomogram": None}, "damaged: the key 'tomogram' is wrong; it must be an object"),
        (
            {"tomogram": {"shape_zyx": [1, 2, 3], "absolute": "a\0b"}},
            "'absolute' is wrong",
        ),
        (
            {"trust": {"certainty": [], "recognised": []}},
            "must be a list of one number",
        ),
        ({"network_output": output_of(0, 10**4)}, r"network_output\.last' is wrong"),
        ({"network_output": output_of(1, 1)}, r"network_output\.last' is wrong"),
        ({"network_output": output_of(0, 1, "mask-1.zarr")}, 'it must be "output-" and a number'),
        (
            {"network_output": output_of(0, 1, threshold=2)},
            r"network_output\.threshold' is wrong",
        ),
    ],
)
def test_bad_projects_give_one_sentence(
    document: Document, tmp_path: Path, root: Path, changes: dict[str, object], sentence: str
) -> None:
    folder = tmp_path / "cell.sxt"
    keep(document, folder)
    document.close()
    edited(folder, **changes)
    with pytest.raises(UserError, match=sentence):
        open_project(folder)
    assert not list(root.iterdir())


def test_volume_that_is_a_link_elsewhere_is_refused(document: Document, tmp_path: Path) -> None:
    folder = tmp_path / "cell.sxt"
    keep(document, folder)
    document.close()
    name = read_record(folder).volumes["mask"].name
    shutil.move(folder / name, tmp_path / "secret.zarr")
    (folder / name).symlink_to(tmp_path / "secret.zarr")
    with pytest.raises(UserError, match="refused"):
        open_project(folder)


def test_random_damage_gives_user_errors_only(document: Document, tmp_path: Path, root: Path) -> None:
    folder = tmp_path / "cell.sxt"
    keep(document, folder)
    document.close()
    good = (folder / NAME).read_bytes()
    dice = random.Random(7)
    refused = 0
    for _ in range(120):
        bad = bytearray(good)
        for _ in range(dice.randint(1, 6)):
            kind, place = dice.randrange(3), dice.randrange(len(bad))
            if kind == 0:
                bad[place] = dice.randrange(256)
            elif kind == 1:
                del bad[place : place + dice.randrange(40)]
            else:
                bad[place:place] = dice.choice([b"null", b"-1", b"1e999", b"{", b"]", b'"', b"NaN", b"\xff"])
        (folder / NAME).write_bytes(bad)
        try:
            closed(open_project(folder).document)
        except UserError:
            refused += 1
    assert refused > 30
    assert not list(root.iterdir())


def test_strange_values_of_a_stranger_can_be_saved_again(document: Document, tmp_path: Path) -> None:
    keep(document, tmp_path / "cell.sxt")
    document.close()
    text = (tmp_path / "cell.sxt" / NAME).read_text()
    text = text.replace('"size_px": 4', '"size_px": 1e999, "\\ud800": "\\udfff"')
    (tmp_path / "cell.sxt" / NAME).write_text(text)
    opened = open_project(tmp_path / "cell.sxt")
    opened.document.autosave(wait=True)
    keep(opened.document, tmp_path / "again.sxt")
    assert read_record(tmp_path / "again.sxt").steps[0].parameters["size_px"] is None
    closed(opened.document)


def test_other_folders_are_not_saved_over(document: Document, tmp_path: Path) -> None:
    other = tmp_path / "photos"
    other.mkdir()
    (other / "me.jpg").write_bytes(b"x")
    with pytest.raises(UserError, match="is no project"):
        save(snapshot(document), other)
    keep(document, tmp_path / "cell.sxt")
    with pytest.raises(UserError, match="project itself"):
        save(snapshot(document), tmp_path / "cell.sxt" / "inner.sxt")
    assert [p.name for p in other.iterdir()] == ["me.jpg"]


@pytest.mark.parametrize("beside", [False, True], ids=["in the session", "beside the tomogram"])
def test_an_opening_that_was_killed_leaves_nothing_to_recover(
    document: Document, tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch, beside: bool
) -> None:
    document.volume("labels")[1, 2, 3] = 255
    keep(document, tmp_path / "cell.sxt")
    closed(document)
    copied: list[Path] = []

    def killed(target: Document, *rest: object) -> int:
        path = target.file_of("labels")
        create_file(path, 1000)
        copied.append(path)
        raise KeyboardInterrupt

    monkeypatch.setattr(project_volumes, "load_volume", killed)
    monkeypatch.setattr(Document, "discard", lambda self: None)
    monkeypatch.setattr(Document, "close", Document.let_go)
    if beside:
        monkeypatch.setattr(document_module, "place_for_voxels", place_beside)
    with pytest.raises(KeyboardInterrupt):
        open_project(tmp_path / "cell.sxt")
    monkeypatch.undo()
    monkeypatch.setenv(workplace.VARIABLE, str(root))
    assert copied[0].exists() and (copied[0].parent.parent == root) != beside
    assert leftovers() == []
    assert not copied[0].parent.exists() and not list(root.iterdir())


def place_beside(folder: Path, shape: object, tomogram: Path) -> Path:
    place = tomogram.parent / f".sxtstudio-{folder.name}"
    place.mkdir()
    return place
