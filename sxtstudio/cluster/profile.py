"""The profile of a cluster: a TOML file that says which machines, and what each worker gets."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Annotated, Literal

import psutil
from msgspec import Meta, Struct

from sxtstudio.core.errors import UserError
from sxtstudio.core.folders import settings_folder
from sxtstudio.core.plain_files import read_plain
from sxtstudio.core.records import WrongKey, record_of, toml_values
from sxtstudio.core.wording import listed

Kind = Literal["local", "slurm", "pbs", "lsf", "sge", "address"]
QUEUES: tuple[Kind, ...] = ("slurm", "pbs", "lsf", "sge")
#: What a user reads of each.
NAMES = {"slurm": "SLURM", "pbs": "PBS", "lsf": "LSF", "sge": "SGE"}
_MOST_BYTES = 1 << 20
_UNITS = {"KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_UNITS |= {"KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30, "TIB": 1 << 40}
_SIZE = r"^[0-9]{1,6}(\.[0-9]{1,3})? ?([KMGT]i?B)\Z"
_LEAST_BYTES, _MOST_MEMORY_BYTES = 10**8, 10**14
_PORT = r"([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
_ADDRESS = rf"^(tcp|tls)://[^\s/\x00-\x1f]+:{_PORT}\Z"
# Minutes, MM:SS, HH:MM:SS, D-HH, D-HH:MM or D-HH:MM:SS; more than nothing.
_WALLTIME = r"^(?=.*[1-9])([0-9]{1,3}-([01]?[0-9]|2[0-3])(:[0-5][0-9]){0,2}|[0-9]{1,6}(:[0-5][0-9]){0,2})\Z"
_LINE = r"^[^\x00-\x08\x0a-\x1f\x7f]*\Z"

_Line = Annotated[
    str,
    Meta(pattern=_LINE, max_length=2000, description="a text on one line, without control characters"),
]
# What may be left out is described as a whole: TOML has no word for "nothing" that could be written instead.
_LineOrNone = Annotated[_Line | None, Meta(description="a text on one line, without control characters")]
_Size = Annotated[Annotated[str, Meta(pattern=_SIZE)] | None, Meta(description='a size such as "16 GB"')]
_Time = Annotated[
    Annotated[str, Meta(pattern=_WALLTIME)] | None, Meta(description='a time such as "08:00:00"')
]
_Address = Annotated[
    Annotated[str, Meta(pattern=_ADDRESS)] | None,
    Meta(description='the address of a scheduler, such as "tcp://host:8786"'),
]
_Cores = Annotated[
    Annotated[int, Meta(ge=1, le=1024)] | None, Meta(description="a whole number from 1 to 1024")
]
_Slices = Annotated[
    Annotated[int, Meta(ge=0, le=100_000)] | None, Meta(description="a whole number from 0 to 100000")
]
_InFlight = Annotated[
    Annotated[int, Meta(ge=1, le=10_000)] | None, Meta(description="a whole number from 1 to 10000")
]


class Profile(Struct, frozen=True, forbid_unknown_fields=True):
    """Which machines, and what each worker of them gets.

    Attributes
    ----------
    kind
        "local": processes on this machine; a queue; or "address": a scheduler that runs already.
    address
        Of that scheduler.
    workers
        How many; each works on one tomogram, or range of one, at a time.
    cores, memory, gpus
        Of each worker. Without ``memory`` the workers of this machine share what it has.
    queue, account, walltime
        As the queue calls them.
    prologue
        Lines of the job's script before the worker starts, such as "module load cuda".
    directives
        More options for the queue, such as "--constraint=ib".
    scratch
        A folder that all machines see, for logs and the run's keys; each worker keeps models there, too.
    program
        The words that start SXT Studio on the workers, where they are others than here.
    interface
        Network through which workers reach this machine, such as "ib0".
    paths
        Folders that have another name on the workers: here = there.
    slices_per_task
        Tomograms of more slices are divided into ranges of so many, which several workers share; 0: never.
        Without it large ones are where there are more workers than tomograms left.
    in_flight
        The most tomograms that are worked on at once; None: as many as there are workers.
    tls_ca, tls_cert, tls_key
        Files with the credentials for a tls:// address.
    dashboard
        Open dask's page of what goes on, on this machine alone. It needs bokeh, and shows file names.
    """

    kind: Kind
    address: _Address = None
    workers: Annotated[int, Meta(ge=1, le=10_000)] = 1
    cores: _Cores = None
    memory: _Size = None
    gpus: Annotated[int, Meta(ge=0, le=64)] = 0
    queue: _LineOrNone = None
    account: _LineOrNone = None
    walltime: _Time = None
    prologue: tuple[_Line, ...] = ()
    directives: tuple[_Line, ...] = ()
    scratch: _LineOrNone = None
    program: tuple[_Line, ...] = ()
    interface: _LineOrNone = None
    paths: dict[str, str] = {}
    slices_per_task: _Slices = None
    in_flight: _InFlight = None
    tls_ca: _LineOrNone = None
    tls_cert: _LineOrNone = None
    tls_key: _LineOrNone = None
    dashboard: bool = False

    def __post_init__(self) -> None:
        """Refuse what does not go together."""
        if self.kind == "address" and self.address is None:
            raise WrongKey("address", 'the address of a scheduler, as the kind is "address"')
        if self.kind in QUEUES and self.cores is None:
            raise WrongKey("cores", f"given, as {NAMES[self.kind]} must be told what a worker needs")
        if self.kind in QUEUES and self.memory is None:
            raise WrongKey("memory", f"given, as {NAMES[self.kind]} must be told what a worker needs")
        for here, there in self.paths.items():
            if re.search(_LINE, here) is None or re.search(_LINE, there) is None:
                raise WrongKey("paths", "texts on one line, without control characters")
            if not _is_absolute(here) or not _is_absolute(there):
                raise WrongKey("paths", "whole paths on both sides: here = there")
        size = self.memory_bytes
        if size is not None and not _LEAST_BYTES <= size <= _MOST_MEMORY_BYTES:
            raise WrongKey("memory", "a size from 100 MB to 100 TB")
        if self.scratch is not None and not _is_absolute(self.scratch):
            raise WrongKey("scratch", "a whole path, which is the same folder on all machines")
        if self.program and not _are_words(self.program):
            raise WrongKey("program", "words as a shell takes them, with each quotation mark closed")

    @property
    def memory_bytes(self) -> int | None:
        """Bytes of each worker."""
        return None if self.memory is None else size_bytes(self.memory)


def check_here(profile: Profile) -> None:
    """Refuse a profile that cannot work on this machine, or without what it lacks.

    Raises
    ------
    UserError
        If there is no such network here, or the scheduler at a tls:// address wants credentials.
    """
    interfaces = psutil.net_if_addrs()
    if profile.interface is not None and profile.interface not in interfaces:
        raise UserError(
            f"This machine has no network {profile.interface!r} (found: {listed(sorted(interfaces))}): "
            "change the interface in the profile."
        )
    secure = (profile.address or "").startswith("tls:")
    if secure and not (profile.tls_ca and profile.tls_cert and profile.tls_key):
        raise UserError(
            f"The scheduler at {profile.address} wants credentials: give tls_ca, tls_cert and tls_key in a "
            "profile (--profile); 'sxtstudio cluster profile --example address' shows one."
        )


def _are_words(lines: tuple[str, ...]) -> bool:
    try:
        return bool([word for line in lines for word in shlex.split(line)])
    except ValueError:
        return False


def _is_absolute(path: str) -> bool:
    return path.startswith(("/", "\\\\")) or re.match(r"[A-Za-z]:[\\/]", path) is not None


def size_bytes(text: str) -> int:
    """Return the bytes of a size such as "16 GB"; GB are 10⁹, GiB 2³⁰."""
    found = re.fullmatch(r"([\d.]+) ?(\w+)", text)
    if found is None:
        raise ValueError(text)
    return int(float(found[1]) * _UNITS[found[2].upper()])


def profiles_folder() -> Path:
    """Return the folder in which profiles are looked for by name; it may not exist."""
    return settings_folder() / "clusters"


def known_profiles() -> list[str]:
    """Return the names of the user's profiles."""
    try:
        return sorted(path.stem for path in profiles_folder().iterdir() if path.suffix == ".toml")
    except OSError:
        return []


def read_profile(path: Path) -> Profile:
    """Read a profile.

    Raises
    ------
    UserError
        If it cannot be read, or something in it is wrong: the sentence names the key and the file.
    """
    what, advice = f"The profile {path}", "'sxtstudio cluster profile --example slurm' shows one."
    try:
        content = read_plain(path, _MOST_BYTES)
    except OSError as error:
        raise UserError(f"{what} cannot be read ({error.strerror or error}). {advice}") from error
    return record_of(toml_values(content, what, advice), Profile, what, advice)


def profile_of(words: str | None, name: str | None) -> Profile:
    """Return the profile for the options --cluster and --profile, of which one may be missing.

    Parameters
    ----------
    words
        "local", "local:4", "slurm", "pbs", "lsf", "sge" or "tcp://HOST:PORT".
    name
        A file, or the name of a profile in ``profiles_folder``.

    Raises
    ------
    UserError
        If they make no sense, there is no such profile, or it is one for something else.
    """
    path = None if name is None else _found(name)
    profile = None if path is None else read_profile(path)
    if words is None:
        if profile is None:
            raise UserError("Give --cluster or --profile.")
        return profile
    wanted = _asked(words)
    if profile is None and wanted.kind in QUEUES:
        usual = profiles_folder() / f"{wanted.kind}.toml"
        if not usual.is_file():
            raise UserError(
                f"{NAMES[wanted.kind]} must be told what a worker needs: give --profile FILE, or write "
                f"{usual}; 'sxtstudio cluster profile --example {wanted.kind}' shows one."
            )
        profile = read_profile(usual)
        path = usual
    if profile is None:
        return wanted
    if profile.kind != wanted.kind:
        raise UserError(f"The profile {path} is for {profile.kind}, and --cluster says {words}: change one.")
    if wanted.kind == "address" and wanted.address != profile.address:
        raise UserError(f"The profile {path} is for {profile.address}, and --cluster says {words}.")
    return profile


def _asked(words: str) -> Profile:
    kind, colon, count = words.partition(":")
    if re.fullmatch(r"(tcp|tls)://.*", words):
        if not re.match(_ADDRESS, words):
            raise UserError(f"{words} is no address of a scheduler: give tcp://HOST:PORT.")
        return Profile("address", address=words)
    if kind == "local" and (not colon or re.fullmatch(r"[1-9][0-9]{0,3}", count)):
        return Profile("local", workers=int(count) if count else 1)
    for queue in QUEUES:
        if words == queue:
            return Profile(queue, cores=1, memory="1 GB")
    raise UserError(
        f"The cluster {words!r} is not known: choose local, local:N, slurm, pbs, lsf, sge or tcp://HOST:PORT."
    )


def _found(name: str) -> Path:
    """Return the file of a profile; a name has no ending and no folder."""
    if name.endswith(".toml") or "/" in name or "\\" in name:
        return Path(name)
    path = profiles_folder() / f"{name}.toml"
    if not path.is_file():
        known = ", ".join(known_profiles()) or "none"
        raise UserError(f"There is no profile {name!r} in {profiles_folder()} (found: {known}). Give a file.")
    return path
