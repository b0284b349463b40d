"""Upsampling that is symmetric about the image centre, to the very size that was pooled.

A pooled map of 17 pixels may come from 33 or from 34. A decoder that doubles it gets one pixel too many for a skip
connection of 33, and cutting or padding one side is not symmetric. So the size has to be known: from the skip
connection, where it is at hand (:func:`upsample_to`), or from the size that the pooling recorded in the same forward
pass (:class:`SizeMemory`).
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.fx.experimental.symbolic_shapes import statically_known_true


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
    """The sizes before and after each pooling of a forward pass.

    Inside ``with SizeMemory():`` poolings record sizes, and upsamplings look them up. A converted network opens a
    memory of its own for each of its calls, see ``remember_sizes``. Layers hold none, and every thread has its own,
    so the same network may be called from several threads. It holds numbers, not tensors.

    Args:
        network: whose forward pass it is.

    Examples:
        >>> sizes = SizeMemory()
        >>> sizes.record(before=(33, 40), after=(17, 20), stride=(2, 2))
        >>> sizes.recall((17, 20), scale=(2, 2)), sizes.recall((5, 5), scale=(2, 2))
        ((33, 40), (10, 10))
    """

    def __init__(self, network: nn.Module | None = None) -> None:
        self._network = network
        self._records: list[tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]] = []

    @staticmethod
    def current() -> SizeMemory | None:
        """Give the memory of the forward pass that is in progress in this thread, if any."""
        return _IN_PROGRESS.memories[-1] if _IN_PROGRESS.memories else None

    def record(self, before: Sequence[int], after: Sequence[int], stride: Sequence[int]) -> None:
        """Record the spatial size before and after a pooling of the given stride."""
        self._records.append((tuple(before), tuple(after), tuple(stride)))

    def recall(self, size: Sequence[int], scale: Sequence[int]) -> tuple[int, ...]:
        """Return the size that was pooled to the given size by that factor, or the multiple if none was."""
        for before, after, stride in reversed(self._records):
            if stride == tuple(scale) and all(_same(a, n) for a, n in zip(after, size)):
                return before
        return tuple(n * s for n, s in zip(size, scale))

    def __enter__(self) -> SizeMemory:
        """Make this the memory of the forward pass, within that of an outer network."""
        _IN_PROGRESS.memories.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        _IN_PROGRESS.memories.pop()


class _InProgress(threading.local):
    """The memories of a thread's forward passes, of networks within networks; torch.compile knows no ContextVar."""

    def __init__(self) -> None:
        self.memories: list[SizeMemory] = []


_IN_PROGRESS = _InProgress()


def remember_sizes(network: nn.Module) -> None:
    """Let a network open a memory of sizes for each of its calls, by hooks.

    Args:
        network: the network.
    """
    network.register_forward_pre_hook(_open)
    network.register_forward_hook(_close, always_call=True)  # after an error, too


def _open(network: nn.Module, args: Any) -> None:
    SizeMemory(network).__enter__()


def _close(network: nn.Module, args: Any, output: Any) -> None:
    memory = SizeMemory.current()
    if memory is not None and memory._network is network:  # else another hook raised before it was opened
        memory.__exit__()


def _same(a: int, b: int) -> bool:
    """Whether two sizes are equal; symbols of an export, when they are the same expression."""
    return statically_known_true(a == b) if isinstance(a == b, torch.SymBool) else bool(a == b)


class SymmetricUpsample(nn.Module):
    """Linear upsampling with aligned outer pixels, to the size that was pooled where there is a note of it.

    Args:
        scale: factor for all spatial axes, or one for each.

    Examples:
        >>> from sre_monai.networks.layers import SymmetricAvgPool
        >>> with SizeMemory():
        ...     SymmetricUpsample(2)(SymmetricAvgPool(2)(torch.randn(1, 4, 15, 18))).shape
        torch.Size([1, 4, 15, 18])
    """

    def __init__(self, scale: int | Sequence[int]) -> None:
        super().__init__()
        self.scale = scale if isinstance(scale, int) else tuple(scale)

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
        memory = SizeMemory.current() or SizeMemory()
        return upsample_to(input, list(memory.recall(input.shape[2:], scale)))
