"""Upsampling that is symmetric about the image centre, to the very size that was pooled.

A pooled map of 17 pixels may come from 33 or from 34. A decoder that doubles it gets one pixel too many for a skip
connection of 33, and cutting or padding one side is not symmetric. So the size has to be known: from the skip
connection, where it is at hand (:func:`upsample_to`), or from the size that the pooling recorded
(:class:`SizeMemory`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.fx.experimental.symbolic_shapes import statically_known_true

__all__ = ["SizeMemory", "SymmetricUpsample", "upsample_to"]

_LINEAR = {1: "linear", 2: "bilinear", 3: "trilinear"}


def upsample_to(input: Tensor, size: Sequence[int]) -> Tensor:
    """Interpolate linearly to a size, the outermost pixels' centres staying where they are.

    Aligned outer pixels make the map from the coarse to the fine grid symmetric for both parities.

    Args:
        input: (batch, channels, *spatial*).
        size: the spatial size wanted, in pixels.

    Returns:
        (batch, channels, *size*).
    """
    return F.interpolate(input, size=tuple(size), mode=_LINEAR[len(size)], align_corners=True)


class SizeMemory:
    """The sizes before and after each pooling of a network in the current forward pass.

    Shared by the poolings and upsamplings of one network, and emptied before each of its forward passes by
    :meth:`forget`, registered as a forward pre-hook. It holds numbers, not tensors, and is not part of the state dict.

    Examples:
        >>> sizes = SizeMemory()
        >>> sizes.record(before=(33, 40), after=(17, 20), stride=(2, 2))
        >>> sizes.recall((17, 20), scale=(2, 2)), sizes.recall((5, 5), scale=(2, 2))
        ((33, 40), (10, 10))
    """

    def __init__(self) -> None:
        self._records: list[tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]] = []

    def record(self, before: Sequence[int], after: Sequence[int], stride: Sequence[int]) -> None:
        """Record the spatial size before and after a pooling of the given stride."""
        self._records.append((tuple(before), tuple(after), tuple(stride)))

    def recall(self, size: Sequence[int], scale: Sequence[int]) -> tuple[int, ...]:
        """Return the size that was pooled to the given size by that factor, or the multiple if none was."""
        for before, after, stride in reversed(self._records):
            if stride == tuple(scale) and all(_same(a, n) for a, n in zip(after, size)):
                return before
        return tuple(n * s for n, s in zip(size, scale))

    def forget(self, *_: Any) -> None:
        """Forget all sizes; takes the arguments of a forward pre-hook."""
        self._records.clear()


def _same(a: int, b: int) -> bool:
    """Whether two sizes are equal; symbols of an export, when they are the same expression."""
    return statically_known_true(a == b) if isinstance(a == b, torch.SymBool) else bool(a == b)


class SymmetricUpsample(nn.Module):
    """Linear upsampling with aligned outer pixels, to the size that was pooled where there is a note of it.

    Args:
        scale: factor for all spatial axes, or one for each.
        sizes: the notes of the network's poolings.

    Examples:
        >>> SymmetricUpsample((2, 2), SizeMemory())(torch.randn(1, 4, 8, 9)).shape
        torch.Size([1, 4, 16, 18])
    """

    def __init__(self, scale: int | Sequence[int], sizes: SizeMemory) -> None:
        super().__init__()
        self.scale = scale if isinstance(scale, int) else tuple(scale)
        self.sizes = sizes

    def extra_repr(self) -> str:
        """Name the arguments."""
        return f"scale={self.scale}"

    def forward(self, input: Tensor) -> Tensor:
        """Upsample.

        Args:
            input: (batch, channels, *spatial*).

        Returns:
            (batch, channels, *spatial* · scale), or one less along an axis whose pooling had rounded up.
        """
        scale = (self.scale,) * (input.ndim - 2) if isinstance(self.scale, int) else self.scale
        return upsample_to(input, self.sizes.recall(input.shape[2:], scale))
