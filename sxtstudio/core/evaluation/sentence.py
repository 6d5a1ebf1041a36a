"""What an expert found in some slices, as a sentence for the methods section of a paper."""

from __future__ import annotations

import math

from sxtstudio.core.evaluation.judgement import Evaluation, JudgedTomogram, summarise
from sxtstudio.core.evaluation.marks import KINDS
from sxtstudio.core.wording import count

_WORDS = ("true positive", "false negative", "false positive", "artefact")


def evaluation_sentence(evaluation: Evaluation) -> str:
    """Return what was found in the judged slices: mean and SD over them; nothing where none was judged."""
    judged = len(evaluation.judged)
    if not judged:
        return ""
    summary = summarise([JudgedTomogram("", evaluation)])
    counted = summary.over_slices[KINDS[0]].n
    text = f"An expert judged {count(judged, 'slice')}, at even intervals, for false and missing labels"
    if not counted:
        return f"{text}: in none of them was anything labelled or missing."
    parts = []
    for word, kind in zip(_WORDS, KINDS, strict=True):
        one = summary.over_slices[kind]
        spread = f" ± {one.sd:.1f}" if math.isfinite(one.sd) else ""
        parts.append(f"{one.mean:.1f}{spread} % {word}")
    what = "mean ± SD" if counted > 1 else "the values"
    left = evaluation.left
    of = f" ({count(len(evaluation.slices), 'slice')} were chosen)" if left else ""
    pixels = f"of all pixels that are labelled or should be, {', '.join(parts)}"
    return f"{text}{of}: {pixels} ({what} of {count(counted, 'slice')})."
