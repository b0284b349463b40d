"""Single process; for several, see `tests/bundles/test_survival.py`."""

import pytest
import torch

from sre_monai.runs.distributed import join_processes, local_device, on_first_process, process_rank, wait_for_all


def test_single_process_neither_joins_nor_waits(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert join_processes() == (0, 1)
    assert on_first_process(sorted, [2, 1]) == [1, 2]
    wait_for_all()


def test_errors_of_the_first_process_are_raised():
    with pytest.raises(ValueError, match="invalid literal"):
        on_first_process(int, "x")


def test_rank(monkeypatch):
    monkeypatch.setenv("RANK", "2")
    assert process_rank() == 2


@pytest.mark.parametrize(("available", "count", "rank", "device"), [(False, 0, 1, "cpu"), (True, 2, 3, "cuda:1")])
def test_each_process_has_its_own_device(monkeypatch, available, count, rank, device):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: available)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
    monkeypatch.setenv("LOCAL_RANK", str(rank))
    assert local_device() == torch.device(device)
