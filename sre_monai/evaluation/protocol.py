"""Interface of evaluation protocols."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ignite.engine import Engine

from sre_monai.evaluation.pose import Pose

Curves = Mapping[tuple[str, str], Mapping[str, Mapping[float, float]]]
"""Scores by angle in degrees, by the line's name, by the plot's file name and the label of its vertical axis."""


class EvaluationProtocol(ABC):
    """One way to score a network: in which poses it sees the images, the scores, their summary and curves.

    :class:`~sre_monai.evaluation.EvaluationHandler` runs protocols and writes their results.

    Attributes:
        table_name: name of the table's file.
        poses: in which the network is scored.
    """

    table_name = "per_image.csv"
    poses: Sequence[Pose] = (Pose(),)

    @property
    def angles(self) -> list[float]:
        """The angles of the poses, without flips."""
        return list(dict.fromkeys(pose.angle for pose in self.poses if pose.symmetry.is_identity))

    def reset(self) -> None:
        """Discard the results of an earlier run."""
        self._rows: list[dict[str, Any]] = []

    @abstractmethod
    def collect(self, engine: Engine) -> Iterator[None]:
        """Score one iteration of MONAI's evaluator, and yield after each pose."""

    def rows(self) -> list[dict[str, Any]]:
        """Return the rows of the table."""
        return self._rows

    @abstractmethod
    def summarize(self) -> dict[str, Any]:
        """Return this protocol's part of the summary; dictionaries with the same key are merged."""

    @abstractmethod
    def describe(self, summary: Mapping[str, Any]) -> str:
        """Format this protocol's part of the summary as text for the log."""

    def curves(self) -> Curves:
        """Return this protocol's lines in the plots."""
        return {}
