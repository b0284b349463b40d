"""A bundle's ``inference.json`` as calls from Python, for images in memory as well."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import torch
from monai.bundle import ConfigParser
from monai.data import get_track_meta, set_track_meta
from monai.transforms import Compose
from monai.utils import convert_to_dst_type, convert_to_tensor

from sre_monai.runs.errors import root_cause, user_error
from sre_monai.runs.held_setting import HeldSetting
from sre_monai.runs.monai_internals import without_monai_warnings
from sre_monai_cli import find_bundle
from sre_monai_cli.bundles import comes_with_package
from sre_monai_cli.literals import Literal, for_monai, literal
from sre_monai_cli.options import check_overrides, read_options

OF_FILES = (
    *("dataset_dir", "datalist", "output_dir", "output_ext", "keep_identifiers"),
    *("resume", "loading_threads", "saving_threads"),
)
"""Options of ``inference.json`` that are about reading and writing files; and those called ``write_…``."""

METADATA = HeldSetting(get_track_meta, set_track_meta, True)
SINGLE_PRECISION = HeldSetting(torch.get_default_dtype, torch.set_default_dtype, torch.float32)
"""What the configuration needs of the process."""


class BundleSegmenter:
    """The steps of a bundle's ``inference.json`` without those that write files, as calls.

    The base class of segmenters for one kind of image. Loads the network once. May be called from several threads at
    the same time; the network processes their images in turn. Copies, also by way of pickle, are made anew from the
    arguments.

    Args:
        bundle_root: folder or name of the bundle.
        options: entries of the configuration by their id; those that are None keep their default.

    Raises:
        FileNotFoundError: when there is no such checkpoint or bundle.
        ValueError: for an unknown option, or a value out of range.

    Examples:
        >>> BundleSegmenter("brain_mri_hippocampus_segmentation", window_size=64)  # doctest: +SKIP
    """

    what = "image"
    """What an image is called in messages."""

    def __init__(self, bundle_root: str | os.PathLike[str], **options: Any) -> None:
        given = {name: value for name, value in options.items() if value is not None}
        bundle_root = os.path.expanduser(bundle_root)
        self._arguments = {"bundle_root": bundle_root, **given}
        for name in ("bundle_root", "checkpoint"):  # a copy may be made in another working directory
            if os.path.exists(path := self._arguments.get(name, "")):
                self._arguments[name] = os.path.abspath(path)
        with one_sentence(), without_monai_warnings(), METADATA, SINGLE_PRECISION:
            configuration = _read_configuration(find_bundle(bundle_root), literal(given), type(self).__name__)
            self._network: torch.nn.Module = configuration.get_parsed_content("network").eval()
            self._device = torch.device(configuration.get_parsed_content("device"))
            self._amp: bool = configuration.get_parsed_content("amp")
            self._batch_size: int = configuration.get_parsed_content("batch_size")
            self._preprocessing: Compose = configuration.get_parsed_content("preprocessing")
            self._postprocessing = _CopyPerThread(configuration.get_parsed_content("postprocessing"))
            self._inferer = configuration.get_parsed_content("inferer")
        self._configuration = configuration
        self._network_is_free = threading.Lock()

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle, and copy, by the arguments: transforms have functions and locks that can't be."""
        return partial(type(self), **self._arguments), ()

    def _segment(self, sources: Sequence[Any]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        """Yield for each image its item after preprocessing, and after postprocessing.

        Successive images of equal size after preprocessing go through the network together.
        """
        for start in range(0, len(sources), self._batch_size):
            with METADATA, SINGLE_PRECISION:
                items = [self._prepare(source) for source in sources[start : start + self._batch_size]]
                done = [each for _, group in groupby(items, _shape) for each in self._finish(list(group))]
            yield from done

    def _finish(self, items: Sequence[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        """Process images of equal size after their preprocessing."""
        predictions = self._predict([item["image"] for item in items])
        for item, prediction in zip(items, predictions, strict=True):
            pred = convert_to_dst_type(prediction, item["image"])[0]
            yield item, self._postprocessing.copy({**item, "pred": pred})

    def _prepare(self, source: Any) -> dict[str, Any]:
        is_path = isinstance(source, (str, os.PathLike))
        with one_sentence(about=str(source) if is_path else self.what):
            return self._preprocessing({"image": str(Path(source).expanduser()) if is_path else self._image(source)})

    def _image(self, source: Any) -> Any:
        """Make of something in memory what the bundle's reader takes."""
        raise ValueError(f"a path is expected, got {type(source).__name__}.")

    def _predict(self, images: Sequence[torch.Tensor]) -> torch.Tensor:
        batch = torch.stack([convert_to_tensor(image, track_meta=False) for image in images])
        with self._network_is_free, torch.no_grad(), torch.autocast("cuda", enabled=self._amp):
            return self._inferer(batch.to(self._device), self._network).float().cpu()


def _shape(item: dict[str, Any]) -> torch.Size:
    return item["image"].shape


class _CopyPerThread(threading.local):
    """A copy of transforms for each thread: MONAI's Invertd is not thread-safe, it switches flags of its transforms."""

    def __init__(self, transforms: Compose) -> None:
        self.copy = deepcopy(transforms)


def _read_configuration(root: Path, options: dict[str, Any], caller: str) -> ConfigParser:
    """Read ``inference.json`` without its steps that write files."""
    file = str(root / "configs" / "inference.json")
    if not comes_with_package(file):
        warnings.warn(f"{file} is code that runs; use only configurations from sources you trust.", stacklevel=4)
    content = ConfigParser.load_config_files(file)
    for name in options:
        if name in OF_FILES or name.startswith("write_"):
            raise ValueError(f"{name} is an option of `sre-monai segment`: {caller} has no folders.")
    check_overrides(options, content, read_options([file]))
    configuration = ConfigParser(content)
    own = {"bundle_root": Literal(root), "transforms#load_image#expanduser": False}
    configuration.update(for_monai(own | options))
    for step in configuration["postprocessing_transforms"]:
        if step.startswith("save"):
            configuration[f"postprocessing_transforms#{step}#_disabled_"] = True
    return configuration


@contextmanager
def one_sentence(about: str = "") -> Iterator[None]:
    """Raise a user's mistake as a ValueError or FileNotFoundError with one sentence; MONAI wraps it in others.

    Args:
        about: what the sentence is to begin with.

    Examples:
        >>> with one_sentence(about="a.png"):
        ...     pass
    """
    try:
        yield
    except Exception as error:
        sentence = user_error(error)
        if sentence is None:
            raise
        sentence = sentence if sentence.startswith(about) else f"{about}: {sentence}"
        missing = isinstance(root_cause(error), FileNotFoundError)
        raise (FileNotFoundError if missing else ValueError)(sentence) from None
