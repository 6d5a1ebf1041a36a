"""Tables of the documentation that the program makes: a comment on a page says where they stand."""

from __future__ import annotations

import re

from sxtstudio.core.handover import CONTENT_NAMES, PROGRAM_NAMES, Program
from sxtstudio.core.quality.dictionary import DEFINITIONS

_PROGRAMS = "<!-- table: programs -->"
_QUALITY = "<!-- table: quality -->"
_TOUR = "<!-- table: tour -->"
#: People look for a program under either name.
_HEADINGS = PROGRAM_NAMES | {Program.MIB: "Microscopy Image Browser (MIB)"}
_MARKS = re.compile(r"([\\`*_\[\]#<>~|])")


def filled(source: str) -> str:
    """Return a page with its tables, as Markdown: of other programs, figures of quality, the tour."""
    if _PROGRAMS in source:
        source = source.replace(_PROGRAMS, programs_markdown())
    if _TOUR in source:
        source = source.replace(f"{_TOUR}\n", tour_markdown())
    return source.replace(_QUALITY, quality_markdown()) if _QUALITY in source else source


def tour_markdown() -> str:
    """Return the rows of the steps of the guided tour."""
    from sxtstudio.app.tour.steps import WORDS

    gaps = {"number": "…", "volume": "…"}
    rows = [
        f"| {step.number}. {_cell(words.title)} | {_cell(words.text)} | {_cell(words.done.format(**gaps))} |"
        for step, words in WORDS.items()
    ]
    return "\n".join(rows) + "\n"


def quality_markdown() -> str:
    """Return the dictionary of the figures of quality, a row for each."""
    rows = ["| Figure | What it means |", "|---|---|"]
    for definition in DEFINITIONS.values():
        parts = [_cell(definition.definition)]
        if definition.formula:
            parts.append(f"*{_cell(definition.formula)}*")
        if definition.source:
            parts.append(_cell(definition.source))
        rows.append(f"| **{_cell(definition.title)}** | {' '.join(parts)} |")
    return "\n".join(rows) + "\n"


def programs_markdown() -> str:
    """Return the table of other programs, a heading for each."""
    from sxtstudio.workflow.handover.programs import READ, routes

    found = routes()
    parts = []
    for program in dict.fromkeys(route.program for route in found):
        parts.append(f"### {_HEADINGS[program]}\n\n{_cell(READ[program])}\n")
        rows = ["| What | Shown there | Open it | Lost |", "|---|---|---|---|"]
        for route in (route for route in found if route.program is program):
            name = f"**{_cell(CONTENT_NAMES[route.content])}** {' '.join(f'`{s}`' for s in route.suffixes)}"
            cells = (route.shows.whole, route.opening.whole, route.loses.whole or "Nothing.")
            rows.append(f"| {name} | {' | '.join(map(_cell, cells))} |")
        parts.append("\n".join(rows) + "\n")
    return "\n".join(parts)


def _cell(text: str) -> str:
    return _MARKS.sub(r"\\\1", " ".join(text.split()))
