"""Files that arrive in a watched folder, in all the ways in which copiers and programs write them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import mrcfile
import numpy as np
import pytest
import tifffile
import zarr

from sxtstudio.core.volume import ArrayVolume
from sxtstudio.io import export_volume, open_volume
from sxtstudio.segment import SegmentParameters
from sxtstudio.workflow.jobs import watch as module
from sxtstudio.workflow.jobs.arrival import Arrival, judge, sample_of
from sxtstudio.workflow.jobs.batch import BatchParameters, run_batch
from sxtstudio.workflow.jobs.watch import GIVE_UP_S, FolderWatch

STABLE_S = 6.0
VOXELS = np.random.default_rng(0).normal(size=(20, 100, 160)).astype(np.float32)


class Clock:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def write(path: Path, voxels: np.ndarray = VOXELS) -> Path:
    kind = path.name
    if kind.endswith(".mrc"):
        with mrcfile.new(path) as file:
            file.set_data(voxels)
    elif kind == "packed.tif":
        tifffile.imwrite(path, voxels, compression="zlib", photometric="minisblack")
    elif kind.endswith(".h5"):
        options = {"chunks": (4, 32, 32), "compression": "gzip"} if kind == "packed.h5" else {}
        with h5py.File(path, "w") as file:
            file.create_dataset("data", data=voxels, **options)
    elif kind == "three.zarr":
        array = zarr.create_array(str(path), shape=voxels.shape, dtype="f4", chunks=(4, 64, 64))
        array[:] = voxels
    elif kind == "shards.zarr":
        zarr.create_array(str(path), data=voxels, chunks=(4, 32, 32), shards=(20, 64, 64))
    else:
        export_volume(path, ArrayVolume(voxels), kind="image")
    return path


def in_order(source: Path, target: Path) -> Iterator[None]:
    """The file grows."""
    content = source.read_bytes()
    for part in range(1, 9):
        target.write_bytes(content[: len(content) * part // 8])
        yield


def reserved(source: Path, target: Path) -> Iterator[None]:
    """The room is reserved, with the time of the original from the start."""
    content = source.read_bytes()
    with target.open("wb") as file:
        file.truncate(len(content))
    for part in range(9):
        with target.open("r+b") as file:
            file.write(content[: len(content) * part // 8])
        os.utime(target, (1000, 1000))
        yield


def in_streams(source: Path, target: Path) -> Iterator[None]:
    """Four streams fill the reserved room, so that its end is there early."""
    content = source.read_bytes()
    quarter = -(-len(content) // 4)
    with target.open("wb") as file:
        file.truncate(len(content))
    for part in range(9):
        with target.open("r+b") as file:
            for stream in range(4):
                file.seek(stream * quarter)
                file.write(content[stream * quarter : (stream + 1) * quarter][: quarter * part // 8])
        os.utime(target, (1000, 1000))
        yield


def file_by_file(source: Path, target: Path) -> Iterator[None]:
    """A store is copied file by file, what describes it first."""
    files = sorted((f for f in source.rglob("*") if f.is_file()), key=lambda f: (f.stat().st_size > 2000, f))
    for number, file in enumerate(files):
        place = target / file.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, place)
        if number % (len(files) // 8 + 1) == 0 and number > 2 and number + 1 < len(files):
            yield
    yield


FILES = ["cell.mrc", "cell.tif", "packed.tif", "cell.h5", "packed.h5"]
STORES = ["cell.zarr", "three.zarr", "shards.zarr"]


@pytest.mark.parametrize(
    ("name", "copy", "times"),
    [(name, copy, True) for name in FILES for copy in (in_order, reserved, in_streams)]
    + [(name, copy, False) for name in FILES for copy in (reserved, in_streams)]
    + [(name, file_by_file, True) for name in STORES],
)
def test_nothing_is_taken_before_it_is_complete(
    name: str,
    copy: Callable[[Path, Path], Iterator[None]],
    times: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also where a network share says nothing of changes of a file."""
    if not times:
        monkeypatch.setattr(module, "signature_of", lambda path: (1, path.stat().st_size, 0.0, 0.0))
    source = write(tmp_path / name)
    folder, clock = tmp_path / "in", Clock()
    folder.mkdir()
    watch = FolderWatch(folder, stable_s=STABLE_S, clock=clock)
    target, taken = folder / name, []
    steps = copy(source, target)
    for _ in steps:
        taken.append(bool(watch.poll()))
        for _ in range(4):  # the copier pauses for longer than any file has to stand still
            clock.now += STABLE_S + 1
            taken.append(bool(watch.poll()))
    assert taken[-4:].count(True) == 1, "the complete file is taken, once"
    assert not any(taken[:-4]), "a file that was not complete was taken"
    clock.now += 1000
    assert watch.poll() == []


def test_a_slow_copy_shows_in_what_is_written_even_if_little_is(tmp_path: Path) -> None:
    """So little between two looks that none of the evenly spread samples sees it."""
    source = write(tmp_path / "cell.mrc")
    content, target = source.read_bytes(), tmp_path / "in.mrc"
    samples = set()
    for written in range(200_000, 201_000 + 8 * 5000, 5000):
        target.write_bytes(content[:written] + bytes(len(content) - written))
        sample = sample_of(target)
        assert sample.has_zeros
        samples.add(sample.digest)
    assert len(samples) == 9
    assert not sample_of(source).has_zeros


@pytest.mark.parametrize("name", [*FILES, *STORES])
def test_a_tomogram_in_a_frame_of_zeros_is_taken_after_a_minute(name: str, tmp_path: Path) -> None:
    voxels = VOXELS.copy()
    voxels[:8] = voxels[-8:] = 0
    folder, clock = tmp_path / "in", Clock()
    folder.mkdir()
    path = write(folder / name, voxels)
    assert judge(path) in (Arrival.DOUBTFUL, Arrival.COMPLETE)
    watch = FolderWatch(folder, stable_s=STABLE_S, clock=clock)
    found: list[float] = []
    while not found and clock.now < 200:
        found += [clock.now for _ in watch.poll()]
        clock.now += 2
    assert found and found[0] <= GIVE_UP_S + STABLE_S


@pytest.mark.parametrize("name", ["empty.h5", "empty.zarr", "empty.tif"])
def test_parts_that_are_promised_and_not_stored_are_seen(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if name == "empty.h5":
        with h5py.File(path, "w") as file:
            file.create_dataset("data", VOXELS.shape, "f4", chunks=(4, 50, 80))[:4] = VOXELS[:4]
    elif name == "empty.zarr":
        zarr.create_array(str(path), shape=VOXELS.shape, dtype="f4", chunks=(4, 64, 64))[:4] = VOXELS[:4]
    else:
        write(path)
        content = bytearray(path.read_bytes())
        with tifffile.TiffFile(path) as file:
            tag = file.pages[9].tags["StripByteCounts"]
            content[tag.valueoffset : tag.valueoffset + 4] = bytes(4)
        path.write_bytes(content)
    with open_volume(path) as volume:
        assert volume.lacks_parts()
    assert judge(path) is not Arrival.COMPLETE


def test_a_replaced_file_is_taken_again_and_one_that_was_only_touched_is_not(tmp_path: Path) -> None:
    folder, clock = tmp_path / "in", Clock()
    folder.mkdir()
    path = write(folder / "cell.mrc")
    old = write(folder / "old.mrc")
    watch = FolderWatch(folder, stable_s=STABLE_S, clock=clock, include_present=False)
    new = write(folder / "new.mrc")

    def after_a_while() -> list[Path]:
        found = []
        for _ in range(5):
            found += watch.poll()
            clock.now += STABLE_S
        return found

    assert after_a_while() == [new]
    new.touch()
    assert after_a_while() == []
    new.unlink()
    assert after_a_while() == []
    write(new)  # the same content once more
    assert after_a_while() == []
    for place in (new, old):
        place.unlink()
        write(place, VOXELS[::-1])
    assert sorted(after_a_while()) == sorted([new, old])
    assert path not in after_a_while()


def test_labels_of_a_former_file_are_neither_taken_for_its_own_nor_overwritten(
    tmp_path: Path, toy_model: Path
) -> None:
    cell = write(tmp_path / "cell.mrc")
    wanted = BatchParameters(
        SegmentParameters(model=toy_model, device="cpu", polarity="dark"), existing="skip"
    )

    def outcome() -> tuple[str, str]:
        (row,) = run_batch([cell], wanted)
        assert row.output is not None
        return row.state, row.output.name

    assert outcome() == ("done", "cell.labels.tif")
    assert outcome() == ("skipped", "cell.labels.tif")
    cell.unlink()
    write(cell, VOXELS[::-1])
    first = (tmp_path / "cell.labels.tif").read_bytes()
    assert outcome() == ("done", "cell.labels-2.tif")
    assert outcome() == ("skipped", "cell.labels-2.tif")
    assert (tmp_path / "cell.labels.tif").read_bytes() == first
    found = [tifffile.imread(tmp_path / f"cell.labels{n}.tif") for n in ("", "-2")]
    assert not np.array_equal(*found)


COPIER = """
import os, sys, time
source, target, pause = open(sys.argv[1], "rb").read(), sys.argv[2], float(sys.argv[3])
with open(target, "wb", buffering=0) as file:
    os.truncate(target, len(source))
    step = len(source) // 10 + 1
    for begin in range(0, len(source), step):
        file.write(source[begin : begin + step])
        os.utime(target, (1000, 1000))
        time.sleep(pause)
"""


def test_the_command_waits_for_a_copier_and_segments_a_replaced_file_again(
    toy_model: Path, tmp_path: Path
) -> None:
    sources = [write(tmp_path / f"{n}.mrc", VOXELS[:: 1 - 2 * n]) for n in (0, 1)]
    folder = tmp_path / "in"
    folder.mkdir()
    code = (
        "import sys; from sxtstudio.workflow.jobs import watch, watching; from sxtstudio.cli import main\n"
        "watch.STABLE_S, watching.POLL_S = 0.4, 0.1\n"
        "watching.run_watch.__kwdefaults__['poll_s'] = 0.1\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    words = ["batch", "--watch", str(folder), "--model", str(toy_model), "--device", "cpu"]
    watching = subprocess.Popen([sys.executable, "-c", code, *words], stdout=subprocess.PIPE, text=True)
    try:
        for number, source in enumerate(sources):
            copier = [sys.executable, "-c", COPIER, str(source), str(folder / "cell.mrc"), "0.25"]
            subprocess.run(copier, check=True, timeout=60)
            report = folder / f"cell.labels{'-2' if number else ''}.json"
            deadline = time.monotonic() + 60
            while not report.exists():
                assert watching.poll() is None and time.monotonic() < deadline
                time.sleep(0.05)
    finally:
        watching.terminate()
        told, _ = watching.communicate(timeout=60)
    assert told.count("% labelled") == 2, told
    for number, source in enumerate(sources):
        output = tmp_path / f"direct-{number}"
        output.mkdir()
        parameters = SegmentParameters(model=toy_model, device="cpu")
        (row,) = run_batch([source], BatchParameters(parameters, folder=output))
        assert row.output is not None
        name = f"cell.labels{'-2' if number else ''}"
        assert np.array_equal(tifffile.imread(folder / f"{name}.tif"), tifffile.imread(row.output))
        report = json.loads((folder / f"{name}.json").read_text())
        direct = json.loads(row.output.with_suffix(".json").read_text())
        assert report["input"]["fingerprint"] == direct["input"]["fingerprint"]


def test_a_tomogram_of_2_gb_that_arrives_for_hours_is_taken_once_and_not_before(tmp_path: Path) -> None:
    """Its room is reserved; a slow share writes a part of it now and then (a sparse file stands for it)."""
    shape = (350, 1324, 1284)
    folder, clock = tmp_path / "in", Clock()
    folder.mkdir()
    header = write(tmp_path / "head.mrc", np.ones((1, 1, 1), np.float32)).read_bytes()[:1024]
    target, size = folder / "large.mrc", 1024 + 4 * int(np.prod(shape))
    with target.open("wb") as file:
        file.write(np.array(shape[::-1], "<i4").tobytes() + header[12:28])
        file.write(np.array(shape[::-1], "<i4").tobytes() + header[40:])
        file.truncate(size)
    watch = FolderWatch(folder, stable_s=STABLE_S, clock=clock)
    part = np.random.default_rng(2).normal(size=1024).astype("<f4").tobytes()
    places = np.linspace(0, size - len(part), 64).astype(int)[1:]
    taken = []
    for group in np.array_split(places, 8):
        with target.open("r+b") as file:
            for place in group:
                file.seek(place)
                file.write(part)
        os.utime(target, (1000, 1000))
        taken.append([])
        for _ in range(4):  # half a minute
            clock.now += 8.0
            taken[-1] += watch.poll()
    assert taken == [[]] * 7 + [[target]] and watch.arriving == []
    with open_volume(target) as volume:
        assert volume.shape == shape
