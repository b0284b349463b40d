"""Labels of training data that can't be right: inverted, full or empty."""

from __future__ import annotations

import logging
from collections.abc import Hashable, Mapping
from typing import Any

from monai.config import KeysCollection
from monai.transforms import MapTransform
from monai.utils import convert_to_numpy

from sre_monai.retina.field_of_view import file_of, get_field_of_view

MOST = 0.5  # of the field of view that vessels can cover; a third of it would be many

logger = logging.getLogger(__name__)


class CheckLabeld(MapTransform):
    """Check that a vessel label can be that of its photograph: a network would train on whatever it is given.

    An empty label is named in a warning, as the photograph of an eye without visible vessels has one.

    Args:
        keys: keys of the labels, shape (1, W, H).
        fov_key: key of the field of view; see `FieldOfViewd`.
        allow_missing_keys: skip labels that are not there.

    Raises:
        ValueError: naming the file: when a label is not of the photograph's size, or covers more than half of its field
            of view.

    Examples:
        >>> CheckLabeld("label")({"label": torch.ones(1, 9, 8), "fov": torch.ones(1, 9, 8)})
        Traceback (most recent call last):
        ValueError: The label marks 100 percent of the field of view: expected are vessels...
    """

    def __init__(self, keys: KeysCollection, fov_key: str = "fov", allow_missing_keys: bool = False) -> None:
        super().__init__(keys, allow_missing_keys)
        self.fov_key = fov_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return a copy of the data."""
        d = dict(data)
        for key in self.key_iterator(d):
            fov = convert_to_numpy(get_field_of_view(d, key, self.fov_key))
            part = float((convert_to_numpy(d[key]) > 0)[fov].mean())
            name = file_of(d[key], f"The {key}")
            if part > MOST:
                raise ValueError(
                    f"{name} marks {100 * part:.0f} percent of the field of view: expected are vessels, non-zero; "
                    "it is inverted, or another mask."
                )
            if not part:
                logger.warning("%s is empty: nothing is marked as vessel", name)
        return d
