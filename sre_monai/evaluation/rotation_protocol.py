"""What a protocol of a rotation evaluation has to tell."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ignite.engine import Engine

from sre_monai.evaluation.handler import Curves
from sre_monai.evaluation.pose import Pose

__all__ = ["RotationProtocol"]


class RotationProtocol(ABC):
    """One way to score a network in many poses: what it sees, the scores, their summary and curves.

    :class:`~sre_monai.evaluation.RotationTable` runs protocols and writes what they tell.

    Args:
        poses: in which the network is scored, the upright one among them.

    Attributes:
        table_name: name of the table's file.
    """

    table_name = "per_image.csv"

    def __init__(self, poses: Sequence[Pose]) -> None:
        self.poses = list(poses)
        self.reset()

    @property
    def angles(self) -> list[float]:
        """The angles, without those of mirror images."""
        return list(dict.fromkeys(pose.angle for pose in self.poses if pose.symmetry.is_identity))

    @abstractmethod
    def reset(self) -> None:
        """Forget what has been observed."""

    @abstractmethod
    def observe(self, engine: Engine) -> Iterator[None]:
        """Predict one iteration's images in every pose, and yield after each pose."""

    @abstractmethod
    def rows(self) -> list[dict[str, Any]]:
        """Give the rows of the table: a pose and its scores."""

    @abstractmethod
    def summarize(self) -> dict[str, Any]:
        """Give this protocol's part of the summary; dictionaries of the same name are joined."""

    @abstractmethod
    def curves(self) -> Curves:
        """Give this protocol's lines in the plots."""

    @abstractmethod
    def describe(self, summary: Mapping[str, Any]) -> str:
        """Lay this protocol's part of the summary out as text for the log."""
