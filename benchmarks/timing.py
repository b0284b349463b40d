"""Timing side by side: contenders alternate, so that a slow phase of the machine affects all of them.

Trust the ratios more than the milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import median
from time import perf_counter

import torch

__all__ = ["time_in_turn"]


def time_in_turn(
    runs: Mapping[str, Callable[[], object]], rounds: int = 7, turn: float = 0.05, device: str = "cpu"
) -> dict[str, float]:
    """Time several functions alternately.

    Args:
        runs: functions by name.
        rounds: number of rounds that count; one more, which doesn't, comes first.
        turn: seconds that a function is called again and again in a turn, after a call that isn't counted.
        device: where they compute; on a GPU its queue is emptied before the clock is read.

    Returns:
        Milliseconds of a call by name: medians over the rounds of the mean over a turn.
    """
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds + 1):
        for name, run in runs.items():
            times[name].append(_turn(run, turn, device))
    return {name: 1e3 * median(values[1:]) for name, values in times.items()}


def _turn(run: Callable[[], object], seconds: float, device: str) -> float:
    run()
    _finish(device)
    calls, start = 0, perf_counter()
    while calls == 0 or perf_counter() - start < seconds:
        run()
        calls += 1
        _finish(device)
    return (perf_counter() - start) / calls


def _finish(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)
