"""From a photograph to its vessels as one module that can be exported: the steps of ``inference.json`` in tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sre_monai.retina.local_contrast import CELLS, FLOOR
from sre_monai.transforms.resample import TIE, TRUNCATE

LEAST_SIDE = 16  # px of a photograph at the working resolution: the network's maps then have two on every level
LEAST_SPREAD = 1e-4  # in steps of a byte: of a channel that is constant inside the field of view, to rounding


class PhotographNetwork(nn.Module):
    """A vessel network with all steps before and after it.

    The steps are those of the retina bundle's ``inference.json`` from ``crop`` to ``vessel_mask``, in operations that
    ``torch.export`` and ONNX have. Every size that depends on the field of view is computed in the graph.

    A photograph shows one eye: of several fields of view the diameter is that around all of them.

    Args:
        network: maps (1, 3, h, w) to logits (1, 2, h, w) of background and vessel, at any size.
        working_diameter: diameter of the field of view for the network, in pixels.
        tolerance: relative difference from it up to which a photograph is not resampled.
        largest_diameter: diameter to which a larger field of view is reduced first, in pixels.
        margin: width of what is kept around the field of view, as a fraction of its diameter.
        contrast_window: standard deviation of the window of the local contrast, as a fraction of the field of view.
        window_size: side of the windows of the network, in pixels.
        overlap: least overlap of neighbouring windows as a fraction of their side.
        sigma_scale: standard deviation of a window's weight as a fraction of its side.

    Examples:
        >>> module = PhotographNetwork(torch.nn.Conv2d(3, 2, 1), working_diameter=64)
        >>> module(torch.randint(255, (70, 60, 3), dtype=torch.uint8), torch.ones(70, 60)).shape
        torch.Size([70, 60])
    """

    def __init__(
        self,
        network: nn.Module,
        working_diameter: float = 912.0,
        tolerance: float = 0.1,
        largest_diameter: float = 4096.0,
        margin: float = 0.1,
        contrast_window: float = 0.04,
        window_size: int = 1024,
        overlap: float = 0.25,
        sigma_scale: float = 0.125,
    ) -> None:
        super().__init__()
        self.network = network
        self.working_diameter = float(working_diameter)
        self.tolerance = tolerance
        self.largest_diameter = float(largest_diameter)
        self.margin = margin
        self.contrast_window = contrast_window
        self.window_size = window_size
        self.overlap = overlap
        self.sigma_scale = sigma_scale

    def forward(self, photograph: Tensor, field_of_view: Tensor) -> Tensor:
        """Find the vessels.

        Args:
            photograph: RGB, uint8 of shape (H, W, 3).
            field_of_view: shape (H, W), non-zero inside.

        Returns:
            The probability of a vessel, float32 of shape (H, W), 0 outside the field of view.
        """
        whole = field_of_view > 0
        rows, columns = (_crop(whole, axis, self.margin) for axis in (0, 1))
        fov = whole.index_select(0, rows).index_select(1, columns)[None]
        image = photograph.permute(2, 0, 1).index_select(1, rows).index_select(2, columns).float()
        cropped = image.shape[1:]

        size = _scaled_size(fov, self.largest_diameter, tolerance=0.0, enlarge=False)
        image, fov = resample(image, size), resample_mask(fov, size)
        image = normalize(image, fov)
        working_size = _scaled_size(fov, self.working_diameter, self.tolerance, enlarge=True, least=LEAST_SIDE)
        image, fov = resample(image, working_size), resample_mask(fov, working_size)
        image = local_contrast(image, fov, self.contrast_window)

        probability = self._in_windows(image).softmax(dim=0)[1:]
        probability = resample(resample(probability, size, smooth=False), cropped, smooth=False)[0]
        for axis, kept in enumerate((rows, columns)):  # the rest is outside the field of view
            at = (torch.arange(whole.shape[axis]) - kept[0]).clamp(min=0).clamp(max=kept.shape[0] - 1)
            probability = probability.index_select(axis, at)
        return torch.where(whole, probability, 0.0)

    def _in_windows(self, image: Tensor) -> Tensor:
        """Run the network window by window, as `SymmetricSlidingWindowInferer` does: logits (2, h, w)."""
        height, width = image.shape[1:]
        (down, rows_high), (along, columns_wide) = (self._windows(n) for n in (height, width))
        weight = _window_weight((rows_high, columns_wide), self.sigma_scale)
        number = torch.arange(_size(_number(down.shape[0]) * along.shape[0]))
        rows = down.index_select(0, number // along.shape[0])[:, :, None]
        columns = along.index_select(0, number % _number(along.shape[0]))[:, None, :]
        logits = self.network(image.permute(1, 2, 0)[rows, columns].permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        weight = weight.expand(number.shape[0], -1, -1)[..., None]
        weighted = torch.cat([logits * weight, weight], dim=-1)
        total = torch.zeros(height, width, weighted.shape[-1]).index_put((rows, columns), weighted, accumulate=True)
        return (total[..., :-1] / total[..., -1:]).permute(2, 0, 1)

    def _windows(self, size: int) -> tuple[Tensor, int]:
        """The pixels of each window along an axis, (windows, side), as `symmetric_window_starts` has them."""
        side = _size(_number(size).clamp(max=self.window_size), LEAST_SIDE)
        span = _number(size) - side
        largest_step = int(self.window_size * (1 - self.overlap))
        steps = (span + largest_step - 1) // largest_step
        steps = steps + (1 - steps % 2) * (span % 2)
        number = torch.arange(_size(steps + 1))
        from_start = torch.minimum(number, steps - number)
        start = (from_start * span + steps.clamp(min=1) - 1) // steps.clamp(min=1)
        start = torch.where(number <= steps - number, start, span - start)
        return start[:, None] + torch.arange(side), side


def resample(image: Tensor, size: Sequence[int], smooth: bool = True) -> Tensor:
    """Resample as `sre_monai.transforms.resample` does.

    Args:
        image: float32 of shape (C, H, W).
        size: of the result, (h, w).
        smooth: whether to smooth along an axis that becomes shorter.

    Returns:
        The image of shape (C, h, w).

    Examples:
        >>> resample(torch.tensor([[[0.0, 1.0], [2.0, 3.0]]]), (4, 2))[0, :, 0].tolist()
        [0.0, 0.5, 1.5, 2.0]
    """
    for axis, m in enumerate(size, start=1):
        n = image.shape[axis]
        if smooth:
            image = _smooth(image, axis, n, m)
        at = ((torch.arange(m).double() + 0.5) * n / m - 0.5).clamp(min=0).clamp(max=n - 1)
        left = at.long().clamp(max=n - 2).clamp(min=0)
        share = (at - left).float().reshape([-1 if a == axis else 1 for a in range(3)])
        right = (left + 1).clamp(max=n - 1)
        image = image.index_select(axis, left) * (1 - share) + image.index_select(axis, right) * share
    return image


def resample_mask(mask: Tensor, size: Sequence[int]) -> Tensor:
    """Resample a mask as `sre_monai.transforms.resample.resample_mask` does.

    Args:
        mask: bool of shape (C, H, W).
        size: of the result, (h, w).

    Returns:
        The mask of shape (C, h, w).
    """
    return resample(mask.float(), size) > 0.5 - TIE


def _smooth(image: Tensor, axis: int, n: int, m: int) -> Tensor:
    """Smooth against aliasing before n pixels become m; the pixels at the edge are repeated beyond it."""
    radius = torch.sym_max(0, (4 * n - 3 * m) // (2 * m))  # int(TRUNCATE * sigma + 0.5)
    sigma = (torch.full((1,), n, dtype=torch.float64) / m - 1) / 2
    kernel = _gaussian(radius, sigma).float()
    index = (torch.arange(n + 2 * radius) - radius).clamp(min=0).clamp(max=n - 1)
    shape = [-1 if a == axis + 1 else 1 for a in range(4)]
    return F.conv2d(image.index_select(axis, index)[:, None], kernel.reshape(shape))[:, 0]


def _gaussian(radius: int, sigma: Tensor | float) -> Tensor:
    """A Gaussian of sum one, float64 of shape (2 radius + 1)."""
    offsets = torch.arange(2 * radius + 1).double() - radius
    sigma = torch.as_tensor(sigma, dtype=torch.float64).clamp(min=1e-9)
    kernel = torch.exp(-0.5 * (offsets / sigma) ** 2)
    return kernel / kernel.sum()


def feret_diameter(mask: Tensor) -> Tensor:
    """The largest distance between two corners of pixels inside.

    Args:
        mask: bool of shape (H, W).

    Returns:
        The distance in pixels, float64 without dimensions.

    Examples:
        >>> feret_diameter(torch.ones(3, 4, dtype=torch.bool)).item()
        5.0
    """
    height, width = mask.shape
    columns = torch.arange(width, dtype=torch.int32)
    first = torch.where(mask, columns, width).amin(dim=1)
    last = torch.where(mask, columns + 1, 0).amax(dim=1)
    first = torch.minimum(F.pad(first, (1, 0), value=2**30), F.pad(first, (0, 1), value=2**30))
    last = torch.maximum(F.pad(last, (1, 0)), F.pad(last, (0, 1)))
    inside = first < last  # the line between two rows is an edge of pixels inside
    line = torch.arange(height + 1, dtype=torch.int32)
    across = (last[:, None] - first.clamp(max=width)).clamp(min=0)
    squares = (line[:, None] - line) ** 2 + across**2
    return torch.where(inside[:, None] & inside, squares, 0).amax(dim=1).amax(dim=0).double().sqrt()


def _crop(mask: Tensor, axis: int, margin: float) -> Tensor:
    """The rows (or columns) to keep: those of the field of view, and a margin."""
    n = mask.shape[axis]
    inside = mask.any(dim=1 - axis)
    number = torch.arange(n)
    width = torch.round(margin * feret_diameter(mask)).long()
    first = (torch.where(inside, number, n).amin(dim=0) - width).clamp(min=0)
    last = (torch.where(inside, number + 1, 0).amax(dim=0) + width).clamp(max=n)
    return torch.arange(_size(last - first)) + first


def _scaled_size(mask: Tensor, diameter: float, tolerance: float, enlarge: bool, least: int = 1) -> list[int]:
    """Size at which the field of view has a diameter."""
    scale = diameter / feret_diameter(mask[0])
    stays = (1 / scale - 1).abs() <= tolerance
    if not enlarge:
        stays = stays | (scale > 1)
    scale = torch.where(stays, 1.0, scale)
    return [_size(torch.round(n * scale).long(), least) for n in mask.shape[1:]]


def _size(number: Tensor, least: int = 1) -> int:
    """A size that is known when the graph runs."""
    size: Any = number.clamp(min=1).item()
    torch._check(size >= least)
    return size


def _number(size: int) -> Tensor:
    """A size as a tensor without dimensions, to calculate with."""
    return torch.full((), size, dtype=torch.int64)


def mean_inside(image: Tensor, inside: Tensor) -> Tensor:
    """Mean of each channel inside; rows are added up in float32, their sums in float64.

    Args:
        image: float32 of shape (C, H, W), zero outside.
        inside: bool of shape (1, H, W).

    Returns:
        float64 of shape (C, 1, 1).
    """
    count = inside.float().sum(dim=2, keepdim=True).double().sum(dim=1, keepdim=True)
    return image.sum(dim=2, keepdim=True).double().sum(dim=1, keepdim=True) / count


def normalize(image: Tensor, fov: Tensor) -> Tensor:
    """Normalise as `NormalizeInsideFieldOfViewd` does.

    Args:
        image: float32 of shape (C, H, W).
        fov: bool of shape (1, H, W).

    Returns:
        The image, normalised; a constant channel is zero.
    """
    inside = fov.float()
    centred = (image - mean_inside(image * inside, fov).float()) * inside
    std = mean_inside(centred**2, fov).sqrt().float()
    return torch.where(std > LEAST_SPREAD, centred / std, 0.0)


def local_contrast(image: Tensor, fov: Tensor, window: float) -> Tensor:
    """Normalise the local contrast as `LocalContrastNormalizationd` does.

    Args:
        image: float32 of shape (C, H, W).
        fov: bool of shape (1, H, W).
        window: standard deviation of the window as a fraction of the longer side of the field of view.

    Returns:
        The image, normalised; zero outside the field of view.
    """
    extent = torch.maximum(fov[0].any(dim=0).sum(), fov[0].any(dim=1).sum()).double()
    cell = (extent / CELLS).clamp(min=1)
    sizes = image.shape[1:]
    grid = [_size(torch.round(n / cell).long()) for n in sizes]
    sigma = window * extent / cell
    down, along = (_blur(g, sigma) @ _cells(n, g) for n, g in zip(sizes, grid))
    up, out = (_between(n, g) for n, g in zip(sizes, grid))
    inside = fov.double()
    x = (image - mean_inside(image * inside.float(), fov)) * inside
    weight = (down @ inside @ along.T).clamp(min=torch.finfo(torch.float32).tiny)
    mean = down @ x @ along.T / weight
    spread = (down @ x**2 @ along.T / weight - mean**2).clamp(min=0).sqrt()
    mean, spread = ((up @ coarse @ out.T).float() for coarse in (mean, spread))
    typical = mean_inside(spread * inside.float(), fov).float()
    return torch.where(fov & (typical > 0), (x.float() - mean) / (spread + FLOOR * typical), 0.0)


def _cells(n: int, g: int) -> Tensor:
    """Weights (g, n) of the means of g cells, those of adaptive average pooling."""
    cell, pixel = torch.arange(g)[:, None], torch.arange(n)
    inside = (pixel >= cell * n // g) & (pixel < ((cell + 1) * n + g - 1) // g)
    return inside.double() / inside.sum(dim=1, keepdim=True)


def _blur(g: int, sigma: Tensor) -> Tensor:
    """Weights (g, g) of a Gaussian cut at four standard deviations; beyond the edges is zero."""
    number = torch.arange(g).double()
    offsets = torch.arange(-int(CELLS), int(CELLS) + 1).double()
    reach = torch.floor(TRUNCATE * sigma + 0.5)

    def weights(distance: Tensor) -> Tensor:
        return torch.where(distance.abs() <= reach, torch.exp(-0.5 * (distance / sigma) ** 2), 0.0)

    return weights(number[:, None] - number) / weights(offsets).sum()


def _between(n: int, g: int) -> Tensor:
    """Weights (n, g) of linear interpolation of n pixels between g cells."""
    at = ((torch.arange(n).double() + 0.5) * g / n - 0.5).clamp(min=0).clamp(max=g - 1)
    return (1 - (at[:, None] - torch.arange(g)).abs()).clamp(min=0)


def _window_weight(sides: Sequence[int], sigma_scale: float) -> Tensor:
    """Weight of a window's pixels, float32 of shape (h, w), as MONAI's ``compute_importance_map`` gives it."""
    down, along = (
        torch.exp(-0.5 * ((torch.arange(n).double() - (n - 1) / 2) / (torch.full((1,), n).double() * sigma_scale)) ** 2)
        for n in sides
    )
    return (down[:, None] * along).float().clamp(min=1e-3)
