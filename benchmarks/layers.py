"""Layers side by side: forward, and forward with both gradients, at several kernel sizes and numbers of channels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor, nn

from benchmarks.contenders import LAYERS
from benchmarks.timing import time_in_turn

__all__ = ["KERNEL_SIZES", "SIZES", "VOLUMES", "time_layers"]

KERNEL_SIZES = (3, 5, 7, 9, 11)

# channels, in and out, and edge of the map in pixels: the levels of a U-Net
SIZES = ((32, 256), (64, 128), (128, 64), (256, 32))
VOLUMES = ((16, 48), (32, 24))


def forward(layer: nn.Module, x: Tensor) -> Callable[[], object]:
    """One pass without gradients."""

    def run() -> None:
        with torch.no_grad():
            layer(x)

    return run


def forward_backward(layer: nn.Module, x: Tensor) -> Callable[[], object]:
    """One pass with the gradients of input and weights."""
    g = torch.randn_like(layer(x))

    def run() -> None:
        layer(x.detach().requires_grad_()).backward(g)

    return run


def time_layers(
    device: str,
    dtype: torch.dtype,
    kernel_sizes: Sequence[int] = KERNEL_SIZES,
    sizes: Sequence[tuple[int, int]] = SIZES,
    rounds: int = 7,
    spatial_dims: int = 2,
) -> Iterator[dict[str, object]]:
    """Time every layer, batch 1, channels last in memory.

    Args:
        device: where to compute.
        dtype: number type of layers and maps.
        kernel_sizes: kernel sizes to try.
        sizes: channels and edge lengths to try.
        rounds: rounds that count.
        spatial_dims: 2 for pictures, 3 for volumes.

    Yields:
        A row for each kernel size, map, step and layer.
    """
    layout = {2: torch.channels_last, 3: torch.channels_last_3d}[spatial_dims]
    for kernel_size in kernel_sizes:
        for channels, edge in sizes:
            x = torch.randn(1, channels, *(edge,) * spatial_dims, device=device, dtype=dtype)
            x = x.contiguous(memory_format=layout)
            layers = {name: make(spatial_dims, channels, channels, kernel_size).to(x) for name, make in LAYERS.items()}
            for step in (forward, forward_backward):
                runs = {name: step(layer, x) for name, layer in layers.items()}
                for name, milliseconds in time_in_turn(runs, rounds, device=device).items():
                    yield {
                        "spatial_dims": spatial_dims,
                        "kernel_size": kernel_size,
                        "channels": channels,
                        "edge": edge,
                        "step": step.__name__,
                        "contender": name,
                        "milliseconds": round(milliseconds, 3),
                    }
