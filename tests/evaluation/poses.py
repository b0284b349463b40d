"""The eight poses that are symmetries of the square."""

from __future__ import annotations

from sre_monai.evaluation import Pose
from sre_monai.transforms import GridSymmetry

MIRROR = GridSymmetry.mirror(2, [0])
EXACT = [Pose(90.0 * k, symmetry) for symmetry in (GridSymmetry(), MIRROR) for k in range(4)]
