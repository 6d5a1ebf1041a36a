"""A summary of a beamtime that can be mailed: a PDF of bounded size, whatever the number of tomograms."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from sxtstudio.core.atomic import atomic_write
from sxtstudio.core.errors import UserError
from sxtstudio.core.printable import printable
from sxtstudio.core.shipped import resources
from sxtstudio.core.wording import count, cut
from sxtstudio.workflow.beamtime.record import PictureKind, TomogramRecord, TomogramState
from sxtstudio.workflow.beamtime.summary import (
    Day,
    TomogramMark,
    classes_text,
    days_of,
    found_text,
    headline_of,
    mark_of,
    needs_look,
    objects_text,
    sentences_of,
)

if TYPE_CHECKING:
    from fpdf import FPDF

PDF = "beamtime.pdf"
#: Pictures in it, the latest and those that ask for a look first; with 12 kB each it stays below 5 MB.
MOST_PICTURES, _PICTURE_PX, _QUALITY = 240, 220, 70
# Tomograms that are described in sentences, and days that are compared.
_MOST_DESCRIBED, _MOST_DAYS = 150, 14
_FONT, _COLUMNS, _GAP_MM = "DejaVu", 4, 4.0
_TEXT, _FAINT = (29, 33, 38), (91, 99, 109)
_COLOURS = {
    TomogramMark.FAILED: (179, 38, 30),
    TomogramMark.BAD: (179, 38, 30),
    TomogramMark.LOOK: (138, 90, 0),
}


def write_pdf(folder: Path, title: str, records: Sequence[TomogramRecord], path: Path | None = None) -> Path:
    """Write the summary of the tomograms of a page, and return its file.

    Parameters
    ----------
    folder
        Of the page, with the pictures.
    title
        Stands on top.
    records
        All of them, the earliest first.
    path
        Another file than ``beamtime.pdf`` beside the page.

    Raises
    ------
    UserError
        If it cannot be written.
    """
    counted = [
        record for record in records if not record.replaced and record.state is not TomogramState.SKIPPED
    ]
    days = days_of(records)
    final = folder / PDF if path is None else path
    with _begun(title) as pdf:
        _heading(pdf, title, counted)
        _table_of_days(pdf, days[:_MOST_DAYS])
        _describe(pdf, [record for record in counted[::-1] if needs_look(record)])
        _wall(pdf, folder, counted)
        with atomic_write(final) as temporary:
            temporary.write_bytes(bytes(pdf.output()))
    return final


@contextmanager
def _begun(title: str) -> Iterator[FPDF]:
    """Begin the document; the file of its letters, which is read until the end, is closed afterwards."""
    from fpdf import FPDF  # here, because it takes long to load
    from fpdf.fonts import TTFFont

    font = resources() / "fonts" / "DejaVuSans.ttf"
    if not font.is_file():
        raise UserError(f"{font} is missing, which came with SXT Studio: install it again.")
    pdf = FPDF(format="A4")
    pdf.set_title(printable(title))
    pdf.set_creator("SXT Studio")
    pdf.add_font(_FONT, fname=font)
    pdf.set_margin(14)
    pdf.set_auto_page_break(True, 14)
    pdf.add_page()
    try:
        yield pdf
    finally:
        # Also where the document was not finished, which closes it too.
        for letters in pdf.fonts.values():
            if isinstance(letters, TTFFont):
                letters.close()


def _heading(pdf: FPDF, title: str, records: Sequence[TomogramRecord]) -> None:
    _line(pdf, printable(title), 18)
    done = sum(record.state is TomogramState.DONE for record in records)
    to_look_at = sum(needs_look(record) for record in records)
    words = [count(len(records), "tomogram"), f"{done} done"]
    words += [f"{to_look_at} to look at"] if to_look_at else []
    if records:
        first, last = _date(records[0].day), _date(records[-1].day)
        words.append(first if first == last else f"{first} to {last}")
    _line(pdf, ", ".join(words), 11)
    _line(pdf, f"Written on {_date(datetime.now().date().isoformat())} at {datetime.now():%H:%M}", 9, _FAINT)


def _table_of_days(pdf: FPDF, days: Sequence[Day]) -> None:
    """Draw a row for each figure and a column for each of the latest days."""
    days = days[:5]
    titles = list(dict.fromkeys(figure.title for day in days for figure in day.figures))
    if not days:
        return
    _section(
        pdf, "Days", "Means of the tomograms that are done; in brackets the difference to the day before."
    )
    pdf.set_font(_FONT, size=8)
    with pdf.table(
        first_row_as_headings=False, borders_layout="HORIZONTAL_LINES", line_height=4.6, text_align="LEFT"
    ) as table:
        table.row(["", *(_date(day.day) for day in days)])
        table.row(["Tomograms", *(str(day.tomograms) for day in days)])
        table.row(["Failed", *(str(day.failed) for day in days)])
        table.row(["To look at", *(str(day.to_look_at) for day in days)])
        for title in titles:
            cells = []
            for day in days:
                found = next((one for one in day.figures if one.title == title), None)
                change = f" ({found.change_text})" if found is not None and found.change_text else ""
                cells.append("–" if found is None else _fit(pdf, f"{found.text}{change}"))
            table.row([title, *cells])


def _describe(pdf: FPDF, records: Sequence[TomogramRecord]) -> None:
    if not records:
        return
    _section(pdf, "To look at", "")
    for record in records[:_MOST_DESCRIBED]:
        mark = mark_of(record)
        _line(pdf, f"{cut(printable(record.name), 70)} – {mark.value}", 9, _COLOURS.get(mark, _TEXT))
        _line(pdf, cut(printable(" ".join(sentences_of(record))), 500), 8, _FAINT)
    if len(records) > _MOST_DESCRIBED:
        _line(pdf, f"and {count(len(records) - _MOST_DESCRIBED, 'more tomogram')}; the page has them all.", 9)


def _wall(pdf: FPDF, folder: Path, records: Sequence[TomogramRecord]) -> None:
    """Draw thumbnails with names, the latest first; of too many those to look at and the latest."""
    done = [record for record in records[::-1] if record.state is TomogramState.DONE]
    if not done:
        return
    if len(done) > MOST_PICTURES:
        chosen = sorted(done, key=lambda record: not needs_look(record))[:MOST_PICTURES]
        kept = {record.id for record in chosen}
        shown = [record for record in done if record.id in kept]
        note = f"{count(MOST_PICTURES, 'tomogram')} of {len(done)}: those to look at, and the latest."
    else:
        shown, note = done, ""
    _section(pdf, "Tomograms", note)
    side = (pdf.epw - (_COLUMNS - 1) * _GAP_MM) / _COLUMNS
    high = side + 11
    top = pdf.get_y() + 1
    for number, record in enumerate(shown):
        column = number % _COLUMNS
        if column == 0 and number:
            top += high
        if column == 0 and top + high > pdf.h - pdf.b_margin:
            pdf.add_page()
            top = pdf.t_margin
        _thumbnail(pdf, folder, record, pdf.l_margin + column * (side + _GAP_MM), top, side)


def caption_of(record: TomogramRecord) -> tuple[str, str]:
    """Return the two lines below a picture: what stands below it on the wall, and its objects by class.

    The second is empty where the first says it: there are no classes.
    """
    first, found = headline_of(record), found_text(record)
    said = found and first.endswith(found)
    return first, classes_text(record) if said else objects_text(record)


def _thumbnail(pdf: FPDF, folder: Path, record: TomogramRecord, left: float, top: float, side: float) -> None:
    picture = record.picture(PictureKind.SMALL)
    small = None if picture is None else _jpeg(folder / picture)
    if small is not None:
        pdf.image(small, left, top, side, side, keep_aspect_ratio=True)
    colour = _COLOURS.get(mark_of(record), _TEXT)
    first, second = caption_of(record)
    for offset, text, size, ink in (
        (side + 0.5, printable(record.name), 7.5, colour),
        (side + 4, first, 6.5, _FAINT),
        (side + 7.5, second, 6.5, _FAINT),
    ):
        pdf.set_font(_FONT, size=size)
        pdf.set_text_color(*ink)
        pdf.set_xy(left, top + offset)
        pdf.cell(side, 3.5, _shortened(pdf, printable(text), side - 1))


def _jpeg(path: Path) -> io.BytesIO | None:
    """Return a thumbnail as JPEG; None where it cannot be read."""
    try:
        with Image.open(path) as picture:
            small = picture.convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    small.thumbnail((_PICTURE_PX, _PICTURE_PX))
    content = io.BytesIO()
    small.save(content, "JPEG", quality=_QUALITY)
    return content


def _section(pdf: FPDF, title: str, note: str) -> None:
    pdf.ln(3)
    if pdf.get_y() > pdf.h - 60:
        pdf.add_page()
    _line(pdf, title, 13)
    if note:
        _line(pdf, note, 8, _FAINT)


def _line(pdf: FPDF, text: str, size: float, colour: tuple[int, int, int] = _TEXT) -> None:
    pdf.set_font(_FONT, size=size)
    pdf.set_text_color(*colour)
    pdf.multi_cell(0, size * 0.5, _fit(pdf, text), new_x="LMARGIN", new_y="NEXT", align="L")


def _shortened(pdf: FPDF, text: str, width: float) -> str:
    """Return as much of a line as fits, without its middle, where names are alike the least."""
    text = _fit(pdf, text)
    if pdf.get_string_width(text) <= width:
        return text
    keep = len(text)
    while keep > 4:
        keep -= 1
        short = f"{text[: keep // 2]}…{text[len(text) - (keep + 1) // 2 :]}"
        if pdf.get_string_width(short) <= width:
            return short
    return text[:2]


def _fit(pdf: FPDF, text: str) -> str:
    """Return a text in letters that the font has: names of files may be in any script."""
    from fpdf.fonts import TTFFont

    font = pdf.fonts[_FONT.lower()]
    known = font.cmap if isinstance(font, TTFFont) else {}
    text = text.replace("\u202f", "\u00a0")
    return "".join(letter if ord(letter) in known else "□" for letter in text)


def _date(day: str) -> str:
    """Return "29 November 2026"."""
    try:
        found = date.fromisoformat(day)
    except ValueError:
        return day
    return f"{found.day} {found:%B %Y}"
