"""An evaluator for folders: failures become rows of the report, and reading and saving overlap with the network."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from copy import deepcopy
from time import perf_counter
from typing import Any

import torch
from monai.engines import SupervisedEvaluator
from monai.utils import convert_to_dst_type, convert_to_tensor

from sre_monai.runs.folder.loader import PixelBudgetLoader
from sre_monai.runs.folder.run import FolderRun
from sre_monai.runs.folder.tolerant_dataset import FAILURE, reason_of

logger = logging.getLogger(__name__)


class FolderEvaluator(SupervisedEvaluator):
    """MONAI's evaluator for a folder: reads, predicts and saves at the same time; a failure is a row in the report.

    Whatever goes wrong with a file is caught: reading it (see `TolerantDataset`), the network, the transforms after it,
    writing its results. Images of a batch that have the same size after preprocessing go through the network together;
    where that fails, one by one.

    Args:
        folder_run: which files are to be processed, and the record of it.
        val_data_loader: the images, read ahead.
        postprocessing: from the network's output to the files. It leaves in the item ``report``, the values of the
            report's columns, and where there are any ``outputs``, the written files, relative to the output folder,
            with their sizes in bytes, ``thumbnails``, base64 of JPEG pictures, and ``preview``, that of a larger one.
            Each saving thread has its own copy.
        saving_threads: number of threads for it.
        kwargs: further arguments of ``monai.engines.SupervisedEvaluator``.

    Examples:
        >>> FolderEvaluator(run, loader, postprocessing, device=device, network=network).run()  # doctest: +SKIP
    """

    def __init__(
        self,
        folder_run: FolderRun,
        val_data_loader: PixelBudgetLoader,
        postprocessing: Callable[[dict[str, Any]], dict[str, Any]],
        saving_threads: int = 1,
        **kwargs: Any,
    ) -> None:
        super().__init__(val_data_loader=val_data_loader, decollate=False, **kwargs)
        self.folder_run = folder_run
        self.loader = val_data_loader
        self.postprocessing = postprocessing
        self.saving_threads = saving_threads
        self._local = threading.local()  # MONAI's Invertd is not thread-safe: it switches flags of its transforms
        self._savers: ThreadPoolExecutor | None = None

    def run(self) -> None:  # type: ignore[override]
        """Process the files and write the report; again, those that are not done.

        Raises:
            OSError: when the output folder can't be written to.
            SystemExit: as `FolderRun.running` says, unless all is done.
        """
        self.loader.sampler = self.folder_run.start()
        with self.folder_run.running():
            self._savers = ThreadPoolExecutor(self.saving_threads, "saver", initializer=self._copy_transforms)
            self._forget_former_run()
            try:
                if len(self.loader.sampler):
                    super().run()
                self._savers.shutdown(wait=True)
            finally:
                self._savers.shutdown(wait=True, cancel_futures=True)

    def _forget_former_run(self) -> None:
        """Ignite would take the number of batches from it, and go on with one that was broken off, which has ended."""
        self.state.epoch_length = None
        self._internal_run_generator = None

    def _copy_transforms(self) -> None:
        self._local.postprocessing = deepcopy(self.postprocessing)

    def _iteration(self, engine: SupervisedEvaluator, batchdata: list[dict[str, Any]]) -> dict[str, Any]:  # type: ignore[override]
        assert self._savers is not None
        if self.folder_run.disk_is_full:
            self.terminate()
            return {}
        for group in _equal_sizes(batchdata):
            start = perf_counter()
            predictions = self._predict(group)
            seconds = (perf_counter() - start) / len(group)
            for item, prediction in zip(group, predictions, strict=True):
                self._savers.submit(self._finish, item, prediction, seconds).add_done_callback(_log_error)
        return {}

    def _predict(self, items: list[dict[str, Any]]) -> list[torch.Tensor | str]:
        """Run the network on images of one size: its outputs, or the reason why there is none."""
        if FAILURE in items[0]:
            return [item[FAILURE] for item in items]
        try:
            images = torch.stack([convert_to_tensor(item["image"], track_meta=False) for item in items])
            output = super()._iteration(self, {"image": images})
            return list(output["pred"].float().cpu())
        except Exception as error:
            reason = reason_of(error)
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        return [reason] if len(items) == 1 else [result for item in items for result in self._predict([item])]

    def _finish(self, item: dict[str, Any], prediction: torch.Tensor | str, seconds: float) -> None:
        """Save the results of a file and record its outcome; in a saving thread."""
        start = perf_counter()
        known = {"fingerprint": item.get("fingerprint", "")}
        try:
            if isinstance(prediction, str):
                self.folder_run.add(item, "failed", reason=prediction, **known)
                return
            pred = convert_to_dst_type(prediction, item["image"])[0]
            done = self._local.postprocessing({**item, "pred": pred})
            seconds += item.get("seconds", 0.0) + perf_counter() - start
            figures = {**done["report"], "seconds": round(seconds, 3)}
            known |= {key: done[key] for key in ("outputs", "thumbnails", "preview") if key in done}
            note = getattr(item["image"], "meta", {}).get("note", "")
            self.folder_run.add(item, "done", reason=note, **figures, **known)
        except Exception as error:
            if not self.folder_run.stops_for(error):
                self.folder_run.add(item, "failed", reason=reason_of(error), **known)
        finally:
            self.loader.release(item)


def _log_error(saved: Future[None]) -> None:
    """Log an error that could not even be recorded."""
    if not saved.cancelled() and saved.exception() is not None:
        logger.error("a file is left to the next run", exc_info=saved.exception())


def _equal_sizes(items: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Group items whose images can be stacked; each of those that failed is alone."""
    groups: dict[Any, list[dict[str, Any]]] = {}
    for number, item in enumerate(items):
        key = number if FAILURE in item else tuple(item["image"].shape)
        groups.setdefault(key, []).append(item)
    yield from groups.values()
