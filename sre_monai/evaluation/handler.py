"""What all evaluation handlers share: when they collect, and how they write their files."""

from __future__ import annotations

import logging
import math
import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ignite.engine import Engine, Events

from sre_monai.tables import write_json, write_table
from sre_monai.visualize import plot_rotation_curve

__all__ = ["Curves", "EvaluationHandler"]

Curves = Mapping[tuple[str, str], Mapping[str, Mapping[float, float]]]
"""Scores by angle in degrees, by the line's name, by the file's name and the label of its vertical axis."""

logger = logging.getLogger(__name__)


class EvaluationHandler(ABC):
    """Ignite handler that collects after every iteration and writes its files at the end of the epoch.

    The files are a table of :meth:`rows`, ``summary.json`` with the record and :meth:`summarize`, and a plot of each of
    :meth:`curves`. Without matplotlib, or when no score is defined, a plot is left out, with a sentence in the log.

    Args:
        output_dir: folder of the files.
        record: what else to note in the summary, see :func:`~sre_monai.evaluation.evaluation_record`.

    Attributes:
        table_name: name of the table's file.

    Examples:
        >>> ScoreTable("output/evaluate").attach(evaluator)  # doctest: +SKIP
    """

    table_name = "per_image.csv"

    def __init__(self, output_dir: str | os.PathLike[str], record: Mapping[str, Any] | None = None) -> None:
        self.output_dir = Path(output_dir)
        self.record = dict(record or {})

    def attach(self, engine: Engine) -> None:
        """Collect after every iteration, write at the end of the epoch.

        Args:
            engine: MONAI's evaluator.
        """
        engine.add_event_handler(Events.EPOCH_STARTED, self.reset)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self.collect)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self.write)

    @abstractmethod
    def reset(self, engine: Engine) -> None:
        """Forget an earlier epoch."""

    @abstractmethod
    def collect(self, engine: Engine) -> None:
        """Keep what is needed of one iteration."""

    @abstractmethod
    def rows(self) -> list[dict[str, Any]]:
        """Give the rows of the table."""

    @abstractmethod
    def summarize(self) -> dict[str, Any]:
        """Give what the summary says beside the record."""

    @abstractmethod
    def describe(self, summary: Mapping[str, Any]) -> str:
        """Lay the summary out as text for the log."""

    def curves(self) -> Curves:
        """Give what is plotted."""
        return {}

    def write(self) -> None:
        """Write the files and log the summary."""
        summary = {**self.record, **self.summarize()}
        write_table(self.output_dir / self.table_name, self.rows())
        write_json(self.output_dir / "summary.json", summary)
        what = ", ".join(str(summary[key]) for key in ("dataset", "section") if key in summary) or "evaluation"
        table = self.output_dir / self.table_name
        logger.info("%s: %s\nthe whole table is in %s", what, self.describe(summary), table)
        for (name, ylabel), lines in self.curves().items():
            defined = {line: curve for line, curve in lines.items() if not all(map(math.isnan, curve.values()))}
            if not defined:
                logger.warning("there is no %s: the score is undefined for these images", name)
                continue
            try:
                plot_rotation_curve(defined, self.output_dir / name, ylabel=ylabel)
            except ImportError as error:
                logger.warning("there is no %s: %s", name, error)
