from sre_monai.former import look_up_former_names
from sre_monai.networks.fold import fold_sre
from sre_monai.networks.fuse import fuse
from sre_monai.networks.mixed_precision import mixed_precision
from sre_monai.networks.weights import load_weights, to_device

__all__ = [
    "fold_sre",
    "fuse",
    "load_weights",
    "mixed_precision",
    "to_device",
]

__getattr__ = look_up_former_names("networks")
