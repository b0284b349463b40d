from sre_monai.networks.blocks.concatenate import concatenate
from sre_monai.networks.blocks.convolution import SREConvolution, SRETwoConv
from sre_monai.networks.blocks.residual import SREResidual, basic_branch, bottleneck_branch, shortcut, video_branch

__all__ = [
    "SREConvolution",
    "SREResidual",
    "SRETwoConv",
    "basic_branch",
    "bottleneck_branch",
    "concatenate",
    "shortcut",
    "video_branch",
]
