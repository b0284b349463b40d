"""An evaluator that outlives the images it can't process."""

from __future__ import annotations

from time import perf_counter
from typing import Any

from monai.engines import SupervisedEvaluator

from sre_monai.data.tolerant_dataset import FAILURE, reason_of
from sre_monai.engines.folder_report import FolderReport

__all__ = ["TolerantEvaluator"]


class TolerantEvaluator(SupervisedEvaluator):
    """MONAI's evaluator for one image at a time, with a report: a failure is a row in it and the run goes on.

    Whatever goes wrong with an image is caught: reading it (told by :class:`~sre_monai.data.TolerantDataset`), the
    network, the transforms after it, the writing of its results.

    Args:
        report: where each image's fate is noted. Its rows take their columns from what the postprocessing leaves in
            the item under ``report``.
        kwargs: arguments of ``monai.engines.SupervisedEvaluator``. Batches must have one item, with a key ``file``.
    """

    def __init__(self, report: FolderReport, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.report = report

    def _iteration(self, engine: SupervisedEvaluator, batchdata: dict[str, Any]) -> dict[str, Any]:
        start = perf_counter()
        (file,) = batchdata["file"]
        try:
            if FAILURE in batchdata:
                (reason,) = batchdata[FAILURE]
                self.report.add(file, "failed", reason=reason)
                return {}
            output = super()._iteration(engine, batchdata)
            (item,) = engine.state.output
            self.report.add(file, "done", seconds=f"{perf_counter() - start:.3f}", **item["report"])
            return output
        except Exception as error:
            self.report.add(file, "failed", reason=reason_of(error))
            return {}
