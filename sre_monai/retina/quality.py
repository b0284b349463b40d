"""Quality flags of photographs, by fixed rules.

| flag | rule | why |
|---|---|---|
| ``blurred`` | sharpness below 0.55 | photographs of DRIVE, STARE, CHASE_DB1 and HRF have 0.67 to 0.87, and 0.46 to 0.53 after a Gaussian blur of 2 pixels at the working resolution |
| ``dark`` | brightness below 40 of 255 | the darkest photograph of these sets has 110 |
| ``overexposed`` | 3 % of the field of view or more have a green value of 250 or more | vessels are lost in white: 153 photographs of eight sets have 0 to 0.6 %, and three times as bright half of them 4 % to 85 % by set |
| ``no border`` | the field of view is the whole image | then it was not found but assumed, and the working resolution may be wrong |
| ``irregular field of view`` | it fills less than half of the circle around it | a disc fills it, cropped at top and bottom it fills three quarters |
| ``two fields of view`` | there are two or more, apart or touching | all are segmented at the scale of the largest, and measured as one |
| ``small`` | the field of view is less than 40 % of the working diameter | its finest vessels can't be in the photograph |
| ``few vessels`` | vessel density below 0.02 | healthy retinas have about 0.1 |

Sharpness is the standard deviation of the green channel between Gaussians of 1 and 2 pixels, divided by that between 2
and 4 pixels, at the working resolution and inside the field of view without its rim: the fraction of fine detail, whatever
the contrast. (Measured on 21 photographs of the sets, with noise added to the blurred ones.)
Brightness is the median of the brightest channel inside the field of view; of a large photograph, that of a sample of
its pixels.
"""  # noqa: E501

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
from monai.config import KeysCollection
from monai.transforms import MapTransform
from monai.utils import convert_to_numpy
from PIL import Image
from scipy.ndimage import gaussian_filter

from sre_monai.retina.erosion import erode_square
from sre_monai.retina.field_of_view import count_fields_of_view, field_of_view_diameter
from sre_monai.retina.working_resolution import WORKING_DIAMETER
from sre_monai.transforms.centred_sample import centred_sample

LEAST_SHARPNESS = 0.55
LEAST_BRIGHTNESS = 40.0
LEAST_ROUNDNESS = 0.5
SATURATED, MOST_SATURATED = 250, 0.03
LEAST_SCALE_DIAMETER = 0.4
LEAST_VESSEL_DENSITY = 0.02

FINE, COARSE = (1.0, 2.0), (2.0, 4.0)  # standard deviations of the Gaussians, px at the working resolution
SAMPLE_SIDE = 512  # px of the shorter side, at least, of the sample that brightness is taken of
RIM = 12  # px at the working resolution that are left out: the rim of the field of view is an edge of its own


class PhotographQualityd(MapTransform):
    """Measure a prepared photograph, and flag what makes it hard to trust.

    Adds to ``report`` in the item: ``quality`` (the flags above, joined by ``"; "``; empty for a good one), ``width``,
    ``height`` and ``fov_diameter_px`` on the photograph's own grid, ``working_scale`` (working pixels for one of them),
    ``brightness`` (0–255) and ``sharpness``.

    Args:
        keys: key of the image at the working resolution, shape (C, w, h).
        fov_key: key of the field of view at the working resolution, shape (1, w, h).
        photograph_key: key of the photograph, uint8 of shape (3, W, H).
        photograph_fov_key: key of its field of view, shape (1, W, H).
        working_diameter: diameter that the network was trained at, in pixels.

    Examples:
        >>> PhotographQualityd("image")  # doctest: +SKIP
    """

    def __init__(
        self,
        keys: KeysCollection,
        working_diameter: float = WORKING_DIAMETER,
        fov_key: str = "fov",
        photograph_key: str = "photograph",
        photograph_fov_key: str = "photograph_fov",
    ) -> None:
        super().__init__(keys)
        self.working_diameter = working_diameter
        self.fov_key = fov_key
        self.photograph_key = photograph_key
        self.photograph_fov_key = photograph_fov_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return a copy of the data with the figures."""
        d = dict(data)
        for key in self.key_iterator(d):
            photograph, fov = convert_to_numpy(d[self.photograph_key]), convert_to_numpy(d[self.photograph_fov_key]) > 0
            diameter = field_of_view_diameter(fov)
            figures = {
                "brightness": _brightness(photograph, fov),
                "sharpness": sharpness(convert_to_numpy(d[key]), convert_to_numpy(d[self.fov_key])[0] > 0),
            }
            flags = photograph_flags(
                fov=fov,
                relative_diameter=diameter / self.working_diameter,
                fov_diameter=diameter,
                saturated=_saturated(photograph, fov),
                **figures,
            )
            d["report"] = {
                "quality": "; ".join(flags),
                "width": photograph.shape[1],
                "height": photograph.shape[2],
                "fov_diameter_px": round(diameter, 1),
                "working_scale": round(field_of_view_diameter(d[self.fov_key]) / diameter, 4),
                **{name: round(value, 3) for name, value in figures.items()},
            }
        return d


def photograph_flags(
    fov: np.ndarray,
    fov_diameter: float,
    relative_diameter: float,
    brightness: float,
    sharpness: float,
    saturated: float = 0.0,
) -> list[str]:
    """Apply the rules that don't depend on the vessels.

    Args:
        fov: field of view, bool of shape (1, W, H).
        fov_diameter: its largest diameter in pixels.
        relative_diameter: the same in working diameters.
        brightness: 0–255.
        sharpness: see the module.
        saturated: part of the field of view, 0–1, whose green channel is white.

    Returns:
        The flags that apply.

    Examples:
        >>> photograph_flags(np.ones((1, 9, 9), bool), 12.7, 1.0, brightness=12.0, sharpness=0.8)
        ['dark', 'no border']
    """
    roundness = np.count_nonzero(fov) / (math.pi / 4 * fov_diameter**2)
    rules = {
        "blurred": sharpness < LEAST_SHARPNESS,
        "dark": brightness < LEAST_BRIGHTNESS,
        "overexposed": saturated >= MOST_SATURATED,
        "no border": bool(fov.all()),
        "irregular field of view": roundness < LEAST_ROUNDNESS,
        "two fields of view": count_fields_of_view(fov[0]) > 1,
        "small": relative_diameter < LEAST_SCALE_DIAMETER,
    }
    return [flag for flag, applies in rules.items() if applies]


def has_few_vessels(vessel_density: float) -> bool:
    """Whether the vessel density is too low to be plausible."""
    return vessel_density < LEAST_VESSEL_DENSITY


def sharpness(image: np.ndarray, fov: np.ndarray) -> float:
    """Measure the fraction of fine detail.

    Args:
        image: photograph at the working resolution, shape (C, w, h); the second of three channels counts, else the
            first.
        fov: field of view, bool of shape (w, h).

    Returns:
        Ratio of two standard deviations, see the module; 0 for an image without any detail.

    Examples:
        >>> noise = np.random.default_rng(0).normal(size=(1, 64, 64)).astype(np.float32)
        >>> fov = np.ones((64, 64), bool)
        >>> sharpness(noise, fov) > 1 > sharpness(gaussian_filter(noise, 2), fov)
        True
    """
    inner = erode_square(fov, RIM)
    fov = inner if inner.any() else fov
    green = np.asarray(image[1 if len(image) == 3 else 0], dtype=np.float32)
    blurred = {sigma: gaussian_filter(green, sigma) for sigma in {*FINE, *COARSE}}
    fine, coarse = (
        float((blurred[narrow] - blurred[wide])[fov].std(dtype=np.float64)) for narrow, wide in (FINE, COARSE)
    )
    return fine / coarse if coarse > 0 else 0.0


def _brightness(photograph: np.ndarray, fov: np.ndarray) -> float:
    """Median of the brightest channel inside the field of view."""
    photograph = centred_sample(photograph, SAMPLE_SIDE).astype(np.uint8)
    mask = Image.fromarray(centred_sample(fov, SAMPLE_SIDE)[0].astype(np.uint8))
    counts = [Image.fromarray(channel).histogram(mask) for channel in photograph]
    return float(max(np.searchsorted(np.cumsum(count), sum(count) / 2) for count in counts))


def _saturated(photograph: np.ndarray, fov: np.ndarray) -> float:
    """Part of the field of view whose green channel is white."""
    green = centred_sample(photograph, SAMPLE_SIDE)[1 if len(photograph) == 3 else 0]
    inside = green[centred_sample(fov, SAMPLE_SIDE)[0]]
    return np.count_nonzero(inside >= SATURATED) / max(1, inside.size)
