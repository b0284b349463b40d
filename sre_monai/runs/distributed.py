"""Several processes under ``torchrun``, or one: the same code for both."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist

TIMEOUT = timedelta(days=7)  # one process may have far larger photographs to do than the others

Result = TypeVar("Result")


def join_processes() -> tuple[int, int]:
    """Join the other processes that ``torchrun`` started, if it did.

    They exchange lists of files and wait for each other; no tensors, so that gloo serves GPUs as well.

    Returns:
        Rank of this process, and their number; (0, 1) without ``torchrun``.
    """
    if int(os.environ.get("WORLD_SIZE", 1)) > 1 and not dist.is_initialized():
        dist.init_process_group("gloo", timeout=TIMEOUT)
    return (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)


def process_rank() -> int:
    """Rank of this process without joining the others; 0 without ``torchrun``."""
    return int(os.environ.get("RANK", 0))


def local_device() -> torch.device:
    """Choose the device of this process: its own GPU where there are several, else the CPU.

    Examples:
        >>> local_device().type in ("cpu", "cuda")
        True
    """
    if not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0)) % torch.cuda.device_count())


def on_first_process(function: Callable[..., Result], *args: Any) -> Result:
    """Call a function on the first process alone and give its result to all.

    Args:
        function: what to call. What it raises is raised on the first process; the others exit silently.
        args: its arguments.

    Returns:
        What it returned on the first process.

    Examples:
        >>> on_first_process(sorted, [2, 1])
        [1, 2]
    """
    rank, count = join_processes()
    outcome: list[Any] = [None, False]
    try:
        outcome = [function(*args), True] if rank == 0 else outcome
    finally:  # the others would wait for a process that has failed
        if count > 1:
            dist.broadcast_object_list(outcome, src=0)
    if not outcome[1]:
        raise SystemExit(1)  # the first process reports why
    return outcome[0]


def wait_for_all() -> None:
    """Wait until every process reaches this call."""
    if dist.is_initialized():
        dist.barrier()
