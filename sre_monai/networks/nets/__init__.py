from sre_monai.networks.nets.sre_unet import SREUNet

__all__ = ["SREUNet"]
