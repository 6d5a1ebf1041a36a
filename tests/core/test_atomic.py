import errno
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from sxtstudio.core.atomic import atomic_write, publish_folder
from sxtstudio.core.errors import Cancelled, UserError
from sxtstudio.core.temporary import final_name, restore, sweep_folder, temporary_name


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def test_file_appears_only_at_the_end(tmp_path):
    target = tmp_path / "labels.tif"
    with atomic_write(target) as temporary:
        assert temporary.parent == tmp_path and temporary.suffix == ".tif" and temporary != target
        temporary.write_bytes(b"new")
        assert not target.exists()
    assert target.read_bytes() == b"new"
    assert names(tmp_path) == ["labels.tif"]


def test_permissions_follow_the_umask(tmp_path):
    with atomic_write(tmp_path / "a.bin") as temporary:
        temporary.write_bytes(b"x")
    (tmp_path / "b.bin").write_bytes(b"x")
    modes = [stat.S_IMODE((tmp_path / n).stat().st_mode) for n in ("a.bin", "b.bin")]
    assert modes[0] == modes[1]


@pytest.mark.parametrize("error", [RuntimeError("stop"), Cancelled(), KeyboardInterrupt()], ids=repr)
def test_failure_keeps_the_former_file_and_leaves_nothing_else(tmp_path, error):
    target = tmp_path / "labels.tif"
    target.write_bytes(b"old")
    with pytest.raises(type(error)), atomic_write(target) as temporary:
        temporary.write_bytes(b"half")
        raise error
    assert target.read_bytes() == b"old"
    assert names(tmp_path) == ["labels.tif"]


def test_folder_replaces_a_former_folder_completely(tmp_path):
    target = tmp_path / "labels.zarr"
    target.mkdir()
    (target / "old-chunk").write_bytes(b"old")
    with atomic_write(target) as temporary:
        temporary.mkdir()
        (temporary / "new-chunk").write_bytes(b"new")
        assert names(target) == ["old-chunk"]
    assert names(target) == ["new-chunk"]
    assert names(tmp_path) == ["labels.zarr"]


def test_failing_rename_puts_the_former_folder_back(tmp_path, monkeypatch):
    monkeypatch.setattr("sxtstudio.core.atomic.exchange", lambda one, other: False)
    target = tmp_path / "labels.zarr"
    target.mkdir()
    (target / "old-chunk").write_bytes(b"old")
    rename = os.rename

    def failing(source, destination):
        if ".part" in str(source):
            raise OSError(errno.EIO, "input/output error")
        rename(source, destination)

    monkeypatch.setattr(os, "rename", failing)
    with pytest.raises(OSError, match="input/output"), atomic_write(target) as temporary:
        temporary.mkdir()
    assert names(target) == ["old-chunk"]
    assert names(tmp_path) == ["labels.zarr"]


KILLED = """
import os, signal, sys
from pathlib import Path
from sxtstudio.core import atomic

def kill(*arguments):
    os.kill(os.getpid(), signal.SIGKILL)

target, moment = Path(sys.argv[1]), sys.argv[2]
if moment == "writing":
    atomic._flush_to_disk = kill
elif moment == "exchanged":
    real_exchange = atomic.exchange
    atomic.exchange = lambda one, other: real_exchange(one, other) and kill()
else:
    real_rename = os.rename
    atomic.exchange = lambda one, other: False
    os.rename = lambda one, other: (real_rename(one, other), kill())
with atomic.atomic_write(target) as temporary:
    if target.suffix == ".zarr":
        temporary.mkdir()
        temporary = temporary / "new-chunk"
    temporary.write_bytes(b"new")
"""


def killed(target, moment):
    done = subprocess.run([sys.executable, "-c", KILLED, str(target), moment], timeout=60)
    assert done.returncode == -signal.SIGKILL


needs_kill = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="signals of POSIX systems")


@needs_kill
@pytest.mark.parametrize("moment", ["writing", "exchanged", "moved aside"])
@pytest.mark.parametrize("next_one", ["reads", "writes", "fails to write"])
def test_a_folder_is_whole_after_a_kill_at_any_moment(tmp_path, moment, next_one):
    target = tmp_path / "labels.zarr"
    target.mkdir()
    (target / "old-chunk").write_bytes(b"old")
    killed(target, moment)
    assert len(names(tmp_path)) == 2
    assert target.exists() == (moment != "moved aside")
    if next_one == "reads":
        assert restore(target) == (moment == "moved aside")
        assert names(target) == (["new-chunk"] if moment == "exchanged" else ["old-chunk"])
        return
    if next_one == "fails to write":
        with pytest.raises(Cancelled), atomic_write(target):
            raise Cancelled
        assert names(target) == (["new-chunk"] if moment == "exchanged" else ["old-chunk"])
    else:
        with atomic_write(target) as temporary:
            temporary.mkdir()
            (temporary / "newest-chunk").write_bytes(b"newest")
        assert names(target) == ["newest-chunk"]
    assert names(tmp_path) == ["labels.zarr"]


@needs_kill
def test_what_a_killed_process_left_goes_when_the_same_output_is_written_again(tmp_path):
    killed(tmp_path / "labels.tif", "writing")
    killed(tmp_path / "others.tif", "writing")
    assert len(names(tmp_path)) == 2
    with atomic_write(tmp_path / "labels.tif") as temporary:
        temporary.write_bytes(b"new")
    left = names(tmp_path)
    assert left[0].startswith(".others.") and left[1:] == ["labels.tif"]


def test_what_a_living_process_writes_stays(tmp_path):
    with atomic_write(tmp_path / "labels.tif") as first:
        first.write_bytes(b"first")
        with atomic_write(tmp_path / "labels.tif") as second:
            second.write_bytes(b"second")
        assert first.read_bytes() == b"first"
    assert names(tmp_path) == ["labels.tif"]


@pytest.mark.parametrize(("minutes", "stays"), [(50, True), (70, False)])
@pytest.mark.parametrize("name", [".labels.{}-1-1-abcd.part.tif", ".labels.0123abcd.part.tif"])
def test_what_another_computer_writes_stays_while_it_is_being_written(tmp_path, name, minutes, stays):
    # Another computer than this one, and not twice the same by chance.
    other = temporary_name(tmp_path / "labels.tif").name.split(".")[2][:4]
    left = tmp_path / name.format("ffff" if other != "ffff" else "0000")
    left.write_bytes(b"half")
    then = time.time() - minutes * 60
    os.utime(left, (then, then))
    with atomic_write(tmp_path / "labels.tif") as temporary:
        temporary.write_bytes(b"new")
    assert left.exists() == stays


def test_a_folder_is_as_young_as_what_is_written_in_it(tmp_path):
    left = tmp_path / ".labels.0123abcd.part.zarr"
    (left / "0").mkdir(parents=True)
    (left / "0" / "chunk").write_bytes(b"half")
    then = time.time() - 2 * 3600
    for place in (left / "0", left):
        os.utime(place, (then, then))
    for stays in (True, False):
        with pytest.raises(Cancelled), atomic_write(tmp_path / "labels.zarr"):
            raise Cancelled
        assert left.exists() == stays
        if stays:
            os.utime(left / "0" / "chunk", (then, then))


def test_a_process_that_only_has_the_number_of_the_writer_is_another(tmp_path):
    computer, process, _, chance = temporary_name(tmp_path / "labels.tif").name.split(".")[2].split("-")
    left = tmp_path / f".labels.{computer}-{process}-1-{chance}.part.tif"
    left.write_bytes(b"half")
    then = time.time() - 2 * 3600
    os.utime(left, (then, then))
    with atomic_write(tmp_path / "labels.tif") as temporary:
        temporary.write_bytes(b"new")
    assert names(tmp_path) == ["labels.tif"]


def test_what_a_living_process_writes_stays_though_the_clock_was_set(tmp_path, set_clock):
    left = temporary_name(tmp_path / "labels.tif")
    left.touch()
    then = time.time() - 2 * 3600  # as the clock of now has it
    os.utime(left, (then, then))
    set_clock()
    sweep_folder(tmp_path)
    assert left.exists()


def test_of_a_folder_goes_what_dead_processes_have_begun_whatever_it_was_for(tmp_path):
    living = temporary_name(tmp_path / "a.labels.tif")
    computer, _, begin, chance = living.name.split(".")[3].split("-")
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    writer = f"{computer}-{dead.pid:x}-{begin}-{chance}"
    gone = [tmp_path / f".{name}.{writer}.part{suffix}" for name, suffix in
            (("b.objects", ".tif"), ("c.labels.tif", ".worker"), ("d.labels", ".zarr"))]  # fmt: skip
    stays = [living, tmp_path / f".e.{writer}.old.zarr", tmp_path / ".f.0123abcd.part.tif",
             tmp_path / ".hidden.part.tif", tmp_path / "b.objects.tif"]  # fmt: skip
    for path in (*gone, *stays):
        path.mkdir() if path.suffix == ".zarr" else path.touch()
    sweep_folder(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted(stays)
    sweep_folder(tmp_path / "nowhere")


def test_long_names_that_begin_alike_are_told_apart(tmp_path):
    one, other = (tmp_path / f"{'a' * 200}-{n}.zarr" for n in "12")
    assert final_name(temporary_name(one).name) != final_name(temporary_name(other).name)
    with atomic_write(tmp_path / f"{'µ' * 120}.tif") as temporary:
        temporary.write_bytes(b"x")


def test_file_never_replaces_a_folder(tmp_path):
    target = tmp_path / "labels.tif"
    target.mkdir()
    with pytest.raises(UserError, match="is a folder"), atomic_write(target) as temporary:
        temporary.write_bytes(b"x")
    assert names(tmp_path) == ["labels.tif"]


def test_symbolic_link_is_replaced_and_its_target_is_not(tmp_path):
    (tmp_path / "store").mkdir()
    real = tmp_path / "store" / "real.tif"
    real.write_bytes(b"old")
    link = tmp_path / "link.tif"
    link.symlink_to(real)
    with atomic_write(link) as temporary:
        temporary.write_bytes(b"new")
    assert real.read_bytes() == b"old"
    assert link.read_bytes() == b"new" and not link.is_symlink()


def test_missing_folder(tmp_path):
    with pytest.raises(UserError, match="does not exist"), atomic_write(tmp_path / "no" / "a.tif"):
        pytest.fail("the block must not run")


def test_folder_that_is_a_file(tmp_path):
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(UserError, match="not a folder"), atomic_write(tmp_path / "file" / "a.tif"):
        pytest.fail("the block must not run")


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a folder that not even root can write to")
def test_folder_that_cannot_be_written_to():
    with pytest.raises(UserError, match=r"/proc/a\.tif"), atomic_write("/proc/a.tif"):
        pytest.fail("the block must not run")


@pytest.mark.parametrize("wrapped", [False, True], ids=["plain", "wrapped by a library"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EFBIG, errno.EDQUOT], ids=errno.errorcode.get)
def test_full_disk(tmp_path, code, wrapped):
    target = tmp_path / "a.mrc"
    target.write_bytes(b"old")
    with pytest.raises(UserError, match="disk is full"), atomic_write(target) as temporary:
        temporary.write_bytes(b"half")
        try:
            raise OSError(code, os.strerror(code))
        except OSError as error:
            if wrapped:
                raise RuntimeError("could not flush") from error
            raise
    assert target.read_bytes() == b"old" and names(tmp_path) == ["a.mrc"]


def test_full_disk_as_numpy_tells_it(tmp_path):
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        with pytest.raises(UserError, match="disk is full"), atomic_write(tmp_path / "a.raw") as temporary:
            np.zeros(100_000, np.uint8).tofile(temporary)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert names(tmp_path) == []


def test_permission_error_of_another_file_is_not_blamed_on_the_output(tmp_path):
    with pytest.raises(PermissionError), atomic_write(tmp_path / "a.mrc"):
        raise PermissionError(errno.EACCES, "denied", "/some/input.mrc")


def test_block_that_writes_nothing_is_a_mistake(tmp_path):
    with pytest.raises(RuntimeError, match="nothing was written"), atomic_write(tmp_path / "a.mrc"):
        pass


def complete_folder(path: Path, content: bytes) -> Path:
    (path / "0").mkdir(parents=True)
    (path / "0" / "1").write_bytes(content)
    return path


def test_of_two_folders_the_first_gets_the_name_and_stays(tmp_path):
    final = tmp_path / "range-0001"
    first, second = (complete_folder(tmp_path / name, name.encode()) for name in ("first", "second"))
    assert publish_folder(first, final)
    assert not publish_folder(second, final)
    assert (final / "0" / "1").read_bytes() == b"first" and second.is_dir() and not first.exists()


def test_a_name_whose_answer_got_lost_is_not_an_error(tmp_path, monkeypatch):
    """A network share renames, its answer gets lost, and asked again it says that there is nothing."""
    final, folder = tmp_path / "range-0001", complete_folder(tmp_path / "attempt", b"mine")
    rename = os.rename

    def twice(old, new):
        rename(old, new)
        rename(old, new)

    monkeypatch.setattr(os, "rename", twice)
    assert not publish_folder(folder, final)
    assert (final / "0" / "1").read_bytes() == b"mine"


def test_a_folder_that_cannot_get_its_name_is_an_error(tmp_path):
    with pytest.raises(OSError, match="No such file"):
        publish_folder(complete_folder(tmp_path / "attempt", b"mine"), tmp_path / "missing" / "name")


def test_errors_name_what_a_temporary_folder_will_be(tmp_path):
    """A file in a folder that is being written: the user knows the folder by its final name."""
    results = tmp_path / "results"
    with pytest.raises(UserError) as caught, atomic_write(results) as folder:
        (folder / "pictures").mkdir(parents=True)
        with atomic_write(folder / "pictures" / "slice.png"):
            raise OSError(errno.ENOSPC, "No space left on device")
    assert f"{results / 'pictures' / 'slice.png'} was not written" in str(caught.value)
    assert not list(tmp_path.iterdir())
