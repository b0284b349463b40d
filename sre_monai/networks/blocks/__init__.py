from sre_monai.networks.blocks.convolution import SREConvolution, SRETwoConv

__all__ = ["SREConvolution", "SRETwoConv"]
