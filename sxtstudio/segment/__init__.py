"""Outlining membranes: models, devices, and the segmentation of a tomogram. The only user of onnxruntime."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sxtstudio.segment.card import ModelCard
    from sxtstudio.segment.check import check_model
    from sxtstudio.segment.device import Device, choose_device
    from sxtstudio.segment.parameters import Segmentation, SegmentParameters
    from sxtstudio.segment.pipeline import segment
    from sxtstudio.segment.preview import (
        Estimate,
        Recognition,
        SlicePreview,
        TriedSlice,
        estimate,
        recognise_slice,
        segment_slice,
        try_slice,
    )
    from sxtstudio.segment.registry import find_models, load_card
    from sxtstudio.segment.runner import SliceRunner, make_runner

_MODULES = {
    "card": ("ModelCard",),
    "check": ("check_model",),
    "device": ("Device", "choose_device"),
    "parameters": ("SegmentParameters", "Segmentation"),
    "pipeline": ("segment",),
    "preview": (
        "Estimate", "Recognition", "SlicePreview", "estimate",
        "recognise_slice", "segment_slice", "TriedSlice",
        "try_slice",
    ),
    "registry": ("find_models", "load_card"),
    "runner": ("SliceRunner", "make_runner"),
}  # fmt: skip

__all__ = [
    "Device",
    "Estimate",
    "ModelCard",
    "Recognition",
    "SegmentParameters",
    "Segmentation",
    "SlicePreview",
    "SliceRunner",
    "TriedSlice",
    "check_model",
    "choose_device",
    "estimate",
    "find_models",
    "load_card",
    "make_runner",
    "recognise_slice",
    "segment",
    "segment_slice",
    "try_slice",
]


def __getattr__(name: str) -> Any:
    """Load the engine when something of it is asked for.

    It takes a second; whoever only wants to know of an interrupted run (``checkpoint``) does without.
    """
    for module, names in _MODULES.items():
        if name in names:
            return getattr(importlib.import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
