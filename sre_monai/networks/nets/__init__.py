from sre_monai.networks.nets.classifiers import CLASSIFIERS, build_classifier
from sre_monai.networks.nets.segmenters import SEGMENTERS, build_segmenter
from sre_monai.networks.nets.sre_resnet import SREResNet, sre_r3d_18, sre_resnet18, sre_resnet50
from sre_monai.networks.nets.sre_unet import SREUNet
from sre_monai.networks.nets.sre_wnet import SREWNet
from sre_monai.networks.nets.wnet import WNet

__all__ = [
    "CLASSIFIERS",
    "SEGMENTERS",
    "SREResNet",
    "SREUNet",
    "SREWNet",
    "WNet",
    "build_classifier",
    "build_segmenter",
    "sre_r3d_18",
    "sre_resnet18",
    "sre_resnet50",
]
