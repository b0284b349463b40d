"""Transposed symmetric rotation-equivariant convolutions, drop-in for those of ``torch.nn``."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from sre_monai.networks.layers.arguments import check_transposed
from sre_monai.networks.layers.modules.ring_module import RingModule
from sre_monai.networks.layers.ring_conv import ring_conv

_CONV_TRANSPOSE = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}


class _SREConvTransposeNd(RingModule):
    """Symmetric rotation-equivariant transposed convolution."""

    transposed = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] = 1,
        padding: int | Sequence[int] = 0,
        output_padding: int | Sequence[int] = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: int | Sequence[int] = 1,
        *,
        profile: str = "bands",
        num_rings: int | None = None,
        circular: bool = True,
        algorithm: str = "auto",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        if isinstance(padding, str):
            raise ValueError(f"padding of a transposed convolution must be numbers, got {padding!r}.")
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias,
            profile, num_rings, circular, algorithm, device, dtype,
        )  # fmt: skip
        self.output_padding = self._per_axis("output_padding", output_padding)

    def forward(self, input: Tensor) -> Tensor:
        """Convolve, transposed.

        Args:
            input: (batch, in_channels, *spatial*) or (in_channels, *spatial*).

        Returns:
            The same layout with out_channels, of the size that ``torch.nn``'s transposed convolution gives.
        """
        if input.ndim == self.spatial_dims + 1:
            return self.forward(input.unsqueeze(0)).squeeze(0)
        adjoint = tuple(d * (k - 1) - p for d, k, p in zip(self.dilation, self.kernel_size, self.padding))
        plain = set(self.stride) == {1} and set(self.output_padding) == {0} and self.groups == 1 and min(adjoint) >= 0
        if plain:  # then transposing a symmetric kernel only swaps the channels
            weight = self.ring_weight().transpose(0, 1)
            return ring_conv(
                input, weight, self.rings, self.bias, None, adjoint, self.dilation, algorithm=self.algorithm
            )
        check_transposed(
            input, self.weight, self.stride, self.padding, self.output_padding, self.dilation, self.kernel_size
        )
        return _CONV_TRANSPOSE[self.spatial_dims](
            input, self.kernel(), self.bias, self.stride, self.padding, self.output_padding, self.groups, self.dilation
        )


class SREConvTranspose1d(_SREConvTransposeNd):
    """The transposed convolution of signals. Arguments as for :class:`SREConvTranspose2d`.

    Examples:
        >>> SREConvTranspose1d(4, 8, kernel_size=3, stride=2, padding=1)(torch.randn(2, 4, 100)).shape
        torch.Size([2, 8, 199])
    """

    spatial_dims = 1


class SREConvTranspose2d(_SREConvTransposeNd):
    """Symmetric rotation-equivariant transposed convolution of images, drop-in for ``torch.nn.ConvTranspose2d``.

    Args:
        in_channels: number of input channels.
        out_channels: number of output channels.
        kernel_size: odd edge length of the kernel in pixels, the same along every axis.
        stride: step of the input's pixels on the output grid.
        padding: pixels cut from both sides of every axis of the output.
        output_padding: pixels added on one side of every axis of the output; anything but 0 breaks exact equivariance.
        groups: number of channel groups.
        bias: whether a bias is added.
        dilation: spacing of the kernel's taps.
        profile: as for :class:`~sre_monai.networks.layers.SREConv2d`, like all that follow.
        num_rings: number of rings.
        circular: False keeps the kernel's corners.
        algorithm: as for :class:`SREConv2d`; a stride above 1 is always dense.
        device: where the parameters are made.
        dtype: their type.

    Attributes:
        weight: (in_channels, out_channels / groups, rings).
        bias: (out_channels,) or None.

    Raises:
        ValueError: when an argument is outside the values above.

    Examples:
        >>> SREConvTranspose2d(4, 8, kernel_size=3, stride=2, padding=1)(torch.randn(2, 4, 33, 49)).shape
        torch.Size([2, 8, 65, 97])
    """

    spatial_dims = 2


class SREConvTranspose3d(_SREConvTransposeNd):
    """The transposed convolution of volumes. Arguments as for :class:`SREConvTranspose2d`.

    Examples:
        >>> SREConvTranspose3d(4, 8, kernel_size=3, stride=2, padding=1)(torch.randn(2, 4, 8, 8, 8)).shape
        torch.Size([2, 8, 15, 15, 15])
    """

    spatial_dims = 3
