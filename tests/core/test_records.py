"""Files read into typed records: what is wrong is named, with what it must be."""

import subprocess
import sys
import tomllib
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import pytest
from msgspec import Meta, Struct

from sxtstudio.core.errors import UserError
from sxtstudio.core.records import (
    Finite,
    RecordError,
    WrongKey,
    has_half_characters,
    json_values,
    read_json_record,
    record_of,
    toml_values,
)

Whole = Annotated[int, Meta(ge=1, le=9)]


@dataclass(frozen=True)
class Part:
    size: Whole
    rest: dict[str, Any] = field(default_factory=dict)


class Range(Struct):
    low: float = 0
    high: float = 1

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise WrongKey("high", "more than low")


class Strict(Struct, forbid_unknown_fields=True):
    step: int = 0
    seed: int = 0


class File(Struct, rename={"two_words": "two words"}):
    name: str
    share: Annotated[float, Meta(ge=-1, le=1)] = 0
    finite: Finite = 0
    above: Annotated[float, Meta(gt=0)] = 1
    way: Literal["dark", "any"] | None = None
    flag: bool = False
    size_nm: Annotated[tuple[float, float], Meta(description="[low, high] in nm")] | None = None
    texts: tuple[str, ...] = ()
    two_words: int = 0
    part: Part | None = None
    parts: list[Part] = []
    named: dict[Literal["labels", "mask"], Part] = {}
    range: Range | None = None
    strict: Strict | None = None


def test_values_become_a_record_and_other_keys_are_ignored() -> None:
    text = '{"name": "a", "share": 1, "size_nm": [8, 9.5], "two words": 3, "part": {"size": 9}, "more": {}}'
    found = read_json_record(text, File, "The file")
    assert found == File("a", 1.0, size_nm=(8.0, 9.5), two_words=3, part=Part(9))


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("name", 7, "the key 'name' is wrong; it must be a text"),
        ("share", 1.5, "the key 'share' is wrong; it must be a number from -1 to 1"),
        ("share", float("nan"), "the key 'share' is wrong; it must be a number from -1 to 1"),
        ("share", 10**400, "the key 'share' is wrong; it must be a number from -1 to 1"),
        ("share", True, "the key 'share' is wrong; it must be a number from -1 to 1"),
        ("finite", float("inf"), "the key 'finite' is wrong; it must be a finite number"),
        ("above", 0, "the key 'above' is wrong; it must be a number above 0"),
        ("way", "bright", 'the key \'way\' is wrong; it must be "any" or "dark" or null'),
        ("flag", "true", "the key 'flag' is wrong; it must be true or false"),
        ("size_nm", [8], "the key 'size_nm' is wrong; it must be [low, high] in nm or null"),
        ("size_nm", [8, "9"], "the key 'size_nm' is wrong; it must be [low, high] in nm or null"),
        ("texts", ["a", 1], "the key 'texts' is wrong; it must be a list, each entry a text"),
        ("two words", 3.0, "the key 'two words' is wrong; it must be a whole number"),
        ("part", {}, "the key 'part.size' is missing; it must be a whole number from 1 to 9"),
        ("part", {"size": 0}, "the key 'part.size' is wrong; it must be a whole number from 1 to 9"),
        ("part", [], "the key 'part' is wrong; it must be an object with keys or null"),
        ("parts", [{"size": 1}, {"size": 10}], "the key 'parts[1].size' is wrong; it must be a whole number"),
        ("named", {"mask": {"size": 0}}, "the key 'named.mask.size' is wrong; it must be a whole number"),
        (
            "named",
            {"cell": {"size": 1}},
            'the key \'named\' is wrong; it must be an object with no other keys than "labels" and "mask"',
        ),
        (
            "named",
            {"labels": {"size": 1}, "mask": {"size": 10}},
            "the key 'named.mask.size' is wrong; it must be a whole number",
        ),
        ("range", {"low": 2}, "the key 'high' is wrong; it must be more than low (in 'range')"),
        ("strict", {"sted": 2}, "unknown key strict.sted; known are seed, step"),
    ],
)
def test_the_key_is_named_and_what_it_must_be(key: str, value: object, said: str) -> None:
    with pytest.raises(RecordError) as error:
        record_of({"name": "a", key: value}, File, "The file a.json is damaged", "Get it again.")
    assert str(error.value).startswith(f"The file a.json is damaged: {said}")
    assert str(error.value).endswith(". Get it again.") and "`" not in str(error.value)


def test_a_missing_key_and_no_object() -> None:
    with pytest.raises(UserError, match="The file is damaged: the key 'name' is missing; it must be a text"):
        record_of({}, File, "The file is damaged")
    with pytest.raises(UserError, match="it must be an object with keys"):
        record_of([], File, "The file")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "it is no JSON"),
        (b'{"a": 1', "it is no JSON"),
        (b"\xff\xff", "it is no text in UTF-8"),
        (b'{"a": NaN}', "NaN is no number"),
        (b'{"a": -Infinity}', "-Infinity is no number"),
        (b"[" * 3000 + b"]" * 3000, "it is nested too deeply"),
        (b'{"a":[' * 200 + b"]}" * 200, "it is nested too deeply"),
        (b"[" * 10**6, "it is nested too deeply"),
        (b"1" * 5000, "it is no JSON"),
    ],
    ids=[
        "empty",
        "cut",
        "bytes",
        "nan",
        "infinity",
        "deep",
        "objects and lists",
        "deep and cut",
        "long number",
    ],
)
def test_what_is_no_json_is_said(content: bytes, said: str) -> None:
    with pytest.raises(RecordError, match="The file is damaged: it is") as error:
        json_values(content, "The file is damaged", "Get it again.")
    assert said in str(error.value) and str(error.value).endswith("Get it again.")


@pytest.mark.parametrize("more", [{"\ud800": 1}, {"way": "\ud800"}, {"part": {"\udfff": 1, "size": 1}}])
def test_half_characters_in_keys_and_words_are_said(more: dict[str, object]) -> None:
    with pytest.raises(RecordError, match="half of a character"):
        record_of({"name": "a", **more}, File, "The file")


def test_nan_can_be_read_for_fields_that_refuse_it_by_name() -> None:
    values = json_values('{"name": "a", "finite": -Infinity}', "The file", nan=True)
    with pytest.raises(RecordError, match="'finite' is wrong"):
        record_of(values, File, "The file")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b".".join([b"a"] * 20_000) + b"=1", "nested too deeply"),
        (b"[" + b" . ".join([b"a"] * 20_000) + b"]\nb=1", "nested too deeply"),
        (b"x=1\n" + b".".join([b"'a.b'", b'"c\\"."', b"d"] * 50) + b"=1", "nested too deeply"),
        (b"a=" + b"[" * 3000 + b"]" * 3000, "nested too deeply"),
        (b"a=" + b"9" * 5000, "a number in it has thousands of digits"),
        (b"a=\xff", "no text in UTF-8"),
    ],
    ids=["dots", "dots in a heading", "words in quotes", "lists", "long number", "bytes"],
)
def test_what_is_no_toml_is_said(content: bytes, said: str) -> None:
    with pytest.raises(RecordError, match="The file cannot be used: ") as error:
        toml_values(content, "The file cannot be used")
    assert said in str(error.value) and "sys." not in str(error.value)


def test_keys_with_many_levels_are_refused_before_they_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key of 60,000 levels, in 120 kB, took 6.1 GB to be read."""
    monkeypatch.setattr(tomllib, "loads", lambda _: pytest.fail("it was read"))
    for word in ("a", "'a'", '"a"'):
        with pytest.raises(RecordError, match="nested too deeply"):
            toml_values(".".join([word] * 101).encode() + b" = 1", "The file")


@pytest.mark.parametrize("text", ["1.2.3.4.", "....", "a.b-c_d. "], ids=["numbers", "dots", "words"])
def test_dots_elsewhere_in_toml_are_no_levels(text: str) -> None:
    written = text * 24
    content = f"# {written}\nlast.but.one = '{written}'\n\"many words\" = 0.5"
    assert toml_values(content.encode(), "The file")["last"] == {"but": {"one": written}}


@pytest.mark.parametrize("text", ["a" * 10**6, '"' * 10**6, "'\\" * 10**6, "a." * 99 + "\n" + "." * 10**6])
def test_looking_for_levels_takes_no_longer_than_the_text(text: str) -> None:
    """With a million characters anything but that would not end within the time of the whole suite."""
    with pytest.raises(RecordError):
        toml_values(text.encode(), "The file")


def test_a_fault_of_the_program_is_none_of_the_file() -> None:
    class Faulty(Struct):
        def __post_init__(self) -> None:
            raise TypeError("a fault")

    with pytest.raises(TypeError, match="a fault"):
        record_of({}, Faulty, "The file")


def test_the_name_of_a_file_that_is_not_utf8_is_kept() -> None:
    found = read_json_record(rb'{"name": "caf\udce9.mrc"}', File, "The file")
    assert found.name == "caf\udce9.mrc" and has_half_characters(found.name)
    assert has_half_characters({"more": ["\ud800"]}) and not has_half_characters({"\U0001f600": "µ"})


# A field's type that is found out only when the other thread had its chance to read a record with it.
TWO_THREADS = """
import sys, threading
from dataclasses import dataclass
from msgspec import Struct
from sxtstudio.core.records import record_of

found = []
looking, second_begins, second_ended = (threading.Event() for _ in range(3))

def slow():
    looking.set()
    second_begins.wait(10)
    second_ended.wait(0.5)
    return int

if sys.argv[1] == "Struct":
    class Inner(Struct):
        number: "slow()"
    class Outer(Struct):
        inner: Inner
        name: str
else:
    @dataclass
    class Inner:
        number: "slow()"
    @dataclass
    class Outer:
        inner: Inner
        name: str

def read():
    record = record_of({"inner": {"number": 7}, "name": "cell"}, Outer, "The file")
    found.append((record.inner.number, record.name))

def read_second():
    looking.wait(10)
    second_begins.set()
    read()
    second_ended.set()

threads = [threading.Thread(target=one) for one in (read, read_second)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(found)
"""


@pytest.mark.parametrize("kind", ["Struct", "dataclass"])
def test_two_threads_may_read_the_first_records_of_a_type(kind: str) -> None:
    command = [sys.executable, "-c", TWO_THREADS, kind]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr  # it was -11: a segmentation fault
    assert done.stdout == "[(7, 'cell'), (7, 'cell')]\n"
