"""The parts of a package as a software bill of materials: CycloneDX, JSON.

Scanners of environments see what is installed; this one has what PyInstaller really took, Debian's libraries
and FFmpeg among them, as third_party.py found it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from licences import Licence
from packageurl import PackageURL


def write_sbom(
    path: Path,
    parts: Sequence[Licence],
    version: str,
    system: str,
    models: Iterable[Path] = (),
    name: str = "SXT Studio",
) -> None:
    """Write the list of parts.

    Parameters
    ----------
    path
        The file to write.
    parts
        What lies in the package beside the program's own modules.
    version
        Of SXT Studio.
    system
        For which system the package is, such as "linux-x86_64".
    models
        Networks that ship with it; the card of each lies beside it.
    name
        Of the package.
    """
    licences = LicenseFactory()
    own = Component(
        name=name,
        version=version,
        type=ComponentType.APPLICATION,
        bom_ref="sxtstudio",
        licenses=[licences.make_from_string("MIT")],
        properties=[Property(name="system", value=system)],
    )
    bom = Bom()
    bom.metadata.component = own
    for part in parts:
        if part.name != "sxtstudio":
            bom.components.add(_library(part, licences))
    for model in models:
        bom.components.add(_model(model, licences))
    bom.register_dependency(own, bom.components)
    path.write_text(JsonV1Dot6(bom).output_as_string(indent=1) + "\n", encoding="utf-8")


def _library(part: Licence, licences: LicenseFactory) -> Component:
    url = PackageURL(
        part.origin,
        "debian" if part.origin == "deb" else None,
        part.name.lower().replace("_", "-") if part.origin == "pypi" else part.name,
        part.version,
    )
    return Component(
        name=part.name,
        version=part.version,
        type=ComponentType.APPLICATION if part.is_program else ComponentType.LIBRARY,
        bom_ref=url.to_string(),
        purl=url,
        licenses=[licences.make_from_string(part.licence)],
    )


def _model(path: Path, licences: LicenseFactory) -> Component:
    card = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    content = hashlib.sha256(path.read_bytes()).hexdigest()
    return Component(
        name=card["name"],
        type=ComponentType.MACHINE_LEARNING_MODEL,
        bom_ref=f"model-{path.stem}",
        description=card["description"],
        licenses=[licences.make_from_string(card["licence"])],
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=content)],
    )
