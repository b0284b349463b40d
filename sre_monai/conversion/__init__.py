"""Conversion of ordinary networks, its check, published checkpoints, and export to other runtimes."""

from sre_monai.conversion.check import EquivarianceReport, check_equivariance
from sre_monai.conversion.convert import convert_to_sre
from sre_monai.conversion.export import export_network
from sre_monai.conversion.interop import load_sre_conv_state_dict, to_sre_conv_state_dict
from sre_monai.conversion.report import ConversionReport

__all__ = [
    "ConversionReport",
    "EquivarianceReport",
    "check_equivariance",
    "convert_to_sre",
    "export_network",
    "load_sre_conv_state_dict",
    "to_sre_conv_state_dict",
]
