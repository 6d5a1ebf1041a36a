"""What pages say of the program is so: sentences of errors, commands, contents, addresses."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from error_sentences import GAP, error_sentences, without_words
from pages import COMMANDS, KEYS, commands_page, error_pages, escaped, keys_page, lists_of, unescaped, updated
from PySide6.QtQml import QJSEngine, QJSValue
from PySide6.QtWidgets import QApplication

from sxtstudio.app.help.contents import HELP, Passage, passages
from sxtstudio.app.help.searching import explaining
from sxtstudio.cli import build_parser
from sxtstudio.core.cleanup import CleanParameters, check_parameters
from sxtstudio.core.errors import UserError
from sxtstudio.core.records import read_json_record
from sxtstudio.io import open_volume

ROOT = Path(__file__).resolve().parents[2]
AGAIN = "run `make pages`, look where it has put the sentence, and whether the advice above it fits"
#: They hand on a sentence of another module, or one that the operating system made.
HANDED_ON = {
    "app/document/opening.py": "notes of what was opened",
    "app/document/saving.py": "notes of what was saved",
    "cluster/planned.py": "what a worker says of a range",
    "cluster/batch_run.py": "why a worker refuses",
    "commands/demo.py": "why there is no picture",
    "commands/surface.py": "why there is no picture",
    "core/errors.py": "an error that is not the file's, of another one",
    "io/opening.py": "the errors of readers",
    "io/zarr.py": "the errors of readers",
    "training/run_state.py": "the errors of checkpoints",
    "workflow/retraining/projects.py": "why labels cannot be learned from",
    "workflow/jobs/segmenting.py": "the errors of a job, and where the labels are",
}


@pytest.fixture(scope="module")
def said() -> dict[str, set[str]]:
    return error_sentences()


@pytest.fixture(scope="module")
def listed() -> list[str]:
    return [
        sentence
        for page, text in error_pages().items()
        for one in lists_of(page, text)
        for sentence in one.sentences
    ]


@pytest.fixture(scope="module")
def read() -> list[Passage]:
    return passages()


def test_every_sentence_of_an_error_stands_on_a_page(said: dict[str, set[str]], listed: list[str]) -> None:
    missing = {sentence: sorted(said[sentence]) for sentence in said.keys() - set(listed)}
    assert not missing, f"no page has these sentences: {AGAIN}"
    left_over = set(listed) - said.keys()
    assert not left_over, "these are on a page, and nothing says them any more: run `make pages`"
    assert len(listed) == len(set(listed)) > 700


def test_the_page_of_keys_is_that_of_the_program() -> None:
    assert KEYS.read_text(encoding="utf-8") == keys_page(), "run `make pages`"


def test_pages_are_as_they_are_made(said: dict[str, set[str]]) -> None:
    before = error_pages()
    assert updated(before, said) == before, AGAIN


def test_every_group_says_what_to_do_before_its_sentences() -> None:
    for page, text in error_pages().items():
        for part in text.split("\n## ")[1:]:
            advice = part.split("<!-- sentences:")[0].partition("\n")[2]
            assert len(advice.split()) > 12, f"{page}: {part.splitlines()[0]}"
            assert part.count("<!-- sentences:") == part.count("<!-- end -->") == 1, page


def test_modules_that_only_hand_on_sentences_are_known() -> None:
    assert without_words() == HANDED_ON.keys()


@pytest.mark.parametrize(
    ("broken", "heading"),
    [
        (lambda folder: open_volume(folder / "no such.mrc"), "It is not there, or may not be read"),
        (lambda folder: open_volume(_empty(folder / "cell.mrc")), "It is damaged, cut off or empty"),
        (
            lambda folder: read_json_record("{", dict, "The rules a.json cannot be used"),
            "Tables and settings files (CSV, XLSX, JSON, TOML)",
        ),
        (
            lambda folder: check_parameters(CleanParameters(erode=-1), (4, 4, 4)),
            "Clean-up: a setting is not possible",
        ),
    ],
)
def test_a_real_error_leads_to_its_advice(
    broken: object, heading: str, tmp_path: Path, read: list[Passage]
) -> None:
    with pytest.raises(UserError) as caught:
        broken(tmp_path)  # type: ignore[operator]
    passage = explaining(str(caught.value), read)
    assert passage is not None and passage.heading == heading


def _empty(path: Path) -> Path:
    np.zeros(0).tofile(path)
    return path


def test_every_listed_sentence_is_found_by_itself(listed: list[str], read: list[Passage]) -> None:
    """As a message of it, with words in the gaps."""
    for sentence in listed:
        if len(sentence.replace(GAP, "")) < 20:
            continue
        found = explaining(sentence.replace(GAP, "cell 7"), read)
        assert found is not None, sentence


def test_escapes_are_taken_back() -> None:
    text = "a*b_c[1] <x> `y` \\ | ~ #"
    assert unescaped(escaped(text)) == text and escaped(text) != text


def test_new_sentences_go_where_their_module_belongs_and_old_ones_stay() -> None:
    page = (
        "## A\n\n<!-- sentences: io/*.py -->\n\n- Moved here by hand.\n- Gone.\n\n<!-- end -->\n"
        "## B\n\n<!-- sentences: io/mrc.py core/*.py -->\n\n<!-- end -->\n"
    )
    said = {"Moved here by hand.": {"core/a.py"}, "New in MRC.": {"io/mrc.py"}, "New.": {"io/b.py"}}
    first, second = lists_of("p", updated({"p": page}, said)["p"])
    assert first.sentences == ("Moved here by hand.", "New.") and second.sentences == ("New in MRC.",)
    with pytest.raises(SystemExit, match="surface/x"):
        updated({"p": page}, {"Strange.": {"surface/x.py"}})


SOURCE = """
from pack.other import ADVICE
_FORM = "{name} is {size} large. Make it smaller."
class Special(UserError):
    def __init__(self, what, reason, advice=""):
        super().__init__(f"{what}: {reason}. {advice}".strip())
class Deeper(Special):
    pass
def why(z):
    if z:
        return f"slice {z} is black"
    return "all is black"
def raising(path, many):
    raise UserError(f"{path.name} is damaged. {ADVICE}")
    raise Deeper(f"The card {path}", why(1), "Get it again.")
    raise UserError(_FORM.format(name=path, size=3))
    raise UserError("Too many. " if many else "Too few. " + "Count again.")
    text = "There are slices {slices}."
    raise UserError(text, slices=(1, 2))
    raise UserError(str(path))
"""


def test_sentences_are_read_from_source(tmp_path: Path) -> None:
    package = tmp_path / "pack"
    package.mkdir()
    (package / "one.py").write_text(SOURCE)
    (package / "other.py").write_text('ADVICE = "Copy it again."\n')
    assert error_sentences(package).keys() == {
        "… is damaged. Copy it again.",
        "The card …: slice … is black. Get it again.",
        "The card …: all is black. Get it again.",
        "… is … large. Make it smaller.",
        "Too many.",
        "Too few. Count again.",
        "There are slices ….",
    }
    assert without_words(package) == {"one.py"}


def test_the_page_of_commands_is_that_of_the_program() -> None:
    assert COMMANDS.read_text(encoding="utf-8") == commands_page(), "run `make pages`"


def test_the_page_of_commands_names_every_command_and_option() -> None:
    text = COMMANDS.read_text(encoding="utf-8")
    shown = re.search(r"\{([\w,-]+)\}|(\w[\w-]*(?:,\w[\w-]*)+)", build_parser().format_usage())
    assert shown is None  # usage says COMMAND; the names come from its help
    names = re.findall(r"^    ([a-z]+) ", build_parser().format_help(), re.MULTILINE)
    assert len(names) > 15
    for name in names:
        assert f"\n## {name}\n" in text
    for option in ("--min-size", "--neighbours", "--watch", "--table-s1", "--bioimageio", "--float16"):
        assert option in text


def test_commands_on_pages_exist() -> None:
    """``sxtstudio NAME --option`` in the text is a command with that option."""
    text = COMMANDS.read_text(encoding="utf-8")
    options = {
        part.splitlines()[0]: set(re.findall(r"(?<![\w-])--?[a-z][\w-]*", part))
        for part in text.split("\n## ")[1:]
    }
    count = 0
    for path in [*HELP.glob("*.md"), ROOT / "README.md", ROOT / "docs" / "measured.md"]:
        for line in re.findall(r"sxtstudio ((?:[a-z]+ )[^`\n]*)", path.read_text(encoding="utf-8")):
            words = line.split("#")[0].split()
            name = words[0] if " ".join(words[:2]) not in options else " ".join(words[:2])
            if words[0] not in options or path == COMMANDS:
                continue
            for word in words:
                if re.fullmatch(r"--?[a-z][\w-]*", word) and word != "--help":
                    known = set().union(*(o for n, o in options.items() if n.split()[0] == name.split()[0]))
                    assert word in known, f"{path.name}: {line}"
                    count += 1
    assert count > 20


ADDRESSES = ROOT / "docs" / "addresses.txt"
_ADDRESS = re.compile(r"https?://[^\s)\]>\"'`,;]+[^\s)\]>\"'`,;.:]")


def test_addresses_are_known_and_well_formed() -> None:
    """No test asks the network. A new address goes into the list once somebody has looked at it."""
    outside = (ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CITATION.cff", "docs/measured.md"))
    sources = [*HELP.glob("*.md"), *outside]
    used = {address for path in sources for address in _ADDRESS.findall(path.read_text(encoding="utf-8"))}
    known = [
        line
        for line in ADDRESSES.read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    ]
    assert used == set(known) and known == sorted(set(known))
    for address in known:
        parts = urlsplit(address)
        assert parts.scheme == "https" and re.fullmatch(r"([a-z0-9-]+\.)+[a-z]{2,}", parts.netloc), address


def test_voxels_that_the_models_need_stand_where_the_voxel_size_does(read: list[Passage]) -> None:
    (passage,) = [p for p in read if p.link == "files.md#voxel-size"]
    card = json.loads((ROOT / "models" / "compact.json").read_text(encoding="utf-8"))
    low, high = card["voxel_nm"]
    assert f"{low:g} to {high:g} nm" in passage.text
    others = {
        (path.name, words)
        for path in HELP.glob("*.md")
        for words in re.findall(r"\b8 to \d+ nm", path.read_text(encoding="utf-8"))
    }
    assert {words for _, words in others} == {f"{low:g} to {high:g} nm"}, others


def test_first_aid_is_not_pushed_down_by_a_picture() -> None:
    before = (HELP / "trouble.md").read_text(encoding="utf-8").split("\n## ")[0]
    assert "![" not in before


def test_the_site_finds_the_place_of_a_message_as_the_program_does(
    qapp: QApplication, read: list[Passage]
) -> None:
    listed = [(sentence, passage.link) for passage in read for sentence in passage.sentences]
    engine = QJSEngine()
    script = (ROOT / "docs" / "offline" / "messages.js").read_text(encoding="utf-8")
    made = engine.evaluate(f"const SENTENCES = {json.dumps(listed)};\n{script}\nexplained")
    assert made.isCallable(), made.toString()
    for message in [*(sentence.replace(GAP, "cell 7") for sentence, _ in listed[::25]), "voxel size", ""]:
        expected = explaining(message, read)
        found = made.call([QJSValue(message)]).toString()
        assert found == (expected.link if expected else "null"), message
