"""Equivariance error of a network under the symmetries of the pixel grid."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from monai.metrics import CumulativeIterationMetric, do_metric_reduction
from monai.utils import MetricReduction

from sre_monai.transforms.grid_symmetries import GridSymmetry, grid_symmetries


@torch.no_grad()
def equivariance_error(
    network: Callable[[torch.Tensor], torch.Tensor],
    x: torch.Tensor,
    symmetries: Iterable[GridSymmetry] = tuple(grid_symmetries(2)),
) -> dict[GridSymmetry, float]:
    r"""Measure a network's relative equivariance error for each symmetry of the square.

    For a symmetry *g*: :math:`\lVert f(gx) - g\,f(x) \rVert_2 \,/\, \lVert f(x) \rVert_2`, over the whole batch. Zero
    is equivariant; about 1e-6 is float32 rounding; 1.4 is typical of two unrelated zero-mean outputs.

    Args:
        network: maps (B, C, …, W, H) to (B, K, …, W, H), for any size; in evaluation mode, so that it has no dropout
            and no batch statistics. An output without spatial axes, (B, K), is compared as it is: the result is the
            invariance error.
        x: batch of images; the symmetries rotate and flip the last two axes.
        symmetries: which of :func:`~sre_monai.transforms.grid_symmetries` to measure.

    Returns:
        The error of each symmetry, in the order given; NaN if the upright output is zero everywhere.

    Raises:
        ValueError: if the network's output for a rotated image isn't of the rotated size.

    Examples:
        >>> errors = equivariance_error(torch.nn.AvgPool2d(3, stride=1, padding=1), torch.rand(1, 3, 8, 9))
        >>> len(errors), max(errors.values()) < 1e-6
        (8, True)
    """
    upright = network(x)
    errors = {}
    for symmetry in symmetries:
        output = network(symmetry.apply(x))
        rotated_back = symmetry.invert(output) if output.ndim == x.ndim else output
        errors[symmetry] = relative_error(rotated_back[None], upright[None]).item()
    return errors


def relative_error(actual: torch.Tensor, expected: torch.Tensor) -> torch.Tensor:
    """Relative L2 error of every item.

    Args:
        actual: (B, …).
        expected: the same shape.

    Returns:
        (B,), float64; NaN for an item that is expected to be zero everywhere.

    Raises:
        ValueError: if the shapes differ.

    Examples:
        >>> relative_error(torch.full((1, 4), 1.5), torch.ones(1, 4))
        tensor([0.5000], dtype=torch.float64)
    """
    if actual.shape != expected.shape:
        raise ValueError(
            f"rotated and upright prediction differ in shape: {tuple(actual.shape)} and {tuple(expected.shape)}."
        )
    actual, expected = actual.flatten(1).double(), expected.flatten(1).double()
    difference = torch.linalg.vector_norm(actual - expected, dim=1)
    norm = torch.linalg.vector_norm(expected, dim=1)
    return torch.where(norm > 0, difference / norm, torch.nan)


class EquivarianceErrorMetric(CumulativeIterationMetric):
    """Relative equivariance error as a MONAI metric, collected over iterations: see :func:`equivariance_error`.

    ``y_pred`` is the prediction of the rotated image, rotated back; ``y`` is the prediction of the upright image. Both
    are (B, K, spatial…) of any number of axes; the error of an item is taken over all its channels.

    Args:
        reduction: how :meth:`aggregate` reduces the errors that aren't NaN, one of MONAI's reductions.

    Examples:
        >>> metric = EquivarianceErrorMetric()
        >>> metric(y_pred=torch.full((1, 1, 4, 4), 1.5), y=torch.ones(1, 1, 4, 4)).item()
        0.5
        >>> metric.aggregate().item()
        0.5
    """

    def __init__(self, reduction: MetricReduction | str = MetricReduction.MEAN) -> None:
        super().__init__()
        self.reduction = reduction

    def _compute_tensor(self, y_pred: torch.Tensor, y: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
        """Errors of one batch, (B, 1)."""
        return relative_error(y_pred, y)[:, None]

    def aggregate(self, reduction: MetricReduction | str | None = None) -> torch.Tensor:
        """Reduce the collected errors.

        Args:
            reduction: overrides the reduction given at construction.

        Returns:
            The reduced error. As everywhere in MONAI, a mean over NaN alone is 0.

        Raises:
            ValueError: if nothing has been collected.
        """
        errors = self.get_buffer()
        if errors is None:
            raise ValueError("EquivarianceErrorMetric has nothing to aggregate: call it on predictions first.")
        return do_metric_reduction(errors, reduction or self.reduction)[0]
