"""Classes of objects given by rule, by a classifier, and by hand, and the queue in which they are checked."""
