"""Run a bundle's configurations in separate processes, several at once if requested, each of them once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import torch
from monai.bundle import ConfigParser
from tqdm import tqdm

from sre_monai.io.tables import write_json

__all__ = ["BundleRun", "side_by_side"]

FINISHED = "finished.json"

Task = TypeVar("Task")


class BundleRun(NamedTuple):
    """A run of a bundle in a separate folder.

    Attributes:
        bundle: the bundle's folder.
        files: names in its folder ``configs``, the later over the earlier.
        output: folder of the results, of ``arguments.json`` and of ``console.txt``.
        settings: overrides of the configurations' entries.
    """

    bundle: Path
    files: Sequence[str]
    output: Path
    settings: Mapping[str, Any]

    @property
    def paths(self) -> list[str]:
        """Paths of the configurations."""
        return [str(self.bundle / "configs" / name) for name in self.files]

    def configure(self) -> ConfigParser:
        """Read the configurations and apply the overrides."""
        parser = ConfigParser()
        parser.read_config(self.paths)
        parser.update({"bundle_root": str(self.bundle), **self.settings})
        return parser

    def is_finished(self) -> bool:
        """Tell whether a run of the same identity (see `sre_monai.runs.identity`) was completed in the folder."""
        record = self.output / FINISHED
        return record.is_file() and json.loads(record.read_text()) == self.configure().get_parsed_content("identity")

    def run(self, threads: int | None = None) -> None:
        """Run it, unless finished.

        Args:
            threads: of the process; by default as many as PyTorch takes.

        Raises:
            ChildProcessError: when the run fails, for example because the folder has the checkpoint of another one.
        """
        if self.is_finished():
            return
        self.output.mkdir(parents=True, exist_ok=True)
        (self.output / FINISHED).unlink(missing_ok=True)
        arguments, console = self.output / "arguments.json", self.output / "console.txt"
        write_json(arguments, {**self.settings, "bundle_root": str(self.bundle), "output_dir": str(self.output)})
        command = [sys.executable, "-m", "monai.bundle", "run", "--args_file", str(arguments)]
        command += ["--config_file", str(self.paths)]
        environment = os.environ | ({"OMP_NUM_THREADS": str(threads)} if threads else {})
        with console.open("w") as stream:
            ended = subprocess.run(command, stdout=stream, stderr=subprocess.STDOUT, env=environment)
        if ended.returncode:
            last = console.read_text(errors="replace").strip().rpartition("\n")[2]
            raise ChildProcessError(f"the run for {self.output} failed, {console} tells why: {last}")
        write_json(self.output / FINISHED, self.configure().get_parsed_content("identity"))


def side_by_side(work: Callable[[Task, int], None], tasks: Sequence[Task], jobs: int, unit: str) -> None:
    """Run tasks, several at once: on CPUs, more efficient than many threads for one.

    Args:
        work: does a task with a number of threads.
        tasks: what to do, in the order in which to begin.
        jobs: how many at once; they share PyTorch's threads.
        unit: what the progress bar counts.
    """
    threads = max(1, torch.get_num_threads() // jobs)
    with ThreadPoolExecutor(jobs) as pool:
        list(tqdm(pool.map(lambda task: work(task, threads), tasks), total=len(tasks), unit=unit))
