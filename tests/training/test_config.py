import pytest

from sxtstudio.core.errors import UserError
from sxtstudio.training.config import Training, load_config, parse_slices

WHOLE = """
name = "mine"
start_from = "compact"
slices = 5
method = "quick"
augmentation = "published"
voxel_nm = [8, 20.0]
licence = "CC0"
[[labelled]]
tomogram = "a.tif"
labels = "a.labels.tif"
slices = "0-2, 39"
ignore = 7
polarity = "bright"
[[labelled]]
folder = "pairs"
share = 0.25
[[held_out]]
npz = "set.npz"
[[unlabelled]]
tomogram = "b.tif"
[training]
minutes = 8
learning_rate = 1e-4
seed = 5
device = "cuda:1"
"""
LABELLED = '[[labelled]]\ntomogram = "a.tif"\nlabels = "a.labels.tif"\n'


@pytest.fixture
def folder(tmp_path):
    for name in ("a.tif", "a.labels.tif", "b.tif", "set.npz"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "pairs").mkdir()
    return tmp_path


def read(folder, text):
    (folder / "c.toml").write_text(text, encoding="utf-8")
    return load_config(folder / "c.toml")


def test_every_key_is_read(folder):
    config = read(folder, WHOLE)
    assert (config.name, config.start_from, config.method) == ("mine", "compact", "quick")
    assert config.slices == 5
    assert (config.augmentation, config.voxel_nm, config.licence) == ("published", (8.0, 20.0), "CC0")
    first, second = config.labelled
    assert (first.tomogram, first.labels) == (folder / "a.tif", folder / "a.labels.tif")
    assert (first.slices, first.ignore, first.polarity) == ((0, 1, 2, 39), 7, "bright")
    assert second.folder == folder / "pairs"
    assert (first.share, second.share) == (None, 0.25)
    assert config.held_out[0].npz == folder / "set.npz"
    assert config.unlabelled[0].tomogram == folder / "b.tif"
    training = config.training
    assert (training.steps, training.minutes, training.learning_rate) == (None, 8.0, 1e-4)
    assert (training.seed, training.device) == (5, "cuda:1")


def test_a_model_to_go_on_from_keeps_its_width_unless_told(folder):
    start = f'name = "a"\nstart_from = "compact"\n{LABELLED}'
    kept, wider = read(folder, start), read(folder, f"base_width = 24\n{start}")
    assert (kept.base_width, wider.base_width) == (None, 24)
    assert kept.training.steps < wider.training.steps, "a wider one learns as long as one from nothing"


def test_the_published_method_has_the_published_settings(folder):
    config = read(folder, f'name = "a"\nmethod = "published"\nbase_width = 64\n{LABELLED}')
    training = config.training
    assert (config.base_width, config.augmentation) == (64, "published")
    assert (training.steps, training.learning_rate, training.crop_px, training.crops) == (700, 5e-5, 256, 1)


def test_every_field_of_the_training_can_be_set(folder):
    with pytest.raises(UserError) as error:
        read(folder, WHOLE + "nonsense = 1")
    named = str(error.value).split("known are ")[1].rstrip(".").split(", ")
    assert set(named) == set(Training.__struct_fields__)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f'name = "a"\nstep = 3\n{LABELLED}', "unknown key step"),
        (f'name = "a"\n{LABELLED}slcies = "1"', "no. 1: unknown key slcies"),
        (LABELLED, "the key 'name' is missing; it must be letters, digits"),
        (f'name = "a b"\n{LABELLED}', "the key 'name' is wrong; it must be"),
        ('name = "a"', r"\[\[labelled\]\]"),
        (f'name = "a"\nbase_width = 3\n{LABELLED}', "even number"),
        (f'name = "a"\nbase_width = 128\n{LABELLED}', "even number from 2 to 92"),
        (f'name = "a"\nmethod = "fast"\n{LABELLED}', '"published" or "quick"'),
        (f'name = "a"\n{LABELLED}slices = "3-1"', "the key 'slices' is wrong; it must be"),
        (f'name = "a"\n{LABELLED}slices = "1;2"', "the key 'slices' is wrong; it must be"),
        (f'name = "a"\n{LABELLED}share = 30', "the key 'share' is wrong; it must be"),
        (f'name = "a"\n{LABELLED}share = 0.6\n{LABELLED}share = 0.5', "add up to more than 1"),
        (f'name = "a"\n{LABELLED}folder = "pairs"', "exactly one of tomogram, folder or npz"),
        (
            'name = "a"\n[[labelled]]\ntomogram = "a.tif"',
            "the key 'labels' is wrong; it must be the file of the tomogram's labels",
        ),
        (f'name = "a"\n{LABELLED}[[unlabelled]]\nnpz = "set.npz"', "unknown key npz"),
        (
            'name = "a"\n[[labelled]]\ntomogram = "c.tif"\nlabels = "a.labels.tif"',
            "c.tif, which does not exist",
        ),
        (f'name = "a"\nstart_from = "gone.onnx"\n{LABELLED}', "gone.onnx, which does not exist"),
        (f'name = "a"\n{LABELLED}[training]\ncrop_px = 100', "multiple of 16"),
        (f'name = "a"\n{LABELLED}[training]\nsteps = 0', "the key 'steps' is wrong; it must be"),
        (
            f'name = "a"\n{LABELLED}[training]\nlearning_rate = "slow"',
            "the key 'learning_rate' is wrong; it must be",
        ),
        (f'name = "a"\n{LABELLED}[training]\ndevice = "gpu"', "the key 'device' is wrong; it must be"),
        (f'name = "a"\nvoxel_nm = [20, 8]\n{LABELLED}', "the key 'voxel_nm' is wrong; it must be"),
        (f'name = "a"\n{LABELLED}[[unlabelled]]', "exactly one of tomogram or folder"),
        ('name = "a"\n[[labelled]]\nfolder = "pairs"\nlabels = "a.labels.tif"', "'labels' is wrong"),
        ('name = "a"\nlabelled = 3', r"must be a section \[\[labelled\]\]"),
        (f'name = "a"\nbase_width = 16.0\n{LABELLED}', "an even number from 2"),
        (
            f'name = "a"\n{LABELLED}[training]\nminutes = nan',
            "'minutes' is wrong; it must be a number from 0",
        ),
        (f'name = "a"\n{LABELLED}[training]\npreview = 1', "true or false"),
        ('name = "a', "no valid TOML"),
    ],
)
def test_a_wrong_configuration_is_refused_with_the_key(folder, text, said):
    with pytest.raises(UserError, match=said):
        read(folder, text)


FREE = '[[unlabelled]]\ntomogram = "b.tif"\n'
ON = {"agree": "0.5", "teach": "0.3", "spectra": "0.3", "restore": "true"}


@pytest.mark.parametrize(
    ("top", "free", "more", "keys", "said"),
    [
        ("", "", "", ("agree", "teach", "spectra"), r"add a section \[\[unlabelled\]\]"),
        ("", FREE, "unlabelled_crops = 0\n", ("agree", "teach"), "with unlabelled_crops = 0"),
        (
            'method = "published"\naugmentation = "appearances"',
            FREE,
            "",
            ("agree", "teach", "restore"),
            "method",
        ),
        ('method = "published"', FREE, "", tuple(ON), '"published"'),
        ('augmentation = "published"', FREE, "", tuple(ON), "with augmentation"),
    ],
    ids=["no slices", "no crops", "method", "both", "augmentation"],
)
def test_an_option_of_which_nothing_would_come_is_refused(folder, top, free, more, keys, said):
    start = f'name = "a"\n{top}\n{LABELLED}{free}[training]\n{more}'
    for key, value in ON.items():
        assert read(folder, f"{start}{key} = {'false' if value == 'true' else 0.0}").name == "a"
        if key in keys:
            with pytest.raises(UserError, match=rf"c\.toml, \[training\]: {key} does nothing .*{said}"):
                read(folder, f"{start}{key} = {value}")
        else:
            assert read(folder, f"{start}{key} = {value}").name == "a"


@pytest.mark.parametrize(
    ("top", "option", "off", "said"),
    [
        ('augmentation = "published"', "own_appearance = 0.5", "own_appearance = 0", "with augmentation"),
        ('augmentation = "published"', "soft_bodies = true", "soft_bodies = false", "with augmentation"),
        ('method = "published"', "own_appearance = 0.5", None, "with augmentation"),
        ('method = "published"', "warm_up = 5", "warm_up = 0", "with method"),
        ('method = "published"', "average = 0.9", "average = 0", "with method"),
        ('method = "published"', "image_every = 2", None, "with method"),
        ('method = "published"', 'norms = "keep"', 'norms = "learn"', "with method"),
        ("", "spectra_slow = 0.4", "spectra_slow = 0", "with spectra = 0"),
        ("", 'norms = "keep"', 'norms = "learn"', "start_from"),
    ],
)
def test_an_option_that_the_file_names_in_vain_is_refused_and_what_it_leaves_out_is_not(
    folder, top, option, off, said
):
    start = f'name = "a"\n{top}\n{LABELLED}[training]\n'
    key = option.split()[0]
    with pytest.raises(UserError, match=rf"{key} does nothing .*{said}.*, or leave {key} out\."):
        read(folder, start + option)
    for fine in (start, start + (off or "")):
        assert read(folder, fine).name == "a"


def test_a_missing_file_and_one_that_is_no_text(tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        load_config(tmp_path / "none.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x80")
    with pytest.raises(UserError, match="no text in UTF-8"):
        load_config(tmp_path / "binary.toml")


@pytest.mark.parametrize(
    ("text", "slices"), [("0", (0,)), ("0-2, 39", (0, 1, 2, 39)), ("5,3-4,4", (3, 4, 5)), (" 7 - 8 ", (7, 8))]
)
def test_slices(text, slices):
    assert parse_slices(text) == slices


def test_how_much_crops_change_is_decided_by_the_training_unless_told(folder):
    whole = WHOLE.replace('augmentation = "published"\n', "")
    told = "own_appearance = 0.5\nsoft_bodies = true"
    plain, chosen = read(folder, whole).training, read(folder, whole + told).training
    assert (plain.own_appearance, plain.soft_bodies) == (0.7, False)
    assert (chosen.own_appearance, chosen.soft_bodies) == (0.5, True)
    new = read(folder, f'name = "a"\n{LABELLED}').training
    assert (new.own_appearance, new.soft_bodies) == (0.0, True)


def test_only_what_decides_the_weights_is_in_the_fingerprint(folder):
    first = read(folder, WHOLE).fingerprint()
    assert read(folder, WHOLE.replace("minutes = 8", "minutes = 9")).fingerprint() == first
    assert read(folder, WHOLE.replace("seed = 5", "seed = 6")).fingerprint() != first
    assert read(folder, WHOLE.replace("0-2, 39", "0-2, 38")).fingerprint() != first
    assert read(folder, WHOLE.replace("slices = 5", "slices = 3")).fingerprint() != first


def test_options_that_are_off_leave_states_of_older_versions_as_they_are(folder):
    first = read(folder, WHOLE).fingerprint()
    assert not {"spectra", "restore", "agree", "teach"} & set(first["training"])
    assert read(folder, WHOLE + "teach = 0.0").fingerprint() == first
    taught = WHOLE.replace('augmentation = "published"', "") + "teach = 0.5"
    assert read(folder, taught).fingerprint()["training"]["teach"] == 0.5
    one = read(folder, WHOLE.replace("slices = 5\n", "", 1)).fingerprint()["chosen"]
    assert one == ["compact", None, "quick", "published"]
