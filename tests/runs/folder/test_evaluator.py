"""Failures at every stage are reported; the other images are processed."""

import csv
import errno
import logging

import pytest
import torch
from monai.data import MetaTensor

from sre_monai.runs.folder import FolderEvaluator, FolderReport, FolderRun, PixelBudgetLoader, TolerantDataset
from sre_monai.runs.log_file import log_to_file

CPU = torch.device("cpu")


def prepare(item):
    if item["file"] == "unreadable":
        raise ValueError("can't be read")
    return {**item, "image": MetaTensor(torch.full((1, 4, item["size"]), item["value"]))}


class Network(torch.nn.Module):
    """Doubles its input; runs out of memory for large values or batches."""

    def __init__(self, largest_batch):
        super().__init__()
        self.largest_batch = largest_batch
        self.batches = []

    def forward(self, x):
        self.batches.append(len(x))
        if x.max() > 5 or len(x) > self.largest_batch:
            raise RuntimeError("CUDA out of memory. Tried to allocate 9 GiB")
        return 2 * x


def finish(item):
    if item["pred"].max() > 6:
        raise OSError("No space left on device")
    return {**item, "report": {"mean_probability": item["pred"].mean().item()}, "outputs": {}, "thumbnails": []}


def run_folder(folder, files, network, **loader):
    items = [{"file": file, "name": file, "image": "", "value": value, "size": size} for file, value, size in files]
    run = FolderRun(items, folder, {}, report=FolderReport(folder, ["mean_probability"]))
    dataset = TolerantDataset(items, prepare, run.fingerprint)
    evaluator = FolderEvaluator(
        run, PixelBudgetLoader(dataset, **loader), finish, device=CPU, network=network, saving_threads=2
    )
    with pytest.raises(SystemExit) as stop:
        evaluator.run()
    with (folder / "report.csv").open(encoding="utf-8", newline="") as stream:
        return stop.value.code, {row["file"]: row for row in csv.DictReader(stream)}


@pytest.mark.parametrize("batch_size", [1, 3])
def test_each_failure_is_a_row_and_the_run_continues(tmp_path, batch_size):
    files = [("a", 1.0, 4), ("unreadable", 1.0, 4), ("too large", 9.0, 4), ("unwritable", 4.0, 4), ("z", 2.0, 4)]
    code, rows = run_folder(tmp_path, files, Network(largest_batch=9), batch_size=batch_size)
    assert code == 3
    assert {file: row["status"] for file, row in rows.items()} == {
        "a": "done",
        "too large": "failed",
        "unreadable": "failed",
        "unwritable": "failed",
        "z": "done",
    }
    assert rows["unreadable"]["reason"] == "can't be read"
    assert "smaller --window_size" in rows["too large"]["reason"]
    assert rows["unwritable"]["reason"] == "No space left on device"
    assert float(rows["z"]["mean_probability"]) == 4
    assert float(rows["z"]["seconds"]) >= 0


def test_equal_sizes_go_together_and_one_by_one_when_that_is_too_much(tmp_path):
    files = [(f"{n}", 1.0, 4 + n % 2) for n in range(4)] + [("x", 9.0, 4)]
    network = Network(largest_batch=4)
    _, rows = run_folder(tmp_path, files, network, batch_size=4)
    assert network.batches == [2, 2, 1]
    assert [row["status"] for row in rows.values()] == ["done"] * 4 + ["failed"]
    (tmp_path / "two").mkdir()
    small = Network(largest_batch=1)
    _, rows = run_folder(tmp_path / "two", files, small, batch_size=4)
    assert small.batches == [2, 1, 1, 2, 1, 1, 1]
    assert [row["status"] for row in rows.values()] == ["done"] * 4 + ["failed"]


def test_a_second_run_does_what_is_left(tmp_path):
    """After one that failed in part, and after one that was broken off with images in memory."""
    files = [("a", 1.0), ("b", 9.0), ("c", 2.0), ("d", 2.5)]
    items = [{"file": file, "name": file, "image": "", "value": value, "size": 4} for file, value in files]
    run = FolderRun(items, tmp_path, {}, report=FolderReport(tmp_path, ["mean_probability"]))
    dataset = TolerantDataset(items, prepare, run.fingerprint)
    network = Network(largest_batch=9)
    evaluator = FolderEvaluator(run, PixelBudgetLoader(dataset, max_pixels=2), finish, device=CPU, network=network)
    with pytest.raises(SystemExit, match="3"):
        evaluator.run()
    assert network.batches == [1] * 4
    items[1]["value"] = 1.5
    network.forward = lambda x: (_ for _ in ()).throw(KeyboardInterrupt)
    with pytest.raises(SystemExit, match="130"):
        evaluator.run()
    del network.forward
    evaluator.run()
    assert network.batches == [1] * 5
    with (tmp_path / "report.csv").open(encoding="utf-8", newline="") as stream:
        assert {row["file"]: row["status"] for row in csv.DictReader(stream)} == dict.fromkeys("abcd", "done")
    evaluator.run()
    assert network.batches == [1] * 5


def test_a_full_disk_ends_the_run_with_one_sentence_and_the_next_resumes(tmp_path, caplog):
    """What was written is whole; nothing counts as failed."""
    room = 3

    def save(item):
        nonlocal room
        if not room:
            raise RuntimeError("a transform") from OSError(errno.ENOSPC, "No space left on device")
        room -= 1
        return finish(item)

    items = [{"file": f"{n:02}", "name": f"{n:02}", "image": "", "value": 1.0, "size": 4} for n in range(30)]

    def start():
        run = FolderRun(items, tmp_path, {}, report=FolderReport(tmp_path, ["mean_probability"]))
        dataset = TolerantDataset(items, prepare, run.fingerprint)
        evaluator = FolderEvaluator(run, PixelBudgetLoader(dataset), save, device=CPU, network=Network(9))
        evaluator.run()

    with pytest.raises(SystemExit) as stop:
        start()
    assert stop.value.code == 3
    errors = [record for record in caplog.records if record.levelname == "ERROR"]
    assert [record.getMessage() for record in errors] == [
        f"no room is left in {tmp_path}: make room and run the same command again"
    ]
    with (tmp_path / "report.csv").open(encoding="utf-8", newline="") as stream:
        assert sorted(row["status"] for row in csv.DictReader(stream)) == ["done"] * 3 + ["pending"] * 27
    room = 30
    start()
    assert room == 3


def test_a_full_disk_leaves_the_former_report_and_no_stack_trace(tmp_path, capfd, monkeypatch):
    run = FolderRun([{"file": "a", "name": "a", "image": ""}], tmp_path, {})
    log_to_file(tmp_path)
    (tmp_path / "report.csv").write_text("former")
    run.start()

    def full(*args, **options):
        raise OSError(errno.ENOSPC, "No space left on device")

    root = logging.getLogger()
    handler = next(h for h in root.handlers if getattr(h, "baseFilename", "") == str(tmp_path / "log.txt"))
    monkeypatch.setattr(handler, "flush", full)
    monkeypatch.setattr("sre_monai.io.files.os.replace", full)
    monkeypatch.setattr("sre_monai.runs.folder.journal.os.fsync", full)
    with pytest.raises(SystemExit) as stop, run.running():
        run.add(run.items[0], "done")
    monkeypatch.undo()
    root.removeHandler(handler)
    assert stop.value.code == 1
    assert "Traceback" not in capfd.readouterr().err
    assert (tmp_path / "report.csv").read_text() == "former"
    assert not list(tmp_path.rglob(".unfinished*"))
