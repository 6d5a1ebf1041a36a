"""What a beamtime is doing now: for the page, the window and the person who looks in at night."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sxtstudio.core.wording import count, rough_duration


class Activity(StrEnum):
    """What it does; files keep the value."""

    LOOKING = "looking"  # for new tomograms
    WORKING = "working"
    BLOCKED = "blocked"  # by a full disk, or a share that has gone
    HELD = "held"  # until other work of this window has ended
    STOPPED = "stopped"
    ELSEWHERE = "elsewhere"  # another window or command works there


@dataclass(frozen=True)
class Status:
    """What is done now.

    Attributes
    ----------
    doing
        In one word.
    name, step, fraction
        The tomogram in work, what is done to it, and how much of that, 0…1.
    waiting
        How many are complete and wait for their turn.
    left_s
        Until these are done, from what those before took; None where that is not known.
    trouble
        What work waits for, or what to see to soon: a whole sentence, or nothing.
    arriving
        The names of files that are there and not complete yet.
    other
        The work in this window that has to end first.
    """

    doing: Activity = Activity.LOOKING
    name: str = ""
    step: str = ""
    fraction: float = 0.0
    waiting: int = 0
    left_s: float | None = None
    trouble: str = ""
    arriving: tuple[str, ...] = ()
    other: str = ""

    @property
    def text(self) -> str:
        """One line for a person."""
        match self.doing:
            case Activity.STOPPED:
                return "Stopped: new tomograms are not segmented."
            case Activity.BLOCKED:
                return "Work waits."
            case Activity.LOOKING:
                return self._looking
            case Activity.HELD:
                return f"{self._looking} “{self.other}” is running in the window: work goes on after that."
            case Activity.ELSEWHERE:
                return "Another window or command works in this folder; here is what it has done."
        step = f", {self.step}" if self.step else ""
        done = f" {round(100 * self.fraction)} %" if self.fraction > 0 else ""
        words = [f"{self.name}{step}{done}"]
        if self.waiting:
            words.append(f"{count(self.waiting, 'more tomogram', 'more tomograms')} to come")
        if self.left_s is not None:
            about = "" if self.left_s < 1 else "about "
            words.append(f"{about}{rough_duration(self.left_s)} left")
        if self.arriving:
            words.append(f"{count(len(self.arriving), 'file')} arriving")
        return "; ".join(words)

    @property
    def _looking(self) -> str:
        words = [f"{count(self.waiting, 'tomogram waits', 'tomograms wait')}."] if self.waiting else []
        if self.arriving:
            first = self.arriving[0] + (", …" if len(self.arriving) > 1 else "")
            files = count(len(self.arriving), "file is", "files are")
            words.append(f"{files} arriving: not complete yet, or still being written ({first}).")
        return " ".join(words) or "Up to date. Waiting for the next tomogram."
