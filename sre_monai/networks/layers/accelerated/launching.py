"""How Triton kernels are launched: tiles, blocks of channels, precision, and tilings that are tried out on request."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from importlib import import_module
from typing import Any

import torch
from torch import Tensor

__all__ = ["PIXELS", "block", "ceil_div", "count_parts", "count_tiles", "launch", "precision", "size", "tile_y"]

# Pixels of a tile, and warps of a program that are tried out on request.
PIXELS, _TILINGS = 64, ((64, 4), (64, 8), (128, 4), (128, 8))

# What a tiling is chosen for.
_KEY = ("in_channels", "out_channels", "classes", "DIMS", "ORDER")

# Programs that share a gradient of weights: a few for each multiprocessor of a large GPU. Fixed, so that sums repeat.
_GRADIENT_PROGRAMS = 1024


def launch(kernel: str, grid: Callable[[dict[str, int]], tuple], arguments: tuple, options: dict[str, Any]) -> None:
    """Launch a kernel on the device of its first argument.

    Args:
        kernel: its module in this package and its name, ``"module.name"``.
        grid: the numbers of programs for the constants of the launch.
        arguments: tensors and numbers.
        options: compile-time constants but for ``PIXELS``.
    """
    tuned = bool(torch.backends.cudnn.benchmark)
    if not tuned:
        # so many warps that the sums stay in registers
        options = options | {"PIXELS": PIXELS, "num_warps": 4 if options.get("OUT_BLOCK", 0) <= 64 else 8}
    with torch.cuda.device_of(arguments[0]):  # Triton launches on the current device
        _load(kernel, tuned)[grid](*arguments, **options)


@lru_cache
def _load(name: str, tuned: bool) -> Any:
    """A kernel as it is, or one that finds the fastest tiling for every shape of weights."""
    import triton  # slow, and not everywhere

    module, _, function = name.partition(".")
    kernel = getattr(import_module(f"{__package__}.{module}"), function)
    if not tuned:
        return kernel
    tilings = [triton.Config({"PIXELS": pixels}, num_warps=warps) for pixels, warps in _TILINGS]
    return triton.autotune(tilings, key=[name for name in _KEY if name in kernel.arg_names])(kernel)


def precision() -> str:
    """Tell how float32 is multiplied: as PyTorch's convolutions do."""
    by_operator = getattr(torch.backends.cudnn, "conv", None)  # since PyTorch 2.9
    tf32 = torch.backends.cudnn.allow_tf32 if by_operator is None else by_operator.fp32_precision == "tf32"
    return "tf32" if tf32 and torch.version.hip is None else "ieee"


def size(x: Tensor) -> tuple[int, int, int]:
    """Give three spatial sizes: missing ones lead with 1."""
    sizes = (1,) * (5 - x.ndim) + tuple(x.shape[2:])
    return sizes[0], sizes[1], sizes[2]


def tile_y(x: Tensor) -> int:
    """Give the rows of a tile."""
    return min(8, _power_of_two(size(x)[1]))


def block(channels: int, most: int) -> int:
    """Give the channels that a program works on together: products need 16 of everything."""
    return min(most, _power_of_two(channels, 16))


def count_tiles(x: Tensor, pixels: int) -> int:
    """Count the tiles of so many pixels that cover all images of a map."""
    (z, y, x_), rows = size(x), tile_y(x)
    return x.shape[0] * z * ceil_div(y, rows) * ceil_div(x_, pixels // rows)


def count_parts(x: Tensor, blocks: int) -> int:
    """Count the parts of a map's tiles over which programs sum a gradient, each for one of so many blocks."""
    return max(1, min(count_tiles(x, PIXELS), _GRADIENT_PROGRAMS // blocks))


def ceil_div(a: int, b: int) -> int:
    """Divide and round up."""
    return -(-a // b)


def _power_of_two(number: int, least: int = 1) -> int:
    """The smallest power of two that is neither below the number nor below `least`."""
    return max(least, 1 << (number - 1).bit_length())
