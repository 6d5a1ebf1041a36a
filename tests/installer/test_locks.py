"""The lock files agree with each other and with pyproject.toml, for Linux, Windows and macOS.

No network is needed. `make lock-check` asks the registry as well, such as whether each system has wheels.
"""

from __future__ import annotations

import importlib.metadata
import re
import tomllib
from functools import cache
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
LOCKS = sorted(path.name for path in ROOT.glob("requirements*.lock"))
BASE = "requirements.lock"
SYSTEMS = {
    "linux": {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"},
    "windows": {"sys_platform": "win32", "platform_system": "Windows", "os_name": "nt"},
    "macos": {"sys_platform": "darwin", "platform_system": "Darwin", "os_name": "posix"},
}


@cache
def pins(lock: str) -> tuple[Requirement, ...]:
    text = (ROOT / lock).read_text(encoding="utf-8")
    lines = (line.removesuffix("\\").strip() for line in text.splitlines())
    return tuple(Requirement(line) for line in lines if line and not line.startswith(("#", "--hash=")))


def is_for(requirement: Requirement, system: str, extra: str = "") -> bool:
    environment = {
        **SYSTEMS[system],
        "python_version": "3.11",
        "python_full_version": "3.11.7",
        "extra": extra,
    }
    return requirement.marker is None or requirement.marker.evaluate(environment)


def versions(system: str, *locks: str) -> dict[str, set[Version]]:
    found: dict[str, set[Version]] = {}
    for pin in (pin for lock in locks for pin in pins(lock) if is_for(pin, system)):
        (exact,) = pin.specifier
        assert exact.operator == "=="
        found.setdefault(canonicalize_name(pin.name), set()).add(Version(exact.version))
    return found


def wanted(*groups: str) -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = list(project["dependencies"])
    for group in groups:
        lines += project["optional-dependencies"][group]
    return [Requirement(line) for line in lines]


@pytest.mark.parametrize("system", SYSTEMS)
def test_all_lock_files_have_the_same_version_of_a_package(system: str) -> None:
    """But for what marks a build of it, such as "+cpu"."""
    different = {
        name: found
        for name, found in versions(system, *LOCKS).items()
        if len({version.public for version in found}) > 1
    }
    assert different == {}


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize(
    ("groups", "locks"),
    [((), (BASE,)), (("installer",), (BASE, "requirements-installer.lock")),
     (("cluster",), (BASE, "requirements-cluster.lock")),
     (("dev", "train"), (BASE, "requirements-dev.lock", "requirements-retrain.lock")),
     (("docs",), (BASE, "requirements-dev.lock", "requirements-docs.lock"))],
    ids=["program", "installer", "cluster", "tests", "site"],
)  # fmt: skip
def test_what_pyproject_wants_is_pinned_once_and_fits(
    system: str, groups: tuple[str, ...], locks: tuple[str, ...]
) -> None:
    found = versions(system, *locks)
    for requirement in wanted(*groups):
        if is_for(requirement, system):
            pinned = found.get(canonicalize_name(requirement.name), set())
            assert len(pinned) == 1, requirement.name
            assert requirement.specifier.contains(pinned.pop(), prereleases=True), requirement


@pytest.mark.parametrize("system", SYSTEMS)
def test_what_a_pinned_package_needs_is_pinned_too(system: str) -> None:
    """Those that are installed here say what they need elsewhere as well, such as pyobjc on macOS."""
    found = versions(system, BASE)
    missing = []
    for name in found:
        try:
            needs = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:  # only other systems have it
            continue
        missing += [
            f"{name} needs {need.name}"
            for need in map(Requirement, needs)
            if is_for(need, system) and canonicalize_name(need.name) not in found
        ]
    assert missing == []


@pytest.mark.parametrize("lock", LOCKS)
def test_each_file_is_known_by_its_hash(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    blocks = re.split(r"^(?=[\w.-]+==)", text, flags=re.MULTILINE)[1:]
    assert len(blocks) == len(pins(lock)) > 4
    for block in blocks:
        first, *rest = block.rstrip("\n").split("\n")
        assert rest and all(re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}( \\)?", line) for line in rest), (
            first
        )


@pytest.mark.parametrize("lock", LOCKS)
def test_no_registry_is_named(lock: str) -> None:
    """Which one is asked is the matter of whoever installs."""
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert not re.search(r"://|index-url|find-links|trusted-host", text)
