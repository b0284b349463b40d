"""Networks compared: a training step, inference at several sizes, and the memory of a U-Net's training step."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from benchmarks.contenders import RESNETS, UNETS
from benchmarks.timing import time_in_turn

__all__ = ["measure_memory", "time_resnets", "time_unets"]

TRAINING = (2, 3, 256, 256)
CROPS = (4, 3, 144, 144)  # as the retina bundle trains
INFERENCE = ((1, 3, 256, 256), (1, 3, 592, 576), (1, 3, 1024, 1024))
SMALL_IMAGES = (32, 3, 32, 32)


def training_step(network: nn.Module, x: Tensor) -> Callable[[], object]:
    """Forward, cross-entropy, backward; without the optimiser, which is the same for all."""
    with torch.no_grad():
        label = network.eval()(x).argmax(1)  # of every pixel, or of the image

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


def prepare(make: Callable[[], nn.Module], device: str, dtype: torch.dtype) -> nn.Module:
    """Make a network with channels-last memory, in which the standard ones are fastest."""
    return make().to(device, dtype, memory_format=torch.channels_last)


def time_unets(device: str, dtype: torch.dtype, rounds: int = 7) -> Iterator[dict[str, object]]:
    """Time every U-Net.

    Args:
        device: where to compute.
        dtype: number type of weights and maps.
        rounds: rounds that count.

    Yields:
        A row for each task and network.
    """
    tasks = [("training step", training_step, TRAINING), ("training step on 4 × 144²", training_step, CROPS)]
    tasks += [(f"inference at {size[2]}×{size[3]}", inference, size) for size in INFERENCE]
    yield from _time(UNETS, tasks, device, dtype, rounds)


def time_resnets(device: str, dtype: torch.dtype, rounds: int = 7) -> Iterator[dict[str, object]]:
    """Time every ResNet on images of MedMNIST's size; arguments and rows as of :func:`time_unets`."""
    tasks = [("training step", training_step, SMALL_IMAGES), ("inference", inference, SMALL_IMAGES)]
    yield from _time(RESNETS, tasks, device, dtype, rounds)


def _time(
    networks: Mapping[str, Callable[[], nn.Module]],
    tasks: list[tuple[str, Callable, tuple[int, ...]]],
    device: str,
    dtype: torch.dtype,
    rounds: int,
) -> Iterator[dict[str, object]]:
    prepared = {name: prepare(make, device, dtype) for name, make in networks.items()}
    for task, step, size in tasks:
        x = torch.randn(size, device=device, dtype=dtype)
        runs = {name: step(network, x) for name, network in prepared.items()}
        for name, milliseconds in time_in_turn(runs, rounds, device=device).items():
            yield {"task": task, "contender": name, "milliseconds": round(milliseconds, 1)}


def measure_memory(device: str, dtype: torch.dtype) -> Iterator[dict[str, object]]:
    """Measure the peak memory of a U-Net's training steps, relative to the memory before the first.

    Args:
        device: where to compute.
        dtype: number type of weights and maps.

    Yields:
        A row for each network.
    """
    context = multiprocessing.get_context("spawn")
    for name in UNETS:
        with context.Pool(1) as process:  # one each, as a process never forgets its peak
            megabytes = process.apply(_peak, (name, device, dtype, torch.get_num_threads()))
        yield {"contender": name, "megabytes": round(megabytes, 1)}


def _peak(name: str, device: str, dtype: torch.dtype, threads: int) -> float:
    torch.set_num_threads(threads)
    network = prepare(UNETS[name], device, dtype)
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
