"""Check a built site: nothing is loaded from elsewhere, and every link and anchor leads somewhere.

mkdocs checks the links in Markdown; here those are checked that come of tables, docstrings and the theme.
"""

from __future__ import annotations

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

_LOADS = {("script", "src"), ("img", "src"), ("link", "href"), ("iframe", "src"), ("source", "src")}


class Page(HTMLParser):
    """What a page loads, where it leads to, and which anchors it has."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.loaded: list[str] = []
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.without_words: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        for name, value in attributes:
            if value is None:
                continue
            if (tag, name) in _LOADS and given.get("rel") != "canonical":
                self.loaded.append(value)
            if (tag, name) == ("a", "href"):
                self.links.append(value)
            if name == "id" or (tag, name) == ("a", "name"):
                self.anchors.add(value)
        if tag == "img" and not given.get("alt"):
            self.without_words.append(given.get("src") or "")


def problems(site: Path) -> list[str]:
    """Return what is wrong with the pages of a site, a line each."""
    pages = {path: Page(path) for path in sorted(site.rglob("*.html"))}
    found = [] if pages else [f"{site}: no pages"]
    for path, page in pages.items():
        name = path.relative_to(site)
        for address in page.loaded:
            if urlsplit(address).scheme or address.startswith("//"):
                found.append(f"{name}: loads {address}")
            elif not (path.parent / unquote(urlsplit(address).path)).exists():
                found.append(f"{name}: {address} is missing")
        found += [f"{name}: a picture without words: {source}" for source in page.without_words]
        found += [
            f"{name}: {link} leads nowhere" for link in page.links if not _leads(link, path, page, pages)
        ]
    return found


def _leads(link: str, path: Path, page: Page, pages: dict[Path, Page]) -> bool:
    parts = urlsplit(link)
    if parts.scheme in ("http", "https", "mailto"):
        return True
    if parts.scheme or link.startswith("/"):
        return False
    target = path.parent.joinpath(unquote(parts.path)).resolve() if parts.path else path.resolve()
    resolved = {other.resolve(): one for other, one in pages.items()}
    if target in resolved:
        return not parts.fragment or unquote(parts.fragment) in resolved[target].anchors
    return target.exists()


if __name__ == "__main__":
    lines = problems(Path(sys.argv[1]))
    print("\n".join(lines) or "every link leads somewhere, and nothing is loaded from elsewhere")
    sys.exit(bool(lines))
