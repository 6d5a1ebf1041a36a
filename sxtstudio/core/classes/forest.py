"""A forest of decision trees as plain arrays: what it says of an object, and which features spoke for it.

It needs no scikit-learn, and says the same as scikit-learn's forest from which it was made: a feature goes to
the left where, as float32, it is no more than the threshold, and the shares of the classes in the leaves are
averaged over the trees (Breiman 2001, Machine Learning 45:5-32).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEAF = -1
_ROWS_AT_ONCE = 2000

Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Tree:
    """A tree: of each node the feature that it asks for, the threshold, both children, and the shares.

    Attributes
    ----------
    feature
        Number of the feature (nodes,), int32; LEAF where nothing is asked.
    threshold
        (nodes,), float64.
    left, right
        Numbers of the children (nodes,), int32, larger than the node's own; LEAF in a leaf.
    shares
        Of each class among the training objects that came here (nodes, classes), float64, of sum 1.
    """

    feature: NDArray[np.int32]
    threshold: Values
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    shares: Values

    def check(self, features: int, classes: int) -> str | None:
        """Return what is wrong with a tree of a file, or None: then each way through it ends in a leaf."""
        nodes = len(self.feature)
        if nodes == 0:
            return "a tree has no node"
        if not len(self.threshold) == len(self.left) == len(self.right) == nodes:
            return "the lists of a tree are not of one length"
        if self.shares.shape != (nodes, classes):
            return "a tree has not one share for each node and class"
        leaf = self.feature == LEAF
        inner = np.flatnonzero(~leaf)
        if (self.feature < LEAF).any() or (self.feature >= features).any():
            return "a tree asks for a feature that there is not"
        for child in (self.left[inner], self.right[inner]):
            if (child <= inner).any() or (child >= nodes).any():
                return "a tree leads nowhere"
        if not np.isfinite(self.threshold[inner]).all():
            return "a threshold is no finite number"
        total = self.shares.sum(1)
        if not np.isfinite(total).all() or (self.shares < 0).any() or (abs(total - 1) > 1e-6).any():
            return "the shares of a node do not add up to 1"
        return None


class Forest:
    """Trees laid behind one another, so that all of them are gone through at once."""

    def __init__(self, trees: Sequence[Tree]) -> None:
        """Take at least one tree; all ask for the same features and know the same classes."""
        self.trees = tuple(trees)
        first = np.cumsum([0, *(len(tree.feature) for tree in trees[:-1])])
        self._roots = first
        self._leaf = np.concatenate([tree.feature == LEAF for tree in trees])
        self._feature = np.concatenate([tree.feature for tree in trees])
        self._feature[self._leaf] = 0
        self._threshold = np.concatenate([tree.threshold for tree in trees])
        own = np.arange(len(self._leaf))
        sides = [[tree.left for tree in trees], [tree.right for tree in trees]]
        self._left, self._right = (
            np.where(self._leaf, own, np.concatenate([s + n for s, n in zip(side, first, strict=True)]))
            for side in sides
        )
        self._shares = np.concatenate([tree.shares for tree in trees])

    def probabilities(self, features: Values) -> Values:
        """Return how probable each class is (n, classes); ``features`` (n, features) hold no NaN."""
        found = np.empty((len(features), self._shares.shape[1]))
        for begin in range(0, len(features), _ROWS_AT_ONCE):
            part = slice(begin, begin + _ROWS_AT_ONCE)
            found[part] = self._shares[self._leaves(features[part])].mean(1)
        return found

    def said(self, features: Values) -> Values:
        """Return how much each feature spoke for each class (features, classes) of one object (features,).

        What a node's question changes in the share of a class counts for the feature that it asks for; all
        of them and the shares at the roots add up to the probabilities (Palczewska et al. 2014,
        "Interpreting random forest classification models using a feature contribution method").
        """
        row = features.astype(np.float32)
        spoke = np.zeros((len(features), self._shares.shape[1]))
        nodes = self._roots
        while len(nodes):
            nodes = nodes[~self._leaf[nodes]]
            after = self._next(nodes, row[self._feature[nodes]])
            np.add.at(spoke, self._feature[nodes], self._shares[after] - self._shares[nodes])
            nodes = after
        return spoke / len(self.trees)

    def _leaves(self, features: Values) -> NDArray[np.intp]:
        """Return the leaf of each object in each tree (n, trees)."""
        rows = features.astype(np.float32)
        nodes = np.tile(self._roots, (len(rows), 1))
        own = np.arange(len(rows))[:, None]
        while not self._leaf[nodes].all():
            nodes = self._next(nodes, rows[own, self._feature[nodes]])
        return nodes

    def _next(self, nodes: NDArray[np.intp], values: NDArray[np.float32]) -> NDArray[np.intp]:
        goes_left = values <= self._threshold[nodes]
        return np.asarray(np.where(goes_left, self._left[nodes], self._right[nodes]), np.intp)
