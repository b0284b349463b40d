from __future__ import annotations

from sre_monai.visualize.overlay import error_overlay, vessel_overlay
from sre_monai.visualize.rotation_curve import plot_rotation_curve
from sre_monai.visualize.saliency import SaliencyMaps, saliency_picture

__all__ = ["SaliencyMaps", "error_overlay", "plot_rotation_curve", "saliency_picture", "vessel_overlay"]
