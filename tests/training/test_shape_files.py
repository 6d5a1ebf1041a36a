"""Patterns of shapes.toml: they mean what lies in its folder, and looking for it ends."""

import os

import numpy as np
import pytest
import tifffile

from sxtstudio.cli import main
from sxtstudio.core.errors import UserError
from sxtstudio.training import shape_files, shape_library
from sxtstudio.training.shape_files import find_files

SECTION = '[[shapes]]\nfiles = "{}"\nvoxel_nm = [5, 5, 5]\nlabels = {{ 1 = "mitochondrion" }}\n'
NAMES = ("one.tif", "two.tif", "notes.txt", "cells/three.tif", "cells/deep/four.tif", "cells/deep/one.tif")


@pytest.fixture
def folder(tmp_path):
    """Return a folder of empty files, which lies beside another one that is none of its business."""
    for name in (*NAMES, "../outside/secret.tif"):
        path = tmp_path / "shapes" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path / "shapes"


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("one.tif", ["one.tif"]),
        ("./one.tif", ["one.tif"]),
        ("*.tif", ["one.tif", "two.tif"]),
        ("cells/*.tif", ["cells/three.tif"]),
        ("*/*/one.tif", ["cells/deep/one.tif"]),
        ("**/one.tif", ["cells/deep/one.tif", "one.tif"]),
        ("cells/**/**/*.tif", ["cells/deep/four.tif", "cells/deep/one.tif", "cells/three.tif"]),
        ("cells/dee?", ["cells/deep"]),
    ],
)
def test_a_pattern_means_the_files_below_the_folder(folder, pattern, names):
    assert [path.relative_to(folder).as_posix() for path in find_files(folder, pattern, "It")] == names


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        (".", "names no files"),
        ("./", "names no files"),
        ("**", "names no files"),
        ("/", "no pattern within the folder"),
        ("/**/*.tif", "no pattern within the folder"),
        ("C:/*.tif", "no pattern within the folder"),
        ("../outside/*.tif", "leads out of the folder"),
        ("cells/../../outside/*.tif", "leads out of the folder"),
        ("gone/*.tif", "none is called so"),
        ("one.tif/*.tif", "none is called so"),
        ("a**b/[", "none is called so"),
    ],
)
def test_a_pattern_that_leads_out_or_nowhere_is_one_sentence(folder, capsys, pattern, words):
    (folder / "shapes.toml").write_text(SECTION.format(pattern))
    code = main(["simulate", "--seed", "1", "-o", str(folder / "out"), "--shapes", str(folder)])
    error = capsys.readouterr().err
    assert code == 2 and error.count("\n") == 1 and "Traceback" not in error
    assert words in error and str(folder / "shapes.toml") in error and f"files = '{pattern}'" in error


@pytest.mark.skipif(os.name != "posix", reason="links need rights elsewhere")
@pytest.mark.parametrize("pattern", ["link/*.tif", "l*.tif", "**/link.tif"])
def test_a_link_out_of_the_folder_is_refused_and_one_within_is_not(folder, pattern):
    outside = folder.parent / "outside"
    (folder / "link").symlink_to(outside)
    (folder / "link.tif").symlink_to(outside / "secret.tif")
    with pytest.raises(UserError, match=r"meets the link .*link(\.tif)?, which leads out of the folder"):
        find_files(folder, pattern, "It")
    (folder / "within").symlink_to(folder / "cells")
    (folder / "circle.tif").symlink_to(folder / "circle.tif")
    assert find_files(folder, "within/*.tif", "It") == [folder / "within" / "three.tif"]
    assert folder / "within" / "three.tif" not in find_files(folder, "**/t*.tif", "It")


def test_looking_for_files_ends(folder, monkeypatch):
    monkeypatch.setattr(shape_files, "MOST_LOOKED_AT", 6)
    with pytest.raises(UserError, match=r"files = '\*\*/none.tif' would look through more than 6 files"):
        find_files(folder, "**/none.tif", "It")
    assert len(find_files(folder, "cells/*.tif", "It")) == 1
    monkeypatch.setattr(shape_files, "MOST_FILES", 1)
    with pytest.raises(UserError, match=r"'\*.tif' are more than 1 files"):
        find_files(folder, "*.tif", "It")


def test_all_files_together_have_bounds(tmp_path, monkeypatch):
    bar = np.zeros((10, 12, 14), np.uint8)
    bar[1:9, 1:11, 1:13] = 1
    for name in ("a.tif", "b.tif"):
        tifffile.imwrite(tmp_path / name, bar)
    (tmp_path / "shapes.toml").write_text(SECTION.format("a.tif") + SECTION.format("b.tif"))
    assert len(shape_library.read_library(tmp_path).bodies) == 2
    monkeypatch.setattr(shape_library, "MOST_TOGETHER", 2 * bar.size - 1)
    with pytest.raises(
        UserError, match=r"shapes.toml cannot be used: its volumes have more than .* together"
    ):
        shape_library.read_library(tmp_path)
    monkeypatch.setattr(shape_library, "MOST_FILES", 1)
    with pytest.raises(UserError, match=r"with files = 'b.tif' its sections are more than 1 files together"):
        shape_library.read_library(tmp_path)
