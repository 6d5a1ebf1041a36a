"""Which writer makes a format of another program from a label image."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from sxtstudio.core.handover import Form
from sxtstudio.core.label_image import HandedOver, LabelImage
from sxtstudio.core.progress import Progress

LabelWriter = Callable[[Path, LabelImage, Progress], HandedOver]

LABEL_WRITERS: Mapping[Form, LabelWriter] = {}
