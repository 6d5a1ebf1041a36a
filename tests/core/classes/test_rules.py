"""Rules: which objects lie within ranges, and what stands in their files."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sxtstudio.core.classes.rules import (
    Among,
    ClassRule,
    RuleSet,
    ValueRange,
    decided_by,
    read_rules,
    rules_of,
    sheets_in,
    usual_among,
    values_of,
    write_rules,
)
from sxtstudio.core.errors import UserError
from sxtstudio.core.measure.columns import Column, Measurements, Quantity
from sxtstudio.core.object_classes import CLASSES, DROPLET, VESICLE, ObjectClass
from sxtstudio.core.object_table import ObjectFlag, ObjectRow, ObjectTable

SHEETS = frozenset({ObjectFlag.SHEET})
VOLUME = Column("volume", "Volume", Quantity.UM3, "Its volume.")
ROUND = Column("sphericity", "Sphericity", Quantity.NUMBER, "How round it is.")


def measured(*, calibrated: bool = True) -> Measurements:
    found = Measurements(np.array([2, 5, 6, 9, 11]), calibrated=calibrated)
    found.add(VOLUME, np.array([0.1, 0.5, 1.0, 2.0, np.nan]))
    found.add(ROUND, np.array([0.9, 0.4, 0.9, np.nan, 0.9]))
    return found


@pytest.mark.parametrize(
    ("ranges", "numbers"),
    [
        pytest.param((ValueRange("volume", 0.5, 1.0, "um3"),), [5, 6], id="both-ends-belong-to-it"),
        pytest.param((ValueRange("volume", 0.6, None, "um3"),), [6, 9], id="without-an-upper-end"),
        pytest.param((ValueRange("volume", None, 0.5, "um3"),), [2, 5], id="without-a-lower-end"),
        pytest.param(
            (ValueRange("volume", None, 1.0, "um3"), ValueRange("sphericity", 0.8)),
            [2, 6],
            id="all-ranges-must-hold",
        ),
        pytest.param(
            (ValueRange("sphericity", None, 5),), [2, 5, 6, 11], id="what-was-not-measured-never-fits"
        ),
        pytest.param((), [], id="no-range-no-object"),
    ],
)
def test_objects_within_ranges(ranges: tuple[ValueRange, ...], numbers: list[int]) -> None:
    assert ClassRule("Vesicle", ranges).matching(measured(), ()).tolist() == numbers


def test_the_first_rule_that_fits_decides() -> None:
    small = ClassRule("Vesicle", (ValueRange("volume", None, 0.5, "um3"),))
    all_sizes = ClassRule("Lipid droplet", (ValueRange("volume", 0, None, "um3"),))
    assert decided_by([small, all_sizes], measured(), ()) == {
        2: "Vesicle",
        5: "Vesicle",
        6: "Lipid droplet",
        9: "Lipid droplet",
    }
    assert set(decided_by([all_sizes, small], measured(), ()).values()) == {"Lipid droplet"}


@pytest.mark.parametrize(
    ("among", "numbers"),
    [
        pytest.param(Among.ALL, [2, 5, 6, 9], id="all"),
        pytest.param(Among.BODIES, [2, 9], id="bodies"),
        pytest.param(Among.SHEETS, [5, 6], id="sheets"),
    ],
)
def test_a_rule_is_about_bodies_or_sheets(among: Among, numbers: list[int]) -> None:
    rule = ClassRule("Vesicle", (ValueRange("volume", 0, None, "um3"),), among)
    table = ObjectTable(
        {5: ObjectRow(flags=frozenset({ObjectFlag.SHEET, ObjectFlag.OPEN})), 6: ObjectRow(flags=SHEETS)}
    )
    assert sheets_in(table) == {5, 6}
    assert rule.matching(measured(), sheets_in(table)).tolist() == numbers
    assert list(decided_by([rule], measured(), sheets_in(table))) == numbers
    assert rule.within(measured()).tolist() == [2, 5, 6, 9]


def test_what_encloses_nothing_is_only_a_membrane() -> None:
    assert {one.name for one in CLASSES if usual_among(one.name) is Among.SHEETS} == {"ER", "Plasma membrane"}


def test_rules_of_the_first_version_are_about_all_and_stay_readable() -> None:
    """And an older program refuses what it would take for another rule."""
    former = rules_of(dict(GOOD), "They")
    assert former.rules[0].among is Among.ALL and values_of(former)["version"] == 1
    bodies = RuleSet((replace(former.rules[0], among=Among.BODIES),))
    assert values_of(bodies)["version"] == 2 and rules_of(values_of(bodies), "They") == bodies


def test_micrometres_are_no_voxels() -> None:
    """Nor is a column guessed that was not measured."""
    rule = ClassRule("Vesicle", (ValueRange("volume", 0.5, 1.0, "um3"),))
    with pytest.raises(UserError, match="'volume' in um3, but these objects are measured in voxels"):
        rule.matching(measured(calibrated=False), ())
    with pytest.raises(UserError, match="“Vesicle” asks for 'grey_mean', which has not been measured"):
        ClassRule("Vesicle", (ValueRange("grey_mean", 0, 1, "grey"),)).matching(measured(), ())


def test_a_file_gives_back_what_was_written(tmp_path: Path) -> None:
    rules = RuleSet(
        (
            ClassRule(
                "Vesicle",
                (ValueRange("volume", 0.25, None, "um3"), ValueRange("sphericity", None, 0.1 + 0.2)),
            ),
            ClassRule("Größe „x“", (ValueRange("volume", 1e-9, 1e9, "um3"),), Among.BODIES),
        ),
        (VESICLE, DROPLET, ObjectClass("Größe „x“", (0, 255, 1))),
    )
    write_rules(tmp_path / "r.json", rules)
    assert read_rules(tmp_path / "r.json") == rules


GOOD_RULE = {"class": "Vesicle", "ranges": [{"column": "volume", "unit": "um3", "low": 1.0}]}
GOOD = {
    "format": "sxtstudio class rules",
    "version": 1,
    "classes": [{"name": "Vesicle", "rgb": [1, 2, 3]}],
    "rules": [GOOD_RULE],
}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param({"format": "rules"}, "'format' is wrong", id="another-format"),
        pytest.param({"version": 3}, "newer version", id="of-the-future"),
        pytest.param({"rules": [{"class": " ", "ranges": []}]}, "'rules.*class'", id="no-name"),
        pytest.param(
            {"rules": [{**GOOD_RULE, "among": "some"}]}, "among' is wrong", id="about-nothing-known"
        ),
        pytest.param({"rules": [{"class": "V", "ranges": []}]}, "ranges' is wrong", id="no-range"),
        pytest.param({"rules": [{"class": "V", "ranges": [{"column": "v"}]}]}, "'low' is wrong", id="no-end"),
        pytest.param(
            {"rules": [{"class": "V", "ranges": [{"column": "v", "low": 2, "high": 1}]}]},
            "'high' is wrong; it must be no less than 'low'",
            id="turned",
        ),
        pytest.param(
            {"rules": [{"class": "V", "ranges": [{"column": "v", "low": "1"}]}]}, "low' is wrong", id="text"
        ),
        pytest.param(
            {"rules": [{"class": "V", "ranges": [{"column": "v", "low": 1e400}]}]}, "no number", id="infinite"
        ),
        pytest.param({"classes": GOOD["classes"] * 2}, "each name stands once", id="two-of-one-name"),
        pytest.param({"classes": [{"name": "V", "rgb": [0, 0, 256]}]}, "rgb' is wrong", id="no-colour"),
    ],
)  # fmt: skip
def test_files_of_strangers_are_checked(change: dict[str, object], said: str, tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    path.write_text(json.dumps({**GOOD, **change}))
    with pytest.raises(UserError, match=said):
        read_rules(path)
    path.write_text(json.dumps(GOOD))
    assert len(read_rules(path).rules) == 1
