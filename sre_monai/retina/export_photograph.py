"""The retina bundle's way from a photograph to the probability of a vessel, exported to one file."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from sre_monai.conversion.export import export_checked
from sre_monai.inferers import SymmetricSlidingWindowInferer
from sre_monai.networks.fold import fold_sre
from sre_monai.retina.photograph_network import PhotographNetwork

IN_THE_GRAPH = ("crop", "largest_resolution", "normalize", "working_resolution", "local_contrast")
OUTSIDE = ("load_image", "channel_first", "field_of_view", "copy_photograph", "quality", "metadata")
"""Steps of ``inference.json`` before the network: those that the file has, and those that change no pixel of it."""


def export_photograph_network(
    network: nn.Module,
    path: str | os.PathLike[str],
    transforms: Mapping[str, Any],
    inferer: SymmetricSlidingWindowInferer,
    metadata_file: str | os.PathLike[str],
    threshold: float,
    tolerance: float = 1e-3,
) -> float:
    """Export a vessel network with the steps before and after it, load the file, and compare its output.

    The file takes ``photograph``, uint8 of shape (H, W, 3), and ``field_of_view``, uint8 of shape (H, W), non-zero
    inside. It gives ``probability``, float32 of shape (H, W), zero outside the field of view. Photographs have any
    size. `PhotographNetwork` describes the steps.

    The file says what it is: in an ONNX file as ``metadata_props``, in a ``.pt2`` file as the extra file
    ``metadata.json``.

    Args:
        network: with its weights loaded. It is copied.
        path: output file, ``.onnx`` or ``.pt2``; an existing file is replaced only after the output was compared.
        transforms: the configuration's steps before the network, by name.
        inferer: the configuration's.
        metadata_file: the bundle's ``metadata.json``.
        threshold: a pixel is a vessel at or above; it is noted in the file.
        tolerance: largest difference of a probability allowed.

    Returns:
        The largest difference of a probability for a small photograph.

    Raises:
        ValueError: for an unknown extension, for steps that the file can't have, or if the output differs.
    """
    module = _module(network.cpu(), transforms, inferer)
    example = _example(190, 211)
    with torch.no_grad():
        expected = module(*example.values())

    def difference(exported: Callable[..., Any]) -> float:
        (output,) = tree_leaves(exported(*example.values()))
        return (output - expected).abs().max().item()

    difference_found = export_checked(
        _module(fold_sre(network), transforms, inferer),
        path,
        _example(300, 320),
        [dict.fromkeys((0, 1), torch.export.Dim.DYNAMIC)] * 2,
        difference,
        tolerance,
        ["probability"],
        _metadata(metadata_file, module, threshold),
    )
    logging.getLogger(__name__).info("%s: for photographs; probabilities differ by %.1e", path, difference_found)
    return difference_found


def _module(
    network: nn.Module, transforms: Mapping[str, Any], inferer: SymmetricSlidingWindowInferer
) -> PhotographNetwork:
    """The network with the steps as they are configured."""
    further = [name for name in transforms if name not in (*IN_THE_GRAPH, *OUTSIDE)]
    missing = [name for name in IN_THE_GRAPH if name not in transforms]
    if further or missing:
        raise ValueError(
            f"transforms: an exported photograph network has the steps {', '.join(IN_THE_GRAPH)}; "
            f"missing: {missing}, further steps: {further}. Give from_photograph=False to export the network alone."
        )
    side, overlap, sigma_scale = inferer.roi_size, inferer.overlap, inferer.sigma_scale
    if not (isinstance(side, int) and isinstance(overlap, int | float) and isinstance(sigma_scale, int | float)):
        raise ValueError("inferer: roi_size, overlap and sigma_scale must each be one number, the same for both axes.")
    working = transforms["working_resolution"]
    return PhotographNetwork(
        network,
        working_diameter=working.diameter,
        tolerance=working.tolerance,
        largest_diameter=transforms["largest_resolution"].diameter,
        margin=transforms["crop"].margin,
        contrast_window=transforms["local_contrast"].window,
        window_size=side,
        overlap=overlap,
        sigma_scale=sigma_scale,
    ).eval()


def _example(height: int, width: int) -> dict[str, Tensor]:
    """A small photograph of noise in a round field of view."""
    y, x = torch.arange(height)[:, None] - height / 2, torch.arange(width) - width / 2
    inside = (y**2 + x**2 < (0.45 * min(height, width)) ** 2).byte()
    noise = torch.randint(256, (height, width, 3), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    return {"photograph": noise * inside[..., None], "field_of_view": inside}


def _metadata(metadata_file: str | os.PathLike[str], module: PhotographNetwork, threshold: float) -> dict[str, str]:
    """What the file says of itself."""
    bundle = json.loads(Path(metadata_file).read_text(encoding="utf-8"))
    return {
        "name": bundle["name"],
        "version": bundle["version"],
        "description": bundle["description"],
        "classes": json.dumps({"probability": "vessel"}),
        "threshold": str(threshold),
        "working_diameter": str(module.working_diameter),
        "window_size": str(module.window_size),
        "intended_use": bundle["intended_use"],
        "licence": "Apache-2.0",
        "copyright": bundle["copyright"],
        "citation": "\n".join(bundle["references"]),
    }
