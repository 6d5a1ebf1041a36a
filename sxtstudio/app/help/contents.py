"""The pages of the documentation: which there are, and what they say.

They are the Markdown files of ``resources/help``, of which the documentation site is made as well.
``index.md`` is the table of contents of both: headings of the second level, below each a list of pages.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from sxtstudio.app.help.tables import filled
from sxtstudio.core.shipped import resources

HELP = resources() / "help"
INDEX = "index.md"
#: What differs from case to case in a sentence, such as a name or a number.
GAP = "…"
_ENTRY = re.compile(r"^- \[([^\]]+)\]\(([\w-]+\.md)\):? ?(.*)$")
_HEADING = re.compile(r"^(#{1,4}) +(.+?) *#*$")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_MARKS = re.compile(r"[*`]|!?\[([^\]]*)\]\([^)]*\)")
_FENCE = "```"


@dataclass(frozen=True)
class PageInfo:
    """A page: its title in the contents, its file, and what it is about in a line."""

    title: str
    file: str
    about: str = ""


@dataclass(frozen=True)
class Chapter:
    """Pages that belong together."""

    title: str
    pages: tuple[PageInfo, ...]


@dataclass(frozen=True)
class Passage:
    """What stands below a heading, as plain text; ``sentences`` are those of its list."""

    page: PageInfo
    heading: str
    anchor: str
    text: str
    sentences: tuple[str, ...] = ()

    @property
    def link(self) -> str:
        """The address of the passage, such as "objects.md#2-flags"."""
        return f"{self.page.file}#{self.anchor}" if self.anchor else self.page.file


def contents(folder: Path = HELP) -> tuple[Chapter, ...]:
    """Return the chapters and their pages, in the order of ``index.md``."""
    chapters: list[Chapter] = []
    for line in (folder / INDEX).read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            chapters.append(Chapter(line[3:].strip(), ()))
        elif chapters and (match := _ENTRY.match(line)):
            last = chapters.pop()
            chapters.append(Chapter(last.title, (*last.pages, PageInfo(*match.groups()))))
    return tuple(chapter for chapter in chapters if chapter.pages)


def anchor_of(heading: str) -> str:
    """Return the anchor that a heading has on the site (as ``toc`` of Python-Markdown makes it)."""
    words = unicodedata.normalize("NFKD", _plain(heading)).encode("ascii", "ignore").decode()
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", words).strip().lower())


def passages(folder: Path = HELP) -> list[Passage]:
    """Return all pages, cut at their headings."""
    found = []
    first = PageInfo("Contents", INDEX)
    for page in (first, *(page for chapter in contents(folder) for page in chapter.pages)):
        found += _passages_of(page, filled((folder / page.file).read_text(encoding="utf-8")))
    return found


def _passages_of(page: PageInfo, source: str) -> list[Passage]:
    found: list[Passage] = []
    heading, anchor = page.title, ""
    lines: list[str] = []
    sentences: list[str] = []
    listing = fenced = False

    def end() -> None:
        text = " ".join(" ".join(lines).split())
        if text or sentences:
            found.append(Passage(page, heading, anchor, text, tuple(sentences)))

    for line in source.splitlines():
        if line.startswith(_FENCE):
            fenced = not fenced
        match = None if fenced else _HEADING.match(line)
        if match:
            end()
            heading, lines, sentences = _plain(match[2]), [], []
            anchor = anchor_of(match[2]) if len(match[1]) > 1 else ""
        elif line.startswith("<!-- sentences"):
            listing = True
        elif line.startswith("<!-- end"):
            listing = False
        elif listing and line.startswith("- "):
            sentences.append(_unescaped(line[2:]))
            lines.append(_unescaped(line[2:]))
        else:
            lines.append(_plain(_COMMENT.sub("", line)))
    end()
    return found


def _unescaped(line: str) -> str:
    return re.sub(r"\\(.)", r"\1", line)


def _plain(line: str) -> str:
    """Return a line of Markdown without its marks."""
    return _unescaped(_MARKS.sub(lambda match: match[1] or "", line)).strip()
