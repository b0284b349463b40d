from sre_monai.networks.check import EquivarianceReport, check_equivariance
from sre_monai.networks.conversion_report import ConversionReport
from sre_monai.networks.convert import convert_to_sre
from sre_monai.networks.export import export_network
from sre_monai.networks.fold import fold_sre
from sre_monai.networks.interop import load_sre_conv_state_dict, to_sre_conv_state_dict
from sre_monai.networks.mixed_precision import mixed_precision
from sre_monai.networks.weights import load_weights, to_device

__all__ = [
    "ConversionReport",
    "EquivarianceReport",
    "check_equivariance",
    "convert_to_sre",
    "export_network",
    "fold_sre",
    "load_sre_conv_state_dict",
    "load_weights",
    "mixed_precision",
    "to_device",
    "to_sre_conv_state_dict",
]
