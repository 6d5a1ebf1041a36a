"""Notes of a reader, where the user knows better."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
from PIL import Image

from sxtstudio.core.volume import SizeUnknown
from sxtstudio.io import open_volume
from sxtstudio.workflow.document.views import notes_of


def test_the_note_on_a_missing_voxel_size_goes_where_one_is_given(tmp_path: Path) -> None:
    other = "voxel sizes of the thumbnail are not read"
    file = SimpleNamespace(notes=(SizeUnknown("nobody wrote it"), other))
    assert notes_of(file, None) == ("voxel size unknown: nobody wrote it", other)
    assert notes_of(file, (10.0, 10.0, 10.0)) == (other,)
    Image.fromarray(np.zeros((4, 5), np.uint8)).save(tmp_path / "a.png")
    with open_volume(tmp_path / "a.png") as read:
        assert len(notes_of(read, None)) == 1 and notes_of(read, (10.0, 10.0, 10.0)) == ()
