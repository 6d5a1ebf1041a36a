"""The simulators that only judge. They lie with the tests, which know whether they are right."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "judges"))

import other_simulator
import packed_bodies
import textbook_simulator

__all__ = ["other_simulator", "packed_bodies", "textbook_simulator"]
