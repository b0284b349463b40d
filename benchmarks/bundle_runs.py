"""Run a bundle's configurations in processes of their own, several at once if need be."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import torch
from tqdm import tqdm

__all__ = ["configurations", "run_bundle", "side_by_side"]

Task = TypeVar("Task")


def configurations(bundle: Path, files: Sequence[str]) -> list[str]:
    """Give the paths of a bundle's configurations.

    Args:
        bundle: the bundle's folder.
        files: names in its folder ``configs``, the later over the earlier.

    Returns:
        Paths, as MONAI's ``--config_file`` and ``ConfigParser`` take them.
    """
    return [str(bundle / "configs" / name) for name in files]


def run_bundle(
    bundle: Path, files: Sequence[str], output: Path, settings: dict[str, Any], threads: int | None = None
) -> None:
    """Run configurations of a bundle, the log in the output folder.

    Args:
        bundle: the bundle's folder.
        files: names in its folder ``configs``, the later over the earlier.
        output: folder of the results, of ``arguments.json`` and of ``console.txt``.
        settings: overrides of the configurations' entries.
        threads: of the process; by default as many as PyTorch takes.

    Raises:
        ChildProcessError: when the run fails.
    """
    output.mkdir(parents=True, exist_ok=True)
    arguments, console = output / "arguments.json", output / "console.txt"
    arguments.write_text(json.dumps(settings | {"bundle_root": str(bundle), "output_dir": str(output)}, indent=2))
    command = [sys.executable, "-m", "monai.bundle", "run", "--args_file", str(arguments)]
    command += ["--config_file", str(configurations(bundle, files))]
    environment = os.environ | ({"OMP_NUM_THREADS": str(threads)} if threads else {})
    with console.open("w") as stream:
        finished = subprocess.run(command, stdout=stream, stderr=subprocess.STDOUT, env=environment)
    if finished.returncode:
        raise ChildProcessError(f"the run for {output} failed, {console} tells why")


def side_by_side(work: Callable[[Task, int], None], tasks: Sequence[Task], jobs: int, unit: str) -> None:
    """Do tasks, several at once: on CPUs that is far more efficient than many threads for one.

    Args:
        work: does a task with a number of threads.
        tasks: what to do, in the order in which to begin.
        jobs: how many at once; they share PyTorch's threads.
        unit: what the progress bar counts.
    """
    threads = max(1, torch.get_num_threads() // jobs)
    with ThreadPoolExecutor(jobs) as pool:
        list(tqdm(pool.map(lambda task: work(task, threads), tasks), total=len(tasks), unit=unit))
