"""The file of a classifier: JSON with its trees and its training objects, read as one from a stranger.

============ ==========================================================================================
key          meaning
============ ==========================================================================================
format       "sxtstudio object classifier"
version      of this layout
features     version: of the list of features; keys: those that the trees ask for, in their order
sizes        "um3", or "voxels" where the voxel size of the training objects was unknown
classes      a list of name and rgb (0…255)
trees        of each tree, node by node: feature (-1: a leaf), threshold, left, right (numbers of nodes), and
             shares, a list with the share of each class
fill         of each feature, what stands for a value that could not be measured
importance   of each feature, its part in what the trees tell apart
examples     the training objects: features (null: not measured) and class (number in ``classes``)
of_sheets    names of the classes of which training objects were open sheets of membrane (may be missing)
right        of each class, how many of its training objects were named rightly out of bag
============ ==========================================================================================
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from msgspec import Meta, Struct, to_builtins
from numpy.typing import NDArray

from sxtstudio.core.atomic import atomic_write
from sxtstudio.core.classes.class_entries import ClassEntry, check_names
from sxtstudio.core.classes.classifier import Classifier, ClassifierScores, ClassScore, Examples
from sxtstudio.core.classes.features import MOST, feature_named
from sxtstudio.core.classes.features import VERSION as FEATURES_VERSION
from sxtstudio.core.classes.forest import Forest, Tree
from sxtstudio.core.records import Finite, RecordError, WrongKey, read_json, record_of

FORMAT, VERSION = "sxtstudio object classifier", 1
_MOST_CLASSES, _MOST_FEATURES, _MOST_TREES, _MOST_NODES, _MOST_EXAMPLES = 255, 200, 1000, 200_000, 100_000

_Whole = Annotated[int, Meta(ge=0)]
_Version = Annotated[int, Meta(ge=1)]
_Number = Annotated[int, Meta(ge=-1, lt=_MOST_NODES)]
_Share = Annotated[float, Meta(ge=0, le=1)]
# As large as a feature may be: larger ones would end in numbers without bound.
_Value = Annotated[float, Meta(ge=-MOST, le=MOST)]
_Key = Annotated[str, Meta(max_length=100)]


class _Features(Struct):
    version: _Version
    keys: Annotated[list[_Key], Meta(min_length=1, max_length=_MOST_FEATURES)]

    def __post_init__(self) -> None:
        if len(set(self.keys)) < len(self.keys):
            raise WrongKey("keys", "a list in which each key stands once")


class _Tree(Struct):
    feature: Annotated[list[_Number], Meta(min_length=1, max_length=_MOST_NODES)]
    threshold: Annotated[list[Finite], Meta(max_length=_MOST_NODES)]
    left: Annotated[list[_Number], Meta(max_length=_MOST_NODES)]
    right: Annotated[list[_Number], Meta(max_length=_MOST_NODES)]
    shares: Annotated[list[list[_Share]], Meta(max_length=_MOST_NODES)]


class _Examples(Struct, rename={"class_of": "class"}):
    features: Annotated[list[list[_Value | None]], Meta(min_length=1, max_length=_MOST_EXAMPLES)]
    class_of: Annotated[list[_Whole], Meta(min_length=1, max_length=_MOST_EXAMPLES)]


class _File(Struct):
    format: str
    version: _Version
    features: _Features
    sizes: Annotated[str, Meta(pattern="^(um3|voxels)$", description='"um3" or "voxels"')]
    classes: Annotated[list[ClassEntry], Meta(min_length=2, max_length=_MOST_CLASSES)]
    trees: Annotated[list[_Tree], Meta(min_length=1, max_length=_MOST_TREES)]
    fill: list[_Value]
    importance: list[_Share]
    examples: _Examples
    right: list[_Whole]
    of_sheets: Annotated[list[str], Meta(max_length=_MOST_CLASSES)] = []

    def __post_init__(self) -> None:
        if self.format != FORMAT:
            raise WrongKey("format", f'"{FORMAT}"')
        features, classes = len(self.features.keys), len(self.classes)
        check_names(self.classes)
        for key, numbers, length, what in (
            ("fill", self.fill, features, "feature"),
            ("importance", self.importance, features, "feature"),
            ("right", self.right, classes, "class"),
        ):
            if len(numbers) != length:
                raise WrongKey(key, f"a list of one number for each {what}")
        for tree in self.trees:
            nodes = len(tree.feature)
            if len(tree.shares) != nodes or any(len(row) != classes for row in tree.shares):
                raise WrongKey("trees", "trees with one share for each class at each node")
        own = self.examples
        if len(own.features) != len(own.class_of) or any(len(row) != features for row in own.features):
            raise WrongKey("examples", "a list of features and a class for each training object")
        if sorted(set(own.class_of)) != list(range(classes)):
            raise WrongKey("examples", "training objects of each of the classes, and of no other")
        if any(right > own.class_of.count(n) for n, right in enumerate(self.right)):
            raise WrongKey("right", "no more than there are training objects")


def read_classifier(path: Path) -> Classifier:
    """Read the file of a classifier.

    Raises
    ------
    UserError
        If it cannot be read, holds something else than it must, or needs a newer version of the program.
    """
    advice = "Save the classifier again, or train it anew."
    what = f"The classifier {path.name} cannot be used"
    values = read_json(path, f"The classifier {path.name}", advice)
    if _is_newer(values):
        raise RecordError(what, "it was made by a newer version of the program", "Update SXT Studio.")
    file = record_of(values, _File, what, advice)
    unknown = [key for key in file.features.keys if feature_named(key) is None]
    if file.features.version != FEATURES_VERSION or unknown:
        reason = "it goes by features that this version of the program does not measure"
        raise RecordError(what, reason, "Train it anew.")
    features, classes = len(file.features.keys), len(file.classes)
    trees = [_tree(tree) for tree in file.trees]
    for tree in trees:
        if wrong := tree.check(features, classes):
            raise RecordError(what, wrong, advice)
    examples = Examples(
        tuple(file.features.keys),
        _array(file.examples.features),
        np.array(file.examples.class_of, np.int64),
        tuple(entry.object_class() for entry in file.classes),
        file.sizes == "um3",
        frozenset(file.of_sheets),
    )
    objects = np.bincount(examples.class_of)
    scores = tuple(
        ClassScore(entry.name, int(n), right)
        for entry, n, right in zip(file.classes, objects, file.right, strict=True)
    )
    return Classifier(
        examples,
        np.array(file.fill, np.float64),
        Forest(trees),
        np.array(file.importance),
        ClassifierScores(scores),
    )


def write_classifier(path: Path, classifier: Classifier) -> None:
    """Write a classifier in place of what is there.

    Raises
    ------
    UserError
        If it cannot be written.
    """
    with atomic_write(path) as temporary:
        temporary.write_bytes(_content(classifier))


def sha256_of_classifier(classifier: Classifier) -> str:
    """Return the SHA-256 of its file, which says of a record of steps which classifier gave the classes."""
    return hashlib.sha256(_content(classifier)).hexdigest()


def _content(classifier: Classifier) -> bytes:
    examples = classifier.examples
    content = {
        "format": FORMAT,
        "version": VERSION,
        "features": {"version": FEATURES_VERSION, "keys": list(examples.keys)},
        "sizes": "um3" if examples.calibrated else "voxels",
        "classes": [to_builtins(ClassEntry.of(one)) for one in examples.classes],
        "right": [one.right for one in classifier.scores.classes],
        "fill": classifier.fill.tolist(),
        "importance": np.clip(classifier.importance, 0, 1).tolist(),
        "examples": {
            "features": [[v if np.isfinite(v) else None for v in row] for row in examples.values.tolist()],
            "class": examples.class_of.tolist(),
        },
        "trees": [
            {
                "feature": tree.feature.tolist(),
                "threshold": tree.threshold.tolist(),
                "left": tree.left.tolist(),
                "right": tree.right.tolist(),
                "shares": tree.shares.tolist(),
            }
            for tree in classifier.forest.trees
        ],
    }
    if examples.of_sheets:
        content["of_sheets"] = sorted(examples.of_sheets)
    return json.dumps(content, ensure_ascii=False, allow_nan=False).encode() + b"\n"


def _is_newer(values: dict[str, Any]) -> bool:
    features = values.get("features")
    of_features = features.get("version") if isinstance(features, dict) else None
    known = ((values.get("version"), VERSION), (of_features, FEATURES_VERSION))
    return any(isinstance(found, int) and found > newest for found, newest in known)


def _tree(entry: _Tree) -> Tree:
    return Tree(
        np.array(entry.feature, np.int32),
        np.array(entry.threshold, np.float64),
        np.array(entry.left, np.int32),
        np.array(entry.right, np.int32),
        np.array(entry.shares, np.float64).reshape(len(entry.shares), -1),
    )


def _array(rows: list[list[float | None]]) -> NDArray[np.float64]:
    return np.array([[np.nan if v is None else v for v in row] for row in rows], np.float64)
