"""A second soft X-ray tomogram simulator, used only to judge models that were trained elsewhere.

Nothing is projected and nothing is reconstructed here. Geometry is painted from level sets and swept tubes
(other_specimen.py). The microscope acts as one transfer function in Fourier space (central slice theorem):
each tilt is a line through the origin of the (kz, kx) plane, so that missing wedge, uneven tilts, alignment
errors, early-stopped SIRT (1 - (1 - q)^n) and a wrong ramp are factors on those lines, and projection noise
is noise on them. Axes are (z, y, x); beam along z at zero tilt, tilt axis y. Lengths are in px unless named
_nm.
"""

from __future__ import annotations

import copy
from types import SimpleNamespace

import numpy as np
import other_specimen as specimen
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import fft, ndimage
from skimage.registration import optical_flow_ilk

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]
Shape = tuple[int, int, int]
Box = tuple[slice, ...]

LARGEST_SHIFT = 6.0  # px that misaligned tilts can move a membrane in its picture
FOUND = 5.0  # signal-to-noise ratio at which something is noticed (Rose)
FOLLOWED = 2.0  # that of a piece of line over which the eye goes on following what it has noticed
PIECE = 15  # px, the length of such a piece

SMEARED, ABSENT = 0.4, 0.2  # contrasts, relative to a typical membrane's, of what is shown and what is there

SCENES = {"edge": 0.35, "inside": 0.2, "nucleus": 0.27, "filopodia": 0.18}
APPEARANCE = {  # ranges of what differs from one tomogram to the next, apart from the geometry
    "scale": (0.8, 1.25),  # sizes of organelles relative to textbook values
    "cytosol": (0.2, 0.3),  # LAC
    "membrane": (0.12, 0.3),  # LAC that a membrane adds at its centre
    "membrane_width": (3.0, 5.0),  # apparent full width at half maximum
    "blur": (0.9, 1.5),  # standard deviation of the point spread in the slice
    "blur_along_z": (1.3, 2.2),  # relative to that
    "grain": (0.1, 0.45),  # relative fluctuation of the protein density
    "grain_size": (2.5, 9.0),
    "log_contrast_to_noise": (np.log(1.3), np.log(5.0)),  # of a pixel in the middle of a typical membrane
    "noise_blur": (0.4, 1.2),
    "noise_colour": (0.0, 0.7),  # exponent of an extra 1/f fall-off
    "tilt_limit": (60.0, 65.0),  # degrees
    "tilt_step": (0.5, 2.0),  # degrees
    "ramp_error": (-0.2, 0.6),
    "tilt_gain_error": (0.0, 0.15),
    "misalignment": (0.0, 0.8),
    "background": (0.2, 1.5),  # slow shading in units of membrane contrast
}


def _draw_appearance(rng: Generator) -> SimpleNamespace:
    appearance = SimpleNamespace(**{name: float(rng.uniform(*limits)) for name, limits in APPEARANCE.items()})
    appearance.scene = str(rng.choice(list(SCENES), p=list(SCENES.values())))
    appearance.sirt_iterations = 0 if rng.random() < 0.3 else int(rng.integers(20, 120))  # 0: back-projection
    appearance.doubling = (
        float(rng.uniform(1.0, 2.5)) if rng.random() < 0.3 else 0.0
    )  # shift of half the tilts
    appearance.border = int(rng.integers(3, 25)) if rng.random() < 0.4 else 0  # width of the spoilt border
    return appearance


def _optics(
    rng: Generator, shape: Shape, appearance: SimpleNamespace
) -> tuple[Array, NDArray[np.complex64], Array, Array]:
    """On the (kz, kx) plane: transfer function, shift across and along y, amplitude of the noise."""
    kz, _, kx = specimen.frequencies(shape)
    kz = kz[:, 0]
    s = np.hypot(kz, kx)
    tilt = np.degrees(np.arctan2(kz, kx))
    measured = 1 / (1 + np.exp(np.clip((np.abs(tilt) - appearance.tilt_limit) / 0.7, -40, 40)))
    if appearance.sirt_iterations:
        filtered = 1 - (1 - 1 / np.maximum(s * 900, 1.0)) ** appearance.sirt_iterations
    else:  # weighted back-projection with a Hamming window
        filtered = 0.54 + 0.46 * np.cos(np.pi * np.minimum(2 * s, 1))
    ramp = 1 - appearance.ramp_error * np.exp(-((s / 0.012) ** 2)) * (s > 0)
    line = np.round((tilt + 90) / appearance.tilt_step).astype(int)
    lines = line.max() + 1
    gain = np.where(s > 0, (1 + appearance.tilt_gain_error * rng.normal(size=lines))[line], 1)
    shift = ndimage.gaussian_filter1d(rng.normal(size=(2, lines)), 3, axis=1) * 3 * appearance.misalignment
    shift += rng.normal(0, 0.5 * appearance.misalignment, (2, lines))
    shift[:, : lines // 2] += appearance.doubling * rng.normal(size=(2, 1))
    seen = np.abs(np.arange(lines) * appearance.tilt_step - 90) <= appearance.tilt_limit
    shift -= shift[:, seen].mean(axis=1, keepdims=True)  # shared by all tilts, it moves picture off outlines
    across, along = shift[0][line], shift[1][line]
    blur = np.exp(-2 * (np.pi * appearance.blur) ** 2 * ((appearance.blur_along_z * kz) ** 2 + kx**2))
    transfer = measured * filtered * ramp * gain * blur
    shifted = np.exp(-2j * np.pi * s * across)
    # lines lie 1/s apart, so that s of them add up in a voxel of Fourier space
    noise = measured * filtered * np.sqrt(s) * np.exp(-2 * (np.pi * appearance.noise_blur * s) ** 2)
    transfer, along, noise = (array.astype(np.float32) for array in (transfer, along, noise))
    return transfer, shifted.astype(np.complex64), along, noise


def _observe(rng: Generator, scene: SimpleNamespace, crop: Box) -> tuple[Array, Array, Array, Array]:
    """Image of the specimen, the same without grain and gold, that with aligned tilts, and unit noise."""
    appearance, shape = scene.appearance, scene.shape
    transfer, shifted, along, noise_plane = _optics(rng, shape, appearance)
    _, ky, _ = specimen.frequencies(shape)
    spectra = [fft.rfftn(scene.lac), fft.rfftn(scene.plain)]
    aligned = spectra[1].copy()
    for j, k in enumerate(ky.flat):
        factor = transfer * np.float32(np.exp(-2 * (np.pi * appearance.blur * k) ** 2))
        aligned[:, j] *= factor
        factor = factor * shifted * np.exp(-2j * np.pi * k * along)
        for spectrum in spectra:
            spectrum[:, j] *= factor
    image, plain, aligned = (fft.irfftn(f, shape, overwrite_x=True)[crop] for f in [*spectra, aligned])
    return image, plain, aligned, _unit_noise(rng, scene, noise_plane, crop)


def _unit_noise(rng: Generator, scene: SimpleNamespace, noise_plane: Array, crop: Box) -> Array:
    """Noise of the projections, as it is in the tomogram, of standard deviation 1."""
    appearance, shape = scene.appearance, scene.shape
    kz, ky, kx = specimen.frequencies(shape)
    s2 = kz[:, 0] ** 2 + kx**2
    noise = specimen.complex_noise(rng, shape)
    for j, k in enumerate(ky.flat):
        fall_off = np.exp(-2 * (np.pi * appearance.noise_blur * k) ** 2)
        noise[:, j] *= noise_plane * fall_off * (s2 + k * k + 4e-4) ** (-appearance.noise_colour / 2)
    noise[0, 0, 0] = 0
    grain: Array = fft.irfftn(noise, shape, overwrite_x=True)[crop]
    return grain / grain.std()


def _move_with_picture(masks: list[Mask], aligned: Array, plain: Array) -> list[Mask]:
    """Masks moved to where misaligned tilts have moved what they mark, slice by slice.

    A leaning membrane is seen by the tilts along it alone, and moves with them; an annotator draws it where
    it is seen. How far it moved is read from two images without noise, with aligned tilts and with shifted.
    """
    moved = [np.zeros_like(mask) for mask in masks]
    y, x = np.mgrid[: plain.shape[1], : plain.shape[2]]
    for z in range(len(plain)):
        scale = max(float(np.ptp(aligned[z])), 1e-6)
        # in pixels of the aligned image, for each pixel of the shifted one
        flow = optical_flow_ilk(plain[z] / scale, aligned[z] / scale, radius=7, num_warp=6)
        flow = np.clip(np.nan_to_num(flow), -LARGEST_SHIFT, LARGEST_SHIFT)
        for mask, target in zip(masks, moved, strict=True):
            target[z] = (
                ndimage.map_coordinates(mask[z].astype(np.float32), (y + flow[0], x + flow[1]), order=1) > 0.5
            )
    return moved


def _spoil(rng: Generator, image: Array, appearance: SimpleNamespace, contrast: float) -> None:
    """Add, in place, slow shading and the stripes and fall-off of the borders across the tilt axis."""
    width = image.shape[2]
    shading = specimen.waves(rng, image.shape, 0.7 * width, 3 * width, 4)
    image += np.float32(appearance.background * contrast / (np.abs(shading).max() + 1e-6)) * shading
    if not appearance.border:
        return
    for column in (np.arange(width), np.arange(width)[::-1]):
        depth = column / (appearance.border * rng.uniform(0.4, 1.6))
        stripes = ndimage.gaussian_filter1d(rng.normal(0, 1, width), rng.uniform(0.5, 2)) * np.exp(-depth)
        image += (contrast * (np.exp(-2 * depth) * rng.uniform(-3, 3) + stripes)).astype(np.float32)
    image[:, : int(rng.integers(0, 4))] += contrast * rng.uniform(-3, 3)


def _annotate(masks: list[Mask], plain: Array, image: Array) -> tuple[Mask, Mask]:
    """Outlines that the noisy image shows to somebody who looks at some fifteen pixels around, and the rest.

    The masks are those of what is drawn, of membranes' middles and of what is doubtful.
    """
    drawn, centre, doubtful = masks
    clarity = _clarity(plain, image - plain, drawn)
    spread = np.sqrt(ndimage.uniform_filter(_fine(plain) ** 2, (1, 13, 13)))
    typical = np.median(spread[centre]) if centre.any() else 0.0
    clarity[spread < 0.3 * typical] = 0
    in_plane = np.zeros((3, 3, 3), bool)
    in_plane[1] = True
    pieces, _ = ndimage.label(drawn & (clarity > FOLLOWED), in_plane)
    # what a whole line adds up to: each pixel's share in the squared ratio of its piece
    share = clarity**2 / np.maximum(ndimage.uniform_filter(drawn.astype(np.float32), (1, PIECE, PIECE)), 1e-6)
    whole = np.sqrt(np.bincount(pieces.ravel(), (share / PIECE**2).ravel()))
    keep = (whole >= FOUND) & (np.bincount(pieces.ravel()) >= 80)
    keep[0] = False
    truth = keep[pieces]
    return truth, (doubtful | drawn) & ~truth


def _clarity(plain: Array, rest: Array, drawn: Mask) -> Array:
    """Signal-to-noise ratio with which a filter that knows a piece of line finds it, at the line's pixels.

    That is the filter's answer to the line, over the standard deviation of its answers to noise and grain at
    24 other places (the non-prewhitening observer of ICRU Report 54). Rose (J. Opt. Soc. Am. 38 (1948) 196)
    found that people need about 5 to notice something whose place they do not know.
    """
    rng = np.random.default_rng(0)
    noise = _fine(np.clip(rest, *np.percentile(rest[::2], [0.5, 99.5])))  # gold is no noise
    depth, height, width = plain.shape
    clarity = np.zeros(plain.shape, np.float32)
    for z, line in enumerate(_fine(plain) * drawn):
        power = np.zeros_like(line)
        for _ in range(24):
            place = (int(rng.integers(height)), int(rng.integers(width)))
            elsewhere = np.roll(noise[int(rng.integers(depth))], place, (0, 1))
            power += (ndimage.uniform_filter(line * elsewhere, PIECE) * PIECE**2) ** 2 / 24
        answer = ndimage.uniform_filter(line * line, PIECE) * PIECE**2
        clarity[z] = np.where(drawn[z], answer / np.sqrt(power + 1e-30), 0)
    return clarity


def _fine(image: Array) -> Array:
    """What differs from the mean of the surroundings within each slice."""
    fine: Array = image - ndimage.uniform_filter(image, (1, 13, 13))
    return fine


def _smeared(scene: SimpleNamespace, plain: Array, crop: Box) -> Mask:
    """Where the picture without noise is as dark as a membrane, though nothing in this slice is.

    The missing wedge draws filopodia and organelles out into the slices above and below them. Who sees one
    slice cannot tell the smear from the thing.
    """
    appearance = scene.appearance
    in_slice = ndimage.gaussian_filter(
        scene.plain[crop], (appearance.blur * appearance.blur_along_z, appearance.blur, appearance.blur)
    )
    centre = scene.centre[crop]
    if not centre.any():
        return np.zeros_like(centre)
    dark = [picture - ndimage.gaussian_filter(picture, (0, 6, 6)) for picture in (plain, in_slice)]
    shown, there = (d / max(float(np.median(d[centre])), 1e-6) for d in dark)
    smeared = (shown > SMEARED) & (there < ABSENT)
    return ndimage.binary_dilation(smeared, np.ones((1, 5, 5)))  # an annotator's line is that wide


def _paint(rng: Generator, shape: Shape, voxel_nm: float) -> tuple[SimpleNamespace, Box]:
    """A specimen that goes on beyond the view, and where in it that lies."""
    appearance = _draw_appearance(rng)
    padded = tuple(fft.next_fast_len(n + 2 * p, real=True) for n, p in zip(shape, (22, 24, 28), strict=True))
    low = [(m - n) // 2 for m, n in zip(padded, shape, strict=True)]
    return specimen.paint(rng, padded, appearance, voxel_nm), specimen.as_box(low, np.add(low, shape))


def _contrast(scene: SimpleNamespace, plain: Array, crop: Box) -> float:
    """How much darker the middle of a typical membrane is than what surrounds it, in LAC."""
    centre = scene.centre[crop]
    ridge = 2.0 * (plain - ndimage.gaussian_filter(plain, (0, 6, 6)))  # 2: the Gaussian sees the ridge, too
    return max(float(np.median(ridge[centre])) if centre.any() else 0.0, 0.2 * scene.appearance.membrane)


def halves(seed: int, shape: Shape = (36, 224, 224), voxel_nm: float = 10.0) -> tuple[Array, Array]:
    """Two tomograms (z, y, x) of the specimen that ``simulate`` shows, each with noise of its own.

    Their mean has the contrast to noise of the appearance; no grain is counted as noise.
    """
    rng = np.random.default_rng([seed, 7401])
    scene, crop = _paint(rng, shape, voxel_nm)
    optics = copy.deepcopy(rng)  # the same for both
    image, plain, _, first = _observe(rng, scene, crop)
    noise_plane = _optics(optics, scene.shape, scene.appearance)[3]
    second = _unit_noise(np.random.default_rng([seed, 7402]), scene, noise_plane, crop)
    noise_sd = np.sqrt(2) * _contrast(scene, plain, crop) / np.exp(scene.appearance.log_contrast_to_noise)
    one, other = (-(image + np.float32(noise_sd) * noise) for noise in (first, second))
    return one, other


def simulate(
    seed: int, shape: Shape = (48, 320, 320), voxel_nm: float = 10.0
) -> tuple[Array, Mask, dict[str, object]]:
    """Simulate one tomogram with absorbing structures dark.

    Parameters
    ----------
    seed : int
        Chooses geometry and look; the same seed gives the same tomogram.
    shape : tuple of int
        (z, y, x) in px.
    voxel_nm : float
        Edge of a voxel; objects keep their size in nm, optics and membrane width theirs in px.

    Returns
    -------
    tomogram : float32 array
        In arbitrary units, as reconstructions are.
    truth : bool array
        Outlines about 5 px wide of what an annotator would draw slice by slice: plasma membrane, filopodia,
        nuclear envelope, organelles, lipid droplets; neither gold nor membranes (nearly) parallel to the
        slice, nor what the noise hides.
    notes : dict
        "appearance" (dict), "objects" (count by kind, with those in the padding around the volume),
        "contrast" and "noise_sd" (in LAC), "doubtful" (bool array: cristae, slanted and faint membranes,
        gold, smears from other slices; meant for ``score(..., ignore=...)``).
    """
    rng = np.random.default_rng([seed, 7401])
    scene, crop = _paint(rng, shape, voxel_nm)
    appearance = scene.appearance
    image, plain, aligned, noise = _observe(rng, scene, crop)
    drawn, centre = scene.drawn[crop], scene.centre[crop]
    contrast = _contrast(scene, plain, crop)
    fine = image - ndimage.gaussian_filter(image, (0, 6, 6))
    empty = fine[~drawn & ~scene.doubtful[crop]]
    grain = float(np.diff(np.percentile(empty[::7], [16, 84]))[0]) / 2 if empty.size else 0.0
    wanted = contrast / np.exp(appearance.log_contrast_to_noise)
    noise_sd = np.sqrt(max(wanted**2 - grain**2, (0.8 * wanted) ** 2))
    height = np.linspace(-1, 1, shape[0])[:, None, None]  # the first and last slices are noisier
    image += noise * (noise_sd * (1 + rng.uniform(0, 0.4) * height**4)).astype(np.float32)
    masks = _move_with_picture([drawn, centre, scene.doubtful[crop]], aligned, plain)
    truth, doubtful = _annotate(masks, plain, image)
    doubtful |= _smeared(scene, plain, crop) & ~truth
    _spoil(rng, image, appearance, contrast)
    unit, zero = [(1.0, 0.0), (1e-3, 5e-4), (300.0, 150.0)][int(rng.integers(3))]
    notes = {
        "appearance": vars(appearance),
        "objects": scene.tally,
        "contrast": contrast,
        "noise_sd": float(noise_sd),
    }
    return (
        (zero - unit * image).astype(np.float32),
        truth,
        notes | {"doubtful": doubtful},
    )


def score(
    prediction: Mask, truth: Mask, tolerance_px: float = 2, ignore: Mask | None = None
) -> tuple[float, float, float]:
    """Precision, recall and F1 with a tolerance within each slice, pooled over the slices.

    Precision is the share of predicted pixels within `tolerance_px` of a truth pixel of the same slice,
    recall the share of truth pixels within `tolerance_px` of a predicted one. A share of no pixels counts
    as 0, except that everything is 1 when both masks are empty.

    Parameters
    ----------
    prediction, truth : bool array
        (z, y, x), or (y, x) for one slice.
    tolerance_px : float
        Euclidean distance between pixel centres.
    ignore : bool array, optional
        Pixels predicted here are neither right nor wrong, unless within reach of the truth.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    if prediction.shape != truth.shape or (ignore is not None and ignore.shape != truth.shape):
        raise ValueError(f"prediction, truth and ignore differ in shape: {prediction.shape}, {truth.shape}")
    stack = (-1, *truth.shape[-2:])
    prediction, truth = (np.asarray(m, bool).reshape(stack) for m in (prediction, truth))
    near_truth, near_prediction = _within(truth, tolerance_px), _within(prediction, tolerance_px)
    if ignore is not None:
        prediction = prediction & (near_truth | ~np.asarray(ignore, bool).reshape(stack))
    if not prediction.any() and not truth.any():
        return 1.0, 1.0, 1.0
    precision = np.count_nonzero(prediction & near_truth) / max(np.count_nonzero(prediction), 1)
    recall = np.count_nonzero(truth & near_prediction) / max(np.count_nonzero(truth), 1)
    return precision, recall, 2 * precision * recall / max(precision + recall, 1e-12)


def _within(mask: Mask, tolerance_px: float) -> Mask:
    """Pixels within the tolerance of a mask pixel of the same slice."""
    near = np.zeros_like(mask)
    for z in np.flatnonzero(mask.any(axis=(1, 2))):  # without any mask pixel, distances are undefined
        near[z] = ndimage.distance_transform_edt(~mask[z]) <= tolerance_px
    return near
