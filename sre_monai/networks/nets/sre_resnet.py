"""Symmetric rotation-equivariant residual networks for classification."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from monai.networks.layers import Conv, get_act_layer, get_norm_layer
from torch import Tensor, nn

from sre_monai.networks.blocks import SREBasicBlock, SREBottleneck
from sre_monai.networks.blocks.convolution import sre_layer
from sre_monai.networks.layers import SREConv1d, SREConv2d, SREConv3d, SymmetricMaxPool
from sre_monai.networks.nets.published_names import accept_published_names, name_resnet
from sre_monai.networks.nets.traced import Traced

# the blocks of video ResNets (https://arxiv.org/abs/1711.11248) are basic ones
BLOCKS: dict[str, type[SREBasicBlock] | type[SREBottleneck]] = {
    "basic": SREBasicBlock,
    "bottleneck": SREBottleneck,
    "video": SREBasicBlock,
}


class SREResNet(nn.Sequential, Traced):
    """ResNet of symmetric rotation-equivariant convolutions, with rotation- and reflection-invariant logits.

    Features are equivariant, and the head averages them over all positions. The logits are therefore exactly invariant
    to all 8 symmetries of an image and all 48 of a volume, at every size: kernels are isotropic, and pooling windows
    are chosen by the parity of each axis. Rotations by other angles hold approximately.

    Modules are named as in MONAI's ResNet: ``conv1``, ``bn1``, ``act``, ``maxpool``, ``layer1`` …, ``avgpool``, ``fc``.

    The published networks of Du et al. are :func:`sre_resnet18`, :func:`sre_resnet50` and :func:`sre_r3d_18`. Their
    checkpoints load through :func:`~sre_monai.conversion.load_sre_conv_state_dict`. Outputs agree wherever every
    pooled axis is even, for sizes divisible by the product of the strides. At other sizes the published pooling layers
    drop the last row; ours do not, to stay exactly equivariant. Likewise, the published 3-cell windows of the first max
    pooling are off centre at even sizes; both agree if its input is odd.

    Args:
        spatial_dims: 2 for images, 3 for volumes, 1 for signals.
        in_channels: number of input channels.
        num_classes: number of logits.
        block: ``"basic"`` or ``"bottleneck"``; ``"video"`` is an alias of ``"basic"``.
        layers: number of blocks in each stage.
        features: channels of each stage, four times as many after bottlenecks.
        kernel_size: odd kernel size in pixels, one for all stages or one for each.
        strides: stride of each stage, a power of two, by symmetric average pooling before the first convolution.
        first_kernel_size: kernel size of the first convolution.
        sre_first_conv: False uses a standard first convolution; the network is then neither equivariant nor invariant.
        first_pool: whether max pooling by two follows the first convolution; not recommended for small images.
        num_rings: number of rings of each kernel, by default ``kernel_size // 2 + 1``; one for all stages or one each.
        act: activation type and arguments, as MONAI's layer factory takes them.
        norm: normalisation type and arguments.
        profile: ring profile, ``"bands"`` as published or ``"gaussian"``, closer to rotations by any angle.
        harmonics: orders of the angular harmonics in every SRE convolution, such as ``(1, 2)`` for edges and lines;
            none as published. See :class:`~sre_monai.networks.layers.SREHarmonicConv2d`.

    Maps (batch, in_channels, *spatial*) to (batch, num_classes), logits.

    Raises:
        ValueError: if the block is unknown, a stride is not a power of two, or a setting does not match the stages.

    Examples:
        >>> network = SREResNet(2, 1, 2, features=(8, 8, 16, 16), kernel_size=(9, 9, 5, 5)).eval()
        >>> x = torch.randn(1, 1, 28, 33)
        >>> bool(torch.allclose(network(x), network(x.rot90(1, (2, 3))), atol=1e-5))
        True

    References:
        Du et al., "SRE-Conv: Symmetric Rotation Equivariant Convolution for Biomedical Image Classification",
        ISBI 2025, https://arxiv.org/abs/2501.09753. He et al., "Deep Residual Learning for Image Recognition",
        CVPR 2016, https://arxiv.org/abs/1512.03385.
    """

    def __init__(
        self,
        spatial_dims: int,
        in_channels: int,
        num_classes: int,
        block: str = "basic",
        layers: Sequence[int] = (2, 2, 2, 2),
        features: Sequence[int] = (64, 128, 256, 512),
        kernel_size: int | Sequence[int] = (9, 9, 5, 5),
        strides: Sequence[int] = (1, 2, 2, 2),
        first_kernel_size: int = 5,
        sre_first_conv: bool = True,
        first_pool: bool = False,
        num_rings: int | Sequence[int | None] | None = None,
        act: str | tuple = "relu",
        norm: str | tuple = "batch",
        profile: str = "bands",
        harmonics: Sequence[int] = (),
    ) -> None:
        if block not in BLOCKS:
            raise ValueError(f"block must be one of {', '.join(BLOCKS)}, got {block!r}.")
        stages = len(layers)
        kernels = _per_stage("kernel_size", kernel_size, stages)
        counts = _per_stage("num_rings", num_rings, stages)
        _per_stage("features", features, stages)
        _per_stage("strides", strides, stages)

        rings: dict[str, Any] = {"profile": profile, "harmonics": harmonics}
        first = (in_channels, features[0], first_kernel_size)
        modules: OrderedDict[str, nn.Module] = OrderedDict()
        if sre_first_conv:
            modules["conv1"] = sre_layer(spatial_dims, *first, bias=False, **rings)
        else:
            modules["conv1"] = Conv["conv", spatial_dims](*first, padding="same", bias=False)
        modules["bn1"] = get_norm_layer(norm, spatial_dims, features[0])
        modules["act"] = get_act_layer(act)
        modules["maxpool"] = SymmetricMaxPool(spatial_dims) if first_pool else nn.Identity()
        channels = features[0]
        for stage, count in enumerate(layers):
            conv = {"kernel_size": kernels[stage], "num_rings": counts[stage], **rings}
            blocks = nn.Sequential()
            for index in range(count):
                stride = strides[stage] if index == 0 else 1
                blocks.append(BLOCKS[block](spatial_dims, channels, features[stage], stride, act, norm, **conv))
                channels = BLOCKS[block].expansion * features[stage]
            modules[f"layer{stage + 1}"] = blocks
        modules["avgpool"] = _GlobalAverage()
        modules["fc"] = nn.Linear(channels, num_classes)
        super().__init__(modules)
        self.spatial_dims, self.in_channels = spatial_dims, in_channels
        self._initialize()
        accept_published_names(self, name_resnet)

    def _initialize(self) -> None:
        """Apply He initialisation with the fan-out of the dense kernels."""
        for module in self.modules():
            if isinstance(module, (SREConv1d, SREConv2d, SREConv3d)):
                fan_out = module.out_channels * math.prod(module.kernel_size)
                nn.init.normal_(module.weight, std=math.sqrt(2 / fan_out))
            elif isinstance(module, (nn.Conv1d, nn.Conv2d, nn.Conv3d)):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


class _GlobalAverage(nn.Module):
    """Average over all positions."""

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(2).mean(dim=2)


def sre_resnet18(in_channels: int, num_classes: int, spatial_dims: int = 2, **kwargs: Any) -> SREResNet:
    """Make the published SRE ResNet-18: kernels of 9, 9, 5 and 5 pixels, no first pooling.

    Args:
        in_channels: number of input channels.
        num_classes: number of logits.
        spatial_dims: 2, or 1 or 3 for its counterparts.
        kwargs: further arguments of :class:`SREResNet`.

    Returns:
        The network.

    Examples:
        >>> sum(p.numel() for p in sre_resnet18(3, 1000).parameters())
        4504488
    """
    return SREResNet(spatial_dims, in_channels, num_classes, **kwargs)


def sre_resnet50(in_channels: int, num_classes: int, spatial_dims: int = 2, **kwargs: Any) -> SREResNet:
    """Make the published SRE ResNet-50: bottlenecks, kernels of 9, 9, 5 and 5 pixels, no first pooling.

    Args:
        in_channels: number of input channels.
        num_classes: number of logits.
        spatial_dims: 2, or 1 or 3 for its counterparts.
        kwargs: further arguments of :class:`SREResNet`.

    Returns:
        The network.

    Examples:
        >>> sre_resnet50(3, 10, features=(4, 4, 4, 4))(torch.randn(1, 3, 28, 28)).shape
        torch.Size([1, 10])
    """
    return SREResNet(
        spatial_dims, in_channels, num_classes, **{"block": "bottleneck", "layers": (3, 4, 6, 3), **kwargs}
    )


def sre_r3d_18(in_channels: int, num_classes: int, **kwargs: Any) -> SREResNet:
    """Make the published SRE R3D-18 for volumes: kernels of 5 voxels.

    The published first kernel is declared as 3×7×7, but its two rings end 1.5 voxels from the centre: it is a 3×3×3
    kernel, as it is here.

    Args:
        in_channels: number of input channels.
        num_classes: number of logits.
        kwargs: further arguments of :class:`SREResNet`.

    Returns:
        The network.

    Examples:
        >>> sre_r3d_18(1, 2, features=(4, 4, 4, 4))(torch.randn(1, 1, 14, 15, 16)).shape
        torch.Size([1, 2])
    """
    return SREResNet(
        3, in_channels, num_classes, **{"block": "video", "kernel_size": 5, "first_kernel_size": 3, **kwargs}
    )


def _per_stage(name: str, value: Any, stages: int) -> tuple:
    """One value for each stage."""
    values = tuple(value) if isinstance(value, Sequence) else (value,) * stages
    if len(values) != stages:
        raise ValueError(f"{name} must be one value or one for each of {stages} stages, got {value!r}.")
    return values
