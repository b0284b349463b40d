"""Vessel segmentation as one call: what the retina bundle's ``inference.json`` does, also for images in memory."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any, TypeAlias, overload

import numpy as np
import torch
from monai.bundle import ConfigParser
from monai.data import get_track_meta, set_track_meta
from monai.transforms import Compose
from monai.utils import convert_to_dst_type, convert_to_numpy, convert_to_tensor
from PIL import Image

from sre_monai.io.decode import image_from_array
from sre_monai.runs.errors import root_cause, user_error
from sre_monai.runs.held_setting import HeldSetting
from sre_monai.runs.monai_internals import without_monai_warnings
from sre_monai_cli import find_bundle
from sre_monai_cli.bundles import RETINA, comes_with_package
from sre_monai_cli.literals import Literal, for_monai, literal
from sre_monai_cli.options import check_overrides, read_options

__all__ = ["VesselSegmentation", "VesselSegmenter"]

Photograph: TypeAlias = str | os.PathLike[str] | np.ndarray | Image.Image

OF_FILES = (
    *("dataset_dir", "datalist", "output_dir", "output_ext", "keep_identifiers"),
    *("resume", "loading_threads", "saving_threads"),
)
"""Options of ``inference.json`` that are about reading and writing files; and those called ``write_…``."""

METADATA = HeldSetting(get_track_meta, set_track_meta, True)
SINGLE_PRECISION = HeldSetting(torch.get_default_dtype, torch.set_default_dtype, torch.float32)
"""What the configuration needs of the process."""


@dataclass(frozen=True, eq=False)
class VesselSegmentation:
    """The vessels of a photograph, on its own pixels.

    Arrays have the photograph's height and width, as ``numpy.asarray(PIL.Image.open(file))`` has them: an EXIF
    orientation is not applied.

    Attributes:
        mask: bool of shape (H, W), True on a vessel.
        probability: of a vessel, float32 of shape (H, W), 0–1; 0 outside the field of view.
        field_of_view: bool of shape (H, W), True inside.
        quality: what ``report.csv`` says of the photograph: its columns ``quality`` (flags), ``width``, ``height``,
            ``fov_diameter_px``, ``working_scale``, ``brightness`` and ``sharpness``, and what DICOM photographs tell.
        measures: what it says of the vessels: ``vessel_density``, ``mean_probability``, ``skeleton_length_px``, and
            with the option ``measures`` the columns of ``vessels.csv``.
        segments: with the option ``measures`` a table with a row for each vessel segment (pandas); otherwise None.
        note: such as "the first of several pages was read"; mostly empty.
    """

    mask: np.ndarray
    probability: np.ndarray
    field_of_view: np.ndarray
    quality: Mapping[str, Any]
    measures: Mapping[str, Any]
    segments: Any = None
    note: str = ""

    @property
    def flags(self) -> tuple[str, ...]:
        """Reasons to distrust the result, such as ``"blurred"``; none for a good photograph."""
        return tuple(filter(None, self.quality["quality"].split("; ")))


class VesselSegmenter:
    """Segments the vessels of fundus photographs with the retina bundle.

    Parses ``inference.json`` of the bundle that came with the package, as the command ``sre-monai segment`` does: the
    masks are the same. Loads the network once. May be called from several threads at the same time; the network
    processes their photographs in turn. May be pickled and copied, as for the workers of a ``DataLoader``: a copy is
    made anew from the arguments, whose files must be there.

    Args:
        checkpoint: file with other weights.
        device: where the network runs, such as ``"cuda:0"``; by default a GPU, if there is one.
        threshold: a pixel is a vessel at or above this probability; by default that of the bundle.
        working_diameter: diameter of the field of view that the network sees, in pixels; by default that of the bundle.
        bundle_root: folder of another bundle. Its configuration is code that runs: give only one you trust.
        options: further entries of the configuration by their id, such as ``window_size=512``, or
            ``**{"inferer#overlap": 0.5}``. Values are data: text is never evaluated.

    Raises:
        FileNotFoundError: when there is no such checkpoint or bundle.
        ValueError: for an unknown option, or a value out of range.

    Examples:
        >>> segmenter = VesselSegmenter(threshold=0.4)
        >>> result = segmenter.segment("docs/sample/eye_565x584.png")
        >>> result.mask.shape, result.flags
        ((584, 565), ())
    """

    def __init__(
        self,
        *,
        checkpoint: str | os.PathLike[str] | None = None,
        device: str | torch.device | None = None,
        threshold: float | None = None,
        working_diameter: float | None = None,
        bundle_root: str | os.PathLike[str] = RETINA,
        **options: Any,
    ) -> None:
        common = {
            "checkpoint": None if checkpoint is None else os.path.expanduser(checkpoint),
            "device": None if device is None else str(device),
            "threshold": threshold,
            "working_diameter": working_diameter,
        }
        options |= {name: value for name, value in common.items() if value is not None}
        bundle_root = os.path.expanduser(bundle_root)
        self._arguments = {"bundle_root": bundle_root, **options}
        for name in ("bundle_root", "checkpoint"):  # a copy may be made in another working directory
            if os.path.exists(path := self._arguments.get(name, "")):
                self._arguments[name] = os.path.abspath(path)
        with _one_sentence(), without_monai_warnings(), METADATA, SINGLE_PRECISION:
            configuration = _read_configuration(find_bundle(bundle_root), literal(options))
            self._network: torch.nn.Module = configuration.get_parsed_content("network").eval()
            self._device = torch.device(configuration.get_parsed_content("device"))
            self._amp: bool = configuration.get_parsed_content("amp")
            self._batch_size: int = configuration.get_parsed_content("batch_size")
            self._preprocessing: Compose = configuration.get_parsed_content("preprocessing")
            self._postprocessing = _CopyPerThread(configuration.get_parsed_content("postprocessing"))
            self._inferer = configuration.get_parsed_content("inferer")
        self._network_is_free = threading.Lock()

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle, and copy, by the arguments: transforms have functions and locks that can't be."""
        return partial(type(self), **self._arguments), ()

    @overload
    def segment(self, photograph: Photograph) -> VesselSegmentation: ...

    @overload
    def segment(self, photograph: list[Photograph] | tuple[Photograph, ...]) -> list[VesselSegmentation]: ...

    def segment(
        self, photograph: Photograph | list[Photograph] | tuple[Photograph, ...]
    ) -> VesselSegmentation | list[VesselSegmentation]:
        """Segment a photograph, or each of a list.

        Args:
            photograph: a file, in any format that ``sre-monai segment`` reads; an image of Pillow, of which the current
                frame is used; or an array of shape (H, W), (H, W, 3) or (H, W, 4): grey, RGB or RGBA. It is uint8;
                uint16, scaled by the depth that its values have; or of any other type with numbers in 0–255, or
                floating point in 0–1. Of a list, images of the same size go through the network together on a GPU.

        Returns:
            The result, or a list of results in the same order. Where there are more photographs than results fit in
            memory, use ``map(segmenter.segment, photographs)``.

        Raises:
            FileNotFoundError: when there is no such file.
            ValueError: when this is not a photograph; the message says what is wrong.
        """
        if not isinstance(photograph, (list, tuple)):
            return self._segment_batch([photograph])[0]
        starts = range(0, len(photograph), self._batch_size)
        batches = [photograph[start : start + self._batch_size] for start in starts]
        return [result for batch in batches for result in self._segment_batch(batch)]

    def _segment_batch(self, photographs: Sequence[Photograph]) -> list[VesselSegmentation]:
        """Segment photographs, those of equal size at the working resolution together."""
        results = []
        with METADATA, SINGLE_PRECISION:
            items = [self._prepare(photograph) for photograph in photographs]
            for _, group in groupby(items, key=lambda item: item["image"].shape):
                equal = list(group)
                predictions = self._predict([item["image"] for item in equal])
                results += [self._finish(item, pred) for item, pred in zip(equal, predictions, strict=True)]
        return results

    def _prepare(self, photograph: Photograph) -> dict[str, Any]:
        with _one_sentence(about=str(photograph) if isinstance(photograph, (str, os.PathLike)) else "photograph"):
            return self._preprocessing({"image": _source(photograph)})

    def _predict(self, images: Sequence[torch.Tensor]) -> torch.Tensor:
        batch = torch.stack([convert_to_tensor(image, track_meta=False) for image in images])
        with self._network_is_free, torch.no_grad(), torch.autocast("cuda", enabled=self._amp):
            return self._inferer(batch.to(self._device), self._network).float().cpu()

    def _finish(self, item: dict[str, Any], prediction: torch.Tensor) -> VesselSegmentation:
        pred = convert_to_dst_type(prediction, item["image"])[0]
        done = self._postprocessing.copy({**item, "pred": pred})
        quality = {name: done["report"][name] for name in item["report"]}
        return VesselSegmentation(
            mask=_as_picture(done["mask"]),
            probability=_as_picture(done["pred"]),
            field_of_view=_as_picture(done["photograph_fov"]) > 0,
            quality=quality,
            measures={name: value for name, value in done["report"].items() if name not in quality},
            segments=getattr(done.get("measures"), "segments", None),
            note=item["image"].meta.get("note", ""),
        )


class _CopyPerThread(threading.local):
    """A copy of transforms for each thread: MONAI's Invertd is not thread-safe, it switches flags of its transforms."""

    def __init__(self, transforms: Compose) -> None:
        self.copy = deepcopy(transforms)


def _read_configuration(root: Path, options: dict[str, Any]) -> ConfigParser:
    """Read ``inference.json`` without its steps that write files."""
    file = str(root / "configs" / "inference.json")
    if not comes_with_package(file):
        warnings.warn(f"{file} is code that runs; use only configurations from sources you trust.", stacklevel=3)
    content = ConfigParser.load_config_files(file)
    for name in options:
        if name in OF_FILES or name.startswith("write_"):
            raise ValueError(f"{name} is an option of `sre-monai segment`: VesselSegmenter has no folders.")
    check_overrides(options, content, read_options([file]))
    configuration = ConfigParser(content)
    own = {"bundle_root": Literal(root), "transforms#load_image#expanduser": False}
    configuration.update(for_monai(own | options))
    for step in configuration["postprocessing_transforms"]:
        if step.startswith("save"):
            configuration[f"postprocessing_transforms#{step}#_disabled_"] = True
    return configuration


def _source(photograph: Photograph) -> str | Image.Image:
    """What `sre_monai.io.RGBReader` reads."""
    if isinstance(photograph, (str, os.PathLike)):
        return str(Path(photograph).expanduser())
    if isinstance(photograph, np.ndarray):
        return image_from_array(photograph)
    if isinstance(photograph, Image.Image):
        return photograph
    raise ValueError(f"a path, an array or an image of Pillow is expected, got {type(photograph).__name__}.")


def _as_picture(image: torch.Tensor) -> np.ndarray:
    """From (1, W, H) to (H, W)."""
    return np.ascontiguousarray(convert_to_numpy(image)[0].T)


@contextmanager
def _one_sentence(about: str = "") -> Iterator[None]:
    """Raise a user's mistake as a ValueError or FileNotFoundError with one sentence; MONAI wraps it in others."""
    try:
        yield
    except Exception as error:
        sentence = user_error(error)
        if sentence is None:
            raise
        sentence = sentence if sentence.startswith(about) else f"{about}: {sentence}"
        missing = isinstance(root_cause(error), FileNotFoundError)
        raise (FileNotFoundError if missing else ValueError)(sentence) from None
