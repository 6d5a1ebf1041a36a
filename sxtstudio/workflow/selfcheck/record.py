"""What the self-check found: one record a part, and all of them as JSON or text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class PartState(StrEnum):
    """How a part does; the values stand in files and never change."""

    WORKS = "works"
    MISSING = "missing"  # an optional part that is not installed, which is no fault
    FAILED = "failed"


@dataclass(frozen=True)
class CheckedPart:
    """One part of the program that was tried.

    ``said`` is what was found, in one sentence or less; where it failed, what is wrong and what to do.
    """

    name: str
    state: PartState
    seconds: float
    said: str


@dataclass(frozen=True)
class SelfCheck:
    """The whole check: the computer, the device of networks, and every part in the order of trial.

    ``device`` has its kind ("cpu" or "cuda"), name and reason; all empty but the reason where none works.
    """

    version: str
    computer: Mapping[str, str]
    device: Mapping[str, str]
    libraries: Mapping[str, str]
    parts: tuple[CheckedPart, ...]

    @property
    def works(self) -> bool:
        """Whether nothing failed."""
        return all(part.state is not PartState.FAILED for part in self.parts)

    @property
    def seconds(self) -> float:
        """How long all parts took."""
        return sum(part.seconds for part in self.parts)

    def as_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "program": "SXT Studio",
            "version": self.version,
            "works": self.works,
            "seconds": round(self.seconds, 3),
            "computer": dict(self.computer),
            "device": dict(self.device),
            "parts": [
                {"name": p.name, "state": p.state.value, "seconds": round(p.seconds, 3), "said": p.said}
                for p in self.parts
            ],
            "libraries": dict(self.libraries),
        }

    def rows(self) -> list[tuple[str, str]]:
        """Return a row for each fact of the computer, and for every part: its name, state and finding."""
        facts = [("version", self.version), *self.computer.items(), ("device", self.device["name"])]
        return facts + [
            (part.name, f"{part.state.value} ({part.seconds:.1f} s): {part.said}") for part in self.parts
        ]

    def verdict(self) -> str:
        """Return the result in one sentence."""
        failed = [part.name for part in self.parts if part.state is PartState.FAILED]
        if not failed:
            return "This installation works."
        return f"This installation does not work: {', '.join(failed)} failed. What to do is said with each."
