"""Names of files made from what users call their classes: safe on every system, and none twice."""

from __future__ import annotations

import re
import unicodedata

# What Windows refuses, and what separates folders; and what would not be seen.
_REFUSED = re.compile(r'[<>:"/\\|?*]')
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
# A name may have 255 bytes, of which number, suffix and the name while it is written need some.
_MOST_BYTES = 120


def plain_stem(name: str) -> str:
    """Return ``name`` as the stem of a file in letters that every program can read: ä becomes a."""
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9._+-]+", "_", letters).strip("_.") or "scene"


def file_stem(name: str) -> str:
    """Return ``name`` as the stem of a file: umlauts stay, blanks become "_", what is refused goes."""
    composed = unicodedata.normalize("NFC", name)
    seen = "".join(c if unicodedata.category(c)[0] not in "CZ" else " " for c in _REFUSED.sub(" ", composed))
    stem = "_".join(seen.split()).encode()[:_MOST_BYTES].decode(errors="ignore").strip("._")
    if not stem:
        return "object"
    return f"{stem}_" if _RESERVED.fullmatch(stem) else stem
