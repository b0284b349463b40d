"""Augmentation without MONAI's metadata, which would take as long as the augmentation itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from monai.data import set_track_meta
from monai.data.meta_obj import get_track_meta
from monai.transforms import Compose
from monai.transforms.traits import RandomizableTrait


class UntrackedCompose(Compose):
    """MONAI's ``Compose``, with plain tensors from the first random transform on.

    Each transform of a MetaTensor records affine matrix and operation, so that it can be inverted. Training crops are
    never inverted, and small: recording takes half of the time. The values are the same.

    Tracking is disabled for the whole process while a sample is augmented: use it with ``DataLoader``, not with
    the threads of ``ThreadDataLoader``.

    Args:
        args: arguments of ``monai.transforms.Compose``.
        kwargs: its keyword arguments.

    Examples:
        >>> from monai.transforms import EnsureType, RandFlip
        >>> type(UntrackedCompose([EnsureType(), RandFlip(1.0)])(torch.zeros(1, 4, 4))).__name__
        'Tensor'
    """

    def __call__(
        self, input_: Any, start: int = 0, end: int | None = None, threading: bool = False, lazy: bool | None = None
    ) -> Any:
        """Apply the transforms from ``start`` up to ``end``."""
        first_random = self.get_index_of_first(lambda transform: isinstance(transform, RandomizableTrait))
        stop = len(self.transforms) if end is None else end
        middle = min(stop, stop if first_random is None else max(start, first_random))
        if start < middle:
            input_ = super().__call__(input_, start, middle, threading, lazy)
        if middle < stop:
            with _untracked():
                input_ = super().__call__(input_, middle, stop, threading, lazy)
        return input_


@contextmanager
def _untracked() -> Iterator[None]:
    tracked = get_track_meta()
    set_track_meta(False)
    try:
        yield
    finally:
        set_track_meta(tracked)
