"""What the exit code of a command means: one place for the code, the help and the documentation."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """How a command ended, for the scripts that call it."""

    DONE = 0
    FAILED = 1
    BAD_INPUT = 2
    NOT_THE_SAME = 3
    CANCELLED = 130

    @property
    def meaning(self) -> str:
        """In a few words, as the help has it."""
        return _TABLE[self][0]

    @property
    def advice(self) -> str:
        """What a script does then, as the documentation has it."""
        return _TABLE[self][1]


_TABLE = {
    ExitCode.DONE: (
        "done",
        "Go on: the files are complete. Also where the reader of the output has gone (such as `head`), and "
        "where Ctrl+C ends `batch --watch` while it waits.",
    ),
    ExitCode.FAILED: (
        "an error in the program",
        "The details are in the log file that the sentence names; the same command will fail again. "
        "`selfcheck`: a part does not work.",
    ),
    ExitCode.BAD_INPUT: (
        "wrong usage or bad input",
        "One sentence on stderr says what is wrong, where, and what to do. `batch`, `classify`: at least one "
        "of the files failed, the others are done.",
    ),
    ExitCode.NOT_THE_SAME: (
        "`rerun` found a difference",
        "Everything was done again, and something is not the same.",
    ),
    ExitCode.CANCELLED: (
        "cancelled",
        "By Ctrl+C or SIGTERM, as a queue sends it before its time limit. Nothing half-written is left; "
        "`segment --resume` and `batch --skip-existing` go on from there.",
    ),
}


def in_one_sentence() -> str:
    """Return all codes, as the help says them."""
    order = (
        ExitCode.DONE,
        ExitCode.BAD_INPUT,
        ExitCode.NOT_THE_SAME,
        ExitCode.CANCELLED,
        ExitCode.FAILED,
    )
    return f"Exit codes: {', '.join(f'{int(code)} {code.meaning}' for code in order)}.".replace("`", "")


def as_table() -> str:
    """Return all codes as a table of Markdown."""
    rows = [f"| {int(code)} | {code.meaning} | {code.advice} |" for code in ExitCode]
    return "\n".join(["| Exit code | Meaning | What to do |", "|---|---|---|", *rows])
