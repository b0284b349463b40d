"""Symmetric rotation-equivariant convolutions as modules: drop-in for ``torch.nn.Conv1d``, ``Conv2d`` and ``Conv3d``.

An isotropic kernel does not respond to direction: its response to a line is the same at every orientation. This makes
it exactly equivariant, and limits what it can detect.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from sre_monai.networks.layers.modules.ring_module import RingModule
from sre_monai.networks.layers.ring_conv import ring_conv

PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


class _SREConvNd(RingModule):
    """Symmetric rotation-equivariant convolution of a signal with any number of spatial axes."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] = 1,
        padding: int | str | Sequence[int] = 0,
        dilation: int | Sequence[int] = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        *,
        profile: str = "bands",
        num_rings: int | None = None,
        circular: bool = True,
        algorithm: str = "auto",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias,
            profile, num_rings, circular, algorithm, device, dtype,
        )  # fmt: skip
        if padding_mode not in PADDING_MODES:
            raise ValueError(f"padding_mode must be one of {PADDING_MODES}, got {padding_mode!r}.")
        self.padding_mode = padding_mode

    def forward(self, input: Tensor) -> Tensor:
        """Convolve.

        Args:
            input: (batch, in_channels, *spatial*) or (in_channels, *spatial*).

        Returns:
            The same layout with out_channels, of the size that ``torch.nn``'s convolution gives.
        """
        if input.ndim == self.spatial_dims + 1:
            return self.forward(input.unsqueeze(0)).squeeze(0)
        padding = self.padding
        if self.padding_mode != "zeros":
            input = F.pad(input, [p for p in reversed(padding) for _ in range(2)], mode=self.padding_mode)
            padding = (0,) * self.spatial_dims
        return ring_conv(
            input, self.ring_weight(), self.rings, self.bias, self.stride, padding, self.dilation, self.groups,
            self.algorithm,
        )  # fmt: skip


class SREConv1d(_SREConvNd):
    """The convolution of signals: kernels are symmetric pairs. Arguments as for :class:`SREConv2d`.

    Examples:
        >>> SREConv1d(4, 8, kernel_size=9, padding=4)(torch.randn(2, 4, 100)).shape
        torch.Size([2, 8, 100])
    """

    spatial_dims = 1


class SREConv2d(_SREConvNd):
    """Symmetric rotation-equivariant convolution of images, drop-in for ``torch.nn.Conv2d``.

    The *k* × *k* taps of every kernel are replaced by one weight for each of its rings: a 9×9 kernel has 5 weights
    instead of 81. It is unchanged by 90° turns and reflections exactly, and by other rotations approximately.

    Args:
        in_channels: number of input channels.
        out_channels: number of output channels.
        kernel_size: odd edge length of the kernel in pixels, the same along every axis.
        stride: step of the output grid. A stride above 1 samples a grid anchored at a corner, which is not symmetric at
            every size and then breaks exact equivariance; pool instead.
        padding: pixels added on both sides of every axis, or ``"same"``, or ``"valid"``.
        dilation: spacing of the kernel's taps.
        groups: number of channel groups.
        bias: whether a bias is added.
        padding_mode: ``"zeros"``, ``"reflect"``, ``"replicate"`` or ``"circular"``.
        profile: ``"bands"``, the published definition; ``"gaussian"``, smooth rings that follow other angles more
            closely; or ``"gmr"``, bands blended by Gaussians of trained widths as in GMR-Conv. See
            ``sre_monai/networks/layers/rings.py``.
        num_rings: number of rings, by default ``kernel_size // 2 + 1``.
        circular: False keeps the kernel's corners, as one ring more; not for ``"gaussian"``.
        algorithm: ``"auto"`` or another of :func:`~sre_monai.networks.layers.ring_conv`'s.
        device: where the parameters are made.
        dtype: their type.

    Attributes:
        weight: (out_channels, in_channels / groups, rings), as in the published package. Nothing derived from it is
            ever stored, so no order of loading, casting and switching modes can leave it stale.
        bias: (out_channels,) or None.
        log_sigmas: (rings,), logarithms of the widths of ``"gmr"``; the other profiles have no further parameters.

    Raises:
        ValueError: when an argument is outside the values above.

    Examples:
        >>> SREConv2d(4, 8, kernel_size=9, padding="same")(torch.randn(2, 4, 65, 97)).shape
        torch.Size([2, 8, 65, 97])

    References:
        Du et al., "SRE-Conv: Symmetric Rotation Equivariant Convolution for Biomedical Image Classification",
        ISBI 2025, https://arxiv.org/abs/2501.09753.
    """

    spatial_dims = 2


class SREConv3d(_SREConvNd):
    """The convolution of volumes: kernels are made of shells. Arguments as for :class:`SREConv2d`.

    Examples:
        >>> SREConv3d(4, 8, kernel_size=5, padding=2)(torch.randn(2, 4, 16, 16, 16)).shape
        torch.Size([2, 8, 16, 16, 16])
    """

    spatial_dims = 3
