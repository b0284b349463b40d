from sre_monai.networks.blocks.concatenate import concatenate
from sre_monai.networks.blocks.convolution import SREConvolution, SRETwoConv
from sre_monai.networks.blocks.residual import SREBasicBlock, SREBottleneck

__all__ = [
    "SREBasicBlock",
    "SREBottleneck",
    "SREConvolution",
    "SRETwoConv",
    "concatenate",
]
