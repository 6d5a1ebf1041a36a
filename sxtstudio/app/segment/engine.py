"""One loaded network for previews and estimates; loading it anew for each would take longer than the work."""

from __future__ import annotations

import shutil
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sxtstudio.core.geometry import Triple
from sxtstudio.core.polarity import Polarity
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import Volume
from sxtstudio.segment.parameters import SegmentParameters

if TYPE_CHECKING:
    from sxtstudio.segment import Estimate, Recognition, SliceRunner, TriedSlice


@dataclass(frozen=True)
class Costs:
    """What a segmentation will cost, on which device, and what memory and disk there are for it."""

    estimate: Estimate
    device: str
    device_reason: str
    memory_left: int
    disk_left: int


class PreviewEngine:
    """Keeps the runner of the latest model, device and tile size; its methods are called in threads."""

    def __init__(self) -> None:
        """Load nothing yet."""
        self._lock = threading.Lock()
        self._runner: SliceRunner | None = None
        self._key: tuple[Any, ...] = ()
        self._redraws = False

    def try_slice(
        self,
        volume: Volume,
        z: int,
        parameters: SegmentParameters,
        progress: Progress,
        known: Polarity | None = None,
    ) -> TriedSlice:
        """Segment slice ``z`` as the whole segmentation would, in doubt in either polarity.

        ``known`` is a verdict of the network, which is not asked again.
        """
        from sxtstudio.segment import try_slice

        with self._lock:
            runner = self._runner_for(parameters)
            progress.check()
            return try_slice(volume, z, parameters, known=known, runner=runner, progress=progress)

    def recognise(
        self, volume: Volume, z: int, parameters: SegmentParameters, progress: Progress
    ) -> Recognition:
        """Tell where the network does not recognise slice ``z``."""
        from sxtstudio.segment import recognise_slice

        with self._lock:
            runner = self._runner_for(parameters, image=True)
            progress.check()
            return recognise_slice(volume, z, parameters, runner=runner, progress=progress)

    def costs(self, shape: Triple, parameters: SegmentParameters, folder: Path, progress: Progress) -> Costs:
        """Estimate the segmentation of slices of ``shape`` (z, y, x) that are kept in ``folder``."""
        from sxtstudio.segment import estimate, load_card
        from sxtstudio.segment.memory import available_memory

        with self._lock:
            runner = self._runner_for(parameters, image=parameters.trust != "none")
            progress.check()
            card = load_card(parameters.model)
            found = estimate(
                shape,
                card,
                runner.device,
                tile_px=parameters.tile_px,
                probability=parameters.probability,
                trust=parameters.trust,
                neighbours=parameters.neighbours,
                noisy=parameters.noisy,
                runner=runner,
            )
            free = shutil.disk_usage(folder).free
            return Costs(found, runner.device.name, runner.device.reason, available_memory(), free)

    def close(self) -> None:
        """Give the memory of the network back; the next use loads it again."""
        with self._lock:
            self._drop()

    def _runner_for(self, parameters: SegmentParameters, image: bool = False) -> SliceRunner:
        from sxtstudio.segment import choose_device, load_card, make_runner

        card = load_card(parameters.model)
        key = (str(card.path), card.sha256, parameters.device, parameters.tile_px)
        # A runner that can redraw serves for labels as well; loading a model takes seconds.
        if self._runner is None or key != self._key or (image and not self._redraws):
            self._drop()
            device = choose_device(parameters.device)
            self._runner = make_runner(card, device, tile_px=parameters.tile_px, image=image)
            self._key, self._redraws = key, image
        return self._runner

    def _drop(self) -> None:
        if self._runner is not None:
            self._runner.close()
        self._runner, self._key = None, ()
