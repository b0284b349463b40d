"""The 48 symmetries of the cube, listed independently of the package."""

from collections.abc import Iterator
from itertools import permutations, product

import torch


def cube_symmetries(x: torch.Tensor) -> Iterator[torch.Tensor]:
    """Yield every permutation of the last three axes, with every combination of flips."""
    for order in permutations((-3, -2, -1)):
        for flips in product((False, True), repeat=3):
            rearranged = x.permute(*range(x.ndim - 3), *(x.ndim + axis for axis in order))
            yield rearranged.flip([axis for axis, flip in zip((-3, -2, -1), flips) if flip])
