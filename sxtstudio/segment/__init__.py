"""Outlining membranes: models, devices, and the segmentation of a tomogram. The only user of onnxruntime."""

from sxtstudio.segment.card import ModelCard
from sxtstudio.segment.check import check_model
from sxtstudio.segment.device import Device, choose_device
from sxtstudio.segment.parameters import Segmentation, SegmentParameters
from sxtstudio.segment.pipeline import segment
from sxtstudio.segment.preview import (
    Estimate,
    Recognition,
    SlicePreview,
    estimate,
    recognise_slice,
    segment_slice,
)
from sxtstudio.segment.registry import find_models, load_card
from sxtstudio.segment.runner import SliceRunner, make_runner

__all__ = [
    "Device",
    "Estimate",
    "ModelCard",
    "Recognition",
    "SegmentParameters",
    "Segmentation",
    "SlicePreview",
    "SliceRunner",
    "check_model",
    "choose_device",
    "estimate",
    "find_models",
    "load_card",
    "make_runner",
    "recognise_slice",
    "segment",
    "segment_slice",
]
