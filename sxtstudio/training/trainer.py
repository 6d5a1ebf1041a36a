"""The training loop: step, judge, save, obey, until there is a reason to end."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from sxtstudio.core.errors import Cancelled, UserError
from sxtstudio.training.blending import blended
from sxtstudio.training.choosing import Counts, choose_panel
from sxtstudio.training.config import TrainConfig
from sxtstudio.training.control import Control
from sxtstudio.training.crops import CropMaker, Crops, Spectra
from sxtstudio.training.dataset import Dataset
from sxtstudio.training.distributed import TrainingGroup, choose_precision
from sxtstudio.training.evaluation import COUNTED_AS, Judged, NetworkScores, judge
from sxtstudio.training.events import Events
from sxtstudio.training.network import BATCH_NORM_MOMENTUM, DeepSXT
from sxtstudio.training.protocols import Losses
from sxtstudio.training.results import draw_curves, write_preview
from sxtstudio.training.run_state import FILE, RunState, Weights, load_run, save_run
from sxtstudio.training.teacher import pseudo_labels, ramp

_GO_ON, _CANCEL = "", "cancel"
_ENDS = (_GO_ON, "steps", "minutes", "plateau", "stopped", _CANCEL)
_SMOOTH = 0.9  # share of the old value in the running means of the losses
_REPORT_STEPS, _REPORT_S = 10, 1.0
_CLIP = 2.0  # largest norm of a quick step's gradient


class Trainer:
    """Trains a network; after ``run`` the attribute ``best`` holds the best weights."""

    def __init__(
        self,
        config: TrainConfig,
        data: Dataset,
        network: DeepSXT,
        folder: Path,
        events: Events,
        control: Control,
        group: TrainingGroup,
        *,
        from_model: bool = False,
        threshold: float = 0.0,
    ) -> None:
        """Prepare a training of ``network``; a state in ``folder`` is taken up.

        ``from_model``: the weights are those of a model, whose scores are those to beat.
        """
        self.config, self.data, self.folder = config, data, folder
        self.events, self.control, self.group = events, control, group
        self.plan = config.training
        self.threshold = threshold
        self.network = network.to(group.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.averaged = self._copy() if config.method == "quick" and self.plan.average > 0 else None
        self._start = self._copy() if self.plan.keep_start else None
        self.optimiser = torch.optim.Adam(self.network.parameters(), lr=self.plan.learning_rate)
        self.state = RunState()
        self.best: Weights | None = None
        self.resumed = (folder / FILE).exists()
        if self.resumed:
            self.state, self.best = load_run(
                folder, self.network, self.averaged, self.optimiser, config.fingerprint()
            )
            events.forget_after(self.state.step)
        self.from_model = from_model
        keep_norms = from_model and self.plan.norms == "keep" and config.method == "quick"
        self._warm_norms = config.method == "quick" and not from_model
        mixed = choose_precision(self.plan.precision, config.method, group.device)
        losses = Losses(
            self.network,
            config.method,
            data.data_range,
            mixed,
            keep_norms,
            compiled=self.plan.compile,
            agree=self.plan.agree,
            teach=self.plan.teach,
        )
        self.losses = group.wrap(losses)
        self.maker = CropMaker(
            data,
            config.augmentation,
            self.plan.crop_px,
            self.plan.seed,
            slices=network.slices,
            soft_bodies=self.plan.soft_bodies,
            own_appearance=self.plan.own_appearance,
            spectra=self._spectra(),
            restore=self.plan.restore and config.method == "quick",
        )
        varied = config.augmentation == "appearances" and config.method == "quick"
        self._in_two = varied and (self.plan.agree > 0 or self.plan.teach > 0)
        self.panel = choose_panel(data.held_out, data.reader, self.plan)
        self._judged_key = self.panel.key(threshold, self.plan.keep_start, COUNTED_AS)
        self._saved = self.state.step  # there is nothing to lose yet
        self._began, self._paused = time.monotonic(), 0.0
        self._first_step, self._first_seconds = self.state.step, self.state.seconds
        self._reported_at = time.monotonic()
        self._step_seconds = self._judge_seconds = 0.0
        self._judgements = 0

    def run(self) -> str:
        """Train, and return why it ended: steps, minutes, plateau or stopped.

        Raises
        ------
        Cancelled
            If that was ordered; the state has been saved.
        UserError
            If the memory or the disk is full, or the losses are not numbers any more.
        """
        with ThreadPoolExecutor(1, "crops") as ahead:
            crops = ahead.submit(self.crops, self.state.step)
            while True:
                end, share = self._decide()
                if end or (self.state.step % self.plan.save_every == 0 and self._saved != self.state.step):
                    self.save()
                if end == _CANCEL:
                    raise Cancelled
                if end:
                    return end
                began = time.monotonic()
                ready = crops.result()
                crops = ahead.submit(self.crops, self.state.step + 1)
                with memory_errors_explained(self.plan.crop_px, self.network.width):
                    self.step(ready, share)
                self._step_seconds += time.monotonic() - began
                self._report_step()

    def crops(self, step: int) -> Crops:
        """Return this process's crops of a step; those with labels come first."""
        plan = self.plan
        labelled, unlabelled = self.group.share(plan.crops), self.group.share(plan.unlabelled_crops)
        learn_unlabelled = bool(self.data.unlabelled) and plan.unlabelled_crops > 0
        if self.config.method == "published":
            if step % 2 and learn_unlabelled:
                return self.maker.unlabelled(step, unlabelled)
            return self.maker.labelled(step, labelled)
        crops = self.maker.labelled(step, labelled)
        if not learn_unlabelled or not self._with_image(step):
            return crops
        make = self.maker.in_two_appearances if self._in_two else self.maker.unlabelled
        return crops.and_unlabelled(make(step, unlabelled))

    def step(self, crops: Crops, share: float) -> None:
        """Learn from the crops of one step; ``share`` (0…1) is how much of the training is over."""
        self.losses.train()
        if self._warm_norms:
            # Statistics are plain means at first: with the published constant they lag for hundreds of steps.
            for module in self.network.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.momentum = max(BATCH_NORM_MOMENTUM, 1 / (self.state.step + 1))
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate(self.state.step, share)
        images = self._to_device(crops.images)
        labels = None if crops.labels is None else self._to_device(crops.labels)
        targets = None if crops.targets is None else self._to_device(crops.targets)
        pseudo = None if crops.plain is None else self._taught(self._to_device(crops.plain))
        with_image = self._with_image(self.state.step)
        total, label, image = self.losses(images, labels, with_image, targets, pseudo, ramp(share))
        # Without a gradient Adam leaves a weight as it is; a gradient of zero would still move it.
        self.optimiser.zero_grad(set_to_none=True)
        total.backward()
        if self.config.method == "quick":
            nn.utils.clip_grad_norm_(self.network.parameters(), _CLIP)
        if not math.isfinite(float(total.detach())):
            raise UserError(
                "The training has lost its way: the loss is not a number any more. Begin anew (--restart) "
                "with a smaller learning_rate."
            )
        self.optimiser.step()
        self.state.label_loss = _smoothed(self.state.label_loss, float(label))
        self.state.image_loss = _smoothed(self.state.image_loss, float(image))
        if self.averaged is not None:
            step = self.state.step
            move_average(self.averaged, self.network, min(self.plan.average, (step + 1) / (step + 10)))
        self.state.step += 1

    def rate(self, step: int, share: float) -> float:
        """Return the learning rate: constant as published; else a short rise, then a half cosine to 1 %."""
        if self.config.method == "published":
            return self.plan.learning_rate
        if step < self.plan.warm_up:
            return self.plan.learning_rate * (step + 1) / self.plan.warm_up
        return self.plan.learning_rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, share))))

    def made_of(self, network: DeepSXT) -> DeepSXT:
        """Return the network that would come of these weights: what is judged, and what is made at the end.

        With ``keep_start`` it keeps that share of the weights before training.
        """
        return network if self._start is None else blended(network, self._start, self.plan.keep_start)

    def judge(self, network: DeepSXT, on_slice: Callable[[Judged], None]) -> NetworkScores:
        """Return how well ``network``, which lies on this process's device, does on the held-out slices."""
        return judge(
            network,
            self.data.reader,
            self.panel.refs,
            self.config.method,
            data_range=self.data.data_range,
            threshold=self.threshold,
            device=self.group.device,
            check=self.control.progress.check,
            on_slice=on_slice,
        )

    def evaluate(self) -> None:
        """Judge what would come of the weights, and keep these if none were clearly better."""
        state, began = self.state, time.monotonic()
        weights = self.network if self.averaged is None else self.averaged
        self._judge_best_anew()
        previews: list[Judged] = []
        scores = self.judge(
            self.made_of(weights), lambda judged: previews.append(judged) if not previews else None
        )
        counts = self.panel.counts(scores.windows)
        f1 = self.panel.f1(counts)
        record = self._is_record(f1, scores.label_loss)
        best = record or self._is_as_good(f1, counts)
        if record:
            state.highest_f1, state.highest_counts = f1, counts.tolist()
        if best:
            self.best = {name: value.detach().clone() for name, value in weights.state_dict().items()}
            state.best_step, state.best_f1, state.best_loss = state.step, f1, scores.label_loss
        lower = scores.label_loss < state.lowest_loss
        state.lowest_loss = min(state.lowest_loss, scores.label_loss)
        state.waited = 0 if lower or record or state.step == 0 else state.waited + 1
        state.evaluated = state.step
        agreement = scores.agreement
        self.events.write(
            "evaluate",
            step=state.step,
            label_share=scores.label_share,
            image_share=scores.image_share,
            test_label_loss=scores.label_loss,
            test_image_loss=scores.image_loss,
            precision=agreement.precision,
            recall=agreement.recall,
            f1=agreement.f1,
            best=best,
        )
        if self.plan.preview and previews:
            write_preview(self.folder / "preview.npz", previews[0])
            self.events.write("preview", step=state.step, file="preview.npz")
        draw_curves(self.folder)
        self._judgements += 1
        self._judge_seconds += time.monotonic() - began

    def save(self) -> None:
        """Write the state; only the first process does."""
        self.state.seconds = self._seconds()
        if self.group.first:
            save_run(
                self.folder,
                self.state,
                self.network,
                self.averaged,
                self.best,
                self.optimiser,
                self.config.fingerprint(),
            )
        self._saved = self.state.step

    def _decide(self) -> tuple[str, float]:
        """Return the reason to end, if any, and the share of the training that is over: alike everywhere."""
        end = _GO_ON
        if self.group.first:
            try:
                end = self._reason()
                if end or self.state.step % self.plan.evaluate_every == 0:
                    if self.state.evaluated != self.state.step:
                        self.evaluate()
                    end = self._reason()
                if not end:
                    self._pause()
                    end = self._reason()
            except Cancelled:
                end = _CANCEL
        code, share = self.group.agree(_ENDS.index(end), self._share())
        return _ENDS[int(code)], share

    def _reason(self) -> str:
        self.control.progress.check()
        plan, state = self.plan, self.state
        if plan.steps is not None and state.step >= plan.steps:
            return "steps"
        if plan.minutes is not None and state.step and self._seconds() >= 60 * plan.minutes:
            return "minutes"
        if plan.plateau and state.waited >= plan.plateau:
            return "plateau"
        return "stopped" if self.control.stopped else _GO_ON

    def _pause(self) -> None:
        step = self.state.step
        self._paused += self.control.wait_while_paused(
            lambda: self.events.write("paused", step=step), lambda: self.events.write("resumed", step=step)
        )

    def _is_record(self, f1: float, label_loss: float) -> bool:
        state = self.state
        if state.step == 0 and not self.from_model:
            return False  # an untrained network that calls everything membrane can score above a young one
        if self.config.method == "published":
            return label_loss < state.best_loss
        # While nothing is found yet, all F1 are 0 and the loss decides.
        return (f1, -label_loss) > (state.highest_f1, -state.best_loss)

    def _is_as_good(self, f1: float, counts: Counts) -> bool:
        """Return whether later weights are no worse than the best, as far as the figures can tell."""
        if self.config.method == "published" or not self.state.highest_counts:
            return False
        highest = np.array(self.state.highest_counts, np.int64)
        return f1 >= self.state.highest_f1 - self.panel.chance(highest, counts)

    def _judge_best_anew(self) -> None:
        """Judge the best weights so far once more if their figures are of other slices or settings.

        So it is where a training is taken up with other intervals, or by a later version.
        """
        state = self.state
        if state.judged == self._judged_key:
            return
        state.judged = self._judged_key
        if self.best is None:
            return
        kept = self._copy()
        kept.load_state_dict(self.best)
        scores = self.judge(self.made_of(kept), lambda judged: None)
        counts = self.panel.counts(scores.windows)
        state.best_f1 = state.highest_f1 = self.panel.f1(counts)
        state.best_loss, state.highest_counts = scores.label_loss, counts.tolist()

    def _taught(self, plain: Tensor) -> Tensor:
        """Return the labels (n, 1, y, x) that the running mean of the weights gives crops; none: all 0."""
        if self.averaged is None or self.plan.teach == 0:
            return torch.zeros_like(plain[:, :1])
        return pseudo_labels(self.averaged, plain)

    def _spectra(self) -> Spectra | None:
        plan = self.plan
        return Spectra(plan.spectra, plan.spectra_slow, plan.spectra_grain) if plan.spectra else None

    def _with_image(self, step: int) -> bool:
        return self.config.method == "published" or step % self.plan.image_every == 0

    def _share(self) -> float:
        steps = self.state.step - self.plan.warm_up
        share = steps / max(1, self.plan.steps - self.plan.warm_up) if self.plan.steps else 0.0
        if self.plan.minutes:
            share = max(share, self._seconds() / (60 * self.plan.minutes))
        return min(1.0, max(0.0, share))

    def _seconds(self) -> float:
        return self._first_seconds + time.monotonic() - self._began - self._paused

    def _report_step(self) -> None:
        now, state = time.monotonic(), self.state
        if state.step % _REPORT_STEPS and now - self._reported_at < _REPORT_S:
            return
        self._reported_at = now
        self.events.write(
            "step",
            step=state.step,
            of=self.expected_steps(),
            label_loss=state.label_loss,
            image_loss=state.image_loss,
            seconds=self._seconds(),
            remaining_s=self._remaining(),
        )

    def expected_steps(self) -> int | None:
        """Return how many steps it will be; with a limit of time an estimate, None before the first step."""
        each = self._seconds_per_step()
        if self.plan.minutes is None or each is None:
            return self.plan.steps
        reached = self.state.step + max(0.0, 60 * self.plan.minutes - self._seconds()) / each
        return min(round(reached), self.plan.steps or round(reached))

    def _remaining(self) -> float | None:
        each, of = self._seconds_per_step(), self.expected_steps()
        return None if each is None or of is None else each * max(0, of - self.state.step)

    def _seconds_per_step(self) -> float | None:
        """Return what a step takes with its share of the evaluations, None before the first step."""
        steps = self.state.step - self._first_step
        if not steps:
            return None
        judging = self._judge_seconds / max(1, self._judgements) / self.plan.evaluate_every
        return self._step_seconds / steps + judging

    def _copy(self) -> DeepSXT:
        copy = DeepSXT(self.network.width, self.network.slices).to(self.group.device)
        copy.load_state_dict(self.network.state_dict())
        return copy.eval()

    def _to_device(self, array: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> Tensor:
        return torch.from_numpy(array).to(self.group.device, memory_format=torch.channels_last)


def move_average(averaged: DeepSXT, network: DeepSXT, keep: float) -> None:
    """Move the running mean of the weights towards the network's; ``keep`` is the share of the old mean."""
    current: Weights = network.state_dict()
    with torch.no_grad():
        for name, mean in averaged.state_dict().items():
            if mean.dtype.is_floating_point:
                mean.lerp_(current[name].to(mean.dtype), 1 - keep)
            else:
                mean.copy_(current[name])


@contextmanager
def memory_errors_explained(crop_px: int, width: int) -> Iterator[None]:
    """Turn an exhausted memory into a sentence."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, MemoryError | torch.OutOfMemoryError) or "allocate memory" in str(error):
            raise UserError(
                f"There is not enough memory for crops of {crop_px} pixels with base width {width}: "
                "make crop_px or crops smaller, or close other programs."
            ) from error
        raise


def _smoothed(mean: float | None, value: float) -> float | None:
    if math.isnan(value):
        return mean
    return value if mean is None else _SMOOTH * mean + (1 - _SMOOTH) * value
