"""``make pages``: bring those parts of the documentation up to date that are made from the program.

Sentences with which the program refuses something stand in lists on the pages about them; a list names the
modules whose new sentences it takes. A sentence may be moved by hand to another list, and stays there.
The page of commands is made from the parser. ``tests/docs/test_pages.py`` fails where something is missing
or left over.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from error_sentences import error_sentences

from sxtstudio.app.help.contents import HELP
from sxtstudio.app.help.pages import GESTURES
from sxtstudio.app.menus import keys_of_actions
from sxtstudio.cli import build_parser
from sxtstudio.commands.exit_codes import as_table

COMMANDS = HELP / "commands.md"
_LIST = re.compile(r"<!-- sentences: ([^>]*?) -->\n(.*?)<!-- end -->", re.DOTALL)
_MARKS = re.compile(r"([\\`*_\[\]#<>~|])")
_ABOVE = "**The messages:**"
_EXIT_CODES = "<!-- exit codes -->"
_HEAD = HELP.parent.parent / "docs" / "commands_head.md"
KEYS = HELP / "keys.md"
_KEYS_HEAD = HELP.parent.parent / "docs" / "keys_head.md"


@dataclass(frozen=True)
class SentenceList:
    """A list of sentences on a page, and the modules whose new sentences it takes."""

    page: str
    number: int
    modules: tuple[str, ...]
    sentences: tuple[str, ...]


def lists_of(page: str, text: str) -> list[SentenceList]:
    """Return the lists on a page."""
    return [
        SentenceList(
            page,
            number,
            tuple(match[1].split()),
            tuple(unescaped(line[2:]) for line in match[2].splitlines() if line.startswith("- ")),
        )
        for number, match in enumerate(_LIST.finditer(text))
    ]


def updated(pages: Mapping[str, str], said: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """Return the pages with the lists brought up to date.

    Parameters
    ----------
    pages
        Name and text of each.
    said
        Each sentence, with the modules that say it.

    Raises
    ------
    SystemExit
        Where no list takes the sentences of a module.
    """
    lists = [one for page, text in pages.items() for one in lists_of(page, text)]
    kept = {(one.page, one.number): [s for s in one.sentences if s in said] for one in lists}
    listed = {sentence for sentences in kept.values() for sentence in sentences}
    for sentence, modules in said.items():
        if sentence in listed:
            continue
        fitting = [
            (len(pattern), one)
            for one in lists
            for pattern in one.modules
            for module in modules
            if fnmatch(module, pattern)
        ]
        if not fitting:
            raise SystemExit(f"No list takes the sentences of {', '.join(sorted(modules))}: add it to one.")
        best = max(fitting, key=lambda entry: entry[0])[1]
        kept[best.page, best.number].append(sentence)
    result = {}
    for page, text in pages.items():
        numbers = iter(range(len(lists)))

        def filled(match: re.Match[str], page: str = page, numbers: Iterable[int] = numbers) -> str:
            entries = kept[page, next(iter(numbers))]
            lines = "".join(f"- {escaped(entry)}\n" for entry in sorted(entries, key=_order))
            return f"<!-- sentences: {match[1]} -->\n\n{_ABOVE}\n\n{lines}\n<!-- end -->"

        result[page] = _LIST.sub(filled, text)
    return result


def escaped(sentence: str) -> str:
    """Return a sentence as Markdown."""
    return _MARKS.sub(r"\\\1", sentence)


def unescaped(line: str) -> str:
    """Return what ``escaped`` was given."""
    return re.sub(r"\\(.)", r"\1", line)


def commands_page() -> str:
    """Return the page of commands, made from the parser."""
    parser = build_parser()
    parts = [_HEAD.read_text(encoding="utf-8").replace(_EXIT_CODES, as_table())]
    for name, command in _commands(parser):
        parts.append(f"## {name}\n\n{_sentence(command.description)}\n\n```\n{_usage(name, command)}\n```\n")
        rows = [_row(action) for action in command._actions if action.help != argparse.SUPPRESS]
        rows = [row for row in rows if row]
        if rows:
            parts.append("| Option | What it does |\n|---|---|\n" + "\n".join(rows) + "\n")
        if command.epilog:
            parts.append(f"{_text(command.epilog)}\n")
    return "\n".join(parts)


def keys_page() -> str:
    """Return the page of keys and mouse gestures, made from the table of actions."""
    parts = [_KEYS_HEAD.read_text(encoding="utf-8")]
    for group, rows in {**keys_of_actions(), **GESTURES}.items():
        if rows:
            lines = "\n".join(f"| {_text(key)} | {_text(what)} |" for key, what in rows)
            parts.append(f"## {group}\n\n| Key or gesture | What it does |\n|---|---|\n{lines}\n")
    return "\n".join(parts)


def _commands(parser: argparse.ArgumentParser) -> list[tuple[str, argparse.ArgumentParser]]:
    """Return the names and parsers of all commands, those below others too, without hidden ones."""
    found = []
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            shown = {choice.dest for choice in action._choices_actions}
            for name, command in action.choices.items():
                if name in shown:
                    found.append((name, command))
                    found += [(f"{name} {below}", inner) for below, inner in _commands(command)]
    return found


def _usage(name: str, command: argparse.ArgumentParser) -> str:
    needed = []
    for action in command._actions:
        if isinstance(action, argparse._SubParsersAction):
            needed.append("COMMAND" if action.required else "[COMMAND]")
        elif not action.option_strings:
            needed.append(_value(action))
        elif action.required:
            needed.append(f"{action.option_strings[0]} {_value(action)}")
    return " ".join(["sxtstudio", name, *needed, "[options]"])


def _row(action: argparse.Action) -> str:
    """Return a row of the table of options; "" for the help, which each command has."""
    if isinstance(action, argparse._HelpAction | argparse._SubParsersAction):
        return ""
    value = _value(action)
    names = ", ".join(action.option_strings)
    head = f"{names} {value}".strip() if names else value
    return f"| `{head.replace('|', ' or ')}` | {_text(_expanded(action))} |"


def _value(action: argparse.Action) -> str:
    if action.nargs == 0:
        return ""
    if action.choices is not None and action.metavar is None:
        word = "{" + ",".join(str(choice) for choice in action.choices) + "}"
    elif isinstance(action.metavar, tuple):
        word = " ".join(action.metavar)
    else:
        word = action.metavar or action.dest.upper()
    return {"*": f"[{word} ...]", "+": f"{word} ...", "?": f"[{word}]"}.get(str(action.nargs), word)


def _expanded(action: argparse.Action) -> str:
    text = (action.help or "").replace("%%", "%")
    return text.replace("%(default)s", str(action.default))


def _sentence(text: str | None) -> str:
    return _text(text or "")


def _text(text: str) -> str:
    return re.sub(r"([\\*_<|`])", r"\\\1", " ".join(text.replace("%%", "%").split()))


def _order(sentence: str) -> str:
    """Sort by the words, not by the gaps and quotation marks before them."""
    return re.sub(r"^[^A-Za-z]+", "", sentence).casefold()


def error_pages() -> dict[str, str]:
    """Return name and text of the pages with lists of sentences."""
    texts = {path.name: path.read_text(encoding="utf-8") for path in sorted(HELP.glob("*.md"))}
    return {name: text for name, text in texts.items() if "<!-- sentences:" in text}


def main() -> int:
    """Write what has changed."""
    for name, text in updated(error_pages(), error_sentences()).items():
        _write(HELP / name, text)
    _write(COMMANDS, commands_page())
    _write(KEYS, keys_page())
    return 0


def _write(path: Path, text: str) -> None:
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
        print(f"{path.name} is up to date again")


if __name__ == "__main__":
    sys.exit(main())
