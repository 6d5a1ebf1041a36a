"""What was measured or fitted goes into the card of its model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sxtstudio.core.atomic import atomic_write


def put_into_card(card: Path, entries: Mapping[str, Any]) -> None:
    """Put entries (JSON types) into a card; what else it holds stays."""
    content = json.loads(card.read_text(encoding="utf-8")) | entries
    with atomic_write(card) as temporary:
        temporary.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
