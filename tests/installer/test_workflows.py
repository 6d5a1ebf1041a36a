"""The recipes for GitHub: what they call is there, nobody can exchange it, and secrets stay secret."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
TEXTS = {path.name: path.read_text(encoding="utf-8") for path in WORKFLOWS}


def jobs(name: str) -> dict[str, Any]:
    return dict(yaml.safe_load(TEXTS[name])["jobs"])


def commands(name: str) -> str:
    return "\n".join(step["run"] for job in jobs(name).values() for step in job["steps"] if "run" in step)


def test_there_are_two() -> None:
    assert list(TEXTS) == ["ci.yml", "release.yml"]


@pytest.mark.parametrize("name", TEXTS)
def test_actions_are_pinned_by_commit(name: str) -> None:
    """A tag can be moved to other code, a commit cannot; the comment says which version it is."""
    uses = re.findall(r"uses: (.+)", TEXTS[name])
    assert uses
    assert [use for use in uses if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v[\d.]+", use)] == []


@pytest.mark.parametrize("name", TEXTS)
def test_nothing_may_be_written_but_the_draft_of_a_release(name: str) -> None:
    assert yaml.safe_load(TEXTS[name])["permissions"] == {"contents": "read"}
    more = {job: entry["permissions"] for job, entry in jobs(name).items() if "permissions" in entry}
    assert more == ({"release": {"contents": "write"}} if name == "release.yml" else {})


@pytest.mark.parametrize("name", TEXTS)
def test_what_they_call_is_there(name: str) -> None:
    text = commands(name)
    files = re.findall(
        r"(?:python|-r) ((?:installer/)?[\w./-]+\.(?:py|lock))|\b(installer/[\w./]+\.(?:sh|spec))", text
    )
    files += re.findall(r"(\.ci/run)()", text)
    assert files or name == "ci.yml"
    assert [a or b for a, b in files if not (ROOT / (a or b)).is_file()] == []
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"^make ([\w-]+)", text, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_each_package_is_tried_before_it_is_kept() -> None:
    for system in ("linux", "windows", "macos"):
        steps = jobs("release.yml")[system]["steps"]
        tried = [number for number, step in enumerate(steps) if "--selfcheck" in step.get("run", "")]
        kept = [number for number, step in enumerate(steps) if "upload-artifact" in step.get("uses", "")]
        assert tried and kept and max(tried) < min(kept), system


def test_signing_is_left_out_where_there_are_no_secrets() -> None:
    """And secrets are given to single steps as variables, never put into a command."""
    for system, job in jobs("release.yml").items():
        assert "secrets." not in "".join(step.get("run", "") for step in job["steps"]), system
        for step in job["steps"]:
            if "signing-action" in step.get("uses", "") or "CERTIFICATE" in step.get("env", {}):
                assert step["if"] == "env.SIGNED == 'true'"


def test_sums_and_lists_of_parts_are_in_the_release() -> None:
    text = commands("release.yml")
    assert "sha256sum" in text and "gh release create" in text and "--draft" in text
    assert text.count("sbom.cdx.json") >= 2
    assert text.count("--require-hashes") == 2
