"""Records of a beamtime as they come from watched folders, with names that strangers gave."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from PIL import Image

from sxtstudio.core.quality.dictionary import FigureName
from sxtstudio.core.quality.record import Quality, QualityFigure, QualityFlag
from sxtstudio.workflow.beamtime.record import (
    PictureKind,
    RecordFolder,
    TomogramRecord,
    TomogramState,
    record_for,
)

NOON = datetime(2026, 11, 27, 12).timestamp()
DAY_S = 86_400.0
MakeRecord = Callable[..., TomogramRecord]


def make(
    name: str, day: int = 0, nm: float = 40.0, flag: QualityFlag = QualityFlag.GOOD, **more: object
) -> TomogramRecord:
    """A tomogram that is done, of the third day or so of a beamtime."""
    when = NOON + day * DAY_S
    record = record_for(Path("/data/in") / name, {"value": f"{name}{day}"}, (1, 100, when, when + 5))
    sentence = f"Details below {nm:g} nm are lost in the noise."
    figures = (
        QualityFigure(FigureName.RESOLUTION, nm, "nm", flag, sentence),
        QualityFigure(FigureName.CELL, 0.25, "share", QualityFlag.GOOD, "A quarter of it is cell."),
    )
    quality = Quality(name, (4, 60, 80), (20.0, 10.0, 10.0), figures)
    done = replace(
        record,
        state=TomogramState.DONE,
        labels=f"/data/in/{name}.labels.tif",
        shape=(4, 60, 80),
        voxel_nm=(20.0, 10.0, 10.0),
        labelled=0.05,
        seconds=600.0,
        quality=quality,
        objects={"Vesicle": 3, "": 1},
        pictures=tuple(PictureKind),
    )
    return replace(done, **more)


@pytest.fixture
def make_record() -> MakeRecord:
    return make


@pytest.fixture
def page(tmp_path: Path) -> RecordFolder:
    """Two days, one tomogram that failed, and pictures of those that are done."""
    records = RecordFolder(tmp_path / "page")
    for record in (
        make("<img src=x onerror=alert(1)>.mrc", 0, 40.0),
        make("Zoë Łódź 細胞.mrc", 0, 44.0, QualityFlag.LOOK),
        make("</script>&amp;\u2028.mrc", 1, 50.0, QualityFlag.BAD),
        make(
            "broken.mrc",
            1,
            state=TomogramState.FAILED,
            messages=("It is cut off: copy it again.",),
            pictures=(),
        ),
    ):
        records.write(record)
        for kind in record.pictures:
            file = records.folder / (record.picture(kind) or "")
            Image.new("L", (30, 20), 90).save(file)
    return records
