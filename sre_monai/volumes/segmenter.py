"""Segmentation of volumes as one call: what a bundle's ``inference.json`` does, also for volumes in memory."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, overload

import nibabel
import numpy as np
import torch
from monai.utils import convert_to_numpy
from nibabel.spatialimages import SpatialImage

from sre_monai.inferers.bundle_segmenter import BundleSegmenter
from sre_monai_cli.bundles import HIPPOCAMPUS

Volume: TypeAlias = str | os.PathLike[str] | np.ndarray | SpatialImage


@dataclass(frozen=True, eq=False)
class VolumeSegmentation:
    """The structures in a volume, on its own grid.

    Attributes:
        labels: uint8 of shape (X, Y, Z): 0 for background, and the number of a structure.
        probability: of each structure, float32 of shape (structures, X, Y, Z), 0–1.
        affine: (4, 4), from the array's indices to millimetres in RAS.
        structures: names by number.
        measures: what ``report.csv`` says: the volume's ``size``, ``spacing_mm`` and ``orientation``, the volume of
            each structure in mm³, and ``mean_probability``.
    """

    labels: np.ndarray
    probability: np.ndarray
    affine: np.ndarray
    structures: Mapping[int, str]
    measures: Mapping[str, Any]


class VolumeSegmenter(BundleSegmenter):
    """Segments volumes with a bundle, by default the hippocampus in magnetic resonance images.

    Parses ``inference.json`` of the bundle that came with the package, as the command ``sre-monai segment`` does: the
    labels are the same. Loads the network once. May be called from several threads at the same time; the network
    processes their volumes in turn.

    Args:
        checkpoint: file with other weights.
        device: where the network runs, such as ``"cuda:0"``; by default a GPU, if there is one.
        bundle_root: folder or name of another bundle.
        options: further entries of the configuration by their id, such as ``window_size=64``.

    Raises:
        FileNotFoundError: when there is no such checkpoint or bundle.
        ValueError: for an unknown option, or a value out of range.

    Examples:
        >>> segmenter = VolumeSegmenter()
        >>> result = segmenter.segment(np.random.rand(33, 40, 35))
        >>> result.labels.shape, result.probability.shape, list(result.structures.values())
        ((33, 40, 35), (2, 33, 40, 35), ['anterior hippocampus', 'posterior hippocampus'])
    """

    what = "volume"

    def __init__(
        self,
        *,
        checkpoint: str | os.PathLike[str] | None = None,
        device: str | torch.device | None = None,
        bundle_root: str | os.PathLike[str] = HIPPOCAMPUS,
        **options: Any,
    ) -> None:
        super().__init__(
            bundle_root,
            checkpoint=None if checkpoint is None else os.path.expanduser(checkpoint),
            device=None if device is None else str(device),
            **options,
        )
        structures = self._configuration.get_parsed_content("structures")
        self.structures: Mapping[int, str] = {int(label): name for label, name in structures.items()}

    @overload
    def segment(self, volume: Volume) -> VolumeSegmentation: ...

    @overload
    def segment(self, volume: list[Volume] | tuple[Volume, ...]) -> list[VolumeSegmentation]: ...

    def segment(
        self, volume: Volume | list[Volume] | tuple[Volume, ...]
    ) -> VolumeSegmentation | list[VolumeSegmentation]:
        """Segment a volume, or each of a list.

        Args:
            volume: a file or a DICOM series' folder, as ``sre-monai segment`` reads them; an image of nibabel; or an
                array (X, Y, Z) of voxels of 1 mm.

        Returns:
            The result, or a list of results in the same order.

        Raises:
            FileNotFoundError: when there is no such file.
            ValueError: when this is not a volume; the message says what is wrong.
        """
        several = isinstance(volume, (list, tuple))
        volumes = list(volume) if isinstance(volume, (list, tuple)) else [volume]
        results = [self._result(done) for _, done in self._segment(volumes)]
        return results if several else results[0]

    def _image(self, source: Any) -> SpatialImage:
        """Make an image of nibabel, which `VolumeReader` takes."""
        if isinstance(source, np.ndarray):
            values = source if source.dtype.kind in "fc" else source.astype(np.float32)
            return nibabel.Nifti1Image(values, np.eye(4))
        if isinstance(source, SpatialImage):
            return source
        raise ValueError(f"a path, an array or an image of nibabel is expected, got {type(source).__name__}.")

    def _result(self, done: Mapping[str, Any]) -> VolumeSegmentation:
        return VolumeSegmentation(
            labels=convert_to_numpy(done["labels"])[0],
            probability=convert_to_numpy(done["pred"])[1:].astype(np.float32),
            affine=np.asarray(done["labels"].affine, dtype=np.float64),
            structures=self.structures,
            measures=done["report"],
        )
