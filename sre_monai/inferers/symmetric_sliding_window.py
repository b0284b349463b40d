"""Sliding-window inference on a grid that is symmetric about the image's centre."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from monai.data.utils import compute_importance_map
from monai.inferers import Inferer
from monai.utils import BlendMode, convert_data_type, convert_to_dst_type, ensure_tuple_rep, fall_back_tuple
from torch import Tensor
from torch.utils import _pytree as pytree
from tqdm import tqdm


def symmetric_window_starts(size: int, roi: int, overlap: float) -> list[int]:
    """Place equal windows along one axis, symmetrically about its centre.

    The windows cover the axis with the fewest windows that have at least the requested overlap and a symmetric layout.
    Where the middle one of an odd number would start at half a pixel, one window is added.

    Args:
        size: length of the axis in pixels.
        roi: length of a window in pixels, at most ``size``.
        overlap: least overlap of neighbours as a fraction of ``roi``, 0 ≤ overlap < 1.

    Returns:
        The first pixel of every window, strictly increasing, from 0 to ``size - roi``.

    Examples:
        >>> symmetric_window_starts(10, 4, 0.25)
        [0, 3, 6]
        >>> symmetric_window_starts(9, 4, 0.25)
        [0, 2, 3, 5]
    """
    span = size - roi
    if span == 0:
        return [0]
    largest_step = max(1, int(roi * (1 - overlap)))
    steps = -(-span // largest_step)
    if steps % 2 == 0 and span % 2 == 1:
        steps += 1
    # Rounding the first half up and reflecting it lets no step, the middle one included, grow beyond the largest.
    first_half = [-(-i * span // steps) for i in range((steps + 1) // 2)]
    middle = [span // 2] if steps % 2 == 0 else []
    return first_half + middle + [span - start for start in reversed(first_half)]


class SymmetricSlidingWindowInferer(Inferer):
    """Sliding-window inference that commutes with rotations by 90° and flips.

    MONAI's grid starts at the first corner and pushes the last window back into the image, so that the windows of a
    rotated image differ. Here they are placed symmetrically about the centre
    (:func:`symmetric_window_starts`) and blended with a symmetric weight: an equivariant network stays equivariant, to
    floating-point rounding, under all 90° rotations and flips. For rotations ``roi_size`` and ``overlap`` must be the
    same on all axes.

    An image smaller than the window along some axis is one window there: nothing is padded. The network must therefore
    take any size, and return as many pixels as it is given.

    Args:
        roi_size: size of a window in pixels, one for all axes or one per axis; None or a number below 1 is the whole
            axis.
        sw_batch_size: number of windows in one call of the network.
        overlap: least overlap of neighbouring windows as a fraction of the window, 0 ≤ overlap < 1, one for all axes or
            one per axis.
        mode: ``"gaussian"`` weights a window's centre over its border, ``"constant"`` weights all pixels alike.
        sigma_scale: standard deviation of the Gaussian as a fraction of the window.
        sw_device: where the windows go before the network gets them; by default the device of the inputs.
        device: where the result is assembled; by default the device of the inputs. ``"cpu"`` saves GPU memory.
        progress: whether to show a progress bar.

    Raises:
        ValueError: if an argument is out of its range.

    Examples:
        >>> inferer = SymmetricSlidingWindowInferer(roi_size=32)
        >>> inferer(torch.rand(1, 3, 65, 97), torch.nn.Conv2d(3, 2, kernel_size=1)).shape
        torch.Size([1, 2, 65, 97])
    """

    def __init__(
        self,
        roi_size: Sequence[int | None] | int | None,
        sw_batch_size: int = 1,
        overlap: Sequence[float] | float = 0.25,
        mode: BlendMode | str = BlendMode.GAUSSIAN,
        sigma_scale: Sequence[float] | float = 0.125,
        sw_device: torch.device | str | None = None,
        device: torch.device | str | None = None,
        progress: bool = False,
    ) -> None:
        super().__init__()
        if sw_batch_size < 1:
            raise ValueError(f"sw_batch_size must be at least 1, got {sw_batch_size}.")
        for fraction in overlap if isinstance(overlap, Sequence) else [overlap]:
            if not 0 <= fraction < 1:
                raise ValueError(f"overlap must be at least 0 and below 1, got {overlap}.")
        self.roi_size = roi_size
        self.sw_batch_size = sw_batch_size
        self.overlap = overlap
        self.mode = BlendMode(mode)
        self.sigma_scale = sigma_scale
        self.sw_device = sw_device
        self.device = device
        self.progress = progress

    def __call__(self, inputs: Tensor, network: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Run the network on all windows and blend their outputs.

        Args:
            inputs: batch of images (B, C, spatial…), of one, two or three spatial dimensions.
            network: maps (N, C, window…) to (N, K, window…), or to a tuple, a list or a dictionary of such.
            args: further arguments of the network, the same for all windows.
            kwargs: further keyword arguments of the network, the same for all windows.

        Returns:
            The network's output for the whole images, (B, K, spatial…), in the network's dtype; a MetaTensor with the
            inputs' metadata if they are one. A tuple, a list or a dictionary of such where the network returns one.

        Raises:
            ValueError: if the batch is empty, ``roi_size`` or ``overlap`` doesn't fit the inputs' dimensions, or the
                network changes the size of a window.
            TypeError: if the network returns anything but tensors.
        """
        images = convert_data_type(inputs, Tensor)[0]
        if 0 in images.shape:
            raise ValueError(f"inputs of shape {tuple(images.shape)} hold no pixels: give at least one image.")
        windows, window_size = self._windows(tuple(images.shape[2:]))
        if len(windows) == 1:
            outputs, structure = _predict(network, images.to(self.sw_device or images.device), *args, **kwargs)
            outputs = [output.to(self.device or images.device) for output in outputs]
        else:
            outputs, structure = self._blend(images, windows, window_size, network, *args, **kwargs)
        blended = [convert_to_dst_type(y, inputs, dtype=y.dtype, device=y.device)[0] for y in outputs]
        return pytree.tree_unflatten(blended, structure)

    def _windows(self, size: tuple[int, ...]) -> tuple[list[tuple[slice, ...]], tuple[int, ...]]:
        """Lay out the windows of an image: their slices and their common size."""
        for name, value in (("roi_size", self.roi_size), ("overlap", self.overlap)):
            if isinstance(value, Sequence) and len(value) != len(size):
                raise ValueError(f"{name} has {len(value)} values, but the inputs have {len(size)} spatial dimensions.")
        roi = tuple(min(r, n) for r, n in zip(fall_back_tuple(self.roi_size, size), size, strict=True))
        overlap = ensure_tuple_rep(self.overlap, len(size))
        starts = map(symmetric_window_starts, size, roi, overlap)
        windows = [
            tuple(slice(start, start + r) for start, r in zip(corner, roi, strict=True))
            for corner in itertools.product(*starts)
        ]
        return windows, roi

    def _blend(
        self,
        images: Tensor,
        windows: list[tuple[slice, ...]],
        window_size: tuple[int, ...],
        network: Callable[..., Any],
        *args: Any,
        **kwargs: Any,
    ) -> tuple[list[Tensor], pytree.TreeSpec]:
        """Average the windows' outputs under the window weight."""
        device = torch.device(self.device or images.device)
        weight = compute_importance_map(window_size, mode=self.mode, sigma_scale=self.sigma_scale, device=device)
        sums: list[Tensor] = []
        for places in self._batches(images.shape[0], windows):
            crops = torch.cat([images[place] for place in places]).to(self.sw_device or images.device)
            outputs, structure = _predict(network, crops, *args, **kwargs)
            sums = sums or [_zeros(images, output, device) for output in outputs]
            for total, output in zip(sums, outputs, strict=True):
                for place, prediction in zip(places, output.to(device), strict=True):
                    total[place] += prediction * weight

        blended = [total.div_(_total_weight(weight, windows, total)) for total in sums]
        return [total.to(output.dtype) for total, output in zip(blended, outputs)], structure

    def _batches(self, batch_size: int, windows: list[tuple[slice, ...]]) -> Iterator[list[tuple[slice, ...]]]:
        """Yield the windows of all images, `sw_batch_size` at a time, as slices of the whole batch."""
        places = [(slice(b, b + 1), slice(None), *window) for b in range(batch_size) for window in windows]
        for first in tqdm(range(0, len(places), self.sw_batch_size), disable=not self.progress):
            yield places[first : first + self.sw_batch_size]


def _total_weight(weight: Tensor, windows: list[tuple[slice, ...]], like: Tensor) -> Tensor:
    total = like.new_zeros(like.shape[2:])
    for window in windows:
        total[window] += weight
    return total


def _zeros(images: Tensor, output: Tensor, device: torch.device) -> Tensor:
    dtype = torch.promote_types(output.dtype, torch.float32)  # half is too coarse to sum up in
    return torch.zeros((images.shape[0], output.shape[1], *images.shape[2:]), dtype=dtype, device=device)


def _predict(
    network: Callable[..., Any], crops: Tensor, *args: Any, **kwargs: Any
) -> tuple[list[Tensor], pytree.TreeSpec]:
    """Run the network and check that it returned tensors of the crops' size."""
    outputs, structure = pytree.tree_flatten(network(crops, *args, **kwargs))
    for output in outputs:
        if not isinstance(output, Tensor):
            raise TypeError(f"SymmetricSlidingWindowInferer needs a network that returns tensors, got {output!r:.60}.")
        if output.shape[2:] != crops.shape[2:]:
            raise ValueError(
                f"SymmetricSlidingWindowInferer needs a network that keeps the size of its input, but a window of "
                f"{tuple(crops.shape[2:])} was returned as {tuple(output.shape[2:])}."
            )
    return outputs, structure
