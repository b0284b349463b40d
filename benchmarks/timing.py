"""Time and memory side by side.

Subjects alternate, so that a slow phase of the machine affects all of them: trust the ratios more than the
milliseconds. Memory is measured in a process for each subject, as a process never forgets its peak (on Linux).
"""

import multiprocessing
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import mean, median
from time import perf_counter
from typing import Any, TypeVar

import torch

Result = TypeVar("Result")


def time_in_turn(
    runs: Mapping[str, Callable[..., object]],
    rounds: int = 7,
    turn: float = 0.05,
    device: str = "cpu",
    prepare: Mapping[str, Callable[[], object]] = {},
) -> dict[str, float]:
    """Time several functions alternately.

    Args:
        runs: functions by name.
        rounds: number of rounds that count; one more, which doesn't, comes first.
        turn: seconds that a function is called again and again in a turn, after a call that isn't counted; with 0 it
            is called once in a turn.
        device: where they compute; on a GPU its queue is emptied before the clock is read.
        prepare: by name, what is called before each call and isn't counted; the function gets what it returns.

    Returns:
        Seconds of a call by name: medians over the rounds of the mean over a turn.
    """
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds + 1):
        for name, run in runs.items():
            if turn:
                _call(run, device, prepare.get(name))
            calls = [_call(run, device, prepare.get(name))]
            while sum(calls) < turn:
                calls.append(_call(run, device, prepare.get(name)))
            times[name].append(mean(calls))
    return {name: median(values[1:]) for name, values in times.items()}


def in_own_process(function: Callable[..., Result], *arguments: Any) -> Result:
    """Call a function of a module in a new process, with as many threads as this one."""
    with multiprocessing.get_context("spawn").Pool(1, torch.set_num_threads, (torch.get_num_threads(),)) as process:
        return process.apply(function, arguments)


def peak_megabytes(device: str = "cpu", reset: bool = False) -> float:
    """Give the peak memory of this process, if requested counted from now on."""
    on_gpu = device.startswith("cuda")
    if reset:
        torch.cuda.reset_peak_memory_stats(device) if on_gpu else Path("/proc/self/clear_refs").write_text("5")
    if on_gpu:
        return torch.cuda.max_memory_allocated(device) / 2**20
    status = Path("/proc/self/status").read_text()  # unlike getrusage, it knows nothing of the parent process
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def _call(run: Callable[..., object], device: str, prepare: Callable[[], object] | None) -> float:
    """Seconds of a call."""
    arguments = (prepare(),) if prepare else ()
    start = perf_counter()
    run(*arguments)
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)
    return perf_counter() - start
