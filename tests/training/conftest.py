import numpy as np
import pytest
import tifffile
import torch


@pytest.fixture
def one_thread():
    """Sums of floats depend on how many threads share them."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def rings(rng, shape):
    """Dark rings on grain (z, y, x), and where they are (uint8 0/1)."""
    outline = np.zeros(shape, np.uint8)
    y, x = np.mgrid[: shape[1], : shape[2]]
    for z in range(shape[0]):
        for _ in range(3):
            centre, radius = rng.uniform(0.2, 0.8, 2) * shape[1:], rng.uniform(6, 14)
            outline[z][np.abs(np.hypot(y - centre[0], x - centre[1]) - radius) < 1.5] = 1
    return (0.3 * rng.normal(size=shape) - 2.0 * outline).astype(np.float32), outline


@pytest.fixture
def project(tmp_path):
    """A folder with a labelled tomogram a, one without labels b, and a configuration that names them."""
    rng = np.random.default_rng(0)
    tomogram, outline = rings(rng, (4, 64, 80))
    tifffile.imwrite(tmp_path / "a.tif", tomogram, photometric="minisblack")
    tifffile.imwrite(tmp_path / "a.labels.tif", outline * 255, photometric="minisblack")
    tifffile.imwrite(tmp_path / "b.tif", rings(rng, (3, 64, 80))[0], photometric="minisblack")
    write_config(tmp_path / "train.toml")
    return tmp_path


def write_config(path, training="", *, top="base_width = 2", data=None):
    """Write a configuration of a few small steps; later keys of ``training`` take the place of these."""
    # What "auto" chooses depends on the machine.
    usual = {
        "precision": '"float32"',
        "steps": 4,
        "crop_px": 32,
        "crops": 1,
        "evaluate_every": 2,
        "save_every": 2,
        "plateau": 0,
    }
    given = [line.split("=") for line in training.splitlines() if "=" in line]
    usual |= {key.strip(): value.strip() for key, value in given}
    if data is None:
        data = '[[labelled]]\ntomogram = "a.tif"\nlabels = "a.labels.tif"\npolarity = "dark"\n'
        data += '[[unlabelled]]\ntomogram = "b.tif"\npolarity = "dark"\n'
    lines = "".join(f"{key} = {value}\n" for key, value in usual.items())
    path.write_text(f'name = "small"\n{top}\n{data}\n[training]\n{lines}', encoding="utf-8")


@pytest.fixture
def configure(project):
    """Write the project's configuration anew and return its path."""

    def write(training="", **others):
        write_config(project / "train.toml", training, **others)
        return project / "train.toml"

    return write
