"""Inference with a margin around the image."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from monai.inferers import Inferer
from torch import Tensor
from torch.nn import functional as F


class PaddedInferer(Inferer):
    """Run another inferer on the image with a margin of zeros, and cut the margin off the result.

    For networks that were trained on crops larger than their images: without the margin they see borders where the
    training had none. The margin is the same on all sides, so symmetries are kept.

    Args:
        inferer: the inferer to run.
        margin: pixels or voxels on each side.

    Raises:
        ValueError: when the margin is negative.

    Examples:
        >>> import torch
        >>> from monai.inferers import SimpleInferer
        >>> PaddedInferer(SimpleInferer(), margin=4)(torch.ones(1, 1, 9, 8, 7), torch.nn.Identity()).shape
        torch.Size([1, 1, 9, 8, 7])
    """

    def __init__(self, inferer: Inferer, margin: int) -> None:
        super().__init__()
        if margin < 0:
            raise ValueError(f"margin must not be negative, got {margin}.")
        self.inferer = inferer
        self.margin = margin

    def __call__(self, inputs: Tensor, network: Callable[..., Tensor], *args: Any, **kwargs: Any) -> Tensor:
        """Infer.

        Args:
            inputs: (batch, channels, *spatial*).
            network: maps images to tensors of the same spatial size.
            args: passed on to the inferer.
            kwargs: passed on to the inferer.

        Returns:
            What the inferer gives for the padded image, (batch, channels, *spatial*).
        """
        axes = inputs.ndim - 2
        padded = self.inferer(F.pad(inputs, [self.margin] * 2 * axes), network, *args, **kwargs)
        return padded[(..., *[slice(self.margin, n + self.margin) for n in inputs.shape[2:]])]
