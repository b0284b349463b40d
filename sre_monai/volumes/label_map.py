"""From probabilities on the volume's own grid to the label map that everything after it uses."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import nibabel
import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform
from monai.utils import convert_to_dst_type

GEOMETRY = ("size", "spacing_mm", "orientation")
DIGITS = 4  # of probabilities


def structure_columns(structures: Mapping[int, str] | Mapping[str, str]) -> list[str]:
    """Name the report's columns.

    Args:
        structures: what each label stands for.

    Returns:
        The volume's geometry, then the volume of each structure in mm³, then the mean probability.

    Examples:
        >>> structure_columns({1: "anterior hippocampus"})
        ['size', 'spacing_mm', 'orientation', 'anterior_hippocampus_mm3', 'mean_probability']
    """
    return [*GEOMETRY, *(_column(name) for name in structures.values()), "mean_probability"]


class LabelMapd(MapTransform):
    """Give each voxel the class of the greatest probability.

    Adds the label map to the item, and to its ``report``: ``size`` in voxels, ``spacing_mm`` and ``orientation`` (the
    directions in which the axes run most nearly, such as ``RAS``) of the volume's grid, the volume of each structure
    (such as ``anterior_hippocampus_mm3``), and ``mean_probability``, that of the voxels' own class over all structures;
    empty where nothing was found.

    Args:
        keys: key of the probabilities, a MetaTensor of shape (classes, X, Y, Z) on the volume's own grid; the first is
            background.
        structures: what each label above 0 stands for.
        label_key: key of the label map: uint8 of shape (1, X, Y, Z), with the probabilities' metadata.

    Raises:
        ValueError: when there are not as many probabilities as structures and background.

    Examples:
        >>> from monai.data import MetaTensor
        >>> item = LabelMapd("pred", {1: "cyst"})({"pred": MetaTensor(torch.tensor([[[[0.1, 0.7]]], [[[0.9, 0.3]]]]))})
        >>> item["labels"].flatten().tolist(), item["report"]["cyst_mm3"], item["report"]["mean_probability"]
        ([1, 0], 1.0, 0.9)
    """

    def __init__(
        self, keys: KeysCollection, structures: Mapping[int, str] | Mapping[str, str], label_key: str = "labels"
    ) -> None:
        super().__init__(keys)
        self.structures = {int(label): name for label, name in structures.items()}
        self.label_key = label_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return a copy of the data with the label map and the figures for the report."""
        d = dict(data)
        for key in self.key_iterator(d):
            probabilities = d[key]
            if probabilities.shape[0] != len(self.structures) + 1:
                raise ValueError(
                    f"{len(self.structures)} structures and background need as many probabilities, "
                    f"got {probabilities.shape[0]}."
                )
            highest, labels = torch.as_tensor(probabilities).max(dim=0)
            affine = np.asarray(probabilities.affine, dtype=np.float64)
            voxel = abs(float(np.linalg.det(affine[:3, :3])))  # mm³
            d["report"] = {
                **d.get("report", {}),
                **_geometry(labels.shape, affine),
                **{_column(name): round(voxel * int((labels == n).sum()), 1) for n, name in self.structures.items()},
                "mean_probability": round(float(highest[labels > 0].mean()), DIGITS) if (labels > 0).any() else "",
            }
            d[self.label_key] = convert_to_dst_type(labels[None], probabilities, dtype=torch.uint8)[0]
        return d


def _geometry(size: torch.Size, affine: np.ndarray) -> dict[str, str]:
    spacing = nibabel.affines.voxel_sizes(affine)
    return {
        "size": "×".join(map(str, size)),
        "spacing_mm": "×".join(f"{millimetres:.4g}" for millimetres in spacing),
        "orientation": "".join(code or "?" for code in nibabel.aff2axcodes(affine)),
    }


def _column(name: str) -> str:
    return f"{name.lower().replace(' ', '_')}_mm3"
