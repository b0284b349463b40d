"""The handler of every evaluation: it runs protocols and writes their tables, summaries and curves."""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ignite.engine import Engine, Events
from tqdm import tqdm

from sre_monai.evaluation.protocol import Curves, EvaluationProtocol
from sre_monai.io.tables import write_json, write_table
from sre_monai.visualize import plot_rotation_curve

logger = logging.getLogger(__name__)


class EvaluationHandler:
    """Ignite handler that scores a network by one or several protocols and writes their files.

    Writes a table of the protocols' rows, grouped by image, ``summary.json`` with the record and their summaries, and
    their curves. Without matplotlib, or when no score is defined, a plot is left out, with a warning in the log.

    Args:
        output_dir: folder of the files.
        protocols: how to score.
        record: additional entries of the summary, see :func:`~sre_monai.evaluation.evaluation_record`.

    Examples:
        >>> EvaluationHandler("output/evaluate", [ScoreTable(threshold=0.4)]).attach(evaluator)  # doctest: +SKIP
    """

    def __init__(
        self,
        output_dir: str | os.PathLike[str],
        protocols: Sequence[EvaluationProtocol],
        record: Mapping[str, Any] | None = None,
    ) -> None:
        self.output_dir = Path(output_dir)
        self.protocols = list(protocols)
        self.record = dict(record or {})

    def attach(self, engine: Engine) -> None:
        """Score after every iteration, write at the end of the epoch.

        Args:
            engine: MONAI's evaluator.
        """
        engine.add_event_handler(Events.EPOCH_STARTED, self._start)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._collect)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._write)

    def rows(self) -> list[dict[str, Any]]:
        """Return the rows of the table.

        Returns:
            The protocols' rows, image by image.
        """
        rows = [row for protocol in self.protocols for row in protocol.rows()]
        order = {image: index for index, image in enumerate(dict.fromkeys(row.get("image") for row in rows))}
        return sorted(rows, key=lambda row: order[row.get("image")])

    def summarize(self) -> dict[str, Any]:
        """Join the protocols' summaries.

        Returns:
            The content of ``summary.json``.
        """
        return {**self.record, **_join(protocol.summarize() for protocol in self.protocols)}

    def _start(self, engine: Engine) -> None:
        """Reset the protocols and the progress bar."""
        for protocol in self.protocols:
            protocol.reset()
        predictions = (engine.state.epoch_length or 0) * sum(len(protocol.poses) for protocol in self.protocols)
        self.progress = tqdm(total=predictions, desc="evaluation")

    def _collect(self, engine: Engine) -> None:
        """Score one iteration by every protocol."""
        for protocol in self.protocols:
            for _ in protocol.collect(engine):
                self.progress.update()

    def _write(self) -> None:
        """Write the files and log the summary."""
        self.progress.close()
        summary, table = self.summarize(), self.output_dir / self.protocols[0].table_name
        write_table(table, self.rows())
        write_json(self.output_dir / "summary.json", summary)
        what = ", ".join(str(summary[key]) for key in ("dataset", "section") if key in summary) or "evaluation"
        for protocol in self.protocols:
            logger.info("%s: %s", what, protocol.describe(summary))
        logger.info("the full table is in %s", table)
        self._plot(_join(protocol.curves() for protocol in self.protocols))

    def _plot(self, curves: Curves) -> None:
        """Plot the curves that are defined."""
        for (name, ylabel), lines in curves.items():
            defined = {line: curve for line, curve in lines.items() if not all(map(math.isnan, curve.values()))}
            if not defined:
                logger.warning("%s was not written: the score is undefined for these images", name)
                continue
            try:
                plot_rotation_curve(defined, self.output_dir / name, ylabel=ylabel)
            except ImportError as error:
                logger.warning("%s was not written: %s", name, error)


def _join(parts: Iterable[Mapping[Any, Any]]) -> dict[Any, Any]:
    """Join mappings, and the mappings in them that have the same key."""
    joined: dict[Any, Any] = {}
    for part in parts:
        for key, value in part.items():
            joined[key] = {**joined.get(key, {}), **value} if isinstance(value, Mapping) else value
    return joined
