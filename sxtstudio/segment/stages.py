"""A U-net computed level by level, each level in small tiles: exact, and with little to compute twice.

A tile of the whole network needs a halo of almost 200 px, so that most of what is computed is thrown
away; the whole slice in one go needs many gigabytes and spends its time on memory. Between two levels
the network looks only a few pixels far. So the graph is cut there: every stage runs over the slice in
tiles that fit into the processor's cache, and the tensors between the stages are kept whole.

    input ─[skip_0]─[skip_1]─[skip_2]─[skip_3]─[neck]─[label_0]─[label_1]─[label_2]─[label]
                                                  └─────[image_0]─[image_1]─[image_2]─[image]

Where the cuts are, the model's metadata says (key ``sxt_stages``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from threading import local
from typing import Annotated, Any

import numpy as np
import onnx
from msgspec import Meta
from numpy.typing import NDArray

from sxtstudio.core.records import RecordError, json_values, record_of
from sxtstudio.segment.graph import Footprint, cut, footprint, input_name, peak_floats
from sxtstudio.segment.joins import split_joins
from sxtstudio.segment.running import run_session
from sxtstudio.segment.simplify import fills_blocks, merge_convolutions
from sxtstudio.segment.stage_session import open_stage, shrink_pool
from sxtstudio.segment.tiles import Shape2D, Tile, best_grid, plan_tiles
from sxtstudio.segment.upsampling import split_upsampling

METADATA_KEY = "sxt_stages"
Image = NDArray[np.float32]
Check = Callable[[], None]

# How often a running computation looks whether it has been cancelled.
POLL_S = 0.1
# Full-resolution pixels of a tile of the widest stage that narrow and wide networks like best
# (measured): narrow ones are limited by the cache, wide ones by arithmetic.
_NARROW_CHANNELS = 128
_TILE_AREA_NARROW, _TILE_AREA_WIDE = 25_000, 80_000
# onnxruntime reorders channels and keeps a little more than the tensors that are alive.
_RUNTIME_SURPLUS = 1.5
_Scale = Annotated[int, Meta(ge=1, le=4096)]


@dataclass(frozen=True)
class NetworkStage:
    """The part of a network between the tensors ``inputs`` and ``output``."""

    inputs: tuple[str, ...]
    output: str
    halo_px: Annotated[int, Meta(ge=0, le=4096)]


@dataclass(frozen=True)
class StagePlan:
    """Stages in the order in which they run; pixel size of each tensor, where that of ``source`` is 1."""

    source: str
    scales: dict[str, int]
    stages: tuple[NetworkStage, ...]

    def multiple(self, stage: NetworkStage) -> int:
        """Return the pixels to which tiles of a stage are aligned."""
        return max(self.scales[name] for name in (*stage.inputs, stage.output))

    def stages_for(self, heads: Sequence[str]) -> tuple[NetworkStage, ...]:
        """Return the stages that lead to some of the heads, in their order."""
        wanted = set(heads)
        for stage in reversed(self.stages):
            if stage.output in wanted:
                wanted.update(stage.inputs)
        return tuple(stage for stage in self.stages if stage.output in wanted)


def read_plan(model: onnx.ModelProto, heads: Sequence[str]) -> StagePlan | None:
    """Return the stages that lead to the outputs ``heads``, or None if the model does not name them.

    Raises
    ------
    ValueError
        If the metadata is there but makes no sense.
    """
    text = {entry.key: entry.value for entry in model.metadata_props}.get(METADATA_KEY)
    if text is None:
        return None
    what = f"the model's entry {METADATA_KEY} cannot be read"
    try:
        content = record_of(json_values(text, what), dict[str, Any], what)
        scales = record_of(content.get("tensors"), dict[str, _Scale], f"{what} at tensors")
        if not set(heads) <= set(content):
            return None
        found: dict[str, NetworkStage] = {}
        for head in heads:
            for stage in record_of(content[head], list[NetworkStage], f"{what} at {head}"):
                found.setdefault(stage.output, stage)
    except RecordError as error:
        raise ValueError(str(error).rstrip(".")) from error
    source = input_name(model)
    made = {source}
    for stage in found.values():
        named = {*stage.inputs, stage.output}
        known = set(stage.inputs) <= made and named <= set(scales)
        if not known:
            raise ValueError(f"the model's entry {METADATA_KEY} is inconsistent at {stage.output}")
        made.add(stage.output)
    if not set(heads) <= made or any(scales[name] != 1 for name in (source, *heads)):
        raise ValueError(
            f"the model's entry {METADATA_KEY} does not lead from {source} to {', '.join(heads)}"
        )
    return StagePlan(source, scales, tuple(found.values()))


class StagedExecutor:
    """Runs a network stage by stage on the CPU; tiles of a stage are shared among ``workers`` threads."""

    def __init__(
        self,
        model: onnx.ModelProto,
        plan: StagePlan,
        heads: Sequence[str],
        workers: int,
    ) -> None:
        """Cut the model and open a session for each stage; ValueError if the plan does not fit the model."""
        self.plan = plan
        self.heads = tuple(heads)
        self.workers = max(1, workers)
        self.sizes = footprint(model)
        self._slices = self.sizes.channels[plan.source]
        self._sessions: dict[str, Any] = {}
        self._peak: dict[str, float] = {}
        self.weight_bytes = 0
        for stage in plan.stages:
            floats = self.sizes.floats_per_px.get(stage.output, 0.0)
            if floats * plan.scales[stage.output] ** 2 != self.sizes.channels.get(stage.output):
                raise ValueError(f"{stage.output} has not the size that the model's entry says")
            part = cut(model, stage.inputs, [stage.output], self.sizes)
            # Parts take no more memory than what they are joined to.
            self._peak[stage.output] = peak_floats(part, self.sizes)
            blocks = fills_blocks(part.graph)
            if blocks:
                split_upsampling(part.graph)
            split_joins(part.graph, self.sizes.channels)
            merge_convolutions(part.graph)
            content = part.SerializeToString()
            self.weight_bytes += len(content)
            self._sessions[stage.output] = open_stage(content, blocks=blocks)
        self._places, self._kept_floats = place_tensors(plan, self.heads, self.sizes)
        self._buffer: Image = np.empty(0, np.float32)
        self._area_share = 1.0
        self._pool = ThreadPoolExecutor(self.workers, thread_name_prefix="stage")
        self._scratch = local()

    def run(self, slices: Image, check: Check, heads: Sequence[str] | None = None) -> dict[str, Image]:
        """Return the heads (n, y, x), or those named, for normalised, padded stacks (n, slices, y, x)."""
        results = {head: np.empty_like(slices[:, 0]) for head in heads or self.heads}
        stages = self.plan.stages_for(tuple(results))
        for i, image in enumerate(slices):
            self._run_slice(image, {head: result[i] for head, result in results.items()}, stages, check)
        return results

    def peak_bytes(self, shape: Shape2D, batch: int = 1) -> int:
        """Return the memory that a padded slice of this size needs, the weights included."""
        working = 0.0
        for stage in self.plan.stages:
            tiles = self.tiles(stage, shape)
            largest = max(tile.outer.area for tile in tiles)
            floats = self._peak[stage.output] * _RUNTIME_SURPLUS + self._input_floats(stage)
            working = max(working, floats * largest * min(self.workers, len(tiles)))
        area = shape[0] * shape[1]
        kept = self._kept_floats + 2 * (self._slices + len(self.heads)) * batch
        return int(4 * (kept * area + working) + 1.5 * self.weight_bytes)

    def economise(self, shape: Shape2D, budget: float) -> None:
        """Take smaller tiles, then fewer threads, until a slice fits into ``budget`` bytes, if it can."""
        while self.peak_bytes(shape) > budget and self._area_share > 0.25:
            self._area_share /= 2
        workers = self.workers
        while self.peak_bytes(shape) > budget and self.workers > 1:
            self.workers -= 1
        if self.workers < workers:
            self._pool.shutdown()
            self._pool = ThreadPoolExecutor(self.workers, thread_name_prefix="stage")

    def close(self) -> None:
        """End the threads and give the memory back."""
        self._pool.shutdown(cancel_futures=True)
        first = self.plan.stages[0]
        edge = self.plan.multiple(first)
        if first.output in self._sessions:
            shrink_pool(
                self._sessions[first.output],
                {self.plan.source: np.zeros((1, self._slices, edge, edge), np.float32)},
            )
        self._sessions.clear()
        self._buffer = np.empty(0, np.float32)

    def _run_slice(
        self, image: Image, results: dict[str, Image], stages: Sequence[NetworkStage], check: Check
    ) -> None:
        shape: Shape2D = (image.shape[1], image.shape[2])
        tensors = self._tensors(shape)
        tensors[self.plan.source] = image
        tensors |= {head: result[np.newaxis] for head, result in results.items()}
        for stage in stages:
            jobs = [
                self._pool.submit(self._run_tile, stage, tile, tensors) for tile in self.tiles(stage, shape)
            ]
            wait_for(jobs, check)

    def _run_tile(self, stage: NetworkStage, tile: Tile, tensors: dict[str, Image]) -> None:
        feeds = {}
        for i, name in enumerate(stage.inputs):
            part = tensors[name][:, *tile.outer.at(self.plan.scales[name])]
            feeds[name] = self._copy(part, i)[np.newaxis]
        (result,) = run_session(self._sessions[stage.output], [stage.output], feeds)
        scale = self.plan.scales[stage.output]
        kept = result[0][:, *tile.inner.relative_to(tile.outer).at(scale)]
        tensors[stage.output][:, *tile.inner.at(scale)] = kept

    def _copy(self, part: Image, slot: int) -> Image:
        """Copy into memory that the thread keeps: fresh pages for every tile would cost more."""
        if part.flags.c_contiguous:
            return part
        store: dict[int, Image] = self._scratch.__dict__.setdefault("store", {})
        if slot not in store or store[slot].size < part.size:
            store[slot] = np.empty(part.size, np.float32)
        copy = store[slot][: part.size].reshape(part.shape)
        np.copyto(copy, part)
        return copy

    def _tensors(self, shape: Shape2D) -> dict[str, Image]:
        """Views into one buffer, which is kept from slice to slice."""
        area = shape[0] * shape[1]
        total = round(self._kept_floats * area)
        if self._buffer.size < total:
            self._buffer = np.empty(0, np.float32)  # the old one goes before the new one comes
            self._buffer = np.empty(total, np.float32)
        tensors = {}
        for name, offset in self._places.items():
            scale = self.plan.scales[name]
            full = (self.sizes.channels[name], shape[0] // scale, shape[1] // scale)
            begin = round(offset * area)
            tensors[name] = self._buffer[begin : begin + int(np.prod(full))].reshape(full)
        return tensors

    def tiles(self, stage: NetworkStage, shape: Shape2D) -> list[Tile]:
        """Return how a stage is cut for padded slices of a size."""
        multiple = self.plan.multiple(stage)
        widest = max(self.sizes.channels[name] for name in (*stage.inputs, stage.output))
        area: float = _TILE_AREA_NARROW if widest < _NARROW_CHANNELS else _TILE_AREA_WIDE
        area *= self._area_share * max(self._peak.values()) / self._peak[stage.output]
        grid = best_grid(shape, area, stage.halo_px, multiple, self.workers)
        return plan_tiles(shape, grid, stage.halo_px, multiple)

    def _input_floats(self, stage: NetworkStage) -> float:
        return sum(self.sizes.floats_per_px[name] for name in stage.inputs)


def wait_for(jobs: Sequence[Future[Any]], check: Check, stop: Check = lambda: None) -> None:
    """Wait for jobs of a thread pool; if one fails or ``check`` raises, drop those not yet begun.

    ``stop`` is called in that case, to end the running ones sooner.
    """
    waiting: set[Future[Any]] = set(jobs)
    try:
        while waiting:
            done, waiting = wait(waiting, timeout=POLL_S, return_when=FIRST_EXCEPTION)
            for job in done:
                job.result()
            check()
    except BaseException:
        stop()
        for job in jobs:
            job.cancel()
        wait(jobs)
        raise


def place_tensors(plan: StagePlan, heads: Sequence[str], sizes: Footprint) -> tuple[dict[str, float], float]:
    """Lay the tensors between the stages into one buffer; those that are never needed together may overlap.

    Returns
    -------
    offsets, total
        In floats per full-resolution pixel. Input and heads have memory of their own.
    """
    made = {stage.output: i for i, stage in enumerate(plan.stages)}
    last = {name: i for i, stage in enumerate(plan.stages) for name in stage.inputs}
    size = {name: sizes.floats_per_px[name] for name in made if name not in heads}
    offsets: dict[str, float] = {}
    for name in sorted(size, key=lambda n: -size[n]):
        together = [n for n in offsets if made[n] <= last[name] and made[name] <= last[n]]
        offset = 0.0
        for other in sorted(together, key=lambda n: offsets[n]):
            if offset + size[name] <= offsets[other]:
                break
            offset = max(offset, offsets[other] + size[other])
        offsets[name] = offset
    return offsets, max((offsets[n] + size[n] for n in offsets), default=0.0)
