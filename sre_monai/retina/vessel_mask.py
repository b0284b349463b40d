"""From a probability on the photograph's own pixels to the vessel mask that everything after it uses."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform
from monai.utils import convert_to_dst_type, convert_to_numpy

from sre_monai.metrics.threshold import DEFAULT_THRESHOLD, check_threshold
from sre_monai.retina.field_of_view import get_field_of_view
from sre_monai.retina.quality import has_few_vessels


class VesselMaskd(MapTransform):
    """Set a vessel probability to zero outside the field of view, and cut it at a threshold.

    Adds the mask to the item; files, measures and overlays are made from it. Adds to ``report`` the fraction of vessel
    pixels in the field of view, ``vessel_density``, the ``mean_probability`` there, and the flag ``few vessels`` (see
    `sre_monai.retina.quality`).

    Args:
        keys: key of the probability, shape (1, W, H), values 0–1, on the photograph's own grid.
        mask_key: key of the mask: bool of the same shape, with the probability's metadata.
        fov_key: key of the field of view; outside nothing is a vessel.
        threshold: a pixel is a vessel at or above.

    Raises:
        ValueError: for a threshold outside 0–1, or a field of view that is missing or of another size.

    Examples:
        >>> item = {"pred": torch.tensor([[[0.2, 0.6, 0.9]]]), "photograph_fov": torch.tensor([[[1, 1, 0]]])}
        >>> VesselMaskd("pred")(item)["mask"]
        tensor([[[False,  True, False]]])
    """

    def __init__(
        self,
        keys: KeysCollection,
        mask_key: str = "mask",
        fov_key: str = "photograph_fov",
        threshold: float = DEFAULT_THRESHOLD,
    ) -> None:
        super().__init__(keys)
        self.mask_key = mask_key
        self.fov_key = fov_key
        self.threshold = check_threshold(threshold)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return a copy of the data with the mask and the figures for the report."""
        d = dict(data)
        for key in self.key_iterator(d):
            fov = convert_to_numpy(get_field_of_view(d, key, self.fov_key))
            probability = convert_to_numpy(torch.as_tensor(d[key]).float()) * fov
            mask = (probability >= self.threshold) & fov
            area = np.count_nonzero(fov)
            density = np.count_nonzero(mask) / area
            report = d.get("report", {})
            flags = [report.get("quality", ""), "few vessels" if has_few_vessels(density) else ""]
            d["report"] = {
                **report,
                "quality": "; ".join(filter(None, flags)),
                "vessel_density": round(density, 4),
                "mean_probability": round(float(probability.sum(dtype=np.float64)) / area, 4),
            }
            d[self.mask_key] = convert_to_dst_type(mask, d[key], dtype=bool)[0]
            d[key] = convert_to_dst_type(probability, d[key])[0]
        return d
