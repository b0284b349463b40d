"""Measures in pixels, in micrometres and millimetres, and in disc diameters."""

from __future__ import annotations

from collections.abc import Mapping

UM_PER_MM = 1000.0
IN_DISC_DIAMETERS = ("calibre_mean_px", "calibre_median_px", "crae_px", "crve_px")


def unit_names(name: str) -> tuple[str, str]:
    """Name a measure in physical units and in disc diameters.

    Args:
        name: of a measure in pixels, or of one without a unit.

    Returns:
        Both names, empty where the measure isn't given in that unit.

    Examples:
        >>> unit_names("zone_b_crae_px"), unit_names("length_density_per_px"), unit_names("tortuosity")
        (('zone_b_crae_um', 'zone_b_crae_dd'), ('length_density_per_mm', ''), ('', ''))
    """
    if not name.endswith("_px"):
        return "", ""
    stem = name.removesuffix("_px")
    if name.endswith("area_px"):
        return f"{stem}_mm2", ""
    if name.endswith(("_per_px", "length_px")):
        return f"{stem}_mm", ""
    return f"{stem}_um", f"{stem}_dd" if name.endswith(IN_DISC_DIAMETERS) else ""


def in_units(values: Mapping[str, float], um_per_pixel: float | None, disc_px: float | None) -> dict[str, float]:
    """Convert measures in pixels.

    Args:
        values: measures by name.
        um_per_pixel: size of a pixel, if it is known.
        disc_px: diameter of the optic disc, if it is known.

    Returns:
        The converted measures by their names.

    Examples:
        >>> in_units({"crae_px": 12.0, "length_density_per_px": 0.04}, 10, 200)
        {'crae_um': 120.0, 'crae_dd': 0.06, 'length_density_per_mm': 4.0}
    """
    converted = {}
    for name, value in values.items():
        physical, in_discs = unit_names(name)
        if physical and um_per_pixel is not None:
            converted[physical] = value * _factor(physical, um_per_pixel)
        if in_discs and disc_px is not None:
            converted[in_discs] = value / disc_px
    return converted


def _factor(name: str, um_per_pixel: float) -> float:
    """From pixels to the unit in which a name ends."""
    if name.endswith("_mm2"):
        return (um_per_pixel / UM_PER_MM) ** 2
    if name.endswith("_per_mm"):
        return UM_PER_MM / um_per_pixel
    return um_per_pixel / UM_PER_MM if name.endswith("_mm") else um_per_pixel
