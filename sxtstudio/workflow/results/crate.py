"""The description of a folder of results as an RO-Crate 1.1: JSON-LD that other programs read.

As published at https://www.researchobject.org/ro-crate/specification/1.1/.
"""

from __future__ import annotations

import json
import mimetypes
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sxtstudio import __version__
from sxtstudio.io.project import Record
from sxtstudio.workflow.results.layout import CRATE
from sxtstudio.workflow.results.paragraph import CITATION, DOI

_CONTEXT = [
    "https://w3id.org/ro/crate/1.1/context",
    {"sha256": "https://schema.org/sha256"},  # not in that of 1.1
]
_LICENSE = "Not chosen: the rights are those of whoever recorded and analysed the tomogram."
_TYPES = {".ply": "model/x-ply", ".md": "text/markdown", ".parquet": "application/vnd.apache.parquet"}


def crate_text(
    folder: Path, record: Record, files: Mapping[str, str], described: Mapping[str, str], name: str, text: str
) -> str:
    """Return the content of ro-crate-metadata.json.

    Parameters
    ----------
    folder
        Where the files lie, for their sizes.
    record
        The tomogram, and what was done.
    files
        The SHA-256 of each file by its name in the folder.
    described
        A sentence for each file.
    name, text
        Of the tomogram; the paragraph of methods.
    """
    now = datetime.now(UTC).isoformat(timespec="seconds")
    folders = sorted({f"{file.rpartition('/')[0]}/" for file in files if "/" in file})
    top = [file for file in files if "/" not in file]
    graph: list[dict[str, Any]] = [
        {
            "@id": CRATE,
            "@type": "CreativeWork",
            "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
            "about": {"@id": "./"},
        },
        {
            "@id": "./",
            "@type": "Dataset",
            "name": f"Results of the soft X-ray tomogram {name}",
            "description": text,
            "datePublished": now,
            "license": _LICENSE,
            "citation": {"@id": DOI},
            "hasPart": [{"@id": entry} for entry in (*folders, *top)],
            "mentions": [{"@id": "#analysis"}],
        },
        *(
            {
                "@id": inner,
                "@type": "Dataset",
                "name": inner.rstrip("/"),
                "hasPart": [{"@id": file} for file in files if file.rpartition("/")[0] == inner.rstrip("/")],
            }
            for inner in folders
        ),
        *(
            {
                "@id": file,
                "@type": "File",
                "name": file.rpartition("/")[2],
                "description": described.get(file, ""),
                "contentSize": str((folder / file).stat().st_size),
                "encodingFormat": _type_of(file),
                "sha256": checksum,
            }
            for file, checksum in files.items()
        ),
        {
            "@id": "#analysis",
            "@type": "CreateAction",
            "name": "Analysis of the tomogram",
            "endTime": now,
            "instrument": {"@id": "#sxt-studio"},
            "object": {"@id": "#tomogram"},
            "result": [{"@id": file} for file in files],
        },
        {
            "@id": "#sxt-studio",
            "@type": "SoftwareApplication",
            "name": "SXT Studio",
            "softwareVersion": __version__,
        },
        _tomogram(record, name),
        {
            "@id": DOI,
            "@type": "ScholarlyArticle",
            "name": CITATION,
            "identifier": DOI,
        },
    ]
    return json.dumps({"@context": _CONTEXT, "@graph": graph}, indent=1, ensure_ascii=False) + "\n"


def _tomogram(record: Record, name: str) -> dict[str, Any]:
    """The tomogram is not in the folder: what it is known by."""
    known = record.tomogram.fingerprint
    found: dict[str, Any] = {
        "@id": "#tomogram",
        "@type": "CreativeWork",
        "name": name,
        "description": f"The tomogram, of {' × '.join(map(str, record.tomogram.shape))} voxels (z × y × x); "
        "it is not part of this folder.",
    }
    if isinstance(known.get("value"), str):
        found["identifier"] = f"{known.get('method', 'sha256')}: {known['value']}"
    return found


def _type_of(file: str) -> str:
    suffix = Path(file).suffix.lower()
    return _TYPES.get(suffix) or mimetypes.guess_type(file)[0] or "application/octet-stream"
