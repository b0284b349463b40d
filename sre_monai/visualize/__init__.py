from __future__ import annotations

from sre_monai.files import save_png as save_overlay  # until callers are moved
from sre_monai.visualize.overlay import error_overlay, vessel_overlay
from sre_monai.visualize.rotation_curve import plot_rotation_curve

__all__ = ["error_overlay", "plot_rotation_curve", "save_overlay", "vessel_overlay"]
