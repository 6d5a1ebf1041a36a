from pathlib import Path

from sxtstudio.core.training_events import EVENTS, number, parse_event, read_events


def test_words_that_are_no_events_are_passed_over(tmp_path: Path) -> None:
    words = ("", "Warning: x", "[1]", '{"a": 1}', '{"event": 3}', "{" * 100_000, '{"event": "a", "f": NaN}')
    for line in words:
        assert parse_event(line) is None
    (tmp_path / EVENTS).write_bytes(b'{"event": "note"}\n\xff\xfe\n{"event": "do')
    assert read_events(tmp_path / EVENTS) == [{"event": "note"}]
    assert read_events(tmp_path / "none") == []


def test_a_line_without_end_is_passed_over_and_what_follows_is_read(tmp_path: Path) -> None:
    long = b'{"event": "' + b"a" * 200_000 + b'"}'
    (tmp_path / EVENTS).write_bytes(b'{"event": "one"}\n' + long + b'\n{"event": "two"}\n')
    assert [event["event"] for event in read_events(tmp_path / EVENTS)] == ["one", "two"]


def test_only_finite_numbers_are_numbers() -> None:
    event = {"a": 1, "b": True, "c": "2", "d": float("nan"), "e": 10**400}
    assert [number(event, key) for key in "abcdef"] == [1.0, None, None, None, None, None]
