"""Ranges of slices: what they cost beyond the whole, and how two workers share a tomogram.

    python -m bench.ranges [--slices 64] [--edge 512] [--per-range 32]

A tomogram of noise is segmented with the shipped model at once, then in ranges by one and by two processes,
each of which has one processor for itself. The efficiency is the time at once, on one processor, by twice
that of two workers, planning and joining included; the overhead is the processor time of all ranges by that
of the whole. On a busy machine only the processor times mean something. Last, how much of the search for
bodies is the part that ranges do.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from bench.measure import measure

MODEL = str(Path(__file__).parents[1] / "models" / "compact.onnx")


def make_tomogram(path: str, slices: int, edge: int) -> dict[str, float]:
    """Write a tomogram of smooth noise."""
    from scipy import ndimage

    from sxtstudio.core.volume import ArrayVolume
    from sxtstudio.io import export_volume

    noise = np.random.default_rng(0).normal(size=(slices, edge, edge)).astype(np.float32)
    export_volume(path, ArrayVolume(ndimage.gaussian_filter(noise, (1, 2, 2))), kind="image")
    return {}


def _on_one_processor(number: int) -> None:
    if hasattr(os, "sched_setaffinity"):
        processors = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {processors[number % len(processors)]})


def _job(tomogram: str, output: str) -> Any:
    from sxtstudio.segment import SegmentParameters
    from sxtstudio.workflow.jobs.segmenting import SegmentJob

    parameters = SegmentParameters(model=MODEL, device="cpu", polarity="dark")
    return SegmentJob(Path(tomogram), Path(output), parameters)


def at_once(tomogram: str, output: str) -> dict[str, float]:
    """Segment as a whole."""
    _on_one_processor(0)
    from sxtstudio.workflow.jobs.segmenting import segment_file

    begin = time.perf_counter()
    segment_file(_job(tomogram, output))
    return {"seconds": time.perf_counter() - begin, "processor": time.process_time()}


def plan(tomogram: str, output: str, per_range: int) -> dict[str, float]:
    """Plan the ranges."""
    _on_one_processor(0)
    from sxtstudio.workflow.ranges.planning import plan_segmentation

    begin = time.perf_counter()
    state = plan_segmentation(_job(tomogram, output), per_range)
    return {"seconds": time.perf_counter() - begin, "ranges": len(state.ranges)}


def work(output: str, worker: int, workers: int) -> dict[str, float]:
    """Do every so many-th range."""
    _on_one_processor(worker)
    from sxtstudio.segment.keeper import RunnerKeeper
    from sxtstudio.workflow.ranges.segmenting import SegmentRange, segment_range
    from sxtstudio.workflow.ranges.state import ranges_folder, read_state

    begin, keeper = time.perf_counter(), RunnerKeeper()
    folder = ranges_folder(Path(output))
    for number in range(worker, len(read_state(folder).ranges), workers):
        segment_range(SegmentRange(folder, number, "cpu"), keeper=keeper)
    keeper.close()
    return {"seconds": time.perf_counter() - begin, "processor": time.process_time()}


def finish(output: str) -> dict[str, float]:
    """Join the ranges."""
    _on_one_processor(0)
    from sxtstudio.workflow.ranges.finishing import finish_segmentation
    from sxtstudio.workflow.ranges.state import ranges_folder

    begin = time.perf_counter()
    finish_segmentation(ranges_folder(Path(output)))
    return {"seconds": time.perf_counter() - begin, "processor": time.process_time()}


def bodies(labels: str) -> dict[str, float]:
    """Time the search for bodies, and the part of it that ranges do."""
    _on_one_processor(0)
    from sxtstudio.core.bodies.find import BodyParameters, find_bodies, half_px_of, regions_in
    from sxtstudio.core.geometry import Box
    from sxtstudio.io import open_volume

    with open_volume(Path(labels)) as file:
        outlines = (file.read(Box.whole(file.shape)) != 0).astype(np.uint8)
    parameters, half = BodyParameters(), half_px_of(outlines)
    begin = time.process_time()
    regions = [regions_in(plane, parameters, half) for plane in outlines]
    slices = time.process_time() - begin
    begin = time.process_time()
    find_bodies(outlines, np.zeros(outlines.shape, np.uint32), parameters, regions_of=lambda z: regions[z])
    return {"slices": slices, "whole": time.process_time() - begin}


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--slices", type=int, default=64)
    parser.add_argument("--edge", type=int, default=512)
    parser.add_argument("--per-range", type=int, default=32)
    sizes = parser.parse_args()
    name = "bench.ranges"
    with tempfile.TemporaryDirectory() as folder:
        tomogram = f"{folder}/cell.mrc"
        measure(name, "make_tomogram", tomogram, sizes.slices, sizes.edge)
        whole = measure(name, "at_once", tomogram, f"{folder}/once.tif")
        print(f"at once: {whole.seconds:.1f} s, {whole.result['processor']:.1f} s of the processor")
        for workers in (1, 2):
            output = f"{folder}/by{workers}.tif"
            planned = measure(name, "plan", tomogram, output, sizes.per_range)
            with ThreadPoolExecutor(workers) as pool:
                begin = time.perf_counter()
                done = list(
                    pool.map(lambda n, w=workers, o=output: measure(name, "work", o, n, w), range(workers))
                )
                together = time.perf_counter() - begin
            joined = measure(name, "finish", output)
            same = Path(output).read_bytes() == Path(f"{folder}/once.tif").read_bytes()
            processor = sum(one.result["processor"] for one in done)
            seconds = planned.seconds + together + joined.seconds
            peak = max(one.peak_mib for one in done)
            overhead = processor / whole.result["processor"] - 1
            print(f"{workers} worker(s), {planned.result['ranges']:.0f} ranges, equal: {same}")
            print(f"  plan {planned.seconds:.1f} s, ranges {together:.1f} s, join {joined.seconds:.1f} s")
            print(f"  efficiency {whole.seconds / workers / seconds:.2f}, overhead of ranges {overhead:+.1%}")
            print(f"  peak {peak:.0f} MiB, join {joined.peak_mib:.0f} MiB (at once {whole.peak_mib:.0f} MiB)")
        found = measure(name, "bodies", f"{folder}/once.tif").result
        share = found["slices"] / (found["slices"] + found["whole"])
        print(f"bodies: {share:.0%} of the processor time is done by ranges")


if __name__ == "__main__":
    main()
