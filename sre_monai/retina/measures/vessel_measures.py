"""All measures of a photograph's vessels."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from sre_monai.io.pixel_size import check_um_per_pixel
from sre_monai.retina.measures.branching import COLUMNS as FORK_COLUMNS
from sre_monai.retina.measures.branching import bifurcations
from sre_monai.retina.measures.equivalents import ARTERIES, VEINS, central_equivalent, crossing_vessels
from sre_monai.retina.measures.measure_names import EQUIVALENTS, REGION_MEASURES, REGIONS, prefix
from sre_monai.retina.measures.orientation import canonical_orientation
from sre_monai.retina.measures.region_measures import bounding_box, measure_region
from sre_monai.retina.measures.segments import VesselGraph, vessel_graph
from sre_monai.retina.measures.units import in_units
from sre_monai.retina.measures.zones import ZONES, Disc, distance_from, find_disc, zone_mask
from sre_monai.transforms.grid_symmetries import GridSymmetry

LEAST_HOLE, PART_OF_HOLE = 10, 1 / 20_000  # px, and of the field of view's area: smaller gaps are of the mask
LEAST_ZONE_SHARE = 0.75


class EnteredVessel(NamedTuple):
    """A vessel that entered an equivalent.

    Attributes:
        structure: ``"artery"`` or ``"vein"``.
        zone: name of the zone.
        points: its centre line inside the zone, x and y in pixels, shape (n, 2).
        calibre_px: its mean calibre there.
    """

    structure: str
    zone: str
    points: np.ndarray
    calibre_px: float


@dataclass
class Evidence:
    """What the measures were made from, in the photograph's pixels.

    Attributes:
        disc: centre x and y, and diameter of the optic disc, if it is known.
        shares: of each zone inside the field of view.
        entered: the vessels in the equivalents.
        bifurcations: a row per bifurcation: the kind of vessels ``structure``, the place ``x`` and ``y``,
            ``angle_deg``, the calibres ``parent_px``, ``large_px`` and ``small_px``, ``coefficient`` and ``exponent``.
    """

    disc: tuple[float, float, float] | None
    shares: dict[str, float]
    entered: list[EnteredVessel]
    bifurcations: pd.DataFrame


@dataclass(frozen=True, eq=False)
class VesselMeasures:
    """The measures of a photograph, defined in ``docs/measures.md``. As a pair it is values and segments.

    Attributes:
        values: measures by name. Names end in their unit; those in µm and mm are there where the pixel size is known.
        segments: a row per vessel segment, see :class:`~sre_monai.retina.VesselGraph`, with the kind of vessels as
            ``structure``.
        evidence: the zones, vessels and bifurcations that the measures were made from.
    """

    values: dict[str, float]
    segments: pd.DataFrame
    evidence: Evidence

    def __iter__(self) -> Iterator[Any]:
        """Give values and segments."""
        return iter((self.values, self.segments))


def measure_vessels(
    mask: np.ndarray | None,
    fov: np.ndarray | None = None,
    um_per_pixel: float | None = None,
    *,
    arteries: np.ndarray | None = None,
    veins: np.ndarray | None = None,
    disc: np.ndarray | None = None,
    disc_diameter_um: float | None = None,
    least_zone_share: float = LEAST_ZONE_SHARE,
    least_spur: float = 1.0,
    largest_hole: float | None = None,
    tortuosity_limit: float = math.pi,
) -> VesselMeasures:
    """Measure the vessels of a photograph: all of them, arteries and veins, in the field of view and around the disc.

    Turned by multiples of 90° or mirrored, the masks give exactly the same values.

    Args:
        mask: where vessels are, bool of shape (H, W), as NumPy has a picture of Pillow and
            `sre_monai.VesselSegmentation` its mask. MONAI's maps are (W, H): transpose them. None: arteries and veins
            together.
        fov: field of view, bool of the same shape; the whole image by default.
        um_per_pixel: size of a pixel in µm, if known.
        arteries: where arteries are, bool of the same shape, if known.
        veins: where veins are, likewise.
        disc: where the optic disc is, likewise; all False where the photograph shows none.
        disc_diameter_um: diameter of the optic disc in µm that is assumed where the size of a pixel isn't known, such as
            1800.
        least_zone_share: a zone is measured when at least this share of it lies inside the field of view, 0–1.
        least_spur: side branches with a free end are left out when shorter, in calibres of the vessel where they begin;
            0 keeps all.
        largest_hole: holes up to this area in pixels are filled before lines and calibres are measured; by default
            1/20,000 of the field of view's area, and at least 10; 0 fills none.
        tortuosity_limit: the greatest tortuosity of a segment, even if its ends almost meet; by default that of a
            circle across its diameter.

    Returns:
        The measures. Without vessels, densities and numbers are 0, and calibre, tortuosity, curvature, fractal
        dimensions and lacunarity are NaN. Without a disc, and for a zone too little of which is inside the field of
        view, all measures are NaN.

    Raises:
        ValueError: when the shapes differ, the field of view is empty, the pixel size is not positive, or an option is
            out of range.

    Examples:
        >>> mask = np.zeros((64, 64), bool)
        >>> mask[:, 30:33] = True
        >>> values = measure_vessels(mask, um_per_pixel=5).values
        >>> values["calibre_median_px"], values["calibre_median_um"], values["segments"]
        (3.0, 15.0, 1)
    """  # noqa: E501
    given = {"vessel": mask, "artery": arteries, "vein": veins}
    masks = {structure: vessels for structure, vessels in given.items() if vessels is not None}
    fov = np.ones_like(next(iter(masks.values()))) if fov is None and masks else fov
    fov = _check(masks, fov, disc)
    um_per_pixel = None if um_per_pixel is None else check_um_per_pixel(um_per_pixel)
    check_measuring(least_spur, largest_hole, tortuosity_limit, least_zone_share, disc_diameter_um)
    if mask is None:
        masks = {"vessel": np.logical_or.reduce(list(masks.values())), **masks}
    area = int(fov.sum())
    largest_hole = max(LEAST_HOLE, PART_OF_HOLE * area) if largest_hole is None else largest_hole
    view = _View.of(masks, fov, disc)
    graphs = {
        structure: vessel_graph(vessels, least_spur, largest_hole, tortuosity_limit)
        for structure, vessels in view.masks.items()
    }
    forks = {structure: bifurcations(graph) for structure, graph in graphs.items()}
    evidence = Evidence(None, {}, [], pd.DataFrame(columns=["structure", *FORK_COLUMNS]))
    values: dict[str, float] = {"fov_area_px": area}
    for name, region in _regions(view, least_zone_share, values, evidence):
        for structure, graph in graphs.items():
            measured = (
                dict.fromkeys(REGION_MEASURES, np.nan)
                if region is None
                else measure_region(view.masks[structure], graph, forks[structure], region, tortuosity_limit)
            )
            values |= {prefix(structure, name) + measure: value for measure, value in measured.items()}
        values |= _equivalents(view, name, region, graphs, evidence)
    if um_per_pixel is None and disc_diameter_um is not None and view.disc is not None:
        um_per_pixel = disc_diameter_um / view.disc.diameter
    values |= in_units(values, um_per_pixel, None if view.disc is None else view.disc.diameter)
    values |= {} if um_per_pixel is None else {"um_per_pixel": um_per_pixel}
    _fill_evidence(evidence, view, forks)
    return VesselMeasures(values, _segments(view, graphs, um_per_pixel), evidence)


def check_measuring(
    least_spur: float = 1.0,
    largest_hole: float | None = None,
    tortuosity_limit: float = math.pi,
    least_zone_share: float = LEAST_ZONE_SHARE,
    disc_diameter_um: float | None = None,
) -> None:
    """Refuse options of `measure_vessels` that are out of range.

    Args:
        least_spur: 0 or more.
        largest_hole: 0 or more, or None.
        tortuosity_limit: 1 or more.
        least_zone_share: 0 or more.
        disc_diameter_um: above 0, or None.

    Raises:
        ValueError: naming the option.

    Examples:
        >>> check_measuring(tortuosity_limit=0.5)
        Traceback (most recent call last):
        ValueError: tortuosity_limit must be a number of at least 1, got 0.5.
    """
    given = {"least_spur": least_spur, "largest_hole": largest_hole, "tortuosity_limit": tortuosity_limit}
    for name, value in {**given, "least_zone_share": least_zone_share}.items():
        least = int(name == "tortuosity_limit")
        if value is not None and not (isinstance(value, Real) and value >= least):
            raise ValueError(f"{name} must be a number of at least {least}, got {value!r}.")
    if disc_diameter_um is not None and not (isinstance(disc_diameter_um, Real) and disc_diameter_um > 0):
        raise ValueError(f"disc_diameter_um must be a positive number of micrometres, got {disc_diameter_um!r}.")


def _check(masks: dict[str, np.ndarray], fov: np.ndarray | None, disc: np.ndarray | None) -> np.ndarray:
    """Give the field of view, if all masks fit it."""
    if not masks or fov is None:
        raise ValueError("Nothing to measure: give a mask of vessels, of arteries or of veins.")
    others = [mask for mask in (*masks.values(), disc) if mask is not None]
    for mask in others:
        if mask.ndim != 2 or mask.shape != fov.shape or mask.dtype != bool or fov.dtype != bool:
            raise ValueError(
                "A mask and a field of view of one shape (H, W) and of type bool are expected, got "
                f"{mask.shape} {mask.dtype} and {fov.shape} {fov.dtype}."
            )
    if not fov.any():
        raise ValueError("The field of view is empty: nothing can be measured.")
    return fov


class _View(NamedTuple):
    """The masks, brought into an orientation that depends on nothing but themselves and cut to the field of view."""

    masks: dict[str, np.ndarray]
    fov: np.ndarray
    disc: Disc | None
    has_disc_mask: bool
    orientation: GridSymmetry
    corner: np.ndarray
    shape: tuple[int, ...]

    @classmethod
    def of(cls, masks: dict[str, np.ndarray], fov: np.ndarray, disc: np.ndarray | None) -> _View:
        masks = {structure: vessels & fov for structure, vessels in masks.items()}
        layers = [fov, *masks.values(), *(() if disc is None else (disc,))]
        code = np.zeros(fov.shape, np.uint8)
        for bit, layer in enumerate(layers):
            code |= layer.astype(np.uint8) << bit
        orientation = canonical_orientation(code)
        turned = {structure: orientation.apply(vessels) for structure, vessels in masks.items()}
        turned_fov = orientation.apply(fov)
        window = bounding_box(turned_fov)
        corner = np.array([axis.start for axis in window])
        found = None if disc is None else find_disc(orientation.apply(disc))
        if found is not None:
            found = Disc((found.center[0] - corner[0], found.center[1] - corner[1]), found.diameter)
        return cls(
            {structure: np.ascontiguousarray(vessels[window]) for structure, vessels in turned.items()},
            np.ascontiguousarray(turned_fov[window]),
            found,
            disc is not None,
            orientation,
            corner,
            turned_fov.shape,
        )

    def back(self, points: np.ndarray) -> np.ndarray:
        """From rows and columns in the view to x and y in the photograph."""
        return self.orientation.invert_points(points + self.corner, self.shape)[..., ::-1]


def _regions(
    view: _View, least_share: float, values: dict[str, float], evidence: Evidence
) -> Iterator[tuple[str, np.ndarray | None]]:
    """The field of view and the zones; None for one that can't be measured. Notes the disc and the shares."""
    yield REGIONS[0], view.fov
    if not view.has_disc_mask:
        return
    values["disc_diameter_px"] = np.nan if view.disc is None else view.disc.diameter
    distance = None if view.disc is None else distance_from(view.disc, view.fov.shape)
    for zone in ZONES:
        region, share = None, np.nan
        if view.disc is not None and distance is not None:
            region, share = zone_mask(zone, view.disc, distance, view.fov)
            evidence.shares[zone.name] = share
            region = region if share >= max(least_share, np.finfo(float).tiny) else None
        values[f"{zone.name}_share"] = share
        yield zone.name, region


def _equivalents(
    view: _View, name: str, region: np.ndarray | None, graphs: dict[str, VesselGraph], evidence: Evidence
) -> dict[str, float]:
    """CRAE, CRVE and their ratio in a zone, and how many vessels they are made of; nothing in the field of view."""
    zone = next((zone for zone in ZONES if zone.name == name), None)
    if zone is None or not {"artery", "vein"} & set(graphs):
        return {}
    values = dict.fromkeys(EQUIVALENTS, np.nan)
    for structure, equivalent, coefficient in (("artery", "crae", ARTERIES), ("vein", "crve", VEINS)):
        if region is None or view.disc is None or structure not in graphs:
            continue
        vessels = graphs[structure].vessels.inside(region)
        chosen = crossing_vessels(vessels, zone, view.disc)
        calibres = vessels.mean_calibres[chosen].tolist()
        values[f"{equivalent}_px"] = central_equivalent(calibres, coefficient)
        values[f"{equivalent}_vessels"] = len(chosen)
        lines = vessels.lines
        evidence.entered += [
            EnteredVessel(structure, zone.name, view.back(lines.points[lines.starts[i] : lines.ends[i] + 1]), calibre)
            for i, calibre in zip(chosen, calibres, strict=True)
        ]
    values["avr"] = values["crae_px"] / values["crve_px"]
    return {f"{zone.name}_{name}": value for name, value in values.items()}


def _fill_evidence(evidence: Evidence, view: _View, forks: dict[str, pd.DataFrame]) -> None:
    """Bring the disc and the bifurcations back onto the photograph."""
    if view.disc is not None:
        x, y = view.back(np.array(view.disc.center)).tolist()
        evidence.disc = (x, y, view.disc.diameter)
    for structure, table in forks.items():
        table[["x", "y"]] = view.back(table[["y", "x"]].to_numpy())
        table.insert(0, "structure", structure)
    evidence.bifurcations = pd.concat(list(forks.values()), ignore_index=True)


def _segments(view: _View, graphs: dict[str, VesselGraph], um_per_pixel: float | None) -> pd.DataFrame:
    """The segments of all kinds of vessels, their ends on the photograph."""
    tables: Sequence[pd.DataFrame] = [graph.segments for graph in graphs.values()]
    for structure, table in zip(graphs, tables, strict=True):
        for end in ("start", "end"):
            columns = [f"{end}_x", f"{end}_y"]
            table[columns] = view.back(table[columns[::-1]].to_numpy())
        table.insert(0, "structure", structure)
    segments = pd.concat(list(tables), ignore_index=True)
    if um_per_pixel is not None:
        for column in [name for name in segments if name.endswith("_px")]:
            segments[column.replace("_px", "_um")] = segments[column] * um_per_pixel
    return segments
