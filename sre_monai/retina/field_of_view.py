"""The field of view: the bright disc of a fundus photograph on its dark border."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from copy import deepcopy
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform
from monai.utils import ImageMetaKey, convert_to_numpy, convert_to_tensor
from scipy import ndimage
from scipy.spatial import ConvexHull
from scipy.spatial.distance import pdist

from sre_monai.retina.erosion import erode_disc
from sre_monai.transforms.centred_sample import centred_sample
from sre_monai.transforms.resample import resample, resample_mask

BRIGHT_PERCENTILES = (95, 99.9)  # the bright part of the retina, whatever the scale; of a tiny field of view
DARK_FRACTION = 0.15  # of that brightness: above the noise of film scans (STARE), below the dimmest rims of DRIVE
ROUNDING = 1e-5  # of that brightness: above the rounding errors of any scale and orientation, below a step of 16 bits
LARGEST_SIDE = 640  # px, of the shorter side: a larger photograph is reduced to it, and its mask enlarged
SAMPLE_SIDE = 256  # px of the shorter side, at least, by which the brightest channel of a large photograph is chosen
OPENING_RADIUS = 0.03  # of the shorter side: wider than the orientation tabs on the rim, far narrower than the disc
LEAST_FIELD = 0.1  # of the area of the largest: there may be two eyes in one picture
NECK = 0.7  # of the width of a region, where it is narrower it is two that touch


def estimate_field_of_view(image: np.ndarray | torch.Tensor) -> torch.Tensor:
    """Estimate the field of view of a fundus photograph.

    The brightest channel (red in colour photographs) is cut at a fixed fraction of its bright pixels; the largest
    region, opened by a disc and with its holes filled, is the field of view, with others of a tenth of its area or
    more, as of two eyes in one picture. Order statistics and exact distances alone are used, so the mask of a
    turned or mirrored image is exactly the turned or mirrored mask. A photograph whose shorter side is longer than
    640 pixels is first reduced to that size.

    Args:
        image: photograph of shape (C, W, H), any number of channels and any intensity scale on which black is near
            zero (0–1, 0–255, 16 bit).

    Returns:
        Boolean tensor of shape (1, W, H) on the CPU. All True for an image without a dark border.

    Raises:
        ValueError: when the image is not (C, W, H) or has no bright region, such as a black or constant image.

    Examples:
        >>> x, y = np.mgrid[-50:51, -60:61]
        >>> disc = (x**2 + y**2 < 45**2)
        >>> fov = estimate_field_of_view(180.0 * disc[None])
        >>> bool((fov[0].numpy() == disc).all())
        True
    """
    array = convert_to_numpy(image)
    if array.ndim != 3:
        raise ValueError(f"A photograph of shape (C, W, H) is expected to find the field of view, got {array.shape}.")
    if min(array.shape[1:]) > LARGEST_SIDE:
        return _estimate_reduced(array)
    levels = [bright for bright in _brightness(array) if _has_contrast(array[int(bright.argmax())], bright.max())]
    if not levels:
        raise ValueError("The image is blank (black, constant or not finite): it has no field of view.")
    for bright in levels:
        mask = array[int(bright.argmax())] > (DARK_FRACTION + ROUNDING) * bright.max()
        fields = mask if mask.all() else _fields(mask)
        if fields.any():
            return torch.from_numpy(fields)[None]
    raise ValueError("No field of view was found: the image has no large bright region on a dark border.")


def field_of_view_diameter(fov: np.ndarray | torch.Tensor) -> float:
    """Measure the diameter of a field of view: its largest Feret diameter; of several, that of the largest.

    Unlike the width, height or area, it does not change when the disc is cropped at the top and bottom, nor when it is
    turned: the corners of pixels have integer coordinates, so that all eight symmetries give the very same number.

    Args:
        fov: mask of shape (1, W, H) or (W, H), True or non-zero inside.

    Returns:
        The largest distance between two corners of pixels inside, in pixels.

    Raises:
        ValueError: when the mask is empty or of another shape.

    Examples:
        >>> field_of_view_diameter(torch.ones(1, 3, 4))
        5.0
    """
    mask = convert_to_numpy(fov).astype(bool, copy=False)
    mask = mask[0] if mask.ndim == 3 and len(mask) == 1 else mask
    if mask.ndim != 2 or not mask.any():
        raise ValueError(f"A non-empty field of view of shape (1, W, H) is expected, got shape {mask.shape}.")
    if count_fields_of_view(mask) == 1:
        return _feret_diameter(mask)
    cores, count = _cores(mask)
    distances = [ndimage.distance_transform_edt(cores != core) for core in range(1, count + 1)]
    nearest = np.minimum.reduce(distances)
    return max(_feret_diameter(mask & (distance == nearest)) for distance in distances)


def count_fields_of_view(fov: np.ndarray) -> int:
    """Count the fields of view, as of two eyes in one picture, whether apart or touching each other.

    Args:
        fov: mask of shape (W, H); a large one is counted by a sample of its pixels, and specks are not counted.

    Returns:
        How many there are.

    Examples:
        >>> count_fields_of_view(np.array([[True, True, False, True]]))
        2
    """
    return _cores(centred_sample(fov[None], SAMPLE_SIDE)[0])[1]


def _feret_diameter(mask: np.ndarray) -> float:
    """The largest distance between two corners of pixels inside."""
    rows = np.flatnonzero(mask.any(axis=1))
    first = mask.argmax(axis=1)[rows]
    last = mask.shape[1] - torch.from_numpy(mask).flip(1).numpy().argmax(axis=1)[rows]  # PyTorch flips fast
    corners = np.concatenate([np.column_stack((rows + edge, at)) for edge in (0, 1) for at in (first, last)])
    outline = corners[ConvexHull(corners).vertices]
    return float(pdist(outline).max())


def get_field_of_view(data: Mapping[Hashable, Any], key: Hashable, fov_key: Hashable) -> torch.Tensor:
    """Take the field of view of an image out of a dictionary of MONAI's dictionary transforms.

    Args:
        data: the dictionary.
        key: key of the image, shape (C, W, H).
        fov_key: key of the mask, shape (1, W, H), or more channels: a pixel is inside where any of them is non-zero.

    Returns:
        Boolean tensor of shape (1, W, H) without metadata, on the mask's device.

    Raises:
        ValueError: when the mask is missing, is empty, or differs in size from the image.
    """
    if fov_key not in data:
        raise ValueError(f"There is no field of view {fov_key!r} beside {key!r}: apply FieldOfViewd first.")
    check_size(data[fov_key], data[key])
    fov = convert_to_tensor(data[fov_key], track_meta=False)
    fov = fov.bool() if fov.dtype == torch.uint8 else fov > 0  # bytes are compared ten times as slowly as converted
    return fov if len(fov) == 1 else fov.any(dim=0, keepdim=True)


class FieldOfViewd(MapTransform):
    """Put the field of view beside an image, estimating it where none was loaded.

    The result has ``fov_key``: a uint8 MetaTensor of shape (1, W, H), values 0 and 1, with the image's affine,
    metadata and applied operations, so that spatial transforms treat both alike.

    Args:
        keys: key of the image, shape (C, W, H).
        fov_key: key of the mask. A mask already there is kept and made binary (> 0 in any channel); otherwise it is
            estimated by `estimate_field_of_view`.
        allow_missing_keys: do nothing for data without the image.

    Raises:
        ValueError: when the mask's size is not the image's, the mask is empty, or none can be estimated.

    Examples:
        >>> FieldOfViewd(keys="image")({"image": torch.ones(3, 8, 9).tril()})["fov"].shape
        torch.Size([1, 8, 9])
    """

    def __init__(self, keys: KeysCollection, fov_key: str = "fov", allow_missing_keys: bool = False) -> None:
        super().__init__(keys, allow_missing_keys)
        self.fov_key = fov_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return a copy of the data with its field of view."""
        d = dict(data)
        for key in self.key_iterator(d):
            if isinstance(d[key], torch.Tensor):
                d[key] = d[key].contiguous()  # channels of pictures are interleaved, which slows all that follows
            known = self.fov_key in d
            fov = get_field_of_view(d, key, self.fov_key) if known else estimate_field_of_view(d[key])
            d[self.fov_key] = _like(fov, d[key])
        return d


class IgnoreOutsideFieldOfViewd(MapTransform):
    """Give a label's pixels outside the field of view a value of their own, which losses and metrics then leave out.

    Args:
        keys: keys of the labels, shape (1, W, H).
        fov_key: key of the field of view, non-zero inside; see `FieldOfViewd`.
        ignore_index: the value outside, as MONAI's metrics take it in their argument of this name.
        allow_missing_keys: skip labels that are not there.

    Raises:
        ValueError: when the field of view is missing, empty or not the label's size.

    Examples:
        >>> data = {"label": torch.tensor([[[0, 1, 1]]]), "fov": torch.tensor([[[1, 1, 0]]])}
        >>> IgnoreOutsideFieldOfViewd("label")(data)["label"]
        tensor([[[  0,   1, 255]]])
    """

    def __init__(
        self, keys: KeysCollection, fov_key: str = "fov", ignore_index: int = 255, allow_missing_keys: bool = False
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.fov_key = fov_key
        self.ignore_index = ignore_index

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return a copy of the data with marked labels."""
        d = dict(data)
        for key in self.key_iterator(d):
            fov = get_field_of_view(d, key, self.fov_key).to(d[key].device)
            d[key] = torch.where(fov, d[key], self.ignore_index)
        return d


def _estimate_reduced(array: np.ndarray) -> torch.Tensor:
    """Estimate the field of view of a large photograph on a small copy of its brightest channel."""
    width, height = array.shape[1:]
    scale = LARGEST_SIDE / min(width, height)
    brightest = int(_brightness(centred_sample(array, SAMPLE_SIDE))[0].argmax())
    small = resample(array[brightest : brightest + 1], (round(width * scale), round(height * scale)))
    return torch.from_numpy(resample_mask(estimate_field_of_view(small).numpy(), (width, height)))


def _brightness(array: np.ndarray) -> np.ndarray:
    """How bright the bright pixels of each channel are, shape (2, C): as is usual, and if the field of view is tiny.

    The latter comes first where the former is as dark as a border.
    """
    bright = np.percentile(array, BRIGHT_PERCENTILES, axis=(1, 2))
    return bright if bright[0].max() > DARK_FRACTION * bright[1].max() else bright[::-1]


def _has_contrast(channel: np.ndarray, bright: float) -> bool:
    """Whether there is something brighter than the rest of a channel; not in one that is black or constant."""
    return 0 < bright < np.inf and float(channel.max()) - float(channel.min()) > ROUNDING * bright


def _fields(mask: np.ndarray) -> np.ndarray:
    """Open by a disc and keep the large regions, without holes; nothing where there are none."""
    radius = OPENING_RADIUS * min(mask.shape)
    core = erode_disc(mask, radius)
    if not core.any():
        return core
    around, count = ndimage.label(~_large_regions(~erode_disc(~core, radius)))
    belongs = np.ones(count + 1, bool)  # the regions themselves, which are 0, and their holes, which reach no border
    belongs[np.concatenate([around[[0, -1]].ravel(), around[:, [0, -1]].ravel()])] = False
    belongs[0] = True
    return belongs[around]


def _large_regions(mask: np.ndarray) -> np.ndarray:
    """Keep the connected regions of at least a tenth of the largest one's area."""
    labels, _ = ndimage.label(mask)
    areas = np.bincount(labels.ravel())
    areas[0] = 0
    return mask & (areas >= LEAST_FIELD * areas.max())[labels]


def _cores(mask: np.ndarray) -> tuple[np.ndarray, int]:
    """Label the cores of the large regions: what lies deep inside, of which two that touch have one each."""
    labels, count = ndimage.label(_large_regions(mask))
    depth = ndimage.distance_transform_edt(np.pad(labels > 0, 1))[1:-1, 1:-1]
    deepest = ndimage.maximum(depth, labels, range(count + 1))
    return ndimage.label((labels > 0) & (depth > NECK * deepest[labels]))


def check_size(fov: torch.Tensor, image: torch.Tensor) -> None:
    """Refuse a mask that is empty or not of its image's size; name the files if they are known."""
    if fov.shape[1:] != image.shape[1:]:
        size, expected = ("×".join(map(str, array.shape[1:])) for array in (image, fov))
        raise ValueError(
            f"{file_of(image, 'The image')} is {size} pixels, but {file_of(fov, 'its field of view')} {expected}: "
            "give a mask that belongs to the image, or no field of view to have it estimated."
        )
    if not convert_to_numpy(fov).any():
        raise ValueError("The field of view is empty: give a mask that is non-zero inside, or none to estimate it.")


def file_of(image: torch.Tensor, otherwise: str) -> str:
    """Name of the file that an image was loaded from."""
    return str(getattr(image, "meta", {}).get(ImageMetaKey.FILENAME_OR_OBJ) or otherwise)


def _like(fov: torch.Tensor, image: torch.Tensor) -> MetaTensor:
    """Give the mask the image's device, affine, metadata and history."""
    fov = fov.to(torch.device(getattr(image, "device", "cpu")), torch.uint8)
    if not isinstance(image, MetaTensor):
        return MetaTensor(fov)
    return MetaTensor(fov, meta=deepcopy(image.meta), applied_operations=deepcopy(image.applied_operations))
