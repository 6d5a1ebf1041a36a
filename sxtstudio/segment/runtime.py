"""onnxruntime: that of the package for NVIDIA cards where it is installed and works, else the own one.

Whatever computes imports ``ort`` from here. A broken package costs the card, and nothing else.
"""

from __future__ import annotations

import logging

from sxtstudio.core.add_ons import AddOn, give_up, use, wanted_version
from sxtstudio.segment.card_trial import problem_of_card

_LOG = logging.getLogger(__name__)
_NAME = "onnxruntime"
_LONGEST = 200


def bring_nvidia() -> None:
    """Import the onnxruntime of the package for NVIDIA's cards, or give that up for this process."""
    folder = use(AddOn.NVIDIA).folder
    if folder is None:
        return
    # Another process loads it first: what is broken may end this one, or never come back.
    problem = problem_of_card() or _problem()
    if problem:
        _LOG.error("the NVIDIA package in %s %s", folder, problem)
        give_up(AddOn.NVIDIA, folder, problem)


def _problem() -> str:
    """Return why its onnxruntime cannot be used, or ""."""
    try:
        import onnxruntime as found

        version, wanted = str(vars(found).get("__version__", "")), wanted_version(AddOn.NVIDIA)
    except KeyboardInterrupt:
        raise
    except (Exception, SystemExit) as error:  # whatever a package that is half there may raise
        said = " ".join(str(error).split()) or "no reason given"
        return f"does not work ({type(error).__name__}: {said[:_LONGEST]})"
    if version != wanted:
        return f"does not work (its {_NAME} is {version or 'empty'}, and should be {wanted})"
    return ""


bring_nvidia()

import onnxruntime as ort  # noqa: E402  (the right one of two is found from here on)

__all__ = ["bring_nvidia", "ort"]
