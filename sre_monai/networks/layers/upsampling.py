"""Upsampling that is symmetric about the image centre, to the very size that was pooled.

A pooled map of 17 pixels may come from 33 or from 34. A decoder that doubles it gets one pixel too many for a skip
connection of 33, and cutting or padding one side is not symmetric. So the size has to be known: from the skip
connection, where it is at hand (:func:`upsample_to`), or from the size that the pooling recorded
(:class:`SizeMemory`).
"""

# no `from __future__ import annotations`: TorchScript cannot read annotations that are strings

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.fx.experimental.symbolic_shapes import statically_known_true

from sre_monai.networks.layers.foldable import Scriptable

__all__ = ["SizeMemory", "SymmetricUpsample", "upsample_to"]


def upsample_to(input: Tensor, size: list[int]) -> Tensor:
    """Interpolate linearly to a size, the outermost pixels' centres staying where they are.

    Aligned outer pixels make the map from the coarse to the fine grid symmetric for both parities.

    Args:
        input: (batch, channels, *spatial*).
        size: the spatial size wanted, in pixels.

    Returns:
        (batch, channels, *size*).
    """
    mode = "linear" if len(size) == 1 else "bilinear" if len(size) == 2 else "trilinear"
    return F.interpolate(input, size=size, mode=mode, align_corners=True)


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


class SymmetricUpsample(Scriptable):
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
        return upsample_to(input, list(self.sizes.recall(input.shape[2:], scale)))

    def scriptable(self, sizes: nn.Module | None = None) -> nn.Module:
        """Make the layer for TorchScript, with the scripted ``ScriptableSizes`` of its network, if any."""
        return _ScriptableUpsample(self.scale, sizes)


class ScriptableSizes(nn.Module):
    """The :class:`SizeMemory` of a scripted network.

    Poolings and upsamplings share it as one scripted module; ``torch.jit.script`` would copy any other.
    """

    records: list[tuple[list[int], list[int], list[int]]]

    def __init__(self) -> None:
        super().__init__()
        self.records = []

    @torch.jit.export
    def record(self, before: list[int], after: list[int], stride: list[int]) -> None:
        """Record the spatial size before and after a pooling of the given stride."""
        self.records.append((before, after, stride))

    @torch.jit.export
    def recall(self, size: list[int], scale: list[int]) -> list[int]:
        """Return the size that was pooled to the given size by that factor, or the multiple if none was."""
        found = [n * scale[axis] for axis, n in enumerate(size)]
        for before, after, stride in self.records:
            if stride == scale and after == size:
                found = before  # the last one counts
        return found

    @torch.jit.export
    def forget(self) -> None:
        """Forget all sizes."""
        self.records.clear()


class _ScriptableUpsample(nn.Module):
    def __init__(self, scale: int | Sequence[int], sizes: Any) -> None:
        super().__init__()
        self.scale = [scale] if isinstance(scale, int) else list(scale)
        self.sizes = sizes

    def forward(self, input: Tensor) -> Tensor:
        size = input.shape[2:]
        scale = self.scale * len(size) if len(self.scale) == 1 else self.scale
        if self.sizes is not None:
            return upsample_to(input, self.sizes.recall(size, scale))
        return upsample_to(input, [n * scale[axis] for axis, n in enumerate(size)])
