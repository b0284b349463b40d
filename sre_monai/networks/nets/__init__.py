from sre_monai.networks.nets.by_name import CLASSIFIERS, SEGMENTERS, build_classifier, build_segmenter
from sre_monai.networks.nets.nnunet import SREUNetForNNUNet
from sre_monai.networks.nets.sre_resnet import SREResNet, sre_r3d_18, sre_resnet18, sre_resnet50
from sre_monai.networks.nets.sre_unet import SREUNet
from sre_monai.networks.nets.sre_wnet import SREWNet

__all__ = [
    "CLASSIFIERS",
    "SEGMENTERS",
    "SREResNet",
    "SREUNet",
    "SREUNetForNNUNet",
    "SREWNet",
    "build_classifier",
    "build_segmenter",
    "sre_r3d_18",
    "sre_resnet18",
    "sre_resnet50",
]
