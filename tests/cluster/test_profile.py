"""Profiles: what they may hold, how they are found, and what is said of wrong ones."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sxtstudio.cli import main
from sxtstudio.cluster import profile as module
from sxtstudio.cluster.machines import Machines
from sxtstudio.cluster.mapping import PathMapping, mapped_texts
from sxtstudio.cluster.profile import Profile, profile_of, read_profile, size_bytes
from sxtstudio.core.errors import UserError

ROOT = Path(__file__).parents[2]
SLURM = 'kind = "slurm"\ncores = 8\nmemory = "16 GB"\n'


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "clusters"
    folder.mkdir()
    monkeypatch.setattr(module, "profiles_folder", lambda: folder)
    return folder


@pytest.mark.parametrize("kind", ["local", "slurm", "pbs", "lsf", "sge", "address"])
def test_examples_are_profiles_with_all_that_a_kind_has(kind: str, tmp_path: Path, capsys) -> None:
    assert main(["cluster", "profile", "--example", kind]) == 0
    path = tmp_path / "p.toml"
    path.write_text(capsys.readouterr().out)
    assert read_profile(path).kind == kind
    # What is commented out is right as well.
    text = path.read_text().replace('# "', '"')
    lines = [
        line.removeprefix("# ") if " = " in line and not line.endswith(":") else line
        for line in text.splitlines()
    ]
    path.write_text("\n".join(lines))
    assert read_profile(path).in_flight == 20
    assert read_profile(path).paths == {"/Volumes/beamline": "/data/beamline"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kind = 'slurm'\nmemory = '1 GB'", r"p\.toml: the key 'cores' is wrong; it must be given, as SLURM"),
        ("kind = 'slurm'\ncores = 1", r"the key 'memory' is wrong; it must be given, as SLURM must be told"),
        (
            SLURM + "walltime = '8 hours'",
            r"the key 'walltime' is wrong; it must be a time such as \"08:00:00\"",
        ),
        (SLURM + "memroy = 1", r"unknown key memroy; known are account, address, cores, .*, workers"),
        (SLURM + "workers = 0", r"the key 'workers' is wrong; it must be a whole number from 1 to 10000"),
        (SLURM + "prologue = 'module load'", r"the key 'prologue' is wrong; it must be a list, each entry a"),
        (SLURM + 'queue = "a\\nb"', r"the key 'queue' is wrong; it must be a text on one line"),
        (
            SLURM + "queue = 3",
            r"'queue' is wrong; it must be a text on one line, without control characters\. ",
        ),
        (SLURM + "walltime = 8", r"'walltime' is wrong; it must be a time such as \"08:00:00\"\. "),
        (
            SLURM + "slices_per_task = 'all'",
            r"'slices_per_task' is wrong; it must be a whole number from 0 to 100000\. ",
        ),
        (SLURM + "in_flight = 0", r"'in_flight' is wrong; it must be a whole number from 1 to 10000\. "),
        (
            "kind = 'slurm'\nmemory = 16\ncores = 1",
            r"'memory' is wrong; it must be a size such as \"16 GB\"\. ",
        ),
        (
            "kind = 'slurm'\nmemory = '16 GB'\ncores = '8'",
            r"'cores' is wrong; it must be a whole number from 1 to 1024\. ",
        ),
        (
            SLURM + "[paths]\ndata = '/data'",
            r"the key 'paths' is wrong; it must be whole paths on both sides",
        ),
        ("kind = 'k8s'", r"the key 'kind' is wrong; it must be \"address\", \"local\", \"lsf\""),
        ("kind = 'address'", r"the key 'address' is wrong; it must be the address of a scheduler"),
        ("kind = 'local'\nmemory = '16'", r"the key 'memory' is wrong; it must be a size such as \"16 GB\""),
        ("kind = 'local'\nmemory = '0 KB'", r"'memory' is wrong; it must be a size from 100 MB to 100 TB"),
        (
            "kind = 'local'\nmemory = '999999 TB'",
            r"'memory' is wrong; it must be a size from 100 MB to 100 TB",
        ),
        (
            'kind = "local"\nprogram = ["\'open"]',
            r"'program' is wrong; it must be words as a shell takes them",
        ),
        ("kind = 'local'\nprogram = ['']", r"'program' is wrong; it must be words as a shell takes them"),
        ("kind = 'local'\nscratch = 'here'", r"'scratch' is wrong; it must be a whole path"),
        ('kind = "local"\nscratch = "/a\\u0000b"', r"'scratch' is wrong; it must be a text on one line"),
        ('kind = "local"\n[paths]\n"/a\\u0000" = "/b"', r"'paths' is wrong; it must be texts on one line"),
        (SLURM + "walltime = '99-99:99:99:99:99'", r"'walltime' is wrong; it must be a time such as"),
        (SLURM + "walltime = '00:00:00'", r"'walltime' is wrong; it must be a time such as"),
        ("kind = 'address'\naddress = 'tcp://a:99999'", r"'address' is wrong; it must be the address of a"),
        ("kind = ", r"p\.toml: it is no valid TOML"),
    ],
    ids=lambda value: value.splitlines()[-1][:24] if isinstance(value, str) else "",
)
def test_each_fault_is_a_sentence_with_key_and_file(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    path.write_text(text)
    with pytest.raises(UserError, match=said) as caught:
        read_profile(path)
    assert str(caught.value).startswith(f"The profile {path}: ")
    assert "cluster profile --example" in str(caught.value)


def test_a_profile_is_found_by_its_name_and_must_fit(settings: Path) -> None:
    assert profile_of("local", None) == Profile("local")
    assert profile_of("local:4", None).workers == 4
    assert profile_of("tls://head:8786", None) == Profile("address", address="tls://head:8786")
    with pytest.raises(UserError, match=r"SLURM must be told what a worker needs: give --profile FILE, or"):
        profile_of("slurm", None)
    with pytest.raises(UserError, match=r"no profile 'mine' .*\(found: none\)"):
        profile_of("slurm", "mine")
    (settings / "slurm.toml").write_text(SLURM)
    (settings / "mine.toml").write_text(SLURM + "workers = 7")
    assert profile_of("slurm", None).workers == 1 and profile_of("slurm", "mine").workers == 7
    assert profile_of(None, "mine") == profile_of("slurm", str(settings / "mine.toml"))
    with pytest.raises(UserError, match="is for slurm, and --cluster says pbs"):
        profile_of("pbs", "mine")
    with pytest.raises(UserError, match=r"The profile .*none\.toml cannot be read"):
        profile_of("slurm", str(settings / "none.toml"))
    for words in ("local:0", "cloud", "local:x", ""):
        with pytest.raises(UserError, match="is not known: choose local, local:N, slurm"):
            profile_of(words, None)
    with pytest.raises(UserError, match="is no address of a scheduler"):
        profile_of("tcp://host", None)


@pytest.mark.parametrize("time", ["90", "30:00", "08:00", "08:00:00", "120:00:00", "2-00", "1-23:59:59"])
def test_times_are_taken_as_the_queues_write_them(time: str, tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    path.write_text(SLURM + f"walltime = '{time}'")
    assert read_profile(path).walltime == time


def test_what_cannot_work_on_this_machine_is_told(tmp_path: Path, capsys) -> None:
    path = tmp_path / "p.toml"
    path.write_text(SLURM + "interface = 'zz9'")
    assert main(["cluster", "profile", "--check", str(path)]) == 2
    assert "This machine has no network 'zz9' (found: " in capsys.readouterr().err
    with pytest.raises(
        UserError, match=r"at tls://head:8786 wants credentials: give tls_ca, tls_cert and tls"
    ):
        Machines(Profile("address", address="tls://head:8786"))
    for option in ("--cluster", "--profile"):
        assert main(["batch", "a.mrc", option, ""]) == 2
        assert f"Argument {option}: nothing is named" in capsys.readouterr().err


def test_sizes_are_told_apart_as_the_queue_does() -> None:
    assert size_bytes("16 GB") == 16 * 10**9 and size_bytes("1.5GiB") == 3 << 29


def test_paths_are_mapped_by_the_longest_folder_and_back() -> None:
    mapping = PathMapping({"/data": "/srv/data", "/data/b/": "/other", "Z:\\beam": "/beam", "/win": "D:\\w"})
    moved = {
        "/data/a/x.mrc": "/srv/data/a/x.mrc",
        "/data/b/x.h5::/y": "/other/x.h5::/y",
        "/data": "/srv/data",
        "/database/x": "/database/x",
        "Z:\\beam\\a\\x.mrc": "/beam/a/x.mrc",
        "/win/a/x": "D:\\w\\a\\x",
    }
    assert {path: mapping.there(path) for path in moved} == moved
    back = PathMapping(mapping.back())
    assert back.there("/other/x.mrc") == "/data/b/x.mrc" and back.there("D:\\w\\a\\x") == "/win/a/x"
    report = {"input": {"path": "/srv/data/x"}, "seconds": 1.5, "outputs": [{"path": "/other/y"}, None]}
    assert mapped_texts(report, back) == {
        "input": {"path": "/data/x"}, "seconds": 1.5, "outputs": [{"path": "/data/b/y"}, None],
    }  # fmt: skip


def test_without_a_cluster_nothing_of_dask_is_loaded(tomogram: Path, toy_model: Path, tmp_path: Path) -> None:
    words = [
        "batch",
        str(tomogram),
        "--model",
        str(toy_model),
        "--polarity",
        "dark",
        "-o",
        str(tmp_path / "o"),
    ]
    code = (
        "import sys\nfrom sxtstudio.cli import main\n"
        f"assert main({words!r}) == 0\n"
        "assert not {'dask', 'distributed', 'tornado', 'sxtstudio.cluster'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_loading_the_queues_leaves_ctrl_c_and_settings_alone_and_works_in_any_thread(tmp_path: Path) -> None:
    """dask-jobqueue takes the signal for itself as it is imported, which a thread may not even do."""
    code = (
        "import signal, threading\nbefore = signal.getsignal(signal.SIGINT), signal.signal\n"
        "def load():\n    global found\n    import sxtstudio.cluster.queues as found\n"
        "thread = threading.Thread(target=load); thread.start(); thread.join()\n"
        "assert found and before == (signal.getsignal(signal.SIGINT), signal.signal)"
    )
    environment = {**os.environ, "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / ".config" / "dask").exists()
