"""The remaining time of a job in words, once it is worth saying."""

from __future__ import annotations

from sxtstudio.core import wording
from sxtstudio.core.progress import ProgressState

# Before this much is known, a remaining time would be a guess.
_SPEAK_AFTER_S, _SPEAK_FROM = 2.0, 0.02


def remaining_text(state: ProgressState | None) -> str:
    """Return "about 2 min left", or nothing while that cannot be known."""
    if state is None or state.remaining_s is None or state.fraction >= 1:
        return ""
    if state.elapsed_s < _SPEAK_AFTER_S or state.fraction < _SPEAK_FROM:
        return ""
    if state.remaining_s < 3:
        return "almost done"
    return f"about {wording.rough_duration(state.remaining_s)} left"
