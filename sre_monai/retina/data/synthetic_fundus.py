"""Synthetic fundus photographs with exactly known vessels, for trying the toolkit where no data may be shared."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter
from skimage.transform import resize

from sre_monai.io.datalist import DATALIST_NAME
from sre_monai.retina.data.vessel_tree import Vessel, grow_vessels

BLOOD_DARKNESS = np.array([0.24, 0.52, 0.38])  # part of the red, green and blue light lost in a very thick vessel
BLOOD_ABSORPTION = 0.24  # for each pixel of blood in DRIVE
DRIVE_RADIUS = 270.0  # px, of the field of view that the lengths below are tuned at


@dataclass(frozen=True)
class SyntheticFundus:
    """A synthetic photograph and its ground truth.

    Attributes:
        image: photograph, uint8 of shape (H, W, 3), as Pillow and matplotlib show it.
        vessels: True where a vessel covers at least half of a pixel, bool of shape (H, W).
        fov: True inside the field of view, bool of shape (H, W).
    """

    image: np.ndarray
    vessels: np.ndarray
    fov: np.ndarray


def synthetic_fundus(
    size: tuple[int, int] = (565, 584), seed: int = 0, fov_diameter: float | None = None
) -> SyntheticFundus:
    """Make a fundus photograph with exactly known vessels.

    A 45° view of a left or right eye: arteries and veins on a shaded retina with choroid, macula and optic disc, in the
    colours of a random camera, blurred and with noise, on a dark border. Blood dims the light behind it by the law of
    Beer and Lambert; large arteries have a central reflex. Everything scales with the field of view, but for noise.

    Args:
        size: (W, H) in pixels, as Pillow counts.
        seed: of the random generator; the same arguments give the same picture.
        fov_diameter: diameter of the field of view in pixels, by default 0.95 of the shorter side. One that is longer
            than a side is cropped, as in STARE and HRF.

    Returns:
        The photograph, its vessels and its field of view.

    Raises:
        ValueError: when a side is shorter than 64 pixels or the diameter is not positive.

    Examples:
        >>> eye = synthetic_fundus((200, 160), seed=1)
        >>> eye.image.shape, bool(eye.vessels[~eye.fov].any())
        ((160, 200, 3), False)
    """
    width, height = size
    diameter = 0.95 * min(size) if fov_diameter is None else fov_diameter
    if min(size) < 64 or diameter <= 0:
        raise ValueError(f"size must be at least 64 pixels a side and fov_diameter positive, got {size}, {diameter}.")
    rng = np.random.default_rng(seed)
    scene = _Scene(rng, (width, height), diameter / 2)
    vessels = grow_vessels(
        rng, scene.centre, scene.disc, scene.fovea, scene.radius, minimum_radius=max(0.5, 0.0019 * scene.radius)
    )
    blood, reflex, coverage = _render(vessels, size)
    fov = scene.distance(scene.centre) <= scene.radius
    image = _photograph(rng, scene, blood, reflex)
    return SyntheticFundus(image, fov & (coverage >= 0.5), fov)


def write_synthetic_dataset(
    folder: str | os.PathLike, count: int = 20, size: tuple[int, int] = (565, 584), seed: int = 0
) -> Path:
    """Write a data set of synthetic photographs, in the layout of the prepared real ones.

    Args:
        folder: new folder, which gets ``images/``, ``labels/``, ``fov/`` (PNG; masks are 0 and 255) and
            ``datalist.json`` with the sections ``training`` (the first half, rounded up) and ``test``.
        count: number of photographs, at least 2.
        size: (W, H) of each in pixels.
        seed: photograph *i* is ``synthetic_fundus(size, seed + i)``.

    Returns:
        The folder.

    Raises:
        ValueError: when the count is below 2 or the folder exists and is not empty.

    Examples:
        >>> sorted(path.name for path in write_synthetic_dataset("eyes", 2, (96, 96)).iterdir())
        ['datalist.json', 'fov', 'images', 'labels']
    """
    folder = Path(folder)
    if count < 2:
        raise ValueError(f"count must be at least 2, one photograph to train on and one to test, got {count}.")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(f"{folder} exists and is not an empty folder: name a new one.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        items = [_write_item(beside, f"{index + 1:02d}_synthetic", size, seed + index) for index in range(count)]
        half = (count + 1) // 2
        datalist = {
            "name": "synthetic",
            "source": "sre_monai.retina.data.write_synthetic_dataset",
            "licence": "Apache-2.0",
            "fov": "official",
            "training": items[:half],
            "test": items[half:],
        }
        (beside / DATALIST_NAME).write_text(json.dumps(datalist, indent=2) + "\n", encoding="utf-8")
        beside.chmod(0o755)  # mkdtemp makes folders for one's own eyes only
        if folder.exists():
            folder.rmdir()
        os.replace(beside, folder)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    return folder


def _write_item(folder: Path, stem: str, size: tuple[int, int], seed: int) -> dict[str, str]:
    """Write one photograph with its masks, and return their names."""
    eye = synthetic_fundus(size, seed)
    arrays = {"image": eye.image, "label": eye.vessels.astype(np.uint8) * 255, "fov": eye.fov.astype(np.uint8) * 255}
    names = {"image": f"images/{stem}.png", "label": f"labels/{stem}.png", "fov": f"fov/{stem}.png"}
    for key, name in names.items():
        (folder / name).parent.mkdir(exist_ok=True)
        Image.fromarray(arrays[key]).save(folder / name)
    return names


class _Scene:
    """Where things are: pixel coordinates of the field of view, the optic disc and the fovea."""

    def __init__(self, rng: np.random.Generator, size: tuple[int, int], radius: float) -> None:
        self.size = size
        self.radius = radius
        self.scale = radius / DRIVE_RADIUS
        self.centre = ((size[0] - 1) / 2, (size[1] - 1) / 2)
        side = float(rng.choice((-1, 1)))  # of the optic disc: nasal, so that this is a right or a left eye
        self.disc = self._place(side * rng.uniform(0.55, 0.78), rng.uniform(-0.12, 0.08))
        self.fovea = self._place(side * rng.uniform(-0.2, 0.05), rng.uniform(0.0, 0.14))

    def _place(self, x: float, y: float) -> tuple[float, float]:
        """Pixel coordinates of a point given in radii from the centre."""
        return self.centre[0] + float(x) * self.radius, self.centre[1] + float(y) * self.radius

    def distance(self, point: tuple[float, float], stretch: float = 1.0) -> np.ndarray:
        """Distance of every pixel from a point, (H, W) in pixels; stretched vertically by a factor."""
        x, y = np.arange(self.size[0]) - point[0], (np.arange(self.size[1])[:, None] - point[1]) / stretch
        return np.hypot(x, y)

    def noise(self, rng: np.random.Generator, width: float) -> np.ndarray:
        """Smooth noise of unit standard deviation; structures are about that wide in DRIVE's pixels."""
        sigma = width * self.scale
        zoom = max(1.0, sigma / 4)  # wide noise is made on a coarse grid
        coarse = rng.standard_normal([max(2, round(n / zoom)) for n in self.size[::-1]])
        smooth = resize(gaussian_filter(coarse, sigma / zoom, mode="wrap"), self.size[::-1], order=3)
        return smooth / smooth.std()


def _render(vessels: list[Vessel], size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw vessels: depth of blood in pixels, brightness of the central reflex, covered part of each pixel."""
    blood, reflex, coverage = (np.zeros((size[1], size[0])) for _ in range(3))
    for vessel in vessels:
        density = 0.75 if vessel.is_artery else 1.0  # arteries carry oxygen and look paler than veins
        y, x, d, r = _distances(vessel, size)
        # the part of a pixel's width, measured across the vessel, that lies between the walls
        covered = np.clip(np.minimum(d + 0.5, r) - np.maximum(d - 0.5, -r), 0, 1)
        np.maximum.at(coverage, (y, x), covered)
        np.maximum.at(blood, (y, x), density * covered * 2 * r * np.sqrt(np.clip(1 - (d / (r + 0.5)) ** 2, 0, 1)))
        if vessel.is_artery:
            np.maximum.at(reflex, (y, x), np.exp(-((d / (0.3 * r)) ** 2)) * np.clip(r - 1.5, 0, 1))
    return blood, reflex, coverage


def _distances(vessel: Vessel, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Row and column of the pixels around each segment of a vessel, their distance from it and its radius there."""
    start, step = vessel.points[:-1], np.diff(vessel.points, axis=0)
    length = np.hypot(*step.T)
    reach = int(np.ceil(vessel.radii.max() + length.max() / 2)) + 1
    offsets = np.arange(-reach, reach + 1)
    corner = np.round(start + step / 2).astype(int)[:, :, None, None]
    x, y = np.broadcast_arrays(corner[:, 0] + offsets, corner[:, 1] + offsets[:, None])
    inside = (x >= 0) & (x < size[0]) & (y >= 0) & (y < size[1])
    segment = np.broadcast_to(np.arange(len(start))[:, None, None], x.shape)[inside]
    x, y = x[inside], y[inside]
    dx, dy = x - start[segment, 0], y - start[segment, 1]
    along = np.clip((dx * step[segment, 0] + dy * step[segment, 1]) / length[segment] ** 2, 0, 1)
    d = np.hypot(dx - along * step[segment, 0], dy - along * step[segment, 1])
    return y, x, d, vessel.radii[segment] + along * np.diff(vessel.radii)[segment]


def _photograph(rng: np.random.Generator, scene: _Scene, blood: np.ndarray, reflex: np.ndarray) -> np.ndarray:
    """Light the retina and take its picture."""
    retina = _retina(rng, scene)
    depth = gaussian_filter(blood, 0.4)[..., None] / scene.scale * rng.uniform(0.8, 1.2)
    light = 1 - BLOOD_DARKNESS * (1 - np.exp(-BLOOD_ABSORPTION * depth))  # the rest is scattered around the vessel
    retina = retina * light * (1 + 0.16 * reflex[..., None])
    seen = gaussian_filter(
        retina * _illumination(rng, scene)[..., None], (*[rng.uniform(0.6, 0.9) * scene.scale] * 2, 0)
    )
    rim = np.clip(scene.radius - scene.distance(scene.centre) + 0.5, 0, 1)[..., None]
    black = rng.uniform(2, 9, 3)
    image = black + (255 - black) * np.clip(seen, 0, 1) * rim
    grain = rng.standard_normal(image.shape) * np.sqrt(0.8 + image * rng.uniform(0.02, 0.05))
    image = image + gaussian_filter(grain, (0.5, 0.5, 0)) * 1.8
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


def _retina(rng: np.random.Generator, scene: _Scene) -> np.ndarray:
    """Reflectance without vessels, (H, W, 3) in 0–1: pigment, choroid, macula and optic disc."""
    colour = np.array([rng.uniform(0.68, 0.92), rng.uniform(0.34, 0.46), rng.uniform(0.13, 0.24)])
    choroid = 0.3 * scene.noise(rng, 22) + 0.3 * scene.noise(rng, 8) + 0.3 * scene.noise(rng, 2) + scene.noise(rng, 60)
    retina = colour * (1 + np.array([0.03, 0.05, 0.07]) * choroid[..., None])
    from_fovea = scene.distance(scene.fovea) / scene.radius
    pigment = 0.30 * np.exp(-((from_fovea / 0.11) ** 2)) + 0.16 * np.exp(-((from_fovea / 0.33) ** 2))
    retina = retina * (1 - pigment[..., None] * np.array([0.55, 1.0, 1.0]))
    disc_radius = rng.uniform(0.125, 0.15) * scene.radius
    from_disc = scene.distance(scene.disc, stretch=rng.uniform(1.02, 1.15)) / disc_radius
    from_disc = from_disc * (1 + 0.03 * scene.noise(rng, 20))
    glow = np.exp(-((from_disc / 2.4) ** 2))[..., None] * np.array([0.06, 0.16, 0.16])
    pale = np.array([1.0, 0.76, 0.40]) * rng.uniform(0.88, 1.02)
    disc = 1 / (1 + np.exp((from_disc - 1) / 0.07))[..., None]
    cup = np.exp(-((from_disc / 0.5) ** 4))[..., None] * np.array([0.04, 0.18, 0.26])
    return retina * (1 + glow) * (1 - disc) + (pale + cup) * disc


def _illumination(rng: np.random.Generator, scene: _Scene) -> np.ndarray:
    """Vignetting about a centre that is seldom the middle, and an uneven flash."""
    x, y = (c + rng.normal(0, 0.2) * scene.radius for c in scene.centre)
    fall = rng.uniform(0.15, 0.38) * (scene.distance((x, y)) / scene.radius) ** 2
    return np.clip(rng.uniform(0.95, 1.12) - fall + 0.03 * scene.noise(rng, 90), 0.1, 1.3)
