"""Find a place in the documentation: by words, or by the message of an error."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from sxtstudio.app.help.contents import GAP, INDEX, Passage

_FEWEST_LETTERS = 12  # of a sentence's own words, so that it is not found in every message
_WORD = re.compile(r"[^\W_]+(?:[-'’][^\W_]+)*")
#: Words of questions, of which no page is about.
_SMALL = frozenset(
    "a about all am an and are as at be by can could do does doing for from get good had has have how i "
    "in into is it its me my no not of on or our so than that the their them there these they this those to "
    "up us use want was we what what's when where which who why will with you your should would "
    "much many".split()
)
#: A page that is a list of commands, or of messages, has every word, and seldom what was meant.
_LISTS = ("commands.md", "errors-", INDEX)
_LISTS_COUNT = 0.4
_SENTENCE = 5  # so many words are a part of a message
_ENDINGS = re.compile(r"(?:ies|es|s|ing|ed|e|y)$")
_TITLE, _HEADING, _ABOUT, _TEXT = 8.0, 10.0, 4.0, 1.0
_WHOLE_HEADING, _WHOLE_TITLE = 12.0, 14.0
_OFTEN = 3


def search(words: str, among: Sequence[Passage]) -> list[Passage]:
    """Return the passages about words, the best first.

    A message of the program finds the passage that explains it, although names and numbers differ. Else
    those come first whose title or heading is what was asked for, then those that hold more of the words,
    and lists of commands and messages last. Small words do not count.
    """
    explained = explaining(words, among)
    asked = list(dict.fromkeys(_WORD.findall(words.casefold())))
    wanted = [_stem(word) for word in asked if word not in _SMALL] or [_stem(word) for word in asked]
    if not wanted:
        return []
    ranked = []
    for number, passage in enumerate(among):
        if passage is not explained and (worth := _worth(wanted, passage)):
            ranked.append((-worth, number, passage))
    ranked.sort(key=lambda entry: entry[:2])
    return [*([explained] if explained else []), *(entry[2] for entry in ranked)]


def explaining(message: str, among: Sequence[Passage]) -> Passage | None:
    """Return the passage with the sentence of which a message is made; of several the most exact one."""
    found = explained_by(message, among)
    return found[0] if found else None


def explained_by(message: str, among: Sequence[Passage]) -> tuple[Passage, str] | None:
    """Return the passage that explains a message, and the sentence in its list of which that is made."""
    message = " ".join(message.split())
    best: tuple[int, Passage, str] | None = None
    for passage in among:
        for sentence in passage.sentences:
            own = len(sentence.replace(GAP, ""))
            if own >= _FEWEST_LETTERS and (best is None or own > best[0]) and _fits(sentence, message):
                best = (own, passage, sentence)
    return best[1:] if best else None


def _worth(wanted: Sequence[str], passage: Passage) -> float:
    """Return how much a passage is about words; 0 where it holds too few of them."""
    is_page = passage.heading == passage.page.title or not passage.anchor
    title, heading, about, text = (
        _stems(part) for part in (passage.page.title, passage.heading, passage.page.about, passage.text)
    )
    worth, held = 0.0, 0
    for word in wanted:
        here = _TEXT * min(_often(word, text), _OFTEN)
        here += _HEADING * bool(_often(word, heading))
        if is_page:
            here += _TITLE * bool(_often(word, title)) + _ABOUT * bool(_often(word, about))
        elif _often(word, title):
            here += _TITLE / 4
        held += bool(here)
        worth += here
    if held <= len(wanted) / 2 and held < len(wanted):
        return 0.0
    asked = set(wanted)
    for part, more in ((heading, _WHOLE_HEADING), (title if is_page else (), _WHOLE_TITLE)):
        if part and asked.issuperset(part):
            worth += more
    if passage.page.file.startswith(_LISTS) and len(wanted) < _SENTENCE:
        worth *= _LISTS_COUNT
    return worth * (held / len(wanted)) ** 2


def _often(word: str, words: Sequence[str]) -> int:
    """Return how often a word, or the beginning of a longer one, stands among words."""
    return sum(other == word or (len(word) > 2 and other.startswith(word)) for other in words)


@lru_cache(maxsize=8192)
def _stems(text: str) -> tuple[str, ...]:
    return tuple(_stem(word) for word in _WORD.findall(text.casefold()) if word not in _SMALL)


def _stem(word: str) -> str:
    """Return a word without its ending, so that "measured" is found by "measure"."""
    short = _ENDINGS.sub("", word)
    return short if len(short) > 2 else word


def _fits(sentence: str, message: str) -> bool:
    """Whether the parts of a sentence stand in a message, one after the other."""
    place = 0
    for part in sentence.rstrip(".").split(GAP):  # whoever copies a message may leave out its point
        place = message.find(part.strip(), place)
        if place < 0:
            return False
        place += len(part.strip())
    return True
