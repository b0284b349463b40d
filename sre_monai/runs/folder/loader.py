"""Read images ahead with bounded memory."""

from __future__ import annotations

import math
import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Condition
from typing import Any

from monai.data import Dataset
from PIL import Image

from sre_monai.io.decode import MAX_PIXELS
from sre_monai.io.dicom import dicom_size, is_dicom
from sre_monai.io.pages import pages_of

IN_FLIGHT = 16  # images at most, however small


class PixelBudgetLoader:
    """Yield items of a data set in order, read ahead by threads, up to a number of pixels at a time.

    torch's ``DataLoader`` reads a number of items ahead, whatever their size: a few images of 8000 pixels a side would
    fill the memory. Here each item takes its pixels from a budget before it is read; `release` gives them back once the
    item is done.

    Args:
        dataset: prepares an item; must be usable from several threads.
        sampler: indices of the items, in order; all by default.
        batch_size: number of items yielded together, fewer at the end.
        num_threads: number of threads that prepare items.
        max_pixels: budget of all items together. One item alone may have more.

    Examples:
        >>> loader = PixelBudgetLoader(Dataset([{"image": "a.png"}]), batch_size=1)  # doctest: +SKIP
        >>> for items in loader:  # doctest: +SKIP
        ...     loader.release(items[0])
    """

    def __init__(
        self,
        dataset: Dataset,
        sampler: Sequence[int] | None = None,
        batch_size: int = 1,
        num_threads: int = 1,
        max_pixels: int = MAX_PIXELS,
    ) -> None:
        if min(batch_size, num_threads, max_pixels) < 1 or batch_size > IN_FLIGHT:
            raise ValueError(
                "batch_size, num_threads and max_pixels must be at least 1, and batch_size at most "
                f"{IN_FLIGHT}, got {batch_size}, {num_threads}, {max_pixels}."
            )
        self.dataset = dataset
        self.sampler = range(len(dataset)) if sampler is None else sampler
        self.batch_size = batch_size
        self.num_threads = num_threads
        self.max_pixels = max_pixels
        self._used = 0
        self._change = Condition()

    def __iter__(self) -> Iterator[list[dict[str, Any]]]:
        """Yield lists of items; each has the key ``pixels``, the share of the budget that it holds.

        Batches take from the budget in their order, each at once: nothing waits for what comes after it. Which items
        come together depends on the files alone.
        """
        pool = ThreadPoolExecutor(self.num_threads, thread_name_prefix="reader")
        ahead: deque[list[Future[dict[str, Any]]]] = deque()
        waiting = self._batches()
        batch = next(waiting, None)
        self._used = 0  # an iteration that was broken off has kept its share
        try:
            while batch or ahead:
                while batch and self._take(sum(share for _, share in batch), wait=not ahead):
                    ahead.append([pool.submit(self._prepare, index, share) for index, share in batch])
                    batch = next(waiting, None)
                yield [item.result() for item in ahead.popleft()]
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def release(self, item: dict[str, Any]) -> None:
        """Give an item's pixels back to the budget; from any thread."""
        with self._change:
            self._used -= item["pixels"]
            self._change.notify_all()

    def _batches(self) -> Iterator[list[tuple[int, int]]]:
        """Put successive items together, with their shares, as long as the budget would hold them."""
        batch: list[tuple[int, int]] = []
        for index in self.sampler:
            share = self._share(index)
            full = len(batch) == self.batch_size or sum(taken for _, taken in batch) + share > self.max_pixels
            if batch and full:
                yield batch
                batch = []
            batch.append((index, share))
        if batch:
            yield batch

    def _prepare(self, index: int, share: int) -> dict[str, Any]:
        return {**self.dataset[index], "pixels": share}

    def _take(self, share: int, wait: bool) -> bool:
        """Take pixels from the budget, if they are there or become so while waiting."""
        with self._change:
            if wait:
                self._change.wait_for(lambda: self._fits(share))
            if not self._fits(share):
                return False
            self._used += share
            return True

    def _fits(self, share: int) -> bool:
        return not self._used or self._used + share <= self.max_pixels

    def _share(self, index: int) -> int:
        """Pixels that an item counts for: those in the file's header, but not too few for the number of items."""
        least = -(-self.max_pixels // IN_FLIGHT)
        return max(least, min(_pixels(self.dataset.data[index]["image"]), self.max_pixels))


def _pixels(path: str | os.PathLike[str]) -> int:
    """Pixels of an image by its header; where that can't be read, the size of the file."""
    try:
        if not os.path.isfile(path):
            return 0
        if is_dicom(path):
            return math.prod(dicom_size(path))
        with Image.open(path) as image:
            known = pages_of(image, [])  # turns to the page that will be read
            return image.width * image.height if known else os.path.getsize(path)
    except Exception:  # damaged in any way: the reader reports it
        return os.path.getsize(path) if os.path.isfile(path) else 0
