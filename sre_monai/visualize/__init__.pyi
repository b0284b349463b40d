from .overlay import error_overlay as error_overlay
from .overlay import vessel_overlay as vessel_overlay
from .report_page import ReportRow as ReportRow
from .report_page import write_report_page as write_report_page
from .rotation_curve import plot_rotation_curve as plot_rotation_curve
from .saliency import SaliencyMaps as SaliencyMaps
from .saliency import saliency_picture as saliency_picture
from .thumbnail import thumbnail as thumbnail
