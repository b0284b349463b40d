from sre_monai.networks.blocks.concatenate import concatenate
from sre_monai.networks.blocks.convolution import SREConvolution, SRETwoConv

__all__ = ["SREConvolution", "SRETwoConv", "concatenate"]
