"""Slices through a network: the right way for the device, in tiles where memory asks for it.

The result does not depend on the tiles: slices are padded in one way, tiles carry the network's halo,
and halos end where the padded slice ends.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx

from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Triple
from sxtstudio.segment.card import ModelCard
from sxtstudio.segment.device import Device, available_cpus, session_device
from sxtstudio.segment.memory import (
    SMALLEST_TILE_PX,
    USABLE,
    available_memory,
    choose_tile,
    is_out_of_memory,
    with_halo,
)
from sxtstudio.segment.session_executor import Executor, SessionExecutor
from sxtstudio.segment.simplify import plain_weights
from sxtstudio.segment.stages import Check, Image, StagedExecutor, read_plan
from sxtstudio.segment.tiles import Shape2D, Tile, best_grid, grid_for_edge, pad_slices, plan_tiles, round_up

# Beyond this many pixels a session on the CPU spends more on memory traffic than tiles on their halo.
_CPU_SESSION_AREA = 600_000
# Beyond these bytes (estimated) tiles become smaller whatever is free: strangers' files ask for any.
_CPU_SESSION_BYTES = 4 << 30
_MOST_WORKERS = 16
# By how much the memory that is needed may be estimated too high.
_ESTIMATE_SURPLUS = 2
# So many pixels at once keep a GPU busy.
_GPU_PIXELS = 2_000_000


class SliceRunner:
    """Computes slices of any size with an executor, tiled to what the memory holds.

    Attributes
    ----------
    device
        Where they are computed; the CPU, with the reason, if a GPU turned out not to run the model.
    tile_px
        Edge of the tiles in use, without halo; None while slices are computed in one go.
    notes
        What the user should know, such as tiles made smaller for lack of memory.
    """

    def __init__(
        self,
        executor: Executor,
        *,
        device: Device,
        halo_px: int,
        multiple: int,
        slices: int = 1,
        tile_px: int | None = None,
        largest_area: float | None = None,
        largest_bytes: int | None = None,
        available: int | None = None,
    ) -> None:
        """Wrap an executor.

        Parameters
        ----------
        executor
            What computes padded slices.
        device
            Where it does so.
        halo_px, multiple
            The model's: how far it looks, and of what its input must be a multiple.
        slices
            How many neighbouring slices the model sees as channels.
        tile_px
            Wanted edge of the tiles; None chooses.
        largest_area
            Pixels, halo included, beyond which the executor becomes slow.
        largest_bytes
            Memory for which tiles are made smaller where no edge is wanted.
        available
            Bytes of memory that may be used; None where that is not known.
        """
        self.executor = executor
        self.device = device
        self.halo_px = halo_px
        self.multiple = multiple
        self.slices = slices
        self.tile_px = None if tile_px is None else round_up(tile_px, multiple)
        self.notes: list[str] = []
        self._asked = self._wanted = self.tile_px
        self._largest_area = largest_area
        self._largest_bytes = largest_bytes
        self._available = available
        self._at_once: int | None = None
        self._planned_for: tuple[Shape2D, int] | None = None

    def run(
        self, slices: Image, check: Check = lambda: None, *, heads: Sequence[str] | None = None
    ) -> dict[str, Image]:
        """Return the network's outputs for normalised slices.

        Parameters
        ----------
        slices
            float32 (n, slices, y, x), of any size. Single ones (n, y, x) stand in for their neighbours.
        check
            Called every 0.1 s; what it raises ends the computation.
        heads
            Names of the outputs to compute, the label first; None computes all that were asked for.

        Returns
        -------
        dict
            float32 (n, y, x) by the name of the model's output: labels (−1…1) and, if asked for, the image.

        Raises
        ------
        UserError
            If memory runs out even with the smallest tiles.
        """
        if slices.ndim == 3:
            slices = np.repeat(slices[:, np.newaxis], self.slices, axis=1)
        padded = np.ascontiguousarray(pad_slices(slices, self.multiple))
        shape: Shape2D = (padded.shape[2], padded.shape[3])
        self.plan(shape, len(slices))
        results: dict[str, list[Image]] = {}
        done = 0
        while done < len(padded):
            part = padded[done : done + (self._at_once or len(padded))]
            try:
                for head, values in self._run_tiles(part, shape, check, heads).items():
                    results.setdefault(head, []).append(values)
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
                self._ask_for_less(shape, len(part), error)
            else:
                done += len(part)
        height, width = slices.shape[2:]
        return {head: np.concatenate(parts)[:, :height, :width] for head, parts in results.items()}

    def plan(self, shape: Shape2D, batch: int = 1) -> tuple[int, int]:
        """Choose the tiles for slices of a size; return a slice's pixels, halos included, and the bytes."""
        padded = (round_up(shape[0], self.multiple), round_up(shape[1], self.multiple))
        if self._planned_for != (padded, batch):
            self._planned_for = (padded, batch)
            self.tile_px = self._wanted or self._tile_within_bounds(padded, batch)
            if self._available is not None:
                self._fit_into_memory(padded, batch, self._available)
        tiles = self._tiles(padded)
        largest = max((tile.outer for tile in tiles), key=lambda outer: outer.area)
        area = sum(tile.outer.area for tile in tiles)
        return area, self.executor.peak_bytes(largest.shape, batch)

    def renew(self, available: int | None) -> None:
        """Forget what the last tomogram taught of memory; ``available`` bytes are there now, None: as many.

        A runner that is kept for the next tomogram then plans, and notes, as a new one does.
        """
        self.tile_px = self._wanted = self._asked
        self._at_once, self._planned_for = None, None
        self._available = available
        self.notes.clear()

    def close(self) -> None:
        """Give threads and memory back."""
        self.executor.close()

    def _run_tiles(
        self, padded: Image, shape: Shape2D, check: Check, heads: Sequence[str] | None
    ) -> dict[str, Image]:
        tiles = self._tiles(shape)
        if len(tiles) == 1:
            return self.executor.run(padded, check, heads)
        results: dict[str, Image] = {}
        for tile in tiles:
            check()
            part = np.ascontiguousarray(padded[..., *tile.outer.at(1)])
            for head, values in self.executor.run(part, check, heads).items():
                whole = results.setdefault(head, np.empty_like(padded[:, 0]))
                whole[:, *tile.inner.at(1)] = values[:, *tile.inner.relative_to(tile.outer).at(1)]
        return results

    def _tiles(self, shape: Shape2D) -> list[Tile]:
        grid = (1, 1) if self.tile_px is None else grid_for_edge(shape, self.tile_px)
        return plan_tiles(shape, grid, self.halo_px, self.multiple)

    def _tile_for_speed(self, shape: Shape2D) -> int | None:
        if self._largest_area is None or shape[0] * shape[1] <= self._largest_area:
            return None
        rows, columns = best_grid(shape, self._largest_area, self.halo_px, self.multiple, 1)
        return round_up(max(-(-shape[0] // rows), -(-shape[1] // columns)), self.multiple)

    def _tile_within_bounds(self, shape: Shape2D, batch: int) -> int | None:
        """The tile for speed, or a smaller one if that takes more memory than it should."""
        tile_px = self._tile_for_speed(shape)
        if self._largest_bytes is None:
            return tile_px
        piece = shape if tile_px is None else with_halo(tile_px, self.halo_px, shape)
        if self.executor.peak_bytes(piece, batch) <= self._largest_bytes:
            return tile_px
        smaller = choose_tile(
            shape,
            batch,
            self.halo_px,
            self.multiple,
            self.executor.peak_bytes,
            int(self._largest_bytes / USABLE),
        )
        smallest = with_halo(SMALLEST_TILE_PX, round_up(self.halo_px, self.multiple), shape)
        needed = self.executor.peak_bytes(smallest, batch)
        if needed > _ESTIMATE_SURPLUS * self._largest_bytes:
            raise UserError(
                f"This model needs about {needed / 1e9:.1f} GB of memory for a piece of "
                f"{smallest[0]}×{smallest[1]} px, its smallest with what it must see around: choose another "
                "model, or a smaller halo in its card."
            )
        return smaller

    def _fit_into_memory(self, shape: Shape2D, batch: int, available: int) -> None:
        piece = shape if self.tile_px is None else with_halo(self.tile_px, self.halo_px, shape)
        self.executor.economise(piece, USABLE * available)
        affordable = choose_tile(
            shape, batch, self.halo_px, self.multiple, self.executor.peak_bytes, available
        )
        smallest = with_halo(SMALLEST_TILE_PX, self.halo_px, shape)
        needed = self.executor.peak_bytes(smallest, batch)
        if affordable == SMALLEST_TILE_PX and needed > _ESTIMATE_SURPLUS * available:
            # Asking would not fail but end other programs, or this one without a word.
            raise UserError(
                f"This model needs about {needed / 1e9:.1f} GB of memory even with the smallest tiles, and "
                f"{available / 1e9:.1f} GB are left. Close other programs, or choose a smaller model."
            )
        if affordable is not None and (self.tile_px is None or affordable < self.tile_px):
            self._note(
                f"There are {available / 1e9:.1f} GB of memory left, too little for "
                f"{_size(self.tile_px)}; slices are computed in tiles of {affordable} px instead. "
                "The result is the same, it takes longer."
            )
            self.tile_px = affordable

    def _ask_for_less(self, shape: Shape2D, batch: int, error: Exception) -> None:
        """After memory ran out: fewer slices at once, then smaller tiles."""
        if batch > 1:
            self._at_once = batch // 2
            self._note(f"Memory ran out with {batch} slices at once; went on with {self._at_once}.")
            return
        current = min(self.tile_px or max(shape), max(shape))
        smaller = round_up(current // 2, self.multiple)
        if current <= SMALLEST_TILE_PX or smaller >= current:
            raise UserError(
                "The memory is not enough for this model, even with the smallest tiles. "
                "Close other programs, or choose a smaller model or another device."
            ) from error
        self._note(
            f"Memory ran out with {_size(self.tile_px)}; went on with tiles of {smaller} px. "
            "The result is the same, it takes longer."
        )
        self.tile_px = self._wanted = smaller

    def _note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)


def make_runner(
    card: ModelCard,
    device: Device,
    *,
    tile_px: int | None = None,
    image: bool = False,
    threads: int | None = None,
    available: int | None = None,
) -> SliceRunner:
    """Load a model for a device.

    On a CPU a model that names its stages is computed stage by stage (see ``stages``), others in
    tiles of a size that the processor likes. On a GPU slices are computed in one go.

    Parameters
    ----------
    card
        The model; its file must be there.
    device
        Where it runs.
    tile_px
        Wanted edge of the tiles; None chooses by speed and memory.
    image
        Also compute the redrawn slice, under the card's ``image_output``.
    threads
        Processors to use; None takes all that the process may use, up to 16.
    available
        Bytes of memory that may be used; None looks.
    """
    if card.path is None:
        raise ValueError("the card is not attached to a model")
    heads = [card.label_output]
    if image and card.image_output:
        heads.append(card.image_output)
    model = onnx.load(card.path)
    plain_weights(model.graph)
    executor: Executor | None = None
    largest_area: float | None = None
    largest_bytes: int | None = None
    if device.is_gpu:
        executor = SessionExecutor(model, heads, device, threads)
        device = session_device(executor.session, device)
        if not device.is_gpu:
            executor.close()
            executor = None
    if executor is None:
        executor = _staged(model, heads, min(_MOST_WORKERS, threads or available_cpus()))
        if executor is None:
            executor = SessionExecutor(model, heads, device, threads)
            largest_area, largest_bytes = _CPU_SESSION_AREA, _CPU_SESSION_BYTES
        available = available_memory() if available is None else available
    return SliceRunner(
        executor,
        device=device,
        halo_px=card.halo_px,
        multiple=card.multiple,
        slices=card.slices,
        tile_px=tile_px,
        largest_area=largest_area,
        largest_bytes=largest_bytes,
        available=available,
    )


def _staged(model: onnx.ModelProto, heads: Sequence[str], workers: int) -> StagedExecutor | None:
    """The quick way for the CPU, for models whose metadata name their stages and fit their graph."""
    try:
        plan = read_plan(model, heads)
        return None if plan is None else StagedExecutor(model, plan, heads, workers)
    except ValueError:
        return None


def batch_size(device: Device, shape: Triple, wanted: int | None) -> int:
    """Return how many slices of a volume (z, y, x) go through the network at once.

    A processor gains nothing from more than one; a GPU does as long as slices are small.
    """
    if wanted is not None:
        return min(wanted, shape[0])
    if not device.is_gpu:
        return 1
    return max(1, min(shape[0], _GPU_PIXELS // (shape[1] * shape[2])))


def _size(tile_px: int | None) -> str:
    return "whole slices" if tile_px is None else f"tiles of {tile_px} px"
