"""Names of the measures, as the columns of tables have them; they need no further packages."""

from __future__ import annotations

from collections.abc import Collection

from sre_monai.retina.measures.units import unit_names

STRUCTURES = ("vessel", "artery", "vein")
REGIONS = ("field", "zone_b", "zone_c")
REGION_MEASURES = (
    *("area_density", "length_px", "length_density_per_px", "segments", "branch_points", "end_points"),
    *("calibre_mean_px", "calibre_median_px", "calibre_sd_px"),
    *("tortuosity", "tortuosity_median", "curvature_per_px", "inflections_per_px", "tortuosity_density_per_px"),
    *("bifurcations", "branching_angle_median_deg", "branching_coefficient_median", "branching_exponent_median"),
    *("fractal_d0", "fractal_d1", "fractal_d2", "lacunarity"),
)
"""Measures of one kind of vessels within one region, defined in ``docs/measures.md``."""
EQUIVALENTS = ("crae_px", "crae_vessels", "crve_px", "crve_vessels", "avr")
"""Measures of arteries and veins together within one zone."""


def prefix(structure: str, region: str) -> str:
    """What the names of measures begin with; nothing for all vessels in the whole field of view.

    Examples:
        >>> prefix("artery", "zone_b"), prefix("vein", "field"), prefix("vessel", "field")
        ('artery_zone_b_', 'vein_', '')
    """
    return ("" if structure == "vessel" else f"{structure}_") + ("" if region == REGIONS[0] else f"{region}_")


def measure_columns(structures: Collection[str] = ("vessel",), disc: bool = False) -> tuple[str, ...]:
    """List the columns of a table of measures.

    Args:
        structures: kinds of vessels that are known, of `STRUCTURES`.
        disc: whether the optic disc is known.

    Returns:
        The names, those in further units after those in pixels.

    Examples:
        >>> len(measure_columns()), measure_columns(disc=True)[3:7]
        (33, ('disc_diameter_px', 'disc_diameter_um', 'zone_b_share', 'zone_c_share'))
    """
    names = ["fov_area_px"]
    if disc:
        names += ["disc_diameter_px", *(f"{zone}_share" for zone in REGIONS[1:])]
    if disc and {"artery", "vein"} & set(structures):
        names += [f"{zone}_{name}" for zone in REGIONS[1:] for name in EQUIVALENTS]
    for structure in (name for name in STRUCTURES if name in structures or name == "vessel"):
        for region in REGIONS if disc else REGIONS[:1]:
            names += [prefix(structure, region) + name for name in REGION_MEASURES]
    return ("um_per_pixel", *(column for name in names for column in _with_units(name, disc)))


def _with_units(name: str, disc: bool) -> list[str]:
    physical, in_discs = unit_names(name)
    return [column for column in (name, physical, in_discs if disc else "") if column]
