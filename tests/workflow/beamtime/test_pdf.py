"""The summary as PDF, read by poppler where that is there."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

from sxtstudio.core.errors import UserError
from sxtstudio.core.quality.record import QualityFlag
from sxtstudio.workflow.beamtime import pdf as module
from sxtstudio.workflow.beamtime.pdf import MOST_PICTURES, caption_of, write_pdf
from sxtstudio.workflow.beamtime.record import PictureKind, RecordFolder

needs_poppler = pytest.mark.skipif(shutil.which("pdftotext") is None, reason="poppler-utils are not there")


@needs_poppler
def test_another_reader_finds_names_days_and_pictures(page: RecordFolder) -> None:
    path = write_pdf(page.folder, "Beamtime <b>", list(page))
    words = ["pdftotext", "-layout", str(path), "-"]
    text = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert "Beamtime <b>" in text and "4 tomograms, 3 done, 3 to look at" in text
    assert "<img src=x" in text and "Zoë Łódź □□.mrc" in text
    assert "It is cut off: copy it again." in text and "Details below 50 nm are lost" in text
    assert re.search(r"Resolution +50 nm \(\+8 nm\) +42 nm", text)
    found = subprocess.run(["pdfimages", "-list", str(path)], capture_output=True, text=True, check=True)
    assert "jpeg" in found.stdout
    info = subprocess.run(["pdfinfo", str(path)], capture_output=True, text=True, check=True).stdout
    assert "JavaScript:      no" in info and "A4" in info


@needs_poppler
def test_what_is_doubted_of_labels_is_said(tmp_path: Path, make_record) -> None:
    record = make_record(
        "guessed.mrc", doubts=("Whether membranes are dark is not sure: look.",), pictures=()
    )
    path = write_pdf(tmp_path, "Beamtime", [record])
    words = ["pdftotext", "-layout", str(path), "-"]
    text = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert "1 tomogram, 1 done, 1 to look at" in text and "guessed.mrc – worth a look" in text
    assert "Whether membranes are dark is not sure: look." in text


@pytest.mark.parametrize(
    ("objects", "below"),
    [
        ({"": 16}, ("5.0 % labelled, 16 objects", "")),
        ({}, ("5.0 % labelled, 0 objects", "")),
        (None, ("5.0 % labelled", "")),
        ({"Vesicle": 3, "": 1}, ("5.0 % labelled, 4 objects", "3 Vesicle, 1 without a class")),
        ({"Vesicle": 0, "": 2}, ("5.0 % labelled, 2 objects", "")),
    ],
)
def test_nothing_is_said_twice_below_a_picture(
    objects: dict[str, int] | None, below: tuple[str, str], make_record
) -> None:
    assert caption_of(make_record("cell.mrc", objects=objects)) == below


def test_objects_are_said_below_why_to_look(make_record) -> None:
    first, second = caption_of(make_record("cell.mrc", flag=QualityFlag.LOOK, objects={"": 16}))
    assert first.startswith("Details below") and second == "16 objects"


def test_bodies_and_pieces_of_membrane_are_counted_apart_below_a_picture(make_record) -> None:
    record = make_record("cell.mrc", objects={"Vesicle": 3, "": 6}, bodies=7, border=2)
    found = "7 bodies and 2 pieces of membrane"
    assert caption_of(record) == (f"5.0 % labelled, {found}", "3 Vesicle, 6 without a class")
    doubtful = make_record("cell.mrc", flag=QualityFlag.LOOK, objects={"": 9}, bodies=7, border=2)
    assert caption_of(doubtful)[1] == found


def test_no_file_stays_open_when_it_cannot_be_written(
    page: RecordFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, documents = module._begun, []

    @contextmanager
    def held(title: str) -> Iterator[object]:
        with begun(title) as pdf:
            documents.append(pdf)  # or it might be gone, and its files with it, by chance
            yield pdf

    monkeypatch.setattr(module, "_begun", held)
    with pytest.raises(UserError):
        write_pdf(page.folder, "Beamtime", list(page), page.folder / "missing" / "beamtime.pdf")
    assert documents
    names = [Path(one.path).name for one in psutil.Process().open_files()]
    assert not [name for name in names if name.endswith((".ttf", ".pdf"))]


def test_its_size_is_bounded(tmp_path: Path, make_record, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures of pure grain are the largest that there are; those to look at come first."""
    monkeypatch.setattr(module, "MOST_PICTURES", 6)
    (tmp_path / "pictures").mkdir()
    drawn: list[str] = []
    rng = np.random.default_rng(0)
    records = [
        make_record(f"{n:03}.mrc", n / 10, flag=QualityFlag.LOOK if n == 3 else QualityFlag.GOOD)
        for n in range(20)
    ]
    for record in records:
        grain = rng.integers(0, 255, (320, 320), np.uint8)
        Image.fromarray(grain).save(tmp_path / (record.picture(PictureKind.SMALL) or ""))
    real = module._jpeg
    monkeypatch.setattr(module, "_jpeg", lambda path: drawn.append(path.name[:3]) or real(path))
    size = write_pdf(tmp_path, "Beamtime", records).stat().st_size
    assert drawn == ["019", "018", "017", "016", "015", "003"]
    assert size / 6 * MOST_PICTURES < 8_000_000


def test_pictures_that_are_gone_or_damaged_are_left_out(page: RecordFolder) -> None:
    for number, file in enumerate(sorted((page.folder / "pictures").glob("*small*"))):
        if number:
            file.write_bytes(b"\x89PNG nothing")
        else:
            file.unlink()
    assert write_pdf(page.folder, "Beamtime", list(page)).stat().st_size > 1000


def test_without_any_tomogram_there_is_a_page(tmp_path: Path) -> None:
    assert write_pdf(tmp_path, "Beamtime", [], tmp_path / "mine.pdf").read_bytes().startswith(b"%PDF")
