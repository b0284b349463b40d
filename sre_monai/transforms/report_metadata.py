"""What is known of an image besides its pixels, as columns of the report."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from monai.config import KeysCollection
from monai.transforms import MapTransform


class ReportMetadatad(MapTransform):
    """Copy entries of an image's metadata to the item's ``report``; those that are unknown are empty there.

    Args:
        keys: key of the image, a ``MetaTensor``.
        names: of the entries. Nothing else is copied.

    Examples:
        >>> import torch
        >>> from monai.data import MetaTensor
        >>> eye = MetaTensor(torch.zeros(3, 8, 8), meta={"laterality": "L"})
        >>> ReportMetadatad("image", ["laterality", "um_per_pixel"])({"image": eye})["report"]
        {'laterality': 'L', 'um_per_pixel': ''}
    """

    def __init__(self, keys: KeysCollection, names: Sequence[str]) -> None:
        super().__init__(keys)
        self.names = names

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return a copy of the data with the entries."""
        d = dict(data)
        for key in self.key_iterator(d):
            meta = getattr(d[key], "meta", {})
            d["report"] = {**d.get("report", {}), **{name: meta.get(name) or "" for name in self.names}}
        return d
