"""JSON and TOML of files, read into typed records; what is wrong is said in one sentence.

The types of a record's fields, with their bounds (``msgspec.Meta``), say what a file may hold; msgspec checks
it, strictly: 16.0 and "16" are no whole numbers, and true is no number. A field's description is what errors
say that it must be. Keys that a record does not know are ignored, unless it is a ``msgspec.Struct`` with
``forbid_unknown_fields``. Nothing in a file is ever run.
"""

from __future__ import annotations

import json
import re
import threading
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import inspect

from sxtstudio.core.errors import UserError
from sxtstudio.core.plain_files import read_plain
from sxtstudio.core.wording import cut

#: A number that is neither NaN nor without bound.
Finite = Annotated[float, msgspec.Meta(ge=-1e300, le=1e300, description="a finite number")]
T = TypeVar("T")
_MOST_BYTES = 64 << 20
_MOST_LEVELS = 100
# What may stand between the dots of a key, and a key of too many levels: of its length the reader makes a
# square. Nothing is tried twice here, so that looking takes no longer than the text.
_WORD = r"(?:[\w-]++|\"(?:[^\"\\\n]|\\.)*+\"|'[^'\n]*+')"
_LONG_KEY = re.compile(rf"(?<![\w-]){_WORD}(?:[ \t]*+\.[ \t]*+{_WORD}){{{_MOST_LEVELS}}}")
_PLACE = re.compile(r" - at (?:`key` in )?`\$([^`]*)`$")
_MISSING = re.compile(r"Object missing required field `([^`]*)`$")
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`$", re.DOTALL)
_PART = re.compile(r"\.([^.\[]+)|\[(?:\d+|\.\.\.)\]")
_ANY_KEY = "[...]"
# The types that msgspec knows, and who is having it look at another one.
_known: set[Any] = set()
_looking = threading.Lock()


class RecordError(UserError):
    """A file holds something else than it must; ``reason`` says what, and is no whole sentence."""

    def __init__(self, what: str, reason: str, advice: str = "") -> None:
        super().__init__(f"{what}: {reason}. {advice}".strip())
        self.reason = reason


class WrongKey(ValueError):
    """Raised by a record's ``__post_init__`` where the value of ``key`` does not go with others."""

    def __init__(self, key: str, must_be: str) -> None:
        super().__init__(f"the key '{key}' is wrong; it must be {must_be}")


def json_values(content: bytes | str, what: str, advice: str = "", *, nan: bool = False) -> Any:
    """Return the values in a JSON text.

    Parameters
    ----------
    content
        UTF-8, or as ``json.loads`` takes it.
    what, advice
        How an error begins, such as "The model card a.json cannot be used", and a sentence of what to do.
    nan
        Read NaN and Infinity, which are no JSON: the record's fields refuse them by name.

    Raises
    ------
    RecordError
        If it is no JSON, is nested too deeply, or holds NaN or Infinity.
    """
    try:
        # Not msgspec's own reader: it refuses the names of files that are not UTF-8 (lone surrogates).
        values = json.loads(content, parse_constant=float if nan else _refuse)
        if _is_shallow(values):
            return values
        reason = "is nested too deeply"
    except RecursionError:
        reason = "is nested too deeply"
    except UnicodeDecodeError:
        reason = "is no text in UTF-8"
    except ValueError as error:
        reason = f"is no JSON: {_without_python(error)}"
    raise RecordError(what, f"it {reason}", advice) from None


def toml_values(content: bytes, what: str, advice: str = "") -> dict[str, Any]:
    """Return the values in a TOML text (UTF-8, with or without a byte-order mark), as ``json_values`` does.

    Raises
    ------
    RecordError
        If it is no TOML, or is nested too deeply.
    """
    try:
        text = content.decode("utf-8-sig")
        if not _LONG_KEY.search(text):
            values = tomllib.loads(text)
            if _is_shallow([values]):
                return values
        reason = "is nested too deeply"
    except RecursionError:
        reason = "is nested too deeply"
    except UnicodeDecodeError:
        reason = "is no text in UTF-8"
    except ValueError as error:
        reason = f"is no valid TOML: {_without_python(error)}"
    raise RecordError(what, f"it {reason}", advice) from None


def read_json(path: Path, what: str, advice: str = "Use a copy of it, if you have one.") -> dict[str, Any]:
    """Return the object in a JSON file; ``what`` names it, such as "The project cell.sxt".

    Raises
    ------
    UserError
        If it cannot be read or is unreasonably large; RecordError if it is no JSON object.
    """
    try:
        content = read_plain(path, _MOST_BYTES)
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}. Check the disk.") from error
    return read_json_record(content, dict[str, Any], f"{what} is damaged", advice)


def record_of(values: Any, kind: type[T], what: str, advice: str = "") -> T:
    """Return the values of a file as a record.

    Parameters
    ----------
    values
        As ``json_values`` or ``toml_values`` return them.
    kind
        A ``msgspec.Struct`` or a dataclass.
    what, advice
        How an error begins, and a sentence of what to do.

    Raises
    ------
    RecordError
        If they do not fit; the text names the key and says what it must be.
    """
    _make_known(kind)
    try:
        return msgspec.convert(values, kind)
    except UnicodeEncodeError:
        raise RecordError(what, "a key or a word of it holds half of a character", advice) from None
    except msgspec.ValidationError as error:
        if error.__cause__ is not None and not isinstance(error.__cause__, WrongKey):
            raise error.__cause__ from None  # a fault of a __post_init__, not of the file
        raise RecordError(what, _reason(error, kind, values), advice) from error


def read_json_record(content: bytes | str, kind: type[T], what: str, advice: str = "") -> T:
    """Return a JSON text as a record, as ``json_values`` and ``record_of`` do one after the other."""
    return record_of(json_values(content, what, advice), kind, what, advice)


def has_half_characters(values: Any) -> bool:
    """Whether a text in JSON values holds half of a character (a lone surrogate): it can be shown nowhere."""
    try:
        json.dumps(values, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    return False


def _make_known(kind: type[Any]) -> None:
    """Have msgspec look at a type, and at all types within it, before anything is read as one.

    It looks when a type is first needed, and keeps what it found at the class before it has found everything.
    A thread that reads a record of this class meanwhile ends the program (msgspec 0.22): so one looks at a
    time, and nobody reads before.
    """
    if kind in _known:
        return
    with _looking:
        with suppress(msgspec.ValidationError):
            msgspec.convert(None, kind)
        _known.add(kind)


def _without_python(error: ValueError) -> str:
    """What a reader says; Python's own words about its limit for digits help nobody."""
    text = str(error)
    return "a number in it has thousands of digits" if "integer string conversion" in text else text


def _is_shallow(values: Any) -> bool:
    """Whether walking through these values, or writing them, cannot exhaust the stack."""
    level = [values]
    for _ in range(_MOST_LEVELS):
        inner = [list(one.values()) if isinstance(one, dict) else one for one in level]
        level = [
            one for part in inner if isinstance(part, list) for one in part if isinstance(one, dict | list)
        ]
        if not level:
            return True
    return False


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is no number")


def _reason(error: msgspec.ValidationError, kind: type[Any], values: Any) -> str:
    """Say in the words of this program what msgspec says in those of Python."""
    text = str(error)
    place = _PLACE.search(text)
    path = place[1] if place else ""
    shown = _with_names(path, _names(values, kind, path, text))[1:]
    text = text[: place.start()] if place else text
    if isinstance(error.__cause__, WrongKey):
        return f"{error.__cause__}{f' (in {shown!r})' if shown else ''}"
    if missing := _MISSING.match(text):
        must_be = _must_be(_at(kind, f"{path}.{missing[1]}"))
        return f"the key '{f'{shown}.{missing[1]}'.lstrip('.')}' is missing; it must be {must_be}"
    if unknown := _UNKNOWN.match(text):
        known = ", ".join(sorted(f.encode_name for node in _choices(_at(kind, path)) for f in _fields(node)))
        return f"unknown key {f'{shown}.{unknown[1]}'.lstrip('.')}; known are {known}"
    # Of a list the whole is named, and what its entries must be.
    path, shown = (re.sub(r"(\[\d+\])+$", "", one) for one in (path, shown))
    must_be = _must_be(_at(kind, path))
    return f"the key '{shown}' is wrong; it must be {must_be}" if shown else f"it must be {must_be}"


def _names(values: Any, kind: type[Any], path: str, text: str) -> list[str]:
    """Return the keys, in dictionaries of any keys, for which msgspec's path has ``[...]``.

    Entries are checked in their order: the wrong one is the last of the shortest beginning of the dictionary
    that is refused with the same text.
    """
    names: list[str] = []
    parts = list(_PART.finditer(path))
    for number, part in enumerate(parts):
        if part[0] != _ANY_KEY:
            continue
        keys: list[str | int] = []
        of_names = iter(names)
        for before in parts[:number]:
            keys.append(next(of_names) if before[0] == _ANY_KEY else before[1] or int(before[0][1:-1]))
        entries = list(_inside(values, keys).items())
        low, high = 0, len(entries) - 1
        while low < high:
            middle = (low + high) // 2
            fewer = _replaced(values, keys, dict(entries[: middle + 1]))
            low, high = (low, middle) if _is_refused(fewer, kind, text) else (middle + 1, high)
        names.append(entries[low][0])
    return names


def _inside(values: Any, keys: list[str | int]) -> Any:
    for key in keys:
        values = values[key]
    return values


def _replaced(values: Any, keys: list[str | int], new: Any) -> Any:
    """Return values with others at a place; what lies beside the way there is not copied."""
    if not keys:
        return new
    copy = values.copy()
    copy[keys[0]] = _replaced(values[keys[0]], keys[1:], new)
    return copy


def _is_refused(values: Any, kind: type[Any], text: str) -> bool:
    try:
        msgspec.convert(values, kind)
    except msgspec.ValidationError as error:
        return str(error) == text
    return False


def _with_names(path: str, names: list[str]) -> str:
    """Put keys into a path, each as one line of a bearable length."""
    rest = iter(names)
    shown = (f".{cut(next(rest))}" if p[0] == _ANY_KEY else p[0] for p in _PART.finditer(path))
    return "".join(shown)


def _at(kind: type[Any], path: str) -> inspect.Type:
    """Return the type of what lies at a path: ".a.b[0].c"."""
    node = inspect.type_info(kind)
    for part in _PART.finditer(path):
        for bare in _choices(node):
            if part[1] is None:
                inner = _entries(bare)
            else:
                inner = next((f.type for f in _fields(bare) if f.encode_name == part[1]), None)
            if inner is not None:
                node = inner
                break
    return node


def _choices(node: inspect.Type) -> Iterator[inspect.Type]:
    """Yield what a type may be, without descriptions."""
    if isinstance(node, inspect.Metadata):
        yield from _choices(node.type)
    elif isinstance(node, inspect.UnionType):
        for one in node.types:
            yield from _choices(one)
    else:
        yield node


def _fields(node: inspect.Type) -> tuple[inspect.Field, ...]:
    return node.fields if isinstance(node, inspect.StructType | inspect.DataclassType) else ()


def _entries(node: inspect.Type) -> inspect.Type | None:
    if isinstance(node, inspect.ListType | inspect.VarTupleType | inspect.SetType | inspect.FrozenSetType):
        return node.item_type
    if isinstance(node, inspect.TupleType):
        return node.item_types[0]
    return node.value_type if isinstance(node, inspect.DictType) else None


def _must_be(node: inspect.Type) -> str:
    match node:
        case inspect.Metadata():
            return str((node.extra_json_schema or {}).get("description") or _must_be(node.type))
        case inspect.UnionType():
            return " or ".join(sorted((_must_be(one) for one in node.types), key="null".__eq__))
        case inspect.NoneType():
            return "null"
        case inspect.BoolType():
            return "true or false"
        case inspect.IntType():
            return f"a whole number{_bounds(node)}"
        case inspect.FloatType():
            return f"a number{_bounds(node)}"
        case inspect.StrType():
            return "a text"
        case inspect.LiteralType():
            return _one_of(node.values)
        case inspect.EnumType():
            return _one_of([one.value for one in node.cls])
        case inspect.DictType(key_type=inspect.EnumType(cls=known)):
            return f"an object with no other keys than {_one_of([one.value for one in known], 'and')}"
        case inspect.DictType(key_type=inspect.LiteralType(values=words)):
            return f"an object with no other keys than {_one_of(words, 'and')}"
        case inspect.TupleType():
            return f"a list of {len(node.item_types)}, each {_must_be(node.item_types[0])}"
        case inspect.DictType() | inspect.StructType() | inspect.DataclassType():
            return "an object with keys"
    entries = _entries(node)
    return "something else" if entries is None else f"a list, each entry {_must_be(entries)}"


def _one_of(values: Sequence[Any], word: str = "or") -> str:
    """Return '1, 3 or 5', or '"dark" or "any"': only texts stand in quotation marks."""
    words = [f'"{value}"' if isinstance(value, str) else str(value) for value in values]
    return f" {word} ".join(part for part in (", ".join(words[:-1]), words[-1]) if part)


def _bounds(node: inspect.IntType | inspect.FloatType) -> str:
    if node.ge is not None and node.le is not None:
        return f" from {node.ge:.12g} to {node.le:.12g}"
    bounds = (("from", node.ge), ("above", node.gt), ("up to", node.le), ("below", node.lt))
    return "".join(f" {word} {value:.12g}" for word, value in bounds if value is not None)
