"""One call of a network, and what to say when it fails on a slice though it ran on the patterns."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from sxtstudio.core.errors import UserError
from sxtstudio.segment.memory import is_out_of_memory
from sxtstudio.segment.runtime import ort


class ModelFailed(UserError):
    """The network cannot compute a slice, whatever the memory."""


def run_session(
    session: Any,
    heads: Sequence[str],
    feeds: Mapping[str, NDArray[Any]],
    options: ort.RunOptions | None = None,
) -> list[NDArray[Any]]:
    """Return the outputs ``heads`` of a session of ONNX Runtime.

    Raises
    ------
    ModelFailed
        If ONNX Runtime cannot compute them for these sizes, or was told to stop. Too little memory stays
        the error that it is: smaller tiles may help.
    """
    try:
        results: list[NDArray[Any]] = session.run(list(heads), dict(feeds), options)
        return results
    except Exception as error:  # its errors have no common class of their own
        if is_out_of_memory(error):
            raise
        height, width = next(iter(feeds.values())).shape[-2:]
        raise ModelFailed(
            f"The model cannot compute a piece of {height}×{width} px ({said(error)}). "
            "Choose other tiles, or another model."
        ) from error


def said(error: Exception, most: int = 160) -> str:
    """Return the first line of what a library said, without its codes and the full stop."""
    text = re.sub(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ", "", str(error).strip())
    line = text.splitlines()[0] if text else type(error).__name__
    return (line if len(line) <= most else line[: most - 1] + "…").rstrip(". ")
