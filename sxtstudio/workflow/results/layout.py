"""What lies where in a folder of results, and ``parameters.json``, from which everything can be done again.

    NAME-results/
      ro-crate-metadata.json   what each file is (RO-Crate 1.1)
      README.txt               the same for people
      methods.md               a paragraph for a paper, then all steps
      parameters.json          all steps with parameters, the tomogram's checksum, a checksum of each file
      model.json               the card of the model; its checksum stands in it
      volumes/                 labels, mask, objects as TIFF
      tables/                  objects.csv with its dictionary, objects.xlsx, objects.json (classes, notes);
                               filopodia.csv, table-s1.csv and table-s1.md where filopodia were taken
      plots/  surfaces/  pictures/

A folder may come from a stranger: what is read of it is checked.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from sxtstudio import __version__
from sxtstudio.core.edit_kind import Target
from sxtstudio.core.errors import UserError
from sxtstudio.core.measure.contacts import ContactRule
from sxtstudio.core.records import Finite, WrongKey, read_json, record_of
from sxtstudio.io.project import Record, RecordFile, to_json

SCHEMA = "sxtstudio-results/1"
PARAMETERS, CRATE, README, METHODS, MODEL = (
    "parameters.json",
    "ro-crate-metadata.json",
    "README.txt",
    "methods.md",
    "model.json",
)
VOLUMES: Mapping[Target, str] = {
    "labels": "volumes/labels.tif",
    "mask": "volumes/mask.tif",
    "objects": "volumes/objects.tif",
}
TABLE, TABLE_XLSX, ROWS = "tables/objects.csv", "tables/objects.xlsx", "tables/objects.json"
CLASSIFIER = "tables/classifier.json"
FILOPODIA, TABLE_S1, TABLE_S1_TEXT = "tables/filopodia.csv", "tables/table-s1.csv", "tables/table-s1.md"
_MOST_FILES = 10_000
_Name = Annotated[str, Meta(min_length=1, max_length=300)]
_Sha256 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$", description="a SHA-256")]


class _Contact(Struct, frozen=True):
    first: _Name
    second: _Name
    at_most: Finite


class _Parameters(Struct, frozen=True):
    """What parameters.json holds."""

    schema: Literal["sxtstudio-results/1"]
    record: RecordFile
    program: Annotated[str, Meta(max_length=100)] = ""
    files: dict[_Name, _Sha256] = {}
    contacts: Annotated[tuple[_Contact, ...], Meta(max_length=1000)] = ()

    def __post_init__(self) -> None:
        """Refuse names that lead out of the folder."""
        if len(self.files) > _MOST_FILES:
            raise WrongKey("files", f"a list of up to {_MOST_FILES}")
        for name in self.files:
            parts = PurePosixPath(name).parts
            if name.startswith("/") or "\\" in name or "\0" in name or ".." in parts:
                raise WrongKey("files", "names of files within the folder")


@dataclass(frozen=True)
class Results:
    """What a folder of results says.

    Attributes
    ----------
    record
        All steps with their parameters, tomogram, voxel size, polarity, calibration.
    files
        The SHA-256 of each file by its name in the folder.
    contacts
        The contacts whose columns are in the table.
    program
        The version of the program that wrote it; "" where it does not say.
    """

    record: Record
    files: Mapping[str, str] = field(default_factory=dict)
    contacts: tuple[ContactRule, ...] = ()
    program: str = __version__


def parameters_text(results: Results) -> str:
    """Return the content of parameters.json."""
    content: dict[str, Any] = {
        "schema": SCHEMA,
        "program": results.program,
        "counted_from": 0,
        "record": to_json(results.record),
        "contacts": [
            {"first": one.first, "second": one.second, "at_most": one.at_most} for one in results.contacts
        ],
        "files": dict(results.files),
    }
    return json.dumps(content, indent=1, allow_nan=False) + "\n"


def read_results(folder: Path) -> Results:
    """Read and check parameters.json.

    Raises
    ------
    UserError
        If it is no folder of results, is damaged, or of a newer version.
    """
    path = folder / PARAMETERS
    if not path.is_file():
        raise UserError(f"{folder} is no folder of results: there is no {PARAMETERS} in it.")
    content = read_json(path, f"The results {folder.name}")
    schema = content.get("schema")
    if isinstance(schema, str) and schema.startswith("sxtstudio-results/") and schema != SCHEMA:
        raise UserError(
            f"The results {folder.name} were written by another version of SXT Studio: use that one."
        )
    found = record_of(content, _Parameters, f"The results {folder.name} cannot be used")
    rules = tuple(ContactRule(one.first, one.second, one.at_most) for one in found.contacts)
    return Results(found.record.record(), found.files, rules, found.program)


def refuse_foreign(folder: Path) -> None:
    """Raise UserError where a folder holds anything that is not of former results: it would be lost."""
    if not os.path.lexists(folder):
        return
    if folder.is_symlink() or not folder.is_dir():
        raise UserError(f"{folder} is no folder, and stays as it is: give another name.")
    if not any(folder.iterdir()):
        return
    try:
        known = {*read_results(folder).files, PARAMETERS, CRATE}
    except UserError as error:
        raise UserError(
            f"{folder} exists and holds no results. Choose another name, so that nothing is lost."
        ) from error
    for place, folders, names in os.walk(folder):
        links = [name for name in folders if Path(place, name).is_symlink()]
        for name in (*names, *links):
            inner = Path(place, name).relative_to(folder).as_posix()
            if inner not in known:
                raise UserError(
                    f"{folder} holds {inner}, which is no part of the results and would be lost. "
                    "Move it elsewhere, or choose another name."
                )
