"""Small MONAI networks, and one in torchvision's style, for the tests of conversion and export."""

from collections.abc import Callable
from functools import partial

import torch
from monai.networks.nets import (
    AttentionUnet,
    AutoEncoder,
    BasicUNet,
    BasicUNetPlusPlus,
    DenseNet121,
    DynUNet,
    EfficientNetBN,
    FlexibleUNet,
    HighResNet,
    MedNeXt,
    ResNet,
    SegResNet,
    SENet,
    UNet,
    VNet,
)
from torch import Tensor, nn


class TorchvisionStyleResNet(nn.Module):
    """The modules of torchvision's ResNet: 7×7 stem of stride 2, 3×3 max pooling, strided blocks and 1×1 shortcuts."""

    def __init__(self, channels: int = 8, num_classes: int = 3) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, channels, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.conv2 = nn.Conv2d(channels, 2 * channels, kernel_size=3, stride=2, padding=1, bias=False)
        self.depthwise = nn.Conv2d(2 * channels, 2 * channels, kernel_size=3, padding=1, groups=2 * channels)
        self.downsample = nn.Conv2d(channels, 2 * channels, kernel_size=1, stride=2, bias=False)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(2 * channels, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        out = self.depthwise(self.relu(self.conv2(x)))
        out += self.downsample(x)
        return self.fc(torch.flatten(self.avgpool(self.relu(out)), 1))


def _basic_unet(spatial_dims: int, upsample: str) -> nn.Module:
    return BasicUNet(spatial_dims, 1, 2, features=(4, 4, 8, 8, 8, 4), upsample=upsample)


def _dyn_unet(spatial_dims: int, **kwargs: object) -> nn.Module:
    return DynUNet(spatial_dims, 1, 2, [3, 3, 3], [1, 2, 2], [2, 2], filters=[4, 8, 8], **kwargs)


def _flexible_unet(spatial_dims: int, backbone: str) -> nn.Module:
    return FlexibleUNet(1, 2, backbone, spatial_dims=spatial_dims, decoder_channels=(16, 8, 8, 8, 8))


def _res_net(spatial_dims: int) -> nn.Module:
    layers, planes = (1, 1, 1, 1), (4, 8, 8, 8)
    return ResNet("basic", layers, planes, spatial_dims=spatial_dims, n_input_channels=1, num_classes=3)


def _med_ne_xt(spatial_dims: int) -> nn.Module:
    depths: dict = {"blocks_down": (1, 1, 1, 1), "blocks_bottleneck": 1, "blocks_up": (1, 1, 1, 1)}
    return MedNeXt(spatial_dims, 4, 1, 2, kernel_size=3, use_residual_connection=True, **depths)


def _se_net(spatial_dims: int) -> nn.Module:
    return SENet(spatial_dims, 1, "se_resnet_bottleneck", (1, 1, 1, 1), 1, 16, num_classes=3, inplanes=64)


def _efficient_net(spatial_dims: int) -> nn.Module:
    return EfficientNetBN("efficientnet-b0", False, spatial_dims=spatial_dims, in_channels=1, num_classes=3)


NETWORKS: dict[str, Callable[[int], nn.Module]] = {
    "BasicUNet deconv": partial(_basic_unet, upsample="deconv"),
    "BasicUNet nontrainable": partial(_basic_unet, upsample="nontrainable"),
    "BasicUNet pixelshuffle": partial(_basic_unet, upsample="pixelshuffle"),
    "UNet": lambda dims: UNet(dims, 1, 2, channels=(4, 8, 8), strides=(2, 2)),
    "UNet residual": lambda dims: UNet(dims, 1, 2, channels=(4, 8, 8), strides=(2, 2), num_res_units=2),
    "AttentionUnet": lambda dims: AttentionUnet(dims, 1, 2, channels=(4, 8, 8), strides=(2, 2)),
    "SegResNet": lambda dims: SegResNet(dims, 8, 1, 2, blocks_down=(1, 1, 1), blocks_up=(1, 1)),
    "DynUNet": _dyn_unet,
    "DynUNet residual": partial(_dyn_unet, res_block=True, deep_supervision=True, deep_supr_num=1),
    "FlexibleUNet EfficientNet": partial(_flexible_unet, backbone="efficientnet-b0"),
    "FlexibleUNet ResNet": partial(_flexible_unet, backbone="resnet10"),
    "BasicUNetPlusPlus": lambda dims: BasicUNetPlusPlus(dims, 1, 2, features=(4, 4, 4, 8, 8, 4)),
    "VNet": lambda dims: VNet(dims, 1, 2),
    "HighResNet": lambda dims: HighResNet(
        dims,
        1,
        2,
        layer_params=(
            {"name": "conv_0", "n_features": 8, "kernel_size": 3},
            {"name": "res_1", "n_features": 8, "kernels": (3, 3), "repeat": 1},
            {"name": "res_2", "n_features": 8, "kernels": (3, 3), "repeat": 2},
            {"name": "conv_1", "n_features": 8, "kernel_size": 1},
            {"name": "conv_2", "kernel_size": 1},
        ),
    ),
    "DenseNet121": lambda dims: DenseNet121(dims, 1, 3),
    "ResNet": _res_net,
    "EfficientNetBN": _efficient_net,
    "MedNeXt": _med_ne_xt,
    "SENet": _se_net,
    "AutoEncoder": lambda dims: AutoEncoder(
        dims, 1, 2, channels=(4, 8), strides=(2, 2), num_res_units=2, inter_channels=(8,)
    ),
    "torchvision-style": lambda dims: TorchvisionStyleResNet(),
}
NETWORKS_3D = [name for name in NETWORKS if name not in ("torchvision-style", "FlexibleUNet EfficientNet")]
