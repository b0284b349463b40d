"""What convolution and transposed convolution with ring kernels share."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from monai.networks.layers import Conv
from torch import Tensor, nn

from sre_monai.networks.layers.ring_conv import ALGORITHMS, expand_kernel
from sre_monai.networks.layers.rings import get_profile, ring_basis


class RingModule(nn.Module):
    """Base class with the arguments, the parameters and the ring basis."""

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
        # `fn` doesn't see the old one: it may set a memory format for tensors of another rank, channels last in 3D.
        rings = self._buffers.pop("rings")
        try:
            super()._apply(fn, recurse)
            rings = self._basis().to(self.weight)
        finally:
            self._buffers["rings"] = rings
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
