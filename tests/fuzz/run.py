"""``make fuzz``: strangers' files by the hundred, each in a process of its own, bounded to 10 s and 2 GB.

    python tests/fuzz/run.py bombs [NAME ...]              files made to fill memory or time
    python tests/fuzz/run.py fuzz [READER ...] [--cases N] [--seed S]
                                                           good files with random changes
    python tests/fuzz/run.py case READER SEED              one case again, in this process

A case may open, or end with exit code 2 and one sentence; anything else is a fault. The seed of a case is
printed with it, and makes the same file again.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import sys
import tempfile
import time
import traceback
import zlib
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from bombs import MODELS, OPENS, TOMOGRAMS
from limited import Ended, run_limited
from mutations import spoil, spoil_json, spoil_lines, spoil_model
from samples import SAMPLES, Sample, run_words

CASES = 300


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("bombs", "fuzz", "case"))
    parser.add_argument("names", nargs="*")
    parser.add_argument("--cases", type=int, default=CASES, help=f"for each reader (default: {CASES})")
    parser.add_argument("--seed", type=int, help="of the first case (default: by the clock)")
    parser.add_argument("--json", action="store_true", help="print what became of each bomb as JSON")
    arguments = parser.parse_args()
    # Folders of the person who runs this are left alone.
    with tempfile.TemporaryDirectory(prefix="sxtstudio-fuzz-") as home:
        for variable in ("XDG_STATE_HOME", "XDG_DATA_HOME", "LOCALAPPDATA", "SXTSTUDIO_WORK"):
            os.environ[variable] = home
        _import_all()
        if arguments.what == "bombs":
            return run_bombs(arguments.names, as_json=arguments.json)
        if arguments.what == "case":
            return run_case_here(arguments.names[0], int(arguments.names[1]))
        seed = int(time.time()) if arguments.seed is None else arguments.seed
        return run_fuzz(arguments.names or list(SAMPLES), arguments.cases, seed)


def run_bombs(wanted: list[str], *, as_json: bool = False) -> int:
    """Open every bomb; print what became of each."""
    results = {}
    for name, write in {**TOMOGRAMS, **MODELS}.items():
        if wanted and not any(text in name for text in wanted):
            continue
        with tempfile.TemporaryDirectory() as folder:
            path = write(Path(folder))
            words = ["models", "check"] if name in MODELS else ["info"]
            ended = run_limited(lambda words=words, path=path: run_words([*words, str(path)]))
        fault = ended.fault
        if not fault and (ended.code == 0) != (name in OPENS):
            fault = "it opens" if ended.code == 0 else "it does not open"
        results[name] = fault
        if not as_json:
            print(f"{'FAULT' if fault else 'ok':5}  {name}: {_said(ended, fault)}", flush=True)
    if as_json:
        print(json.dumps(results))
    return 1 if any(results.values()) else 0


def run_fuzz(readers: list[str], cases: int, seed: int) -> int:
    """Spoil good files of each kind; print the faults, with their seeds."""
    print(f"{cases} cases for each of {len(readers)} readers, seeds {seed} to {seed + cases - 1}", flush=True)
    faults = 0
    for reader in readers:
        begin, ends = time.monotonic(), {"opened": 0, "refused": 0, "faults": 0}
        with tempfile.TemporaryDirectory() as good:
            files = [p.relative_to(good) for p in SAMPLES[reader].write(Path(good))]
            whole = _run_good(Path(good), reader)
            if whole.code != 0:
                print(f"FAULT  {reader}, as it is: {_said(whole, whole.fault)}", flush=True)
                faults += 1
            for number in range(seed, seed + cases):
                with tempfile.TemporaryDirectory() as folder:
                    _spoiled(Path(good), Path(folder), files, reader, number)
                    words = SAMPLES[reader].words(Path(folder))
                    ended = run_limited(lambda words=words: run_words(words))
                ends["faults" if ended.fault else "opened" if ended.code == 0 else "refused"] += 1
                if ended.fault:
                    print(f"FAULT  {reader} {number}: {_said(ended, ended.fault)}", flush=True)
        faults += ends["faults"]
        told = ", ".join(f"{count} {end}" for end, count in ends.items())
        print(f"{reader}: {told} ({time.monotonic() - begin:.0f} s)", flush=True)
    if faults:
        print(f"{faults} faults. Look at one again with: python tests/fuzz/run.py case READER SEED")
    return 1 if faults else 0


def run_case_here(reader: str, seed: int) -> int:
    """Run one case in this process, with the traceback of whatever goes wrong."""
    sample: Sample = SAMPLES[reader]
    good, folder = Path(tempfile.mkdtemp()), Path(tempfile.mkdtemp())
    files = [p.relative_to(good) for p in sample.write(good)]
    _spoiled(good, folder, files, reader, seed)
    print(f"The files are in {folder}; the command is {sample.words(folder)}")
    _show_tracebacks()
    return run_words(sample.words(folder))


def _run_good(good: Path, reader: str) -> Ended:
    """Run the command on files that nobody spoiled, which must work."""
    with tempfile.TemporaryDirectory() as folder:
        _copied(good, Path(folder))
        words = SAMPLES[reader].words(Path(folder))
        return run_limited(lambda: run_words(words))


def _copied(good: Path, folder: Path) -> None:
    shutil.copytree(good, folder, dirs_exist_ok=True)
    for text in folder.rglob("*.json*"):  # they name their folder
        content = text.read_bytes()
        if os.fsencode(good) in content:
            text.write_bytes(content.replace(os.fsencode(good), os.fsencode(folder)))


def _spoiled(good: Path, folder: Path, files: list[Path], reader: str, seed: int) -> None:
    """Copy the good files, and spoil one of them."""
    chance = random.Random(seed * 1000 + zlib.crc32(reader.encode()) % 1000)
    _copied(good, folder)
    file = folder / chance.choice(files)
    content = file.read_bytes()
    is_json = file.suffix == ".json" or file.name in (".zarray", ".zattrs", ".zgroup")
    if SAMPLES[reader].is_graph:
        file.write_bytes(spoil_model(content, chance))
    elif file.suffix == ".toml" and chance.random() < 0.7:
        file.write_bytes(spoil_lines(content, chance))
    else:
        file.write_bytes(spoil_json(content, chance) if is_json else spoil(content, chance))


def _said(ended: Ended, fault: str) -> str:
    text = ended.stderr.strip().replace("\n", " | ")
    return f"{fault or ''} ({ended.seconds:.1f} s, {ended.peak_bytes / 1e6:.0f} MB) {text[-400:]}".strip()


def _import_all() -> None:
    """What every case needs is loaded once; a case is a fork of this process."""
    import sxtstudio.cli
    import sxtstudio.io.hdf5
    import sxtstudio.io.txm
    import sxtstudio.io.zarr_store
    import sxtstudio.segment.check
    import sxtstudio.training.config
    import sxtstudio.workflow.document.recovery
    import sxtstudio.workflow.jobs.cleaning
    import sxtstudio.workflow.jobs.inspecting
    import sxtstudio.workflow.jobs.segmenting  # noqa: F401


def _show_tracebacks() -> None:
    from sxtstudio.commands import guard

    def shown(words: list[str]) -> Path:
        traceback.print_exc()
        return Path("the lines above")

    write: Callable[[list[str]], Path] = shown
    guard._write_log = write


if __name__ == "__main__":
    sys.exit(main())
