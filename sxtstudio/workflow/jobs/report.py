"""The JSON report of a job: all that a methods section needs, and enough to do it again."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sxtstudio import __version__
from sxtstudio.core.atomic import atomic_write
from sxtstudio.core.trust import bars, least_certain, median, scale_of, trust_to_json
from sxtstudio.core.volume import VoxelSize
from sxtstudio.io import ExportReceipt
from sxtstudio.io.axes import axes_to_json
from sxtstudio.workflow.document.views import notes_of
from sxtstudio.workflow.jobs.cleaning import nothing_left

if TYPE_CHECKING:
    from sxtstudio.core.cleanup import CleanReport
    from sxtstudio.segment.parameters import SegmentationFacts
    from sxtstudio.workflow.jobs.segmenting import SegmentJob
    from sxtstudio.workflow.jobs.unchanged import KnownInput

# Raised whenever a key changes its meaning or goes; new keys do not count.
SCHEMA = "sxtstudio-report/1"
LIBRARIES = (
    "connected-components-3d",
    "edt",
    "h5py",
    "mrcfile",
    "numpy",
    "onnx",
    "onnxruntime",
    "onnxruntime-gpu",
    "pyvista",
    "scikit-image",
    "scipy",
    "tifffile",
    "vtk",
    "zarr",
)
FILL_MEANING = (
    "share of the segmented voxels that are no measurement: not numbers, or one value or nearly one in a "
    "region that reaches the border of the slice, with its soft edge. They have no labels, and no say in the "
    "normalisation or in the figures of trust."
)
TRUST_MEANING = (
    "certainty: the F1 that the network expects of its labels, its output (v + 1)/2 read as a probability "
    "(null where it labels nothing). On simulated tomograms unlike those of the training, slices of less "
    "certainty had more wrong labels, and missed more. recognised: share of the pixels that the network "
    "redraws within one standard deviation of its input (null in slices that it did not redraw); in the same "
    "tests this share did not tell how right the labels were. measured: share of the slice's pixels that are "
    "a measurement; the other figures are of these alone. Slices are counted from 0."
)


def new_report(job: str) -> dict[str, Any]:
    """Return the head of a report: schema, program, time, machine and versions."""
    return {
        "schema": SCHEMA,
        "job": job,
        "program": {"name": "SXT Studio", "version": __version__},
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "system": platform.system(),
            "release": platform.release(),
            "processor": platform.machine(),
            "cpus": os.cpu_count(),
        },
        "versions": {"python": platform.python_version(), **_library_versions()},
    }


def input_entry(known: KnownInput, voxel_nm: VoxelSize | None) -> dict[str, Any]:
    """Return what a report says of an input file; ``voxel_nm`` is the size that was used."""
    volume = known.volume
    return {
        "path": str(volume.path.absolute()),
        "format": volume.format,
        "shape_zyx": list(volume.shape),
        "axes": axes_to_json(volume.axes),
        "dtype": str(volume.dtype),
        "voxel_nm_zyx": plain(voxel_nm),
        "voxel_nm_zyx_in_file": plain(volume.voxel_nm),
        "origin_nm_zyx": plain(volume.origin_nm),
        "fingerprint": dict(known.fingerprint),
        "notes": list(volume.notes),
    }


def segment_report(
    job: SegmentJob,
    source: KnownInput,
    voxel_nm: VoxelSize | None,
    found: SegmentationFacts,
    cleaned: CleanReport | None,
    receipts: Sequence[ExportReceipt],
    seconds: Mapping[str, float],
) -> dict[str, Any]:
    """Return the report of a finished segmentation; ``seconds`` are its stages, one after another."""
    computed = found.slices[1] - found.slices[0] - found.resumed
    report = new_report("segment")
    report["input"] = input_entry(source, voxel_nm)
    report["model"] = {
        "name": found.card.name,
        "path": str(found.card.path),
        "sha256": found.card.sha256,
        "trained_on": found.card.trained_on,
    }
    report["parameters"] = {
        **plain(found.parameters),
        "threshold": found.threshold,
        "use": None if found.use is None else found.use.value,
        "slices": list(found.slices),
        "clean_up": plain(job.clean_up),
    }
    report["device"] = {"name": found.device, "reason": found.device_reason}
    report["polarity"] = {**plain(found.polarity), "sure": found.polarity.sure}
    report["slices"] = {"all": found.slices[1] - found.slices[0], "kept_from_earlier_run": found.resumed}
    report["seconds"] = {
        **{name: round(value, 3) for name, value in seconds.items()},
        "total": round(sum(seconds.values()), 3),
        "per_slice": round(seconds["segmentation"] / computed, 4) if computed else None,
        "within_segmentation_overlapping": dict(found.seconds),
    }
    report["voxels_labelled"] = {
        "by_the_network": found.voxels,
        "written": found.voxels if cleaned is None else cleaned.voxels_after,
    }
    report["not_measured"] = {"meaning": FILL_MEANING, "share": round(found.fill_share, 6)}
    report["trust"] = trust_entry(found)
    report["clean_up"] = None if cleaned is None else clean_entry(cleaned)
    report["outputs"] = [receipt_entry(receipt) for receipt in receipts]
    report["warnings"] = list(found.warnings)
    if cleaned is not None and found.voxels:  # else the segmentation warns itself
        report["warnings"] += nothing_left(cleaned)
    report["notes"] = [*notes_of(source.volume, job.voxel_nm), *found.notes_counted_from(0)]
    return report


def trust_entry(found: SegmentationFacts) -> dict[str, Any] | None:
    """Return what a report says of trust: what the figures mean, their medians, the worst slices, and all."""
    if found.trust is None:
        return None
    figures, first = found.trust, found.slices[0]
    scale = scale_of(figures)
    return {
        "meaning": TRUST_MEANING,
        "certainty_median": median([f.certainty for f in figures]),
        "recognised_median": median([f.recognised for f in figures]),
        "least_certain": [
            {"slice": first + i, "certainty": round(value, 4)} for i, value in least_certain(figures)
        ],
        "plot_of_certainty": bars(figures),
        "plot_from_to": None if scale is None else [round(scale.low, 4), round(scale.high, 4)],
        "first_slice": first,
        "per_slice": trust_to_json(figures),
    }


def clean_entry(report: CleanReport) -> dict[str, Any]:
    """Return what a report says of a clean-up: voxels, objects and seconds of each step."""
    return {
        "voxels_before": report.voxels_before,
        "voxels_after": report.voxels_after,
        "steps": [plain(step) for step in report.steps],
    }


def receipt_entry(receipt: ExportReceipt) -> dict[str, Any]:
    """Return what a report says of an output file."""
    return {
        "path": str(Path(receipt.path).absolute()),
        "format": receipt.format,
        "shape_zyx": list(receipt.shape),
        "dtype": str(receipt.dtype),
        "voxel_nm_zyx": plain(receipt.voxel_nm),
        "bytes": receipt.bytes,
        "verified_by_reading_back": receipt.verified,
    }


def write_report(path: Path, report: Mapping[str, Any]) -> None:
    """Write a report as JSON; a crash leaves no half file.

    Raises
    ------
    UserError
        If the file cannot be written.
    """
    text = json.dumps(plain(report), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    with atomic_write(path) as temporary:
        # A name that is not UTF-8 becomes \\udc.., which is how JSON writes such things.
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")


def plain(value: Any) -> Any:
    """Return ``value`` as JSON knows it: dataclasses become objects, paths text, NaN null."""
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    return str(value)


def _library_versions() -> dict[str, str]:
    versions = {}
    for name in LIBRARIES:
        # Of onnxruntime and onnxruntime-gpu only one is installed.
        with suppress(metadata.PackageNotFoundError):
            versions[name] = metadata.version(name)
    return versions
