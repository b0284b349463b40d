"""The first transform of a measurement: the masks of a photograph from their files."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import LoadImage, MapTransform
from monai.utils import convert_to_numpy

from sre_monai.io.image_readers import BinaryMaskReader, RGBReader
from sre_monai.retina.field_of_view import estimate_field_of_view
from sre_monai.retina.mask_list import MASKS
from sre_monai.retina.measures.measure_names import STRUCTURES


class LoadMasksd(MapTransform):
    """Load the masks of a photograph that `sre_monai.retina.mask_list.list_masks` has put together.

    Adds the masks that there are as ``vessel``, ``artery``, ``vein`` and ``disc``, bool of shape (1, W, H); ``mask``,
    that of all vessels, or else arteries and veins together; ``photograph``, (3, W, H), black without a file, with the
    metadata of its file; ``photograph_fov``, the field of view: a mask of it, or that of the photograph, or the whole
    image; and ``report``, with ``masks``, the kinds that there are, and ``field_of_view``, where it is from. Pixels are
    those of the files, as they are stored; the affine of a NIfTI file does not turn them.

    Args:
        keys: key of the path of the first mask; it gets the mask of all vessels.

    Raises:
        ValueError: when there are two masks of a kind, or sizes differ.

    Examples:
        >>> LoadMasksd("image")({"image": "a_mask.png", "masks": {"vessel": ["a_mask.png"]}})  # doctest: +SKIP
    """

    def __init__(self, keys: KeysCollection) -> None:
        super().__init__(keys)
        self.load_mask = LoadImage(reader=BinaryMaskReader(), dtype=np.uint8, ensure_channel_first=True)
        self.load_photograph = LoadImage(reader=RGBReader(), dtype=np.uint8, ensure_channel_first=True)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return a copy of the data with the masks."""
        d = dict(data)
        files = {kind: _only(kind, paths) for kind, paths in d["masks"].items()}
        masks = {kind: self.load_mask(files[kind]) > 0 for kind in MASKS if kind in files}
        photograph = self.load_photograph(files["photograph"]) if "photograph" in files else None
        size = next(iter(masks.values())).shape[1:]
        for kind, image in {**masks, "photograph": photograph}.items():
            if image is not None and image.shape[1:] != size:
                sizes = f"{_size(image.shape[1:])} pixels, {Path(d['image']).name} {_size(size)}"
                raise ValueError(f"{Path(files[kind]).name} has {sizes}: they have to be of one size.")
        vessels = [masks[kind] for kind in STRUCTURES if kind in masks]
        d["mask"] = vessels[0] if "vessel" in masks else torch.stack(vessels).any(0)
        fov, origin = _field_of_view(masks.pop("fov", None), photograph, size)
        d.update(masks)
        d["photograph"] = MetaTensor(torch.zeros((3, *size), dtype=torch.uint8)) if photograph is None else photograph
        d["photograph_fov"] = fov
        kinds = ", ".join(kind for kind in MASKS if kind in files)
        d["report"] = {**d.get("report", {}), "masks": kinds, "field_of_view": origin}
        for key in self.key_iterator(d):
            d[key] = d["mask"]
        return d


def _only(kind: str, paths: Sequence[str]) -> str:
    if len(paths) > 1:
        names = " and ".join(Path(path).name for path in paths[:2])
        raise ValueError(f"two files are its {kind}, {names}: keep one, or put each version into a folder of its own.")
    return paths[0]


def _field_of_view(mask: Any, photograph: Any, size: Sequence[int]) -> tuple[torch.Tensor, str]:
    """The field of view (1, W, H), and where it is from."""
    if mask is not None:
        return torch.from_numpy(np.array(convert_to_numpy(mask))), "given"
    if photograph is not None:
        return estimate_field_of_view(photograph), "found"
    return torch.ones((1, *size), dtype=torch.bool), "whole image"


def _size(shape: Sequence[int]) -> str:
    return f"{shape[0]} × {shape[1]}"
