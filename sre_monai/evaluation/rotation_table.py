"""Robustness to rotation: scores in every pose, their summary and curves."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ignite.engine import Engine
from tqdm import tqdm

from sre_monai.evaluation.handler import Curves, EvaluationHandler
from sre_monai.evaluation.rotation_protocol import RotationProtocol

__all__ = ["RotationTable"]


class RotationTable(EvaluationHandler):
    """Ignite handler that scores a network in many poses and writes a table, a summary and curves.

    What is in the files is said by the protocols: :func:`~sre_monai.evaluation.segmentation_protocols` or
    :class:`~sre_monai.evaluation.ClassificationProtocol`.

    Args:
        output_dir: folder of the files.
        protocols: how to score.
        record: what else to note in the summary.

    Examples:
        >>> protocol = ClassificationProtocol("binary-class", spatial_dims=2, angles=range(0, 360, 10))
        ... # doctest: +SKIP
        >>> RotationTable("output/rotation", [protocol]).attach(evaluator)  # doctest: +SKIP
    """

    def __init__(
        self,
        output_dir: str | os.PathLike[str],
        protocols: Sequence[RotationProtocol],
        record: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(output_dir, record)
        self.protocols = list(protocols)
        self.table_name = self.protocols[0].table_name

    def reset(self, engine: Engine) -> None:
        """Forget an earlier epoch and show what is left to do."""
        for protocol in self.protocols:
            protocol.reset()
        predictions = (engine.state.epoch_length or 0) * sum(len(protocol.poses) for protocol in self.protocols)
        self.progress = tqdm(total=predictions, desc="poses", unit="pose")

    def collect(self, engine: Engine) -> None:
        """Predict one iteration in every pose of every protocol."""
        for protocol in self.protocols:
            for _ in protocol.observe(engine):
                self.progress.update()

    def rows(self) -> list[dict[str, Any]]:
        """Give the rows of the table, image by image where they are scored one by one."""
        rows = [row for protocol in self.protocols for row in protocol.rows()]
        places = {image: place for place, image in enumerate(dict.fromkeys(row.get("image") for row in rows))}
        return sorted(rows, key=lambda row: places[row.get("image")])

    def summarize(self) -> dict[str, Any]:
        """Join the protocols' summaries."""
        return _join(protocol.summarize() for protocol in self.protocols)

    def describe(self, summary: Mapping[str, Any]) -> str:
        """Lay the summary out as text for the log."""
        head = f"{summary['num_images']} images at {len(summary['angles'])} angles and as mirror images"
        return "\n".join([head, *(protocol.describe(summary) for protocol in self.protocols)])

    def curves(self) -> Curves:
        """Join the protocols' lines."""
        return _join(protocol.curves() for protocol in self.protocols)

    def write(self) -> None:
        """Write the files and log the summary."""
        self.progress.close()
        super().write()


def _join(parts: Iterable[Mapping[Any, Any]]) -> dict[Any, Any]:
    """Join mappings, and the mappings in them that have the same key."""
    joined: dict[Any, Any] = {}
    for part in parts:
        for key, value in part.items():
            joined[key] = {**joined.get(key, {}), **value} if isinstance(value, Mapping) else value
    return joined
