import torch
from monai.data import DataLoader

from sre_monai.data import TolerantDataset
from sre_monai.engines import FolderReport, TolerantEvaluator


def prepare(item):
    if item["file"] == "unreadable":
        raise ValueError("can't be read")
    return {**item, "image": torch.full((1, 4, 4), item["value"])}


def network(x):
    if x.max() > 5:
        raise RuntimeError("out of memory")
    return x


def finish(item):
    if item["pred"].max() > 3:
        raise OSError("disk full")
    return {**item, "report": {"mean_probability": item["pred"].mean().item()}}


def test_each_failure_is_a_row_and_the_run_goes_on(tmp_path):
    values = {"good": 1.0, "unreadable": 1.0, "too large": 9.0, "unwritable": 4.0, "last": 2.0}
    data = TolerantDataset([{"file": file, "value": value} for file, value in values.items()], prepare)
    report = FolderReport(tmp_path / "report.csv")
    module = torch.nn.Module()
    module.forward = network
    evaluator = TolerantEvaluator(
        report,
        device=torch.device("cpu"),
        val_data_loader=DataLoader(data, batch_size=1),
        network=module,
        postprocessing=finish,
    )
    evaluator.run()
    assert [row["status"] for row in report.rows] == ["done", "failed", "failed", "failed", "done"]
    reasons = [row.get("reason") for row in report.rows]
    assert reasons == [None, "can't be read", "out of memory", "disk full", None]
    assert report.rows[-1]["mean_probability"] == 2.0
    assert float(report.rows[-1]["seconds"]) >= 0
