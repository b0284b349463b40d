"""Symmetric rotation-equivariant convolutions as modules: drop-in for ``torch.nn.Conv1d`` … ``ConvTranspose3d``.

An isotropic kernel does not respond to direction: its response to a line is the same at every orientation. This makes
it exactly equivariant, and limits what it can detect.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from monai.networks.layers import Conv
from torch import Tensor, nn

from sre_monai.networks.layers.foldable import Foldable
from sre_monai.networks.layers.profiles import get_profile
from sre_monai.networks.layers.ring_conv import ALGORITHMS, expand_kernel, ring_conv
from sre_monai.networks.layers.rings import ring_basis

__all__ = [
    "SREConv1d",
    "SREConv2d",
    "SREConv3d",
    "SREConvTranspose1d",
    "SREConvTranspose2d",
    "SREConvTranspose3d",
]

PADDING_MODES = ("zeros", "reflect", "replicate", "circular")

_CONV_TRANSPOSE = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}


class RingModule(Foldable):
    """What convolution and transposed convolution share: arguments, parameters and the ring basis."""

    spatial_dims: int
    transposed = False
    rings: Tensor

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int],
        padding: int | str | Sequence[int],
        dilation: int | Sequence[int],
        groups: int,
        bias: bool,
        profile: str,
        num_rings: int | None,
        circular: bool,
        algorithm: str,
        device: torch.device | str | None,
        dtype: torch.dtype | None,
    ) -> None:
        super().__init__()
        if groups < 1 or in_channels % groups or out_channels % groups:
            raise ValueError(f"groups={groups} must divide in_channels={in_channels} and out_channels={out_channels}.")
        if algorithm not in ALGORITHMS:
            raise ValueError(f"algorithm must be one of {ALGORITHMS}, got {algorithm!r}.")
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size = self._cubic(kernel_size)
        self.stride = self._per_axis("stride", stride)
        self.dilation = self._per_axis("dilation", dilation)
        self.padding = self._padding_per_axis(padding)
        self.profile, self.num_rings, self.circular, self.algorithm = profile, num_rings, circular, algorithm

        basis = self._basis()
        channels = (in_channels, out_channels) if self.transposed else (out_channels, in_channels)
        shape = (channels[0], channels[1] // groups, len(basis))
        self.weight = nn.Parameter(torch.empty(shape, device=device, dtype=dtype))
        self.bias = nn.Parameter(torch.empty(out_channels, device=device, dtype=dtype)) if bias else None
        extra = get_profile(profile).parameters(self.kernel_size[0], len(basis))
        for name, value in extra.items():
            self.register_parameter(name, nn.Parameter(value.to(self.weight)))
        self._profile_parameters = tuple(extra)
        self.register_buffer("rings", basis.to(self.weight), persistent=False)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the weights uniformly, with the bounds that ``torch.nn`` has for the dense kernel and bias."""
        channels = self.weight.shape[1]
        bound = 1 / math.sqrt(channels * math.prod(self.kernel_size))
        nn.init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            bound = 1 / math.sqrt(channels * self.weight.shape[2])
            nn.init.uniform_(self.bias, -bound, bound)

    def kernel(self) -> Tensor:
        """Give the dense kernel, as ``torch.nn``'s convolution of the same arguments would hold it in ``weight``."""
        return expand_kernel(self.ring_weight(), self.rings)

    def ring_weight(self) -> Tensor:
        """Give the weights of the rings, which the profile makes of ``weight``."""
        return self._ring_weight_of(self.weight)

    def kernel_basis(self) -> Tensor:
        """Give what each entry of ``weight`` adds to the kernel, (rings, *k*, …, *k*) in float64."""
        unit = torch.eye(len(self.rings), dtype=torch.float64, device=self.weight.device)
        return expand_kernel(self._ring_weight_of(unit), self.rings)

    def _ring_weight_of(self, weight: Tensor) -> Tensor:
        extra = {name: getattr(self, name) for name in self._profile_parameters}
        return get_profile(self.profile).ring_weight(weight, **extra)

    @torch.no_grad()
    def fold(self) -> nn.Module:
        """Make ``torch.nn``'s convolution with the same kernel."""
        kind = "convtrans" if self.transposed else "conv"
        own = {"output_padding": self.output_padding} if self.transposed else {"padding_mode": self.padding_mode}
        dense: Any = Conv[kind, self.spatial_dims](
            self.in_channels,
            self.out_channels,
            self.kernel_size,
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            groups=self.groups,
            bias=self.bias is not None,
            device=self.weight.device,
            dtype=self.weight.dtype,
            **own,
        )
        dense.weight.copy_(self.kernel())
        if self.bias is not None:
            dense.bias.copy_(self.bias)
        dense.requires_grad_(self.weight.requires_grad)
        return dense.train(self.training)

    def extra_repr(self) -> str:
        """Name the arguments that are not at their defaults."""
        parts = [f"{self.in_channels}, {self.out_channels}", f"kernel_size={self.kernel_size}"]
        defaults = {
            "stride": (1,) * self.spatial_dims,
            "padding": (0,) * self.spatial_dims,
            "dilation": (1,) * self.spatial_dims,
            "groups": 1,
            "padding_mode": "zeros",
            "output_padding": (0,) * self.spatial_dims,
            "num_rings": None,
            "circular": True,
            "algorithm": "auto",
        }
        parts += [f"{k}={getattr(self, k)!r}" for k, v in defaults.items() if getattr(self, k, v) != v]
        return ", ".join([*parts, f"bias={self.bias is not None}", f"profile={self.profile!r}"])

    def _basis(self) -> Tensor:
        return ring_basis(self.kernel_size[0], self.spatial_dims, self.profile, self.num_rings, self.circular)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> RingModule:
        # The basis is made anew rather than cast, else `.half().float()` would leave it rounded.
        super()._apply(fn, recurse)
        self.rings = self._basis().to(self.weight)
        return self

    def _cubic(self, kernel_size: int | Sequence[int]) -> tuple[int, ...]:
        sizes = self._per_axis("kernel_size", kernel_size)
        if len(set(sizes)) > 1:
            raise ValueError(f"kernel_size must be the same along every axis for a round kernel, got {sizes}.")
        return sizes

    def _per_axis(self, name: str, value: int | Sequence[int]) -> tuple[int, ...]:
        values = (value,) * self.spatial_dims if isinstance(value, int) else tuple(value)
        if len(values) != self.spatial_dims:
            raise ValueError(f"{name} must be a number or {self.spatial_dims} numbers, got {value!r}.")
        if any(v < (0 if "padding" in name else 1) for v in values):
            raise ValueError(f"{name} is too small: got {value!r}.")
        return values

    def _padding_per_axis(self, padding: int | str | Sequence[int]) -> tuple[int, ...]:
        """Resolve ``"same"`` and ``"valid"`` to numbers."""
        if not isinstance(padding, str):
            return self._per_axis("padding", padding)
        if padding == "valid":
            return (0,) * self.spatial_dims
        if padding != "same":
            raise ValueError(f"padding must be numbers, 'same' or 'valid', got {padding!r}.")
        if any(s != 1 for s in self.stride):
            raise ValueError(f"padding='same' needs stride 1, got {self.stride}.")
        return tuple(d * (k // 2) for d, k in zip(self.dilation, self.kernel_size))


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
        return self.convolve(input, self.ring_weight(), self.bias)

    def convolve(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """Convolve with other weights than the layer's own, as blocks do that fold a normalisation into them.

        Args:
            input: as for :meth:`forward`.
            weight: (out_channels, in_channels / groups, rings).
            bias: (out_channels,) or None.

        Returns:
            As for :meth:`forward`.
        """
        if input.ndim == self.spatial_dims + 1:
            return self.convolve(input.unsqueeze(0), weight, bias).squeeze(0)
        padding = self.padding
        if self.padding_mode != "zeros":
            input = F.pad(input, [p for p in reversed(padding) for _ in range(2)], mode=self.padding_mode)
            padding = (0,) * self.spatial_dims
        return ring_conv(
            input, weight, self.rings, bias, self.stride, padding, self.dilation, self.groups, self.algorithm
        )


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
            return self(input.unsqueeze(0)).squeeze(0)
        adjoint = tuple(d * (k - 1) - p for d, k, p in zip(self.dilation, self.kernel_size, self.padding))
        plain = set(self.stride) == {1} and set(self.output_padding) == {0} and self.groups == 1 and min(adjoint) >= 0
        if plain:  # then transposing a symmetric kernel only swaps the channels
            weight = self.ring_weight().transpose(0, 1)
            return ring_conv(
                input, weight, self.rings, self.bias, None, adjoint, self.dilation, algorithm=self.algorithm
            )
        return _CONV_TRANSPOSE[self.spatial_dims](
            input, self.kernel(), self.bias, self.stride, self.padding, self.output_padding, self.groups, self.dilation
        )


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
            closely; or ``"gmr"``, bands blended by Gaussians of trained widths as in GMR-Conv. Each is defined in a
            module of :mod:`sre_monai.networks.layers.profiles`.
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
        profile: as for :class:`SREConv2d`, like all that follow.
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
