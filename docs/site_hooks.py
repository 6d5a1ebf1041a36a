"""What ``mkdocs.yml`` cannot say: contents from index.md, tables from the program, pages for developers."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from sxtstudio.app.help.contents import INDEX, contents, passages
from sxtstudio.app.help.pages import BUTTON_LINE, measurements_html
from sxtstudio.app.help.tables import filled
from sxtstudio.core.measure.dictionary import sections

ROOT = Path(__file__).resolve().parent.parent
HELP = ROOT / "resources" / "help"
#: Files that are no help for users: where they lie, and where the site has them.
DEVELOPERS = {
    "Contributing": ("CONTRIBUTING.md", "developers/contributing.md"),
    "Changes": ("CHANGELOG.md", "developers/changes.md"),
    "What was measured": ("docs/measured.md", "developers/measured.md"),
    "How the models were made": ("docs/models.md", "developers/models.md"),
}
ASSETS = {
    "pictures/logo.svg": "resources/icons/sxtstudio.svg",
    "assets/iframe-worker.js": "docs/offline/iframe-worker.js",
}
#: The public modules of each layer of which the site has the docstrings.
API = {
    "core": (
        "volume", "geometry", "errors", "progress", "walk", "normalise", "cleanup", "objects", "edits",
        "bodies.find", "measure.measure", "measure.columns", "evaluation.agreement", "statistics",
    ),
    "io": ("opening", "filevolume", "export", "writing", "tables", "project"),
    "segment": ("pipeline", "parameters", "tiles", "card", "registry", "device", "preview"),
    "surface": ("extract", "mesh", "objects", "picture", "handover.write", "povray.write"),
    "workflow": (
        "jobs.segmenting", "jobs.cleaning", "jobs.objects", "jobs.measuring", "jobs.surfacing", "jobs.batch",
        "document.document", "document.project", "handover.programs", "results.write", "results.rerun",
    ),
}  # fmt: skip
_MEASUREMENTS = "<!-- table: measurements -->"


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Take the navigation from index.md, as the program does."""
    chapters = contents(HELP)
    nav: list[Any] = [{"Home": INDEX}]
    nav += [{chapter.title: [{page.title: page.file} for page in chapter.pages]} for chapter in chapters]
    developers: list[Any] = [{title: place} for title, (_, place) in DEVELOPERS.items()]
    developers += [{f"API: {layer}": f"developers/api-{layer}.md"} for layer in API]
    config.theme.static_templates.discard("404.html")  # of a server; its addresses are not those of a folder
    config.nav = [*nav, {"For developers": developers}]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages for developers, and the pictures that they show."""
    for place, source in ASSETS.items():
        files.append(File.generated(config, place, abs_src_path=str(ROOT / source)))
    files.append(File.generated(config, "assets/messages.js", content=messages_script()))
    for source, place in DEVELOPERS.values():
        text = (ROOT / source).read_text(encoding="utf-8")
        folder = (ROOT / source).parent
        for link in set(re.findall(r"!\[[^\]]*\]\(([^)]+\.png)\)", text)):
            picture = (folder / link).resolve()
            files.append(File.generated(config, f"developers/{picture.name}", abs_src_path=str(picture)))
            text = text.replace(f"]({link})", f"]({picture.name})")
        files.append(File.generated(config, place, content=text))
    for layer, modules in API.items():
        blocks = "\n\n".join(f"::: sxtstudio.{layer}.{module}" for module in modules)
        files.append(
            File.generated(config, f"developers/api-{layer}.md", content=f"# API: {layer}\n\n{blocks}\n")
        )
    return files


def messages_script() -> str:
    """Return the script that finds the place of a pasted message, with all sentences before it."""
    listed = [
        (sentence, passage.link.replace(".md", ".html", 1))
        for passage in passages(HELP)
        for sentence in passage.sentences
    ]
    script = (ROOT / "docs" / "offline" / "messages.js").read_text(encoding="utf-8")
    return f"const SENTENCES = {json.dumps(listed, ensure_ascii=False)};\n{script}"


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn buttons of the program into text, and fill in the tables that the program makes."""
    if page.file.src_uri.startswith(("errors-", "developers/")):
        page.meta["search"] = {"boost": 0.001}  # their many words would hide the pages about the work
    markdown = BUTTON_LINE.sub(r"*In the window:* **\1**", markdown)
    if _MEASUREMENTS in markdown:
        markdown = markdown.replace(_MEASUREMENTS, measurements_html(sections()))
    return filled(markdown)
