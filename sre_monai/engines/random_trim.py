"""Batches of both parities for networks whose pooling depends on it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from monai.engines import PrepareBatch, default_prepare_batch
from torch import Tensor


class RandomTrim(PrepareBatch):
    """Cut a random number of pixels off the end of each axis, one number for a whole batch.

    Symmetric pooling uses two cells on even axes and three on odd ones, level after level. With crops of a single size
    a network would only ever see one of them; with up to 2ᴸ − 1 pixels cut off it sees all parities on L levels.

    Args:
        max_trim: greatest number of pixels to cut; 7 covers three levels.

    Examples:
        >>> batch = {"image": torch.zeros(2, 3, 136, 136), "label": torch.zeros(2, 1, 136, 136)}
        >>> image, label = RandomTrim(7)(batch)
        >>> image.shape[2:] == label.shape[2:], min(image.shape[2:]) >= 129
        (True, True)
    """

    def __init__(self, max_trim: int = 7) -> None:
        self.max_trim = max_trim

    def __call__(
        self,
        batchdata: dict[str, Tensor],
        device: str | torch.device | None = None,
        non_blocking: bool = False,
        **kwargs: Any,
    ) -> tuple[Tensor, Tensor]:
        """Move image and label to the device and trim both alike.

        Args:
            batchdata: batch with ``image`` and ``label``, both (batch, channels, *spatial*).
            device: where to.
            non_blocking: whether the copy may be asynchronous.
            kwargs: further arguments of ``Tensor.to``.

        Returns:
            The trimmed image and label.
        """
        image, label = default_prepare_batch(batchdata, device, non_blocking, **kwargs)
        trims = torch.randint(self.max_trim + 1, (image.ndim - 2,)).tolist()
        return _trim(image, trims), _trim(label, trims)  # type: ignore[arg-type]  # training data have labels


def _trim(x: Tensor, trims: Sequence[int]) -> Tensor:
    for axis, trim in enumerate(trims, start=2):
        x = x.narrow(axis, 0, x.shape[axis] - trim)
    return x
