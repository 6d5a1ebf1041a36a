import io
import zipfile
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest
import tifffile

from sxtstudio.core.errors import UserError
from sxtstudio.core.polarity import chosen_polarity
from sxtstudio.training.config import load_config
from sxtstudio.training.dataset import SliceReader, SliceRef, open_dataset, split
from sxtstudio.training.published_set import open_published
from sxtstudio.training.stacks import decode_labels


def opened(config):
    return open_dataset(load_config(config), config.parent / "scratch")


def data(text, labels="a.labels.tif"):
    return f'[[labelled]]\ntomogram = "a.tif"\nlabels = "{labels}"\n{text}\n'


@pytest.mark.parametrize(
    ("labels", "signed", "ignore", "truth"),
    [
        ([0, 1, 255, 128], False, 128, [-1, 1, 1, 0]),
        ([0, 1, 2, 3], False, None, [-1, 1, 1, 1]),
        ([0, 5, 7, 7], False, 7, [-1, 1, 0, 0]),
        ([-1.0, 0.0, 1.0, 0.0], True, None, [-1, 0, 1, 0]),
    ],
    ids=["8 bit", "objects", "chosen", "signed"],
)
def test_what_label_values_mean(labels, signed, ignore, truth):
    assert decode_labels(np.array([labels]), signed, ignore).tolist() == [truth]


def test_a_pair_is_read_as_it_was_written(configure, project):
    dataset = opened(configure())
    assert len(dataset.labelled) == 3
    assert len(dataset.held_out) == 1
    assert len(dataset.unlabelled) == 3
    ref = dataset.labelled[0]
    image = tifffile.imread(project / "a.tif")[ref.z]
    assert dataset.reader.image(ref).dtype == np.float32
    assert dataset.reader.image(ref) == pytest.approx((image - image.mean()) / image.std(), abs=1e-5)
    truth = np.where(tifffile.imread(project / "a.labels.tif")[ref.z] > 0, 1, -1)
    assert np.array_equal(dataset.reader.truth(ref), truth)


def test_bright_tomograms_are_turned_over(configure):
    dark = opened(configure(data=data('polarity = "dark"')))
    bright = opened(configure(data=data('polarity = "bright"')))
    for one, other in zip(dark.labelled, bright.labelled, strict=True):
        assert np.array_equal(dark.reader.image(one), -bright.reader.image(other))


def test_a_doubt_about_the_polarity_is_a_note_with_what_to_do(configure, project):
    grain = np.random.default_rng(0).normal(size=(4, 64, 80)).astype(np.float32)
    tifffile.imwrite(project / "a.tif", grain, photometric="minisblack")
    doubts = [note for note in opened(configure(data=data(""))).notes if "dark or bright" in note]
    assert "in a.tif is not sure" in doubts[0] and 'write polarity = "' in doubts[0]
    assert "[[labelled]] no. 1" in doubts[0]
    sure = opened(configure(data=data('polarity = "dark"'))).notes
    assert not [note for note in sure if "in a.tif is not sure" in note]


def test_only_complete_slices_count(configure, project):
    labels = tifffile.imread(project / "a.labels.tif")
    labels[[0, 2]] = 0  # nobody has been there yet
    tifffile.imwrite(project / "a.labels.tif", labels, photometric="minisblack")
    dataset = opened(configure(data=data('slices = "1, 3"')))
    assert {ref.z for ref in (*dataset.labelled, *dataset.held_out)} == {1, 3}
    with pytest.raises(UserError, match=r"no slice 4 in a\.tif, whose slices are 0 to 3"):
        opened(configure(data=data('slices = "1, 4"')))


def test_held_out_slices_of_their_own_are_not_taken_from_the_others(configure):
    held = '[[held_out]]\ntomogram = "a.tif"\nlabels = "a.labels.tif"\nslices = "3"\n'
    dataset = opened(configure(data=data('slices = "0-2"') + held))
    assert [ref.z for ref in dataset.labelled] == [0, 1, 2]
    assert [ref.z for ref in dataset.held_out] == [3]


def test_a_folder_of_pairs(configure, project):
    folder = project / "pairs"
    folder.mkdir()
    for name in ("p1", "p2"):
        (folder / f"{name}.tif").write_bytes((project / "a.tif").read_bytes())
        (folder / f"{name}.labels.tif").write_bytes((project / "a.labels.tif").read_bytes())
    np.save(folder / "p3.npy", tifffile.imread(project / "a.tif").astype(np.float16))
    np.save(folder / "p3.labels.npy", tifffile.imread(project / "a.labels.tif"))
    dataset = opened(configure(data='[[labelled]]\nfolder = "pairs"\n[[unlabelled]]\nfolder = "pairs"\n'))
    assert len(dataset.labelled) + len(dataset.held_out) == 12
    assert {ref.stack.name for ref in dataset.unlabelled} == {"p1.tif", "p2.tif", "p3.npy"}
    (folder / "p4.labels.tif").write_bytes((project / "a.labels.tif").read_bytes())
    with pytest.raises(UserError, match=r"p4\.labels\.tif has no tomogram"):
        opened(configure(data='[[labelled]]\nfolder = "pairs"\n'))


def spoil(project, name, change):
    array = tifffile.imread(project / name)
    tifffile.imwrite(project / name, change(array), photometric="minisblack")


def with_nan(value):
    def change(array):
        array = array.astype(np.float32)
        array[1, 5, 5] = value
        return array

    return change


def with_value(value):
    return lambda array: np.full_like(array, value)


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("a.labels.tif", lambda a: a[:, :, :-1], "have to be the same size"),
        ("a.labels.tif", with_value(0), "The labels are empty"),
        ("a.labels.tif", with_value(128), "marked to be ignored"),
        ("a.labels.tif", with_value(255), "show no background.* not the tomogram"),
        ("a.labels.tif", lambda a: np.where(a == 128, a, 255).astype(np.uint8), "show no background"),
        ("a.labels.tif", with_nan(np.nan), r"a\.tif, slice 2, hold.*no finite numbers"),
        ("a.labels.tif", with_nan(np.inf), r"a\.tif, slice 2, hold.*no finite numbers"),
        ("a.tif", with_value(3), "all its pixels have the same value"),
        ("b.tif", lambda a: np.full(a.shape, np.nan, np.float32), r"b\.tif, slice 1 .*not numbers"),
        ("a.tif", lambda a: a[:, :8, :8], "have to be the same size"),
    ],
)
def test_bad_data_gets_one_sentence(configure, project, name, change, said):
    spoil(project, name, change)
    with pytest.raises(UserError, match=said):
        opened(configure())


def test_labels_that_are_nearly_all_membrane_are_doubted(configure, project):
    assert not any("more than in most cells" in note for note in opened(configure()).notes)
    spoil(
        project,
        "a.labels.tif",
        lambda a: np.where(np.arange(a.size).reshape(a.shape) % 10, 255, 0).astype(np.uint8),
    )
    assert any(note.startswith("90% of the labelled pixels") for note in opened(configure()).notes)


@pytest.mark.parametrize("fill", [0, -9999, np.nan])
def test_a_fill_does_not_count_and_has_no_say(configure, project, fill):
    image, labels = (tifffile.imread(project / name) for name in ("a.tif", "a.labels.tif"))
    padding = ((0, 0), (7, 9), (11, 13))
    framed = np.pad(image.astype(np.float32) + 10, padding, constant_values=fill)
    tifffile.imwrite(project / "a.tif", framed, photometric="minisblack")
    tifffile.imwrite(
        project / "a.labels.tif", np.pad(labels, padding, constant_values=255), photometric="minisblack"
    )
    dataset = opened(configure())
    ref = dataset.labelled[0]
    inside = np.s_[7:-9, 11:-13]
    plain = (image[ref.z] - image[ref.z].mean()) / image[ref.z].std()
    sign = -1 if ref.stack.polarity.value == "bright" else 1
    np.testing.assert_allclose(dataset.reader.image(ref)[inside] * sign, plain, atol=1e-4)
    truth = dataset.reader.truth(ref)
    frame = np.ones(truth.shape, bool)
    frame[inside] = False
    assert (truth[frame] == 0).all()
    assert np.array_equal(
        truth[inside], np.where(labels[ref.z] == 128, 0, np.where(labels[ref.z] == 0, -1, 1))
    )


def test_of_one_labelled_slice_a_fifth_is_kept_aside(configure, project):
    """The strip of its rows that holds most nearly a fifth of the membranes; the image is seen whole."""
    labels, image = np.zeros((4, 100, 80), np.uint8), np.random.default_rng(0).normal(size=(4, 100, 80))
    labels[2, 5:95, ::7] = 255
    labels[2, 45:55] = 0  # now 15, 20, 10, 20, 15 rows of 80, whose fifth is 16
    for name, array in (("a.tif", image.astype(np.float32)), ("a.labels.tif", labels)):
        tifffile.imwrite(project / name, array, photometric="minisblack")
    dataset = opened(configure(data=data('slices = "2"')))
    (kept,), (judged,) = dataset.labelled, dataset.held_out
    assert kept.z == judged.z == 2
    whole = np.where(labels[2] > 0, 1, -1)
    rows = (dataset.reader.truth(judged) != 0).any(axis=1)
    assert np.flatnonzero(rows).tolist() == list(range(20))
    assert np.array_equal(dataset.reader.truth(judged), np.where(rows[:, None], whole, 0))
    assert np.array_equal(dataset.reader.truth(kept), np.where(rows[:, None], 0, whole))
    assert dataset.reader.image(kept).all() and dataset.reader.image(kept) is dataset.reader.image(judged)


def test_one_small_labelled_slice_is_not_enough(configure):
    with pytest.raises(UserError, match="only one labelled slice, and its 64 rows are too few"):
        opened(configure(data=data('slices = "2"')))


def test_voxel_sizes_that_differ_wildly(configure, project):
    spacing = {"spacing": 10, "unit": "nm", "axes": "ZYX"}
    for name, pixel in (("a.tif", 10), ("b.tif", 100)):
        image = tifffile.imread(project / name)
        resolution = (1 / pixel, 1 / pixel)
        tifffile.imwrite(project / name, image, imagej=True, resolution=resolution, metadata=spacing)
    with pytest.raises(UserError, match=r"a\.tif \(10 nm\) and b\.tif \(100 nm\)"):
        opened(configure())


def refs(count):
    return [SliceRef(None, z) for z in range(count)]


def test_a_tenth_is_held_out_by_the_seed():
    labelled, held_out = split(refs(79), seed=1)
    assert len(held_out) == 8
    assert {ref.z for ref in labelled} | {ref.z for ref in held_out} == set(range(79))
    assert len(labelled) == 71
    assert split(refs(79), seed=1) == (labelled, held_out)
    assert split(refs(79), seed=2)[1] != held_out
    assert [len(part) for part in split(refs(2), seed=1)] == [1, 1]


def test_of_many_tomograms_whole_ones_are_held_out():
    stacks = [SimpleNamespace(source="phantoms") for _ in range(20)]
    many = [SliceRef(stack, z) for stack in stacks for z in range(5)]
    labelled, held_out = split(many, seed=1)
    assert len(held_out) == 10
    assert len({id(ref.stack) for ref in held_out}) == 2
    assert not {id(ref.stack) for ref in held_out} & {id(ref.stack) for ref in labelled}
    assert split(many, seed=1) == (labelled, held_out)


@pytest.mark.parametrize("seed", range(5))
def test_of_several_sources_each_has_a_part_in_what_is_held_out(seed):
    """Of 96 phantoms and 14 slices outlined by hand, by chance alone none of these in one of five times."""
    counts = {"phantoms": 96, "outlined": 14, "one more": 2}
    stacks = [SimpleNamespace(source=source) for source, count in counts.items() for _ in range(count)]
    labelled, held_out = split([SliceRef(stack, 0) for stack in stacks], seed)
    assert Counter(ref.stack.source for ref in held_out) == {"phantoms": 10, "outlined": 1}
    assert len(labelled) + len(held_out) == len(stacks)


def published(path, save, sizes=((20, 30), (24, 18), (32, 32))):
    """A set of three training and one test images in frames of 32 px; returns the slices themselves."""
    rng = np.random.default_rng(0)
    images, labels = np.zeros((4, 32, 32, 1), np.float32), -np.ones((4, 32, 32, 1), np.float32)
    sizes = np.array([*sizes, (32, 20)])
    originals = []
    for i, (height, width) in enumerate(sizes):
        original = rng.normal(size=(height, width)).astype(np.float32)
        truth = np.where(rng.random((height, width)) < 0.2, 1, -1).astype(np.float32)
        y, x = (32 - height) // 2, (32 - width) // 2
        images[i] = original.mean()
        images[i, y : y + height, x : x + width, 0] = original
        labels[i, y : y + height, x : x + width, 0] = truth
        originals.append((original, truth))
    parts = [images[:3], labels[:3], sizes[:3], images[3:], labels[3:], sizes[3:]]
    save(path, *parts)
    return originals


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed], ids=["stored", "compressed"])
def test_the_published_set_loses_its_frames(configure, project, save):
    originals = published(project / "set.npz", save)
    train, test = open_published(project / "set.npz", project / "scratch")
    assert isinstance(train.images.base, np.memmap)
    assert test is not None
    dataset = opened(configure(data='[[labelled]]\nnpz = "set.npz"\npolarity = "dark"\n'))
    assert (len(dataset.labelled), len(dataset.held_out)) == (3, 1)
    for ref, (image, truth) in zip((*dataset.labelled, *dataset.held_out), originals, strict=True):
        assert dataset.reader.image(ref) == pytest.approx((image - image.mean()) / image.std(), abs=1e-5)
        assert np.array_equal(dataset.reader.truth(ref), truth)


def test_a_set_of_objects_or_of_other_arrays_is_refused(project):
    path = project / "set.npz"
    np.savez(path, images=np.zeros((2, 4, 4)))
    with pytest.raises(UserError, match="no arrays arr_0"):
        open_published(path, project)
    stream = io.BytesIO()
    np.save(stream, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with zipfile.ZipFile(path, "w") as archive:
        for i in range(3):
            archive.writestr(f"arr_{i}.npy", stream.getvalue())
    with pytest.raises(UserError, match="cannot be read as a training set"):
        open_published(path, project)
    path.write_bytes(b"PK nothing")
    with pytest.raises(UserError, match="cannot be read as a training set"):
        open_published(path, project)
    np.savez(path, np.zeros((2, 8, 8)), np.zeros((2, 8, 8)), np.array([[8, 8], [9, 8]]))
    with pytest.raises(UserError, match="original sizes do not fit"):
        open_published(path, project)


class Counting:
    """A stack that counts how often its slices are read."""

    polarity = chosen_polarity("dark")

    def __init__(self):
        self.reads = []

    def image(self, z):
        self.reads.append(z)
        return np.random.default_rng(z).normal(size=(10, 10)).astype(np.float32)


def test_slices_are_read_when_needed_and_only_a_few_are_kept():
    stack = Counting()
    reader = SliceReader(budget_bytes=2 * 400)
    for z in (0, 1, 0, 2, 0, 1):
        reader.image(SliceRef(stack, z))
    assert stack.reads == [0, 1, 2, 1]


def test_a_source_gets_its_share_of_the_crops_however_few_slices_it_has(configure, project):
    for name in ("few", "more"):
        (project / name).mkdir()
    for folder, copies in (("few", 1), ("more", 3)):
        for number in range(copies):
            for end in (".tif", ".labels.tif"):
                (project / folder / f"{number}{end}").write_bytes((project / f"a{end}").read_bytes())
    held = '[[held_out]]\ntomogram = "a.tif"\nlabels = "a.labels.tif"\nslices = "3"\n'
    few = '[[labelled]]\nfolder = "few"\npolarity = "dark"\n'
    more = few.replace("few", "more")
    assert opened(configure(data=few + more + held)).chances is None
    dataset = opened(configure(data=few + "share = 0.4\n" + more + held))
    each = np.diff(dataset.chances, prepend=0)
    # 4 slices share 0.4, the other 12 share 0.6.
    assert np.allclose(each, [0.1] * 4 + [0.05] * 12)
    whole = opened(configure(data=few + "share = 0.4\n" + held))
    assert np.allclose(np.diff(whole.chances, prepend=0), 0.25), "alone it gets all"
