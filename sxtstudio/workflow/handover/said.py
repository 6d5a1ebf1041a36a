"""Sentences about what is handed over, each said of those files only of which it is true."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from sxtstudio.core.handover import SUFFIXES, Form


@dataclass(frozen=True)
class Said:
    """A sentence, and where it holds.

    Attributes
    ----------
    forms
        The formats of which it is true; (): of all.
    over_mrc
        True: over a tomogram in MRC only, False: over others only; None: over all.
    of_each
        Of a loss: every such file has it, so that the receipt says it. Of others the receipt says what was
        lost of the very file, or they were refused.
    """

    text: str
    forms: tuple[Form, ...] = ()
    over_mrc: bool | None = None
    of_each: bool = False

    @property
    def where(self) -> str:
        """Where it holds, as the whole table says it before the sentence; "" where it always does."""
        over = {True: "over an MRC tomogram", False: "over a tomogram that is no MRC", None: ""}[
            self.over_mrc
        ]
        words = [*(SUFFIXES[form][0] for form in self.forms), *([over] if over else [])]
        return f"({', '.join(words)}) " if words else ""


@dataclass(frozen=True)
class Sentences:
    """What is said of a row of the table."""

    parts: tuple[Said, ...] = ()

    @property
    def whole(self) -> str:
        """All of it, with where each sentence holds: for tables."""
        before = ["", *(one.where for one in self.parts)]
        new = (
            one.where if one.where != former else "" for former, one in zip(before, self.parts, strict=False)
        )
        return " ".join(where + one.text for where, one in zip(new, self.parts, strict=True))

    def of(self, form: Form, *, over_mrc: bool) -> str:
        """Return what is true of a file of ``form``; ``over_mrc``: the tomogram beneath is an MRC."""
        return " ".join(one.text for one in self._of(form, over_mrc))

    def of_each(self, form: Form, *, over_mrc: bool) -> str:
        """Return as ``of`` what is so of every such file, whatever it holds."""
        return " ".join(one.text for one in self._of(form, over_mrc) if one.of_each)

    def _of(self, form: Form, over_mrc: bool) -> Iterator[Said]:
        for one in self.parts:
            if (not one.forms or form in one.forms) and one.over_mrc in (None, over_mrc):
                yield one


def said_of(*forms: Form) -> Callable[[str], Said]:
    """Return what makes a sentence about files of these formats."""
    return lambda text: Said(text, forms)


#: One sentence of all, or several.
Words = str | Said | tuple[str | Said, ...]


def sentences(words: Words, forms: tuple[Form, ...]) -> Sentences:
    """Return sentences as they are written in a row of the table; "" is none.

    What is said of all ``forms`` of the row needs not say of which.
    """
    given = words if isinstance(words, tuple) else (words,)
    parts = (Said(one) if isinstance(one, str) else one for one in given if one)
    return Sentences(tuple(replace(one, forms=()) if set(one.forms) >= set(forms) else one for one in parts))
