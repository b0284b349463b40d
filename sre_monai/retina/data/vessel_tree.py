"""Synthetic retinal vessels: arteries and veins leave the optic disc in four arcades and branch by Murray's law."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

# Lengths are in radii of the field of view (45°), so that one retina looks the same at every image size.
STEP = 0.004
ARTERY_RADIUS, VEIN_RADIUS = 0.0135, 0.0170  # of the largest vessels at the optic disc: 7 and 9 px wide in DRIVE
BRANCH_DISTANCE = 0.056  # mean length between two branches of a vessel
TAPER = 0.08  # relative loss of radius by twigs too thin to be seen, for each unit of length
TORTUOSITY = 6.0  # standard deviation of a vessel's random curvature
MEMORY = 0.92  # of that curvature from one step to the next
STEERING = 4.0  # how strongly a vessel turns to its course, for each unit of length
CLEARANCE = 0.008  # between the walls of two vessels of one kind, which never cross
MINIMUM_LENGTH = 0.1
FADING = 0.04  # slope of the radius at the ends of vessels that stop inside the field of view
MAX_CROSSING = 0.08  # length for which an artery may lie on a vein

GRID_CELLS, GRID_SPAN = 400, 2.1  # of the occupancy grid: a little more than the diameter


@dataclass(frozen=True)
class Vessel:
    """One unbranched path: centreline (n, 2) in pixels as (x, y), wall radii (n,) in pixels, artery or vein."""

    points: np.ndarray
    radii: np.ndarray
    is_artery: bool


@dataclass
class _Tip:
    """A vessel about to grow."""

    position: np.ndarray
    heading: float
    radius: float
    is_artery: bool
    arcade: float | None  # parabola's parameter of a temporal arcade, signed by its side; None for all others


def grow_vessels(
    rng: np.random.Generator,
    centre: tuple[float, float],
    disc: tuple[float, float],
    fovea: tuple[float, float],
    fov_radius: float,
    minimum_radius: float,
) -> list[Vessel]:
    """Grow the vessels of one retina.

    At every branching the radii obey Murray's law, r0³ = r1³ + r2³, and the angles those of minimum work. Temporal
    arcades follow parabolas about the line from the disc to the fovea; branches steer to the macula inside of them and
    to the periphery outside. Vessels of one kind do not cross; arteries cross veins.

    Args:
        rng: source of randomness.
        centre: centre of the field of view, (x, y) in pixels, like all positions.
        disc: centre of the optic disc.
        fovea: centre of the macula, kept free of vessels.
        fov_radius: radius of the field of view in pixels; vessels end at its edge.
        minimum_radius: radius in pixels at which a vessel ends.

    Returns:
        The vessels, thick before thin.

    References:
        Murray, "The physiological principle of minimum work: I", PNAS 12:207, 1926, doi:10.1073/pnas.12.3.207, and
        "… applied to the angle of branching of arteries", J Gen Physiol 9:835, 1926, doi:10.1085/jgp.9.6.835.

    Examples:
        >>> vessels = grow_vessels(np.random.default_rng(0), (0, 0), (170, 0), (-10, 0), 270, 0.5)
        >>> {vessel.is_artery for vessel in vessels} == {True, False}
        True
    """
    retina = _Retina(rng, np.array(centre), np.array(disc), np.array(fovea), fov_radius, minimum_radius)
    tips = retina.roots()
    vessels: list[Vessel] = []
    while tips:
        tips.sort(key=lambda tip: tip.radius)
        vessel, twigs = retina.grow(tips.pop(), len(vessels) + 1)
        if vessel is not None:
            vessels.append(vessel)
            tips.extend(twigs)
    return vessels


class _Retina:
    """The occupancy grid of the vessels, in units of the field of view's radius, with its centre as the origin."""

    def __init__(
        self,
        rng: np.random.Generator,
        centre: np.ndarray,
        disc: np.ndarray,
        fovea: np.ndarray,
        fov_radius: float,
        minimum_radius: float,
    ) -> None:
        self.rng = rng
        self.centre = centre
        self.unit = fov_radius
        self.disc = (disc - centre) / fov_radius
        self.fovea = (fovea - centre) / fov_radius
        self.minimum_radius = minimum_radius / fov_radius
        self.axis = self.fovea - self.disc
        self.distance = float(np.linalg.norm(self.axis))
        self.axis = self.axis / self.distance
        self.across = np.array([-self.axis[1], self.axis[0]])
        self.span = float(self.rng.uniform(0.5, 0.62))  # height of the arcades above the fovea
        self.owner = {is_artery: np.zeros((GRID_CELLS, GRID_CELLS), dtype=int) for is_artery in (True, False)}

    def roots(self) -> list[_Tip]:
        """The vessels that come out of the optic disc."""
        tips = []
        for side in (-1.0, 1.0):
            for is_artery, order in zip((True, False), self.rng.permutation([0.86, 1.14]), strict=True):
                size = (ARTERY_RADIUS if is_artery else VEIN_RADIUS) * self.rng.uniform(0.85, 1.1)
                span = self.span * (order + self.rng.uniform(-0.1, 0.1))
                arcade = side * span**2 / (4 * self.distance)
                tips.append(self._root(side * self.rng.uniform(70, 100), size, is_artery, arcade))
                tips.append(self._root(side * self.rng.uniform(115, 150), size * 0.68, is_artery, None))
        for angle in np.arange(10) * 36 + self.rng.uniform(-16, 16, 10):
            size = self.rng.uniform(0.2, 0.45) * VEIN_RADIUS
            tips.append(self._root(float(angle), size, bool(self.rng.random() < 0.5), None))
        return tips

    def _root(self, degrees: float, radius: float, is_artery: bool, arcade: float | None) -> _Tip:
        """A vessel that leaves the disc at an angle from the line to the fovea."""
        angle = math.radians(degrees + self.rng.uniform(-8, 8))
        direction = math.cos(angle) * self.axis + math.sin(angle) * self.across
        position = self.disc + 0.03 * direction + self.rng.normal(0, 0.012, 2)
        return _Tip(position, math.atan2(direction[1], direction[0]), radius, is_artery, arcade)

    def grow(self, tip: _Tip, number: int) -> tuple[Vessel | None, list[_Tip]]:
        """Grow a vessel to its end, and start its branches; None where there is no room."""
        points, radii, twigs = [tip.position], [tip.radius], []
        position, heading, radius = tip.position, tip.heading, tip.radius
        bend, crossing, travelled, side = 0.0, 0.0, 0.0, float(self.rng.choice((-1, 1)))
        until_branch = self.rng.exponential(BRANCH_DISTANCE) + 0.04
        while radius >= self.minimum_radius and np.linalg.norm(position) < 1.02:
            bend = MEMORY * bend + self.rng.normal(0, TORTUOSITY * math.sqrt(1 - MEMORY**2))
            turn = math.remainder(self._course(position, tip.arcade) - heading, 2 * math.pi)
            heading += STEP * (STEERING * turn * (2 if tip.arcade else 1) + bend)
            position = position + STEP * np.array([math.cos(heading), math.sin(heading)])
            radius *= 1 - STEP * TAPER
            travelled += STEP
            crossing = crossing + STEP if self._is_taken(position, 0.0, not tip.is_artery, number) else 0.0
            collides = travelled > 0.05 and self._is_taken(position, radius + CLEARANCE, tip.is_artery, number)
            hides = crossing > MAX_CROSSING and travelled > 0.15 and tip.arcade is None
            if collides or hides or self._ends_at_fovea(position, heading):
                break
            points.append(position)
            radii.append(radius)
            until_branch -= STEP
            if until_branch < 0:
                share = math.exp(self.rng.uniform(math.log(0.02), math.log(0.4)))  # of the blood flow
                thin, radius = radius * share ** (1 / 3), radius * (1 - share) ** (1 / 3)
                away, main = _murray_angles(radii[-1], thin, radius)
                if thin >= self.minimum_radius:
                    twigs.append(_Tip(position, heading + side * away, thin, tip.is_artery, None))
                heading -= side * main * (0.3 if tip.arcade else 1)
                side = -side if self.rng.random() < 0.8 else side
                until_branch = self.rng.exponential(BRANCH_DISTANCE) + 0.01
        if travelled < MINIMUM_LENGTH:
            return None, []
        for point, wall in zip(points, radii, strict=True):
            self.owner[tip.is_artery][self._cells(point, wall)] = number
        if np.linalg.norm(position) < 1:  # vessels that stop before the rim fade
            fade = self.minimum_radius + FADING * STEP * np.arange(len(radii))[::-1]
            radii = list(np.minimum(radii, fade))
        path = np.array(points) * self.unit + self.centre
        return Vessel(path, np.array(radii) * self.unit, tip.is_artery), twigs

    def _ends_at_fovea(self, position: np.ndarray, heading: float) -> bool:
        """Whether a vessel has come to the foveal avascular zone, or would turn around it."""
        offset = self.fovea - position
        near = float(np.linalg.norm(offset))
        return near < 0.07 or (near < 0.25 and offset @ (math.cos(heading), math.sin(heading)) < 0)

    def _course(self, position: np.ndarray, arcade: float | None) -> float:
        """The heading that a vessel would take here."""
        along, across = float((position - self.disc) @ self.axis), float((position - self.disc) @ self.across)
        if arcade is not None:
            height = max(abs(across), 0.02)
            slope = 2 * abs(arcade) / height * (1 - (along / (1.7 * self.distance)) ** 2)
            direction = self.axis + math.copysign(slope, arcade) * self.across
        elif along > 0 and across**2 < self.span**2 * along / self.distance:
            ahead = max(0.0, along + 0.35 - self.distance)  # to the fovea, and past it along the horizontal raphe
            direction = self.fovea + ahead * self.axis - position
        else:
            outward = position - self.disc
            direction = outward + 0.5 * (position - self.fovea)
        return math.atan2(direction[1], direction[0])

    def _cells(self, position: np.ndarray, radius: float) -> tuple[slice, slice]:
        """The part of the grid around a position."""
        column, row = np.clip((position / GRID_SPAN + 0.5) * GRID_CELLS, 0, GRID_CELLS - 1).astype(int)
        reach = round(radius * GRID_CELLS / GRID_SPAN)
        return slice(max(0, row - reach), row + reach + 1), slice(max(0, column - reach), column + reach + 1)

    def _is_taken(self, position: np.ndarray, radius: float, is_artery: bool, number: int) -> bool:
        """Whether another vessel of that kind is here."""
        around = self.owner[is_artery][self._cells(position, radius)]
        return bool(((around != 0) & (around != number)).any())


def _murray_angles(parent: float, first: float, second: float) -> tuple[float, float]:
    """Angles by which two branches leave their parent's direction for minimum work."""
    angles = []
    for one, other in ((first, second), (second, first)):
        cosine = (parent**4 + one**4 - other**4) / (2 * parent**2 * one**2)
        angles.append(math.acos(min(1.0, max(-1.0, cosine))))
    return angles[0], angles[1]
