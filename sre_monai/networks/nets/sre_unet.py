"""The symmetric rotation-equivariant U-Net."""

from __future__ import annotations

from collections.abc import Sequence

from monai.networks.layers import Conv
from torch import Tensor, nn

from sre_monai.networks.blocks import SRETwoConv
from sre_monai.networks.blocks.concatenate import concatenate
from sre_monai.networks.layers import SymmetricAvgPool, SymmetricMaxPool, upsample_to
from sre_monai.networks.nets.published_names import accept_published_names, name_unet
from sre_monai.networks.nets.traced import Traced

POOLINGS = {"max": SymmetricMaxPool, "average": SymmetricAvgPool}
LEAKY_RELU = ("LeakyReLU", {"negative_slope": 0.1, "inplace": True})


class SREUNet(Traced):
    """U-Net of symmetric rotation-equivariant convolutions.

    The output is exactly equivariant to 90° rotations and flips at every size: kernels are isotropic, pooling windows
    are chosen by the parity of each axis, and the decoder interpolates to the size of the skip connection without
    padding. Rotations by other angles hold approximately.

    The defaults are the published network: 3 down-levels, two 9×9 SRE convolutions per level, max pooling, linear
    upsampling after a 1×1 convolution, leaky ReLU, batch normalisation; 274,306 parameters from 3 to 2 channels. Its
    checkpoints load through :func:`~sre_monai.conversion.load_sre_conv_state_dict`, with equal outputs at sizes
    divisible by 2 to the power of the levels (elsewhere the published network pads one side).

    Args:
        spatial_dims: 2 for images, 3 for volumes, 1 for signals.
        in_channels: number of input channels.
        out_channels: number of output channels.
        features: channels of each encoder level, followed by those of the decoder's final level.
        kernel_size: odd kernel size in pixels, one for all levels or one for each, finest first.
        act: activation type and arguments, as MONAI's layer factory takes them.
        norm: normalisation type and arguments, or None.
        dropout: probability of dropout; 0 for none.
        profile: ring profile, ``"bands"`` as published; ``"gaussian"``, closer to rotations by any angle; or ``"gmr"``
            as in GMR-Conv.
        circular: False keeps the kernels' corners, as GMR-Conv's U-Net does.
        harmonics: orders of the angular harmonics in every convolution, such as ``(1, 2)`` for edges and lines; none as
            published. See :class:`~sre_monai.networks.layers.SREHarmonicConv2d`.
        pooling: ``"max"`` as published, or ``"average"``, which reduces aliasing.

    Raises:
        ValueError: if there are fewer than three features, kernel sizes do not match the levels, or the pooling is
            unknown.

    Examples:
        >>> network = SREUNet(spatial_dims=2, in_channels=3, out_channels=2)
        >>> network(torch.randn(1, 3, 65, 97)).shape
        torch.Size([1, 2, 65, 97])

    References:
        Zhang et al., "Improved Vessel Segmentation with Symmetric Rotation-Equivariant U-Net", ISBI 2025,
        https://arxiv.org/abs/2501.14592.
    """

    def __init__(
        self,
        spatial_dims: int,
        in_channels: int,
        out_channels: int,
        features: Sequence[int] = (32, 32, 64, 128, 32),
        kernel_size: int | Sequence[int] = 9,
        act: str | tuple = LEAKY_RELU,
        norm: str | tuple | None = "batch",
        dropout: float = 0.0,
        profile: str = "bands",
        circular: bool = True,
        harmonics: Sequence[int] = (),
        pooling: str = "max",
    ) -> None:
        super().__init__()
        if pooling not in POOLINGS:
            raise ValueError(f"pooling must be one of {', '.join(POOLINGS)}, got {pooling!r}.")
        if len(features) < 3:
            raise ValueError(f"features must name at least two encoder levels and the final one, got {features}.")
        encoder, final = tuple(features[:-1]), features[-1]
        kernels = (kernel_size,) * len(encoder) if isinstance(kernel_size, int) else tuple(kernel_size)
        if len(kernels) != len(encoder):
            raise ValueError(f"kernel_size must be one number or one for each of {len(encoder)} levels, got {kernels}.")
        self.spatial_dims, self.in_channels, self.levels = spatial_dims, in_channels, len(encoder) - 1

        def two_conv(source: int, target: int, level: int) -> SRETwoConv:
            return SRETwoConv(
                spatial_dims, source, target, kernels[level],
                act=act, norm=norm, dropout=dropout, profile=profile, circular=circular, harmonics=harmonics,
            )  # fmt: skip

        self.pool = POOLINGS[pooling](spatial_dims)
        self.encoder = nn.ModuleList()
        for level, target in enumerate(encoder):
            self.encoder.append(two_conv(encoder[level - 1] if level else in_channels, target, level))
        self.decoder = nn.ModuleList()
        for level in range(self.levels, 0, -1):
            source, skip = encoder[level], encoder[level - 1]
            # the last step keeps all its channels, as in MONAI's BasicUNet
            up, target = (source, final) if level == 1 else (source // 2, skip)
            convs = two_conv(skip + up, target, level - 1)
            self.decoder.append(_UpCat(spatial_dims, source, up, convs))
        self.final_conv = Conv["conv", spatial_dims](final, out_channels, kernel_size=1)
        accept_published_names(self, name_unet)

    def forward(self, x: Tensor) -> Tensor:
        """Map an image to logits.

        Args:
            x: (batch, in_channels, *spatial*), any spatial size.

        Returns:
            (batch, out_channels, *spatial*), logits.
        """
        skips: list[Tensor] = []
        for convs in self.encoder:
            skips.append(convs(self.pool(skips[-1]) if skips else x))
        y = skips.pop()
        for up_cat in self.decoder:
            y = up_cat(y, skips.pop())
        return self.final_conv(y)


class _UpCat(nn.Module):
    """Change the number of channels if needed, upsample to the skip connection's size, concatenate, convolve."""

    def __init__(self, spatial_dims: int, in_channels: int, up_channels: int, convs: nn.Module) -> None:
        super().__init__()
        changes = up_channels != in_channels
        self.preconv = Conv["conv", spatial_dims](in_channels, up_channels, 1) if changes else nn.Identity()
        self.convs = convs

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        x = upsample_to(self.preconv(x), list(skip.shape[2:]))
        return self.convs(concatenate(skip, x))
