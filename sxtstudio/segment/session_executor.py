"""Slices through a whole graph at once: on a GPU, and for models that do not name their stages."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import numpy as np
import onnx
import onnxruntime

from sxtstudio.segment.cost import UnknownSizeError, cost
from sxtstudio.segment.device import Device, create_session
from sxtstudio.segment.graph import cut, footprint, input_name, peak_floats
from sxtstudio.segment.running import run_session
from sxtstudio.segment.stages import Check, Image, wait_for
from sxtstudio.segment.tiles import Shape2D

# Memory that onnxruntime's arena takes, compared with the tensors that are alive at once.
_ARENA_SURPLUS = 2.0


class Executor(Protocol):
    """Computes padded slices in one go, without a thought for how many fit into memory."""

    def run(self, slices: Image, check: Check, heads: Sequence[str] | None = None) -> dict[str, Image]:
        """Return the heads (n, y, x), or those named, for slices (n, y, x)."""

    def peak_bytes(self, shape: Shape2D, batch: int = 1) -> int:
        """Return the memory that ``batch`` slices of a size need."""

    def economise(self, shape: Shape2D, budget: float) -> None:
        """Need less memory for a slice of this size, if that is possible without smaller tiles."""

    def close(self) -> None:
        """Give threads and memory back."""


class SessionExecutor:
    """Runs the whole graph in one session."""

    def __init__(
        self, model: onnx.ModelProto, heads: Sequence[str], device: Device, threads: int | None = None
    ) -> None:
        """Cut away what the heads do not need; asking a session for one head still computes the other."""
        sizes = footprint(model)
        self._input = input_name(model)
        self.heads = tuple(heads)
        self._floats, self._weight_bytes = 0.0, 0
        self._parts: list[onnx.ModelProto] = []
        self._peaks: dict[Shape2D, float] = {}
        self._sessions: dict[tuple[str, ...], onnxruntime.InferenceSession] = {}
        # A session for the label alone, and one for all: the first computes most slices.
        for asked in dict.fromkeys((self.heads[:1], self.heads)):
            part = cut(model, [self._input], asked, sizes)
            content = part.SerializeToString()
            self._floats += peak_floats(part, sizes)
            self._parts.append(part)
            self._weight_bytes += len(content)
            self._sessions[asked] = create_session(content, device, threads=threads)
        self.session = self._sessions[self.heads]
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="session")

    def run(self, slices: Image, check: Check, heads: Sequence[str] | None = None) -> dict[str, Image]:
        """Return the heads (n, y, x), or those named, for normalised, padded slices (n, y, x)."""
        options = onnxruntime.RunOptions()
        asked = tuple(heads or self.heads)
        session = self._sessions.get(asked, self.session)
        feeds = {self._input: slices[:, np.newaxis]}
        job = self._pool.submit(run_session, session, list(asked), feeds, options)
        wait_for([job], check, stop=lambda: setattr(options, "terminate", True))
        return {head: result[:, 0] for head, result in zip(asked, job.result(), strict=True)}

    def peak_bytes(self, shape: Shape2D, batch: int = 1) -> int:
        """Return the memory that ``batch`` slices of a size need, the weights included."""
        if shape not in self._peaks:
            self._peaks[shape] = self._peak(shape)
        return int(_ARENA_SURPLUS * self._peaks[shape] * batch + 1.5 * self._weight_bytes)

    def economise(self, shape: Shape2D, budget: float) -> None:
        """Do nothing: one session has no parts that could wait."""

    def _peak(self, shape: Shape2D) -> float:
        """At this very size: what a tensor takes need not grow with the pixels, nor have four axes."""
        try:
            return sum(cost(part, *shape).peak_bytes for part in self._parts)
        except UnknownSizeError:
            return 4 * self._floats * shape[0] * shape[1]

    def close(self) -> None:
        """Give thread and memory back."""
        self._pool.shutdown(cancel_futures=True)
