"""Values out of a TOML table, with errors that name the key and say what it must be."""

from __future__ import annotations

import math
from typing import Any

from sxtstudio.core.errors import UserError


def is_number(value: object) -> bool:
    """Whether a value is a finite number, and not true or false."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


class Table:
    """Takes the keys out of a table, says which is wrong, and which are left over at the end."""

    def __init__(self, data: dict[str, Any], where: str) -> None:
        """``where`` is how errors call the table."""
        self.data = data
        self.where = where
        self.taken: set[str] = set()

    def take(self, key: str, default: Any) -> Any:
        """Return the value as it stands, and count the key as known."""
        self.taken.add(key)
        return self.data.get(key, default)

    def wrong(self, key: str, expected: str) -> UserError:
        """Return the error for a key whose value is missing or wrong."""
        state = "is missing" if key not in self.data else "is wrong"
        return UserError(f"{self.where}: {key} {state}; it must be {expected}.")

    def text(self, key: str, default: str | None = None) -> str:
        """Return a text; without a default it must not be empty."""
        value = self.take(key, default)
        if not isinstance(value, str) or (default is None and not value.strip()):
            raise self.wrong(key, "a text in quotation marks")
        return value

    def choice(self, key: str, default: str, choices: tuple[str, ...]) -> Any:
        """Return one of a few words."""
        value = self.take(key, default)
        if value not in choices:
            raise self.wrong(key, " or ".join(f'"{choice}"' for choice in choices))
        return value

    def whole(self, key: str, default: int, low: int, high: int) -> int:
        """Return a whole number from ``low`` to ``high``; the default need not lie there."""
        value = self.take(key, default)
        given = key in self.data
        if not isinstance(value, int) or isinstance(value, bool) or (given and not low <= value <= high):
            raise self.wrong(key, f"a whole number from {low} to {high}")
        return value

    def number(self, key: str, default: float, low: float, high: float) -> float:
        """Return a number from ``low`` to ``high``; the default need not lie there."""
        value = self.take(key, default)
        if not is_number(value) or (key in self.data and not low <= value <= high):
            raise self.wrong(key, f"a number from {low:g} to {high:g}")
        return float(value)

    def flag(self, key: str, default: bool) -> bool:
        """Return true or false."""
        value = self.take(key, default)
        if not isinstance(value, bool):
            raise self.wrong(key, "true or false")
        return value

    def table(self, key: str) -> dict[str, Any]:
        """Return a table within, empty where it is left out."""
        value = self.take(key, {})
        if not isinstance(value, dict):
            raise self.wrong(key, f"a section [{key}]")
        return value

    def tables(self, key: str) -> list[dict[str, Any]]:
        """Return a list of tables, empty where it is left out."""
        value = self.take(key, [])
        if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
            raise self.wrong(key, f"a section [[{key}]]")
        return value

    def finish(self) -> None:
        """Refuse keys that nobody asked for."""
        unknown = sorted(set(self.data) - self.taken)
        if unknown:
            known = ", ".join(sorted(self.taken))
            raise UserError(
                f"{self.where}: unknown {'key' if len(unknown) == 1 else 'keys'} {', '.join(unknown)}; "
                f"known are {known}."
            )
