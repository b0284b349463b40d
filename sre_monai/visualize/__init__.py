from __future__ import annotations

from sre_monai.visualize.overlay import error_overlay, vessel_overlay
from sre_monai.visualize.report_page import ReportRow, write_report_page
from sre_monai.visualize.rotation_curve import plot_rotation_curve
from sre_monai.visualize.saliency import SaliencyMaps, saliency_picture
from sre_monai.visualize.thumbnail import thumbnail

__all__ = [
    "ReportRow",
    "SaliencyMaps",
    "error_overlay",
    "plot_rotation_curve",
    "saliency_picture",
    "thumbnail",
    "vessel_overlay",
    "write_report_page",
]
