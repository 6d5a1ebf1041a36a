"""Which versions work together: the same results from each worker need the same program."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version

from sxtstudio import __version__
from sxtstudio.core.errors import UserError
from sxtstudio.core.wording import cut

_LIBRARIES = ("distributed", "numpy", "onnxruntime", "onnxruntime-gpu")


def own_versions() -> dict[str, str]:
    """Return the versions of what a worker must have in common with the batch."""
    found = {"SXT Studio": __version__, "Python": ".".join(platform.python_version_tuple()[:2])}
    for name in _LIBRARIES:
        try:
            found[name.removesuffix("-gpu")] = version(name)
        except PackageNotFoundError:
            continue
    return found


def check_versions(wanted: Mapping[str, str], own: Mapping[str, str], host: str) -> None:
    """Refuse a worker whose versions are others than those of the batch.

    Raises
    ------
    UserError
        If they are.
    """
    differing = [
        f"{name} {cut(own.get(name, 'that is missing'))} instead of {cut(text)}"
        for name, text in sorted(wanted.items())
        if own.get(name) != text
    ]
    if differing:
        raise UserError(
            f"The worker on {host} has {', '.join(differing)}, and its results could differ: install the "
            "same version of SXT Studio there, or name it in the profile (program)."
        )
