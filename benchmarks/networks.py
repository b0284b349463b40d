"""The published U-Net side by side: a training step, inference at three sizes, and the memory of a training step."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor, nn

from benchmarks.contenders import NETWORKS
from benchmarks.timing import time_in_turn

__all__ = ["measure_memory", "time_networks"]

TRAINING = (2, 3, 256, 256)
INFERENCE = ((1, 3, 256, 256), (1, 3, 592, 576), (1, 3, 1024, 1024))


def training_step(network: nn.Module, x: Tensor) -> Callable[[], object]:
    """Forward, cross-entropy, backward; as the optimiser is the same for all, it is left out."""
    label = torch.randint(0, 2, (x.shape[0], *x.shape[2:]), device=x.device)

    def run() -> None:
        network.train()
        network.zero_grad()
        nn.functional.cross_entropy(network(x).float(), label).backward()

    return run


def inference(network: nn.Module, x: Tensor) -> Callable[[], object]:
    """One pass in evaluation mode."""

    def run() -> None:
        network.eval()
        with torch.inference_mode():
            network(x)

    return run


def prepare(name: str, device: str, dtype: torch.dtype) -> nn.Module:
    """Make a network, channels last in memory, which suits the ordinary ones best."""
    return NETWORKS[name]().to(device, dtype, memory_format=torch.channels_last)


def time_networks(device: str, dtype: torch.dtype, rounds: int = 7) -> Iterator[dict[str, object]]:
    """Time every network.

    Args:
        device: where to compute.
        dtype: number type of weights and maps.
        rounds: rounds that count.

    Yields:
        A row for each task and network.
    """
    networks = {name: prepare(name, device, dtype) for name in NETWORKS}
    tasks = [("training step", training_step, TRAINING)]
    tasks += [(f"inference at {size[2]}×{size[3]}", inference, size) for size in INFERENCE]
    for task, step, size in tasks:
        x = torch.randn(size, device=device, dtype=dtype)
        runs = {name: step(network, x) for name, network in networks.items()}
        for name, milliseconds in time_in_turn(runs, rounds, device=device).items():
            yield {"task": task, "contender": name, "milliseconds": round(milliseconds, 1)}


def measure_memory(device: str, dtype: torch.dtype) -> Iterator[dict[str, object]]:
    """Measure the peak memory of training steps, beyond what the program needs before the first.

    Args:
        device: where to compute.
        dtype: number type of weights and maps.

    Yields:
        A row for each network.
    """
    context = multiprocessing.get_context("spawn")
    for name in NETWORKS:
        with context.Pool(1) as process:  # one each, as a process never forgets its peak
            megabytes = process.apply(_peak, (name, device, dtype, torch.get_num_threads()))
        yield {"contender": name, "megabytes": round(megabytes, 1)}


def _peak(name: str, device: str, dtype: torch.dtype, threads: int) -> float:
    torch.set_num_threads(threads)
    network = prepare(name, device, dtype)
    small, full = (torch.randn(*TRAINING[:2], *size, device=device, dtype=dtype) for size in ((32, 32), TRAINING[2:]))
    training_step(network, small)()  # whatever libraries need, they have now
    before = _megabytes(device)
    for _ in range(3):
        training_step(network, full)()
    return _megabytes(device) - before


def _megabytes(device: str) -> float:
    if device.startswith("cuda"):
        return torch.cuda.max_memory_allocated(device) / 2**20
    status = Path("/proc/self/status").read_text()  # unlike getrusage, it knows nothing of the parent process
    return int(status.split("VmHWM:")[1].split()[0]) / 1024
