"""Every network of ``monai.networks.nets``, small, in the fewest spatial axes that it supports."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from monai.networks import nets
from monai.networks.nets.vista3d import ClassMappingClassify, PointMappingSAM
from torch import Tensor, nn

from sre_monai.conversion import ConversionReport, check_equivariance, convert_to_sre

__all__ = ["EVERY_NETWORK", "NOT_BUILT", "Entry"]


class Entry(NamedTuple):
    """How a network is built, and inputs that it takes, of even and, where it takes them, odd sizes."""

    build: Callable[[], nn.Module]
    shapes: Sequence[Sequence[int]] = ((1, 1, 32, 48), (1, 1, 35, 47))
    traced: bool = True

    def report(self) -> ConversionReport:
        """Convert the network and measure it; a large one without a trace of its layers, which takes gigabytes."""
        torch.manual_seed(0)
        network = self.build().eval()
        for parameter in network.parameters():
            if not parameter.any():  # the last layer of some: zeros are equivariant whatever comes before
                nn.init.normal_(parameter, std=0.1)
        converted = convert_to_sre(network, input_shapes=self.shapes if self.traced else ())
        report = converted.conversion_report
        if not self.traced:
            report.equivariance.extend(check_equivariance(converted, shape, "mirrors") for shape in self.shapes)
        return report


class Called(nn.Module):
    """A network that takes more than an image, as a function of the image alone."""

    def __init__(self, network: nn.Module, call: Callable[[nn.Module, Tensor], Any]) -> None:
        super().__init__()
        self.network, self.call = network, call

    def forward(self, x: Tensor) -> Any:
        return self.call(self.network, x)


def _time(x: Tensor) -> Tensor:
    return torch.full((len(x),), 3, device=x.device)


def _segmentation(x: Tensor) -> Tensor:
    """Two constant maps: a conditioning that no symmetry changes."""
    return torch.ones(len(x), 2, *x.shape[2:], device=x.device)


def _enlarged(x: Tensor) -> Tensor:
    """Each pixel as 8×8."""
    return x.repeat_interleave(8, 2).repeat_interleave(8, 3)


SQUARE = ((1, 1, 32, 32),)
DIFFUSION: dict[str, Any] = {
    "num_res_blocks": (1, 1),
    "channels": (8, 8),
    "attention_levels": (False, True),
    "norm_num_groups": 4,
}
LATENT: dict[str, Any] = DIFFUSION | {"latent_channels": 2}
HEADS = {"num_head_channels": 4}
RESNET = ("basic", (1, 1, 1, 1), (4, 8, 8, 8))
SE: dict[str, Any] = {"layers": (1, 1, 1, 1), "num_classes": 3}
DENSE: dict[str, Any] = {"init_features": 8, "growth_rate": 4, "block_config": (2, 2, 2, 2)}
STEPS: dict[str, Any] = {"channels": (4, 8), "strides": (2, 2)}
EFFICIENT: dict[str, Any] = {"pretrained": False, "in_channels": 1, "num_classes": 3}
TRANSFORMER: dict[str, Any] = {"hidden_size": 24, "mlp_dim": 24, "num_heads": 2}
PATCHES: dict[str, Any] = TRANSFORMER | {"img_size": (32, 32), "patch_size": 8, "num_layers": 2, "spatial_dims": 2}
REGISTRATION = {"num_channel_initial": 4, "out_channels": 2}
CELLS: dict[str, Any] = {"num_blocks": 3, "num_depths": 2, "channel_mul": 0.25, "spatial_dims": 2}


def _resnet() -> nn.Module:
    return nets.ResNet(*RESNET, spatial_dims=2, n_input_channels=1, num_classes=3)


def _features() -> nn.Module:
    return nets.ResNet(*RESNET, spatial_dims=2, n_input_channels=1, feed_forward=False)


def _registration() -> nn.Module:
    return nets.VoxelMorphUNet(2, 2, 2, (4, 4, 4, 4, 4, 4), (4,))


def _dints(space: nn.Module) -> nn.Module:
    return nets.DiNTS(space, 1, 2, spatial_dims=2)


def _vista() -> nn.Module:
    encoder = nets.SegResNetDS2(3, 8, 1, 8, blocks_down=(1, 1), dsdepth=1)
    return nets.VISTA3D(encoder, ClassMappingClassify(6, 8), PointMappingSAM(8, n_classes=6, last_supported=3))


def _vista_of(network: nn.Module, x: Tensor) -> Tensor:
    return network(x, class_vector=torch.tensor([1, 2], device=x.device))


def _channels_last(network: nn.Module, x: Tensor) -> Tensor:
    return network(x.movedim(1, -1)).movedim(-1, 1)


EVERY_NETWORK: dict[str, Entry] = {
    "AHNet": Entry(lambda: nets.AHNet((1, 1, 1, 1), 2, 1, 2, psp_block_num=1), ((1, 1, 64, 64), (1, 1, 67, 70))),
    "AttentionUnet": Entry(lambda: nets.AttentionUnet(2, 1, 2, **STEPS)),
    "AutoEncoder": Entry(lambda: nets.AutoEncoder(2, 1, 2, **STEPS)),
    "AutoencoderKL": Entry(lambda: Called(nets.AutoencoderKL(2, **LATENT), lambda net, x: net.reconstruct(x))),
    "BasicUNet": Entry(lambda: nets.BasicUNet(2, 1, 2, features=(4, 4, 8, 8, 8, 4))),
    "BasicUNetPlusPlus": Entry(lambda: nets.BasicUNetPlusPlus(2, 1, 2, features=(4, 4, 4, 8, 8, 4))),
    "Classifier": Entry(lambda: nets.Classifier((1, 32, 32), 2, **STEPS), SQUARE),
    "ControlNet": Entry(
        lambda: Called(nets.ControlNet(2, 1, **DIFFUSION, **HEADS), lambda net, x: net(x, _time(x), _enlarged(x))[1]),
        SQUARE,
    ),
    "Critic": Entry(lambda: nets.Critic((1, 32, 32), **STEPS), SQUARE),
    "DenseNet": Entry(lambda: nets.DenseNet(2, 1, 3, **DENSE)),
    "DenseNet121": Entry(lambda: nets.DenseNet121(2, 1, 3, init_features=8, growth_rate=4)),
    "DenseNet169": Entry(lambda: nets.DenseNet169(2, 1, 3, init_features=8, growth_rate=4)),
    "DenseNet201": Entry(lambda: nets.DenseNet201(2, 1, 3, init_features=8, growth_rate=4)),
    "DenseNet264": Entry(lambda: nets.DenseNet264(2, 1, 3, init_features=8, growth_rate=4)),
    "DiNTS": Entry(lambda: _dints(nets.TopologyInstance(**CELLS))),
    "DiffusionModelUNet": Entry(
        lambda: Called(nets.DiffusionModelUNet(2, 1, 1, **DIFFUSION, **HEADS), lambda net, x: net(x, _time(x)))
    ),
    "Discriminator": Entry(lambda: nets.Discriminator((1, 32, 32), **STEPS), SQUARE),
    "DynUNet": Entry(lambda: nets.DynUNet(2, 1, 2, [3, 3, 3], [1, 2, 2], [2, 2], filters=[4, 8, 8])),
    "EfficientNet": Entry(
        lambda: nets.EfficientNet(["r1_k3_s11_e1_i32_o16_se0.25", "r1_k5_s22_e6_i16_o24_se0.25"], 2, 1, 3)
    ),
    "EfficientNetBN": Entry(lambda: nets.EfficientNetBN("efficientnet-b0", **EFFICIENT)),
    "EfficientNetBNFeatures": Entry(lambda: nets.EfficientNetBNFeatures("efficientnet-b0", **EFFICIENT)),
    "EfficientNetEncoder": Entry(lambda: nets.EfficientNetEncoder("efficientnet-b0", **EFFICIENT)),
    "FlexibleUNet": Entry(lambda: nets.FlexibleUNet(1, 2, "resnet10", decoder_channels=(16, 8, 8, 8, 8))),
    "GlobalNet": Entry(lambda: nets.GlobalNet((32, 32), 2, 1, 4, 2), SQUARE),
    "HighResBlock": Entry(lambda: nets.HighResBlock(2, 1, 4)),
    "HighResNet": Entry(lambda: nets.HighResNet(2, 1, 8)),
    "HoVerNet": Entry(lambda: nets.HoVerNet("FAST", 1), ((1, 1, 256, 256),), traced=False),
    "LocalNet": Entry(lambda: nets.LocalNet(2, 1, extract_levels=(0, 1, 2), **REGISTRATION)),
    "MILModel": Entry(
        lambda: Called(
            nets.MILModel(2, pretrained=False, backbone=_features(), backbone_num_features=8),
            lambda net, x: net(x[:, None]),
        )
    ),
    "MaskedAutoEncoderViT": Entry(
        lambda: nets.MaskedAutoEncoderViT(
            1, decoder_hidden_size=24, decoder_mlp_dim=24, decoder_num_layers=1, decoder_num_heads=2, **PATCHES
        ),
        SQUARE,
    ),
    "MedNeXt": Entry(
        lambda: nets.MedNeXt(2, 4, 1, 2, kernel_size=3, blocks_down=(1,) * 4, blocks_bottleneck=1, blocks_up=(1,) * 4)
    ),
    "MultiScalePatchDiscriminator": Entry(
        lambda: nets.MultiScalePatchDiscriminator(2, 2, 2, 4, 1, minimum_size_im=32), ((1, 1, 32, 48), (1, 1, 35, 47))
    ),
    "NetAdapter": Entry(lambda: nets.NetAdapter(_resnet(), 3, 2, pool=None), ((1, 1, 32, 32),)),
    "PatchDiscriminator": Entry(lambda: nets.PatchDiscriminator(2, 4, 1, num_layers_d=2)),
    "PatchMerging": Entry(lambda: Called(nets.PatchMerging(4, spatial_dims=2), _channels_last), ((1, 4, 32, 48),)),
    "PatchMergingV2": Entry(lambda: Called(nets.PatchMergingV2(4, spatial_dims=2), _channels_last), ((1, 4, 32, 48),)),
    "Quicknat": Entry(lambda: nets.Quicknat(2, 1, 8)),
    "RegUNet": Entry(lambda: nets.RegUNet(2, 1, depth=2, **REGISTRATION)),
    "Regressor": Entry(lambda: nets.Regressor((1, 32, 32), (2,), **STEPS), SQUARE),
    "ResNet": Entry(lambda: _resnet()),
    "ResNetBlock": Entry(lambda: nets.ResNetBlock(4, 4, 2), ((1, 4, 32, 48), (1, 4, 35, 47))),
    "ResNetBottleneck": Entry(lambda: nets.ResNetBottleneck(16, 4, 2), ((1, 16, 32, 48), (1, 16, 35, 47))),
    "ResNetEncoder": Entry(lambda: nets.ResNetEncoder("resnet10", False, 2, 1)),
    "ResNetFeatures": Entry(lambda: nets.ResNetFeatures("resnet10", False, 2, 1)),
    "SENet": Entry(lambda: nets.SENet(2, 1, "se_resnet_bottleneck", (1, 1, 1, 1), 1, 16, num_classes=3, inplanes=64)),
    "SENet154": Entry(lambda: nets.SENet154(spatial_dims=2, in_channels=1, **SE)),
    "SEResNeXt101": Entry(lambda: nets.SEResNeXt101(spatial_dims=2, in_channels=1, **SE)),
    "SEResNeXt50": Entry(lambda: nets.SEResNeXt50(spatial_dims=2, in_channels=1, **SE)),
    "SEResNet101": Entry(lambda: nets.SEResNet101(spatial_dims=2, in_channels=1, **SE)),
    "SEResNet152": Entry(lambda: nets.SEResNet152(spatial_dims=2, in_channels=1, **SE)),
    "SEResNet50": Entry(lambda: nets.SEResNet50(spatial_dims=2, in_channels=1, **SE)),
    "SPADEAutoencoderKL": Entry(
        lambda: Called(
            nets.SPADEAutoencoderKL(2, 2, spade_intermediate_channels=4, **LATENT),
            lambda net, x: net.reconstruct(x, _segmentation(x)),
        )
    ),
    "SPADEDiffusionModelUNet": Entry(
        lambda: Called(
            nets.SPADEDiffusionModelUNet(2, 1, 1, 2, spade_intermediate_channels=4, **DIFFUSION, **HEADS),
            lambda net, x: net(x, _time(x), _segmentation(x)),
        )
    ),
    "SPADENet": Entry(
        lambda: Called(
            nets.SPADENet(2, 1, 1, 2, [32, 32], [4, 8], 4, False, 4), lambda net, x: net(_segmentation(x) * x)[0]
        ),
        SQUARE,
    ),
    "SegResNet": Entry(lambda: nets.SegResNet(2, 8, 1, 2, blocks_down=(1, 1, 1), blocks_up=(1, 1))),
    "SegResNetDS": Entry(lambda: nets.SegResNetDS(2, 8, 1, 2, blocks_down=(1, 1))),
    "SegResNetDS2": Entry(lambda: nets.SegResNetDS2(2, 8, 1, 2, blocks_down=(1, 1))),
    "SegResNetVAE": Entry(
        lambda: nets.SegResNetVAE((32, 32), spatial_dims=2, blocks_down=(1, 1), blocks_up=(1,)), SQUARE
    ),
    "SwinUNETR": Entry(
        lambda: nets.SwinUNETR(1, 2, depths=(1,) * 4, num_heads=(1,) * 4, feature_size=12, spatial_dims=2),
        ((1, 1, 64, 64),),
    ),
    "TopologyInstance": Entry(lambda: _dints(nets.TopologyInstance(**CELLS))),
    "TopologySearch": Entry(lambda: _dints(nets.TopologySearch(**CELLS))),
    "UNETR": Entry(lambda: nets.UNETR(1, 2, (32, 32), 8, spatial_dims=2, **TRANSFORMER), SQUARE),
    "UNet": Entry(lambda: nets.UNet(2, 1, 2, (4, 8, 8), (2, 2), num_res_units=1)),
    "VISTA3D": Entry(lambda: Called(_vista(), _vista_of), ((1, 1, 32, 32, 32),)),
    "VNet": Entry(lambda: nets.VNet(2, 1, 2)),
    "VQVAE": Entry(
        lambda: nets.VQVAE(2, 1, 1, (4, 4), 1, (4, 4), ((2, 4, 1, 1),) * 2, ((2, 4, 1, 1, 0),) * 2, 8, 4),
    ),
    "VarAutoEncoder": Entry(
        lambda: nets.VarAutoEncoder(2, (1, 32, 32), 1, 4, use_mean_at_inference=True, **STEPS), SQUARE
    ),
    "ViT": Entry(lambda: nets.ViT(1, classification=True, **PATCHES), SQUARE),
    "ViTAutoEnc": Entry(
        lambda: nets.ViTAutoEnc(1, (32, 32), 16, 1, 8, num_layers=2, spatial_dims=2, **TRANSFORMER), SQUARE
    ),
    "VoxelMorph": Entry(
        lambda: Called(nets.VoxelMorph(_registration(), spatial_dims=2), lambda net, x: net(x, x.square())[0])
    ),
    "VoxelMorphUNet": Entry(lambda: _registration(), ((1, 2, 32, 48), (1, 2, 35, 47))),
}

_NO_IMAGE = "takes no image"
_NO_TORCHVISION = "is not built: needs torchvision"
NOT_BUILT: dict[str, str] = {
    "BertAttention": _NO_IMAGE,
    "BertMixedLayer": _NO_IMAGE,
    "BertOutput": _NO_IMAGE,
    "BertPreTrainedModel": _NO_IMAGE,
    "DAF3D": _NO_TORCHVISION,
    "DecoderOnlyTransformer": _NO_IMAGE,
    "FullyConnectedNet": _NO_IMAGE,
    "Generator": _NO_IMAGE,
    "HyenaNDUNETR": "is not built: needs a package for its Hyena operator",
    "MultiModal": _NO_IMAGE,
    "NaViT": "takes a list of images of any size, as patches with positions",
    "Pooler": _NO_IMAGE,
    "TorchVisionFCModel": _NO_TORCHVISION,
    "TopologyConstruction": "has no forward",
    "Transchex": "is not built: needs transformers",
    "VarFullyConnectedNet": _NO_IMAGE,
}
