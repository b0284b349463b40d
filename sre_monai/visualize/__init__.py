from __future__ import annotations

from sre_monai.visualize.overlay import error_overlay, vessel_overlay
from sre_monai.visualize.rotation_curve import plot_rotation_curve

__all__ = ["error_overlay", "plot_rotation_curve", "vessel_overlay"]
