"""The hand that draws with the mouse tools, as the tests of the labels have it."""

from __future__ import annotations

from tests.app.labels.conftest import hand

__all__ = ["hand"]
