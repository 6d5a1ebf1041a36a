"""Real organelles in phantoms: turned, mirrored, scaled, and given the absorption that soft X-rays see."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

from sxtstudio.core.distance import distances
from sxtstudio.core.geometry import Box
from sxtstudio.training import cristae, endomembranes, shapes
from sxtstudio.training.canvas import CLASSES, OUTLINE_HALF_PX, Phantom, PhantomMaterial, box_around, paint
from sxtstudio.training.organelles import gap_px, log_uniform
from sxtstudio.training.shape_library import CRISTAE_VALUE, CellRegion, OrganelleShape
from sxtstudio.training.shapes import Array, Vector

Mask = NDArray[np.bool_]

#: How much larger or smaller real shapes are made.
SMALLEST, LARGEST = 0.8, 1.8
#: Poses that are tried for a body, and the share of it that must find room.
_POSES, _LEAST_ROOM = 8, 0.45
#: Smaller pieces (voxels) of a field are left out.
_LEAST_VOXELS = 40
#: Reticulum of real cells is outlined where its membranes are so strong, as a share of those that show well.
_DRAWN = 0.55
#: Annotators draw the large nucleus in coarse steps; its envelope is smooth.
_ENVELOPE_PX = 4.0


@dataclass(frozen=True)
class Pose:
    """Where a shape lies: phantom = centre + turn · (shape − origin) · scale, all (z, y, x) voxels."""

    turn: Vector  # orthogonal, (3, 3); mirrored where its determinant is −1
    scale: Vector  # voxels of the phantom for one of the shape's
    origin: Vector
    centre: Vector

    def to_phantom(self, points: Vector) -> Vector:
        """Return where points (n, 3) of the shape lie in the phantom."""
        return np.asarray((points - self.origin) * self.scale @ self.turn.T + self.centre)

    def to_shape(self) -> tuple[Vector, Vector]:
        """Return the matrix and the offset that take a voxel of the phantom to one of the shape."""
        matrix = (self.turn / self.scale).T
        return matrix, self.origin - matrix @ self.centre


def random_turn(rng: np.random.Generator, lean_deg: float) -> Vector:
    """Return a turn about the beam by any angle, mirrored or not, leaning by about ``lean_deg``."""
    about_beam = Rotation.from_rotvec([rng.uniform(0, 2 * np.pi), 0, 0])
    lean = Rotation.from_rotvec(np.deg2rad(lean_deg) * rng.normal(size=3) * [0, 1, 1])
    mirror = np.diag(np.where(rng.random(3) < 0.5, -1.0, 1.0))
    return np.asarray((about_beam * lean).as_matrix() @ mirror)


def place_body(
    rng: np.random.Generator, phantom: Phantom, bodies: tuple[OrganelleShape, ...], crowded: float
) -> bool:
    """Put one of the bodies where it finds room; return whether it did."""
    body = bodies[int(rng.integers(len(bodies)))]
    scale = log_uniform(rng, SMALLEST, LARGEST)
    pose = _best_pose(rng, phantom, body, scale, crowded)
    return pose is not None and paint_body(rng, phantom, body, pose)


def _best_pose(
    rng: np.random.Generator, phantom: Phantom, body: OrganelleShape, scale: float, crowded: float
) -> Pose | None:
    """Return the pose of several in which most of a body finds room."""
    sample = body.points[rng.integers(len(body.points), size=150)]
    size = scale * np.array(body.voxel_nm) / phantom.appearance.voxel_nm
    half = 0.6 * scale * phantom.appearance.px(body.half_nm)
    best, most = None, _LEAST_ROOM
    for _ in range(_POSES):
        centre = phantom.find_site(rng, half, crowded)
        if centre is None:
            return None
        turn = random_turn(rng, 90 if rng.random() < 0.25 else 15)
        pose = Pose(turn, size, sample[int(rng.integers(len(sample)))], centre)
        room = float(np.mean(phantom.room_at(pose.to_phantom(sample)) > 1))
        if room > most:
            best, most = pose, room
    return best


def paint_body(rng: np.random.Generator, phantom: Phantom, body: OrganelleShape, pose: Pose) -> bool:
    """Paint a body in its pose, cut back to where there is room; return whether anything was left."""
    appearance = phantom.appearance
    reached = pose.to_phantom(body.points)
    box = box_around(phantom, reached.min(0), reached.max(0))
    if box is None:
        return False
    share = _sampled(body.labels > 0, pose, box)
    implicit = phantom.fit(box, distance_of(share), gap_px(rng))
    implicit = _largest_piece(implicit)
    inside = np.argwhere(implicit < 0)
    if len(inside) < 100:
        return False
    points = (inside + np.array(box.start))[rng.permutation(len(inside))[:200]].astype(float)
    phantom.claim(box, implicit, points, 1.0)
    material = _material(rng, phantom, body.kind)
    grain = np.float32(rng.uniform(0, 0.03)) * shapes.smooth_noise(rng, box.shape, rng.uniform(4, 8))
    paint(phantom, box, implicit, material, grain, body.kind)
    if body.cristae_nm is not None and rng.random() < 0.85:
        larger = np.cbrt(np.prod(pose.scale * appearance.voxel_nm / np.array(body.voxel_nm)))
        thick, apart = (appearance.px(nm) * float(larger) for nm in body.cristae_nm)
        folds = _sampled(body.labels == CRISTAE_VALUE, pose, box)
        folds *= np.clip(-np.float32(0.5) - implicit, 0, 1)
        distance, _ = shapes.signed_distance(np.float32(0.5) - folds)
        np.clip(distance, -shapes.NEAR_PX, shapes.NEAR_PX, out=distance)
        cristae.put(phantom, box, folds, distance, cristae.random_look(rng, phantom, apart, thick))
    return True


def paint_field(rng: np.random.Generator, phantom: Phantom, field: CellRegion) -> bool:
    """Fill the cell with part of a real one, its organelles as they lie; return whether anything was painted.

    Beyond the borders of the field its mirror image goes on.
    """
    appearance = phantom.appearance
    size = log_uniform(rng, 0.8, 1.4) * np.array(field.voxel_nm) / appearance.voxel_nm
    origin = _viewpoint(rng, field)
    centre = np.array(phantom.shape) / 2
    pose = Pose(random_turn(rng, 6), size, origin, centre)
    painted = False
    whole = Box.whole(phantom.shape)
    for kind, value in CLASSES.items():
        if value == 0 or not (field.labels == value).any():
            continue
        mask = (field.labels == value) | (
            (field.labels == CRISTAE_VALUE) if kind == "mitochondrion" else False
        )
        share = _sampled(mask, pose, whole, mirrored=True, soften_px=_ENVELOPE_PX if kind == "nucleus" else 0)
        implicit = phantom.fit(whole, distance_of(share), 1.0)
        painted |= _paint_kind(rng, phantom, kind, implicit)
    phantom.refresh_sites()
    return painted


def _viewpoint(rng: np.random.Generator, field: CellRegion) -> Vector:
    """Return a place of a field (z, y, x), mostly one with more cytoplasm than nucleus round it."""
    places = rng.uniform(0.2, 0.8, (6, 3)) * field.labels.shape
    if rng.random() < 0.25:
        return np.asarray(places[0])
    half = [round(1200 / nm) for nm in field.voxel_nm[1:]]
    nuclear = []
    for z, y, x in places.astype(int):
        section = field.labels[z, max(0, y - half[0]) : y + half[0], max(0, x - half[1]) : x + half[1]]
        nuclear.append(np.mean(section[::4, ::4] == CLASSES["nucleus"]))
    return np.asarray(places[int(np.argmin(np.abs(np.array(nuclear) - rng.uniform(0, 0.35))))])


def _paint_kind(rng: np.random.Generator, phantom: Phantom, kind: str, implicit: Array) -> bool:
    """Paint all organelles of a kind in a field, each an object of its own."""
    pieces, count = ndimage.label(implicit < 0)
    sizes = np.bincount(pieces.ravel(), minlength=count + 1)
    small = sizes < _LEAST_VOXELS
    implicit = np.where(small[pieces] & (pieces > 0), np.float32(1.5), implicit)
    if small[1:].all():
        return False
    whole = Box.whole(phantom.shape)
    if kind == "nucleus":
        endomembranes.paint_nucleus(rng, phantom, implicit)
        np.minimum(phantom.room, implicit, out=phantom.room)
        return True
    pieces[small[pieces]] = 0
    narrow = kind in ("endoplasmic reticulum", "Golgi cisterna")
    material = _material(rng, phantom, kind)
    grain = None
    if not narrow:
        grain = np.float32(rng.uniform(0, 0.03)) * shapes.smooth_noise(rng, whole.shape, rng.uniform(4, 8))
    paint(phantom, whole, implicit, material, grain, kind, one_stroke=narrow, pieces=pieces)
    if not material.labelled:
        phantom.hidden[np.abs(implicit) < OUTLINE_HALF_PX] = True
    np.minimum(phantom.room, implicit, out=phantom.room)
    if kind == "mitochondrion" and rng.random() < 0.6:
        for number, place in enumerate(ndimage.find_objects(pieces), 1):
            if place is not None and sizes[number] > 400:
                _fold(rng, phantom, place, np.where(pieces[place] == number, implicit[place], np.float32(2)))
    return True


def _fold(
    rng: np.random.Generator, phantom: Phantom, place: tuple[slice, slice, slice], implicit: Array
) -> None:
    """Give cristae to a mitochondrion of a field whose annotator drew none."""
    z, y, x = place
    box = Box((z.start, y.start, x.start), (z.stop, y.stop, x.stop))
    points = (np.argwhere(implicit < 0) + np.array(box.start)).astype(float)
    middle = points.mean(axis=0)
    _, _, directions = np.linalg.svd(points[:: max(1, len(points) // 3000)] - middle, full_matrices=False)
    along = (points - middle) @ directions[0]
    bins = np.floor((along - along.min()) / 4).astype(int)
    counts = np.maximum(np.bincount(bins), 1)
    axis = np.stack([np.bincount(bins, points[:, k]) / counts for k in range(3)], axis=1)
    axis = axis[np.bincount(bins) > 0]
    if len(axis) > 3:
        cristae.add_lamellae(rng, phantom, box, implicit, ndimage.gaussian_filter1d(axis, 1.5, axis=0))


def _material(rng: np.random.Generator, phantom: Phantom, kind: str) -> PhantomMaterial:
    """Return how an organelle of a kind absorbs."""
    appearance = phantom.appearance
    if kind in ("endoplasmic reticulum", "Golgi cisterna"):
        lumen = appearance.cytosol + rng.uniform(-0.04, 0.08)
        strength = rng.uniform(0.2, 1.0)
        membrane = appearance.cytosol + (appearance.membrane - appearance.cytosol) * strength
        # Nobody draws a dense network of faint lines.
        return PhantomMaterial(lumen, membrane, appearance.width * 0.8, labelled=bool(strength > _DRAWN))
    if kind == "lipid droplet":
        inside = rng.uniform(0.55, 0.85)
        return PhantomMaterial(inside, inside, 1, 0.02)
    if kind == "vesicle":
        inside = (
            rng.uniform(0.11, 0.2) if rng.random() < 0.5 else appearance.cytosol + rng.uniform(-0.04, 0.03)
        )
    else:
        inside = appearance.cytosol + rng.uniform(0.05, 0.2)
    return PhantomMaterial(inside, appearance.rim(rng, inside), appearance.width * rng.uniform(0.9, 1.3))


def _sampled(mask: Mask, pose: Pose, box: Box, mirrored: bool = False, soften_px: float = 0.0) -> Array:
    """Return the share (0 to 1) of each voxel of ``box`` that a mask covers in its pose.

    Beyond its borders the mask is empty, or mirrored. ``soften_px`` rounds its border off, in voxels of the
    phantom.
    """
    matrix, offset = pose.to_shape()
    corners = np.array(np.meshgrid(*zip(box.start, np.array(box.stop) - 1, strict=True))).reshape(3, -1).T
    needed = corners @ matrix.T + offset
    low = np.floor(needed.min(0)).astype(int) - 3
    high = np.ceil(needed.max(0)).astype(int) + 4
    if not mirrored:
        low, high = np.maximum(low, -3), np.minimum(high, np.array(mask.shape) + 3)
        if (high <= low).any():
            return np.zeros(box.shape, np.float32)
    # Where voxels of the phantom are larger, not every one of the shape is looked at.
    skip = np.maximum(1, np.floor(1 / pose.scale)).astype(int)
    indices = [np.arange(a, b, s) for a, b, s in zip(low, high, skip, strict=True)]
    part = _mirrored(mask, indices) if mirrored else _padded(mask, indices)
    softened = ndimage.gaussian_filter(part.astype(np.float32), 0.5 / (pose.scale * skip))
    sampled: Array = ndimage.affine_transform(
        softened,
        matrix / skip[:, None],
        (offset + matrix @ np.array(box.start) - low) / skip,
        box.shape,
        order=1,
        mode="nearest",
    )
    return ndimage.gaussian_filter(sampled, soften_px) if soften_px else sampled


def _mirrored(mask: Mask, indices: list[NDArray[np.int64]]) -> Mask:
    folded = []
    for index, size in zip(indices, mask.shape, strict=True):
        period = max(1, 2 * size - 2)
        within = np.abs((index + size - 1) % period - (size - 1))
        folded.append(within)
    return mask[np.ix_(*folded)]


def _padded(mask: Mask, indices: list[NDArray[np.int64]]) -> Mask:
    part = mask[np.ix_(*(np.clip(index, 0, n - 1) for index, n in zip(indices, mask.shape, strict=True)))]
    for axis, (index, size) in enumerate(zip(indices, mask.shape, strict=True)):
        np.moveaxis(part, axis, 0)[(index < 0) | (index >= size)] = False
    return part


def distance_of(share: Array) -> Array:
    """Return the distance (voxels) to the border of what covers half of a voxel, negative inside."""
    inside = share > 0.5
    if not inside.any():
        return np.full(share.shape, np.float32(shapes.NEAR_PX))
    reach = 4 * shapes.NEAR_PX
    outward = np.minimum(distances(~inside, at_once=inside.size), np.float32(reach))
    inward = np.minimum(distances(inside, at_once=inside.size), np.float32(reach))
    signed = np.where(inside, np.float32(0.5) - inward, outward - np.float32(0.5))
    # The steps of voxels are rounded off.
    return np.asarray(ndimage.gaussian_filter(signed, 0.8))


def _largest_piece(implicit: Array) -> Array:
    """Return the shape without the pieces that have been cut off it."""
    pieces, count = ndimage.label(implicit < 0)
    if count < 2:
        return implicit
    largest = int(np.argmax(np.bincount(pieces.ravel())[1:])) + 1
    return np.where((pieces > 0) & (pieces != largest), np.float32(2.0), implicit)
