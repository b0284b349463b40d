"""How the taps of a ring basis are best added up.

Most taps of a round kernel are worth the same to every ring, so that they can be added up before they are weighted:

- a *line* is a set of kernel rows with the same values: for a 9×9 kernel the five pairs of rows at equal distance from
  the centre, and in three dimensions the up to eight rows at one distance;
- a *class* is a set of taps with the same value in every ring. A term of a class is an offset along a line;
- the ring filters are a linear mix of the classes. Rings of the profile ``bands`` do not overlap: each is a class.

Where rings do overlap, the basis is exchanged for another one of the same space of kernels, in which one class of each
ring is in that ring alone. It halves the mix, and the weights make up for it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# The kernel keeps so many rows at hand. A square has four symmetric ones, or eight.
_MOST_ROWS = 8


@dataclass(frozen=True)
class TapPlan:
    """Lines, classes and mix of a ring basis.

    Args:
        lines: for every line the offsets (z, y) of its rows, in pixels.
        classes: for every class its terms (line, offset x).
        mix: (rings, classes), the value of each class in each exchanged ring, or None where they are the same.
        exchange: (rings, rings), what the weights are multiplied with to make up for the exchange, or None.
    """

    lines: tuple[tuple[tuple[int, int], ...], ...]
    classes: tuple[tuple[tuple[int, int], ...], ...]
    mix: np.ndarray | None
    exchange: np.ndarray | None

    @property
    def reach(self) -> int:
        """The largest offset along a line, in pixels."""
        return max(abs(x) for terms in self.classes for _, x in terms)


def plan_taps(rings: np.ndarray, dilation: tuple[int, ...]) -> TapPlan:
    """Group the taps of a ring basis.

    Args:
        rings: (rings, *k*, …, *k*) with one to three spatial axes.
        dilation: spacing of the taps per spatial axis, in pixels.

    Returns:
        The plan, for three spatial axes: missing ones lead with size 1.
    """
    count = len(rings)
    missing = 3 - len(dilation)
    taps = rings.reshape(count, *(1,) * missing, *rings.shape[1:]).transpose(1, 2, 3, 0)
    offsets = [(np.arange(n) - n // 2) * d for n, d in zip(taps.shape, (1,) * missing + tuple(dilation))]

    lines: dict[bytes, list[tuple[int, int]]] = {}
    values: dict[bytes, np.ndarray] = {}
    for z, y in np.ndindex(taps.shape[:2]):
        row, key = taps[z, y], taps[z, y].tobytes()
        while len(lines.get(key, ())) == _MOST_ROWS:
            key += b"+"
        if row.any():
            lines.setdefault(key, []).append((int(offsets[0][z]), int(offsets[1][y])))
            values[key] = row
    classes: dict[tuple[float, ...], list[tuple[int, int]]] = {}
    for line, row in enumerate(values.values()):
        for x, tap in zip(offsets[2], row):
            if tap.any():
                classes.setdefault(tuple(tap.tolist()), []).append((line, int(x)))

    table = np.array(list(classes)).T  # (rings, classes)
    terms = [tuple(t) for t in classes.values()]
    rows = tuple(tuple(group) for group in lines.values())
    if ((table != 0).sum(axis=1) == 1).all() and (table.max(axis=1) == 1).all():
        return TapPlan(rows, tuple(terms[i] for i in table.argmax(axis=1)), None, None)  # every ring is one class
    return TapPlan(rows, tuple(terms), *_exchange(table))


def _exchange(table: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """Exchange the rings for combinations of them: one class of each is its own, with the value 1.

    Gauss–Jordan elimination over the largest values, as long as they are well above rounding.

    Returns:
        The new table B, and the matrix E with table = E B, or None where the rings stay as they are.
    """
    own: list[int] = []
    reduced = table.astype(np.float64)
    for ring in range(len(table)):
        row = np.abs(reduced[ring])
        row[own] = 0
        pivot = int(row.argmax())
        if row[pivot] < 0.1:
            return table.astype(np.float32), None
        own.append(pivot)
        reduced[ring] /= reduced[ring, pivot]
        for other in range(len(table)):
            if other != ring:
                reduced[other] -= reduced[other, pivot] * reduced[ring]
    reduced[np.abs(reduced) < 1e-12] = 0
    return reduced.astype(np.float32), table[:, own].astype(np.float32)
