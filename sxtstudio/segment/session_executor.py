"""Slices through a whole graph at once: on a GPU, and for models that do not name their stages."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import onnx

from sxtstudio.segment.cost import TILE_PX, UnknownSizeError, cost
from sxtstudio.segment.device import Device, create_session
from sxtstudio.segment.graph import cut, footprint, input_name, peak_floats
from sxtstudio.segment.running import run_session
from sxtstudio.segment.runtime import ort
from sxtstudio.segment.stages import Check, Image, wait_for
from sxtstudio.segment.tiles import Shape2D

# Memory that onnxruntime's arena takes, compared with the tensors that are alive at once.
_ARENA_SURPLUS = 2.0
# Beyond so many bytes for a tile of usual size there is no arena, which costs half of the speed: for tiles of
# several sizes one took 3.8 GB where the tensors have 1.6. The published network takes half as many bytes.
_LARGE = 1 << 30


class Executor(Protocol):
    """Computes padded slices in one go, without a thought for how many fit into memory."""

    def run(self, slices: Image, check: Check, heads: Sequence[str] | None = None) -> dict[str, Image]:
        """Return the heads (n, y, x), or those named, for stacks (n, slices, y, x)."""

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
        self._floats: list[float] = []
        self._weight_bytes = 0
        self._parts: list[onnx.ModelProto] = []
        contents: dict[tuple[str, ...], bytes] = {}
        self._peaks: dict[Shape2D, list[float]] = {}
        self._sessions: dict[tuple[str, ...], ort.InferenceSession] = {}
        # A session for the label alone, and one for all: the first computes most slices.
        for asked in dict.fromkeys((self.heads[:1], self.heads)):
            part = cut(model, [self._input], asked, sizes)
            content = part.SerializeToString()
            self._floats.append(peak_floats(part, sizes))
            self._parts.append(part)
            self._weight_bytes += len(content)
            contents[asked] = content
        frugal = not device.is_gpu and max(self._needed((TILE_PX, TILE_PX))) > _LARGE
        for asked, content in contents.items():
            self._sessions[asked] = create_session(content, device, threads=threads, whole_slice=frugal)
        self.session = self._sessions[self.heads]
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="session")

    def run(self, slices: Image, check: Check, heads: Sequence[str] | None = None) -> dict[str, Image]:
        """Return the heads (n, y, x), or those named, for normalised, padded stacks (n, slices, y, x)."""
        options = ort.RunOptions()
        asked = tuple(heads or self.heads)
        session = self._sessions.get(asked, self.session)
        feeds = {self._input: slices}
        job = self._pool.submit(run_session, session, list(asked), feeds, options)
        wait_for([job], check, stop=lambda: setattr(options, "terminate", True))
        return {head: result[:, 0] for head, result in zip(asked, job.result(), strict=True)}

    def peak_bytes(self, shape: Shape2D, batch: int = 1) -> int:
        """Return the memory that ``batch`` slices of a size need, the weights included."""
        return int(_ARENA_SURPLUS * sum(self._needed(shape)) * batch + 1.5 * self._weight_bytes)

    def economise(self, shape: Shape2D, budget: float) -> None:
        """Do nothing: one session has no parts that could wait."""

    def _needed(self, shape: Shape2D) -> list[float]:
        """Bytes of each session at this very size: not all grow with the pixels, nor have four axes."""
        if shape not in self._peaks:
            self._peaks[shape] = self._peak(shape)
        return self._peaks[shape]

    def _peak(self, shape: Shape2D) -> list[float]:
        try:
            return [cost(part, *shape).peak_bytes for part in self._parts]
        except UnknownSizeError:
            return [4 * floats * shape[0] * shape[1] for floats in self._floats]

    def close(self) -> None:
        """Give thread and memory back."""
        self._pool.shutdown(cancel_futures=True)
