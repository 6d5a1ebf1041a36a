"""The files of a folder of results that are not as they were written, and what that means."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath

from sxtstudio.core.edit_kind import Target
from sxtstudio.workflow.results import layout
from sxtstudio.workflow.results.compare import Outcome, Verdict
from sxtstudio.workflow.results.write import sha256_of

CHANGED = "the file was changed since it was written"
ADVICE = (
    "Files of the folder are not as they were written, by whatever program: for what was written take them "
    "from a copy, or export the results again."
)
#: How results are called.
NAMES: Mapping[Target, str] = {"labels": "labels", "mask": "cell mask", "objects": "objects"}
TABLE_NAME = "table"
#: Which result is compared with which file.
_COMPARED = {**{file: NAMES[part] for part, file in layout.VOLUMES.items()}, layout.TABLE: TABLE_NAME}
_TAKEN = {
    layout.ROWS: "classes, notes and answers given by hand were taken from it as it is now",
    layout.CLASSIFIER: "the classes of the classifier were given by it as it is now",
}
_LOST = {
    layout.ROWS: "the classes in it cannot be compared",
    layout.CLASSIFIER: "the classes that it gave cannot be given again",
}
_ALONE = "nothing else of this check goes by it"


def changed_files(folder: Path, results: layout.Results) -> dict[str, Outcome]:
    """Return for each file that is not as it was written what became of it."""
    changed = {}
    for name, sha256 in results.files.items():
        if not is_within(folder, name):
            changed[name] = Outcome(name, Verdict.MISSING, _instead(folder, name), is_file=True)
        elif sha256_of(folder / name) != sha256:
            changed[name] = Outcome(name, Verdict.APART, CHANGED, is_file=True)
    known = (layout.TABLE, layout.ROWS, layout.CLASSIFIER, layout.FILOPODIA, layout.TABLE_S1)
    for name in (*layout.VOLUMES.values(), *known, layout.TABLE_S1_TEXT):
        if name in results.files or not os.path.lexists(folder / name):
            continue
        if is_within(folder, name):
            words = f"the file is not listed in {layout.PARAMETERS}"
            changed[name] = Outcome(name, Verdict.APART, words, is_file=True)
        else:
            changed[name] = Outcome(name, Verdict.MISSING, _instead(folder, name), is_file=True)
    return changed


def with_meaning(changed: Iterable[Outcome], results: Iterable[Outcome]) -> list[Outcome]:
    """Return files that are not as they were written, with what that means for the results."""
    known = {one.name: one for one in results}
    return [replace(one, words=f"{one.words}; {_meaning(one, known)}") for one in changed]


def _meaning(file: Outcome, results: Mapping[str, Outcome]) -> str:
    if file.name in _COMPARED:
        return _of_result(file, _COMPARED[file.name], results.get(_COMPARED[file.name]))
    if file.name not in _TAKEN:
        return _ALONE
    if file.verdict is Verdict.MISSING:
        return _LOST[file.name]
    return _TAKEN[file.name]


def _of_result(file: Outcome, name: str, result: Outcome | None) -> str:
    if file.verdict is Verdict.MISSING:
        return f"there is nothing to compare the {name} with"
    if result is not None and result.verdict is Verdict.SAME:
        return f"what it says of the {name} is still what was found again"
    if result is not None and result.measure is not None:
        return (
            f"the {name} made again {'were' if name.endswith('s') else 'was'} compared with it as it is now"
        )
    return f"the {name} cannot be compared with what was written"


def is_within(folder: Path, name: str) -> bool:
    """Whether it is a file of the folder itself, and not one that a link leads to; nothing else is read."""
    return not _through_link(folder, name) and (folder / name).is_file()


def _through_link(folder: Path, name: str) -> bool:
    places = [folder / name, *(folder / parent for parent in PurePosixPath(name).parents)][:-1]
    return any(place.is_symlink() for place in places)


def _instead(folder: Path, name: str) -> str:
    """Return what there is in the place of a file of the folder."""
    if _through_link(folder, name):
        return "a link is in its place"
    if os.path.lexists(folder / name):
        return "what is in its place is not a file"
    return "the file is not there any more"
