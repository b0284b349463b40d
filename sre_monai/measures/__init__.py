"""Measures of vessel masks: density, length, calibre, tortuosity, branching, fractal dimensions, lacunarity."""

from sre_monai.measures.calibre import calibre
from sre_monai.measures.centre_line import CentreLines, smooth_centre_lines
from sre_monai.measures.fractal_dimension import FractalDimensions, fractal_dimensions
from sre_monai.measures.lacunarity import lacunarity
from sre_monai.measures.orientation import Orientation, canonical_orientation
from sre_monai.measures.segments import VesselGraph, vessel_graph
from sre_monai.measures.thinning import thin
from sre_monai.measures.vessel_measures import VesselMeasures, measure_vessels

__all__ = [
    "CentreLines",
    "FractalDimensions",
    "Orientation",
    "VesselGraph",
    "VesselMeasures",
    "calibre",
    "canonical_orientation",
    "fractal_dimensions",
    "lacunarity",
    "measure_vessels",
    "smooth_centre_lines",
    "thin",
    "vessel_graph",
]
