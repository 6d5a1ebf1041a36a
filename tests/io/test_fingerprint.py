"""An input is known again by its content, and a change of its files does not go unnoticed."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import tifffile

from sxtstudio.core.volume import ArrayVolume
from sxtstudio.io import export_volume, open_volume
from sxtstudio.io import fingerprint as module
from sxtstudio.io.fingerprint import fingerprint, has_fingerprint, is_exact


@pytest.fixture
def voxels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (5, 8, 9), np.uint8)


def test_small_and_large_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "cell.mrc"
    content = np.random.default_rng(0).bytes(1_000_000)
    path.write_bytes(content)
    small = fingerprint(path)
    assert small == {"method": "sha256", "value": hashlib.sha256(content).hexdigest(), "bytes": 1_000_000}

    monkeypatch.setattr(module, "WHOLE_BYTES", 1000)
    monkeypatch.setattr(module, "SAMPLE_BYTES", 1000)
    large = fingerprint(path)
    assert is_exact(small) and not is_exact(large)
    assert large == fingerprint(path)
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert fingerprint(path) != large


@pytest.mark.parametrize("whole", [True, False], ids=["small", "large"])
def test_folders_of_the_same_names_and_sizes_are_told_apart(
    whole: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not whole:
        monkeypatch.setattr(module, "WHOLE_BYTES", 10)
    (tmp_path / "a").mkdir()
    for number in range(5):
        (tmp_path / "a" / f"{number}.tif").write_bytes(b"123%d" % number)
    first = fingerprint(tmp_path / "a")
    assert first["bytes"] == 20 and is_exact(first) == whole
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    assert fingerprint(tmp_path / "b") == first
    (tmp_path / "b" / ".DS_Store").write_bytes(b"the folder was looked at")
    assert fingerprint(tmp_path / "b") == first
    (tmp_path / "b" / "3.tif").write_bytes(b"124%d" % 3)
    assert fingerprint(tmp_path / "b") != first
    shutil.rmtree(tmp_path / "b")
    (tmp_path / "a" / "5.tif").write_bytes(b"4")
    assert fingerprint(tmp_path / "a") != first


def test_a_folder_in_a_project_of_a_former_version_is_known_again(tmp_path: Path) -> None:
    (tmp_path / "1.tif").write_bytes(b"123")
    known = {
        "method": "sha256 of the names and sizes of all files",
        "value": hashlib.sha256(b"1.tif\0" + b"3\n").hexdigest(),
        "bytes": 3,
    }
    assert has_fingerprint(tmp_path, known)
    (tmp_path / "1.tif").write_bytes(b"1234")
    assert not has_fingerprint(tmp_path, known)


def store(path: Path, voxels: np.ndarray) -> Path:
    if path.suffix:
        export_volume(path, ArrayVolume(voxels), kind="image")
    else:
        path.mkdir()
        for z, plane in enumerate(voxels):
            tifffile.imwrite(path / f"slice_{z:03}.tif", plane)
    return path


def a_file(path: Path) -> Path:
    files = [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path]
    return max(files, key=lambda file: (file.stat().st_size, file.name))


def rewritten(file: Path) -> None:
    file.write_bytes(file.read_bytes())


def with_the_old_time(file: Path) -> None:
    facts = file.stat()
    with file.open("r+b") as stream:
        stream.seek(-1, os.SEEK_END)
        stream.write(b"\x01")
    os.utime(file, ns=(facts.st_atime_ns, facts.st_mtime_ns))


def replaced(file: Path) -> None:
    facts = file.stat()
    other = file.with_name("other")
    shutil.copy(file, other)
    os.utime(other, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    other.replace(file)


@pytest.mark.parametrize("change", [rewritten, with_the_old_time, replaced, Path.unlink])
@pytest.mark.parametrize("name", ["cell.mrc", "cell.tif", "cell.zarr", "slices"])
def test_a_change_of_the_files_is_noticed(
    name: str, change: object, voxels: np.ndarray, tmp_path: Path
) -> None:
    path = store(tmp_path / name, voxels)
    with open_volume(path) as volume:
        assert not volume.touched
        change(a_file(path))
        assert volume.touched
