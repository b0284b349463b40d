"""Synthetic volumes whose classes do not depend on orientation, though the training volumes all stand upright."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter

from sre_monai.io.files import written_atomically

VOLUME_CLASSES = ("long blob", "flat blob", "long shell", "flat shell")
"""Names of the classes, by label."""
TILT = 10.0  # degrees, standard deviation of the axis of revolution about the upright


def synthetic_volume(label: int, size: int = 28, seed: int = 0) -> np.ndarray:
    """Make an ellipsoid, long or flat, solid or hollow, its axis close to the first axis of the array.

    Position, size, wall, brightness, blur, noise and a slight tilt are random. The four classes differ by shape alone:
    turned by any angle, a volume keeps its class. A network trained on upright volumes only need not have learnt that.

    Args:
        label: index into ``VOLUME_CLASSES``.
        size: edge length in voxels.
        seed: of the random generator; the same arguments give the same volume.

    Returns:
        uint8 of shape (size, size, size).

    Raises:
        ValueError: when the label is unknown or the size is below 8.

    Examples:
        >>> synthetic_volume(2, size=16).shape
        (16, 16, 16)
    """
    if label not in range(len(VOLUME_CLASSES)) or size < 8:
        raise ValueError(f"label must be 0 to {len(VOLUME_CLASSES) - 1} and size at least 8, got {label} and {size}.")
    rng = np.random.default_rng((seed, label))
    volume = rng.uniform(0.24, 0.32) * size  # radius of the ball of equal volume
    ratio = rng.uniform(1.5, 1.9)
    along = ratio ** (2 / 3) if label % 2 == 0 else ratio ** (-2 / 3)
    radii = volume * np.array([along, along**-0.5, along**-0.5])
    centre = (size - 1) / 2 + rng.uniform(-0.06, 0.06, 3) * size
    grid = np.stack(np.meshgrid(*[np.arange(size)] * 3, indexing="ij"), axis=-1) - centre
    distance = np.linalg.norm(grid @ _tilt(rng) / radii, axis=-1)
    body = distance <= 1
    if label >= 2:
        body &= distance >= rng.uniform(0.55, 0.7)
    picture = rng.uniform(0.15, 0.3) + rng.uniform(0.35, 0.6) * gaussian_filter(body.astype(float), 0.02 * size)
    picture += rng.normal(0, 0.06, picture.shape)
    return np.rint(255 * picture.clip(0, 1)).astype(np.uint8)


def write_synthetic_volumes(
    path: str | os.PathLike[str], train: int = 320, val: int = 80, test: int = 160, size: int = 28, seed: int = 0
) -> Path:
    """Write a data set of synthetic volumes in MedMNIST's form.

    Args:
        path: the ``.npz`` file to make; an existing one is replaced.
        train: number of training volumes; the classes alternate.
        val: to validate on.
        test: to test on.
        size: edge length in voxels.
        seed: volume *i* of the whole set has the seed ``seed + i``.

    Returns:
        The path.

    Raises:
        ValueError: when a section would lack a class, the size is below 8, or the path has another extension.

    Examples:
        >>> write_synthetic_volumes("shapes3d.npz", train=8, val=4, test=4, size=8).name
        'shapes3d.npz'
    """
    path = Path(path)
    if path.suffix != ".npz":
        raise ValueError(f"path must end in .npz, got {path}.")
    counts = {"train": train, "val": val, "test": test}
    if min(counts.values()) < len(VOLUME_CLASSES):
        raise ValueError(f"train, val and test must each be at least {len(VOLUME_CLASSES)}, got {counts}.")
    arrays: dict[str, np.ndarray] = {}
    start = seed
    for section, count in counts.items():
        labels = np.arange(count, dtype=np.uint8) % len(VOLUME_CLASSES)
        volumes = [synthetic_volume(int(label), size, start + i) for i, label in enumerate(labels)]
        arrays |= {f"{section}_images": np.stack(volumes), f"{section}_labels": labels[:, None]}
        start += count
    with written_atomically(path) as unfinished:
        np.savez_compressed(unfinished, **arrays)  # type: ignore[arg-type]  # numpy stubs see allow_pickle
    return path


def _tilt(rng: np.random.Generator) -> np.ndarray:
    """A rotation that tilts the first axis a little, then any turn about it."""
    angle, towards = np.radians(rng.normal(0, TILT)), rng.uniform(0, 2 * np.pi)
    cos, sin, c, s = np.cos(angle), np.sin(angle), np.cos(towards), np.sin(towards)
    tilt = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
    turn = np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    return turn @ tilt
