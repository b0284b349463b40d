"""Rotation curves and reliability diagrams."""

from sre_monai.former import look_up_former_names
from sre_monai.visualize.reliability_diagram import plot_reliability
from sre_monai.visualize.rotation_curve import plot_rotation_curve

__all__ = ["plot_reliability", "plot_rotation_curve"]

__getattr__ = look_up_former_names("visualize")
