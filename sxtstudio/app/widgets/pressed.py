"""How tool buttons look that are pressed."""

from __future__ import annotations

from sxtstudio.app import theme

PRESSED = f"QToolButton:checked {{ border: 2px solid {theme.ACCENT}; border-radius: 4px; }}"
