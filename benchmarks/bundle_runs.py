"""Run a bundle's configurations in separate processes, several at once if requested, each of them once."""

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

from sre_monai.io.files import written_atomically
from sre_monai.io.tables import write_json

FINISHED = "finished.json"
HALF_PRECISION_FROM = 1_000_000  # parameters: half the bytes in the repository

Task = TypeVar("Task")


class BundleRun(NamedTuple):
    """A run of a bundle in a separate folder."""

    bundle: Path
    files: Sequence[str]  # in its folder configs, the later over the earlier
    output: Path  # with arguments.json and console.txt
    settings: Mapping[str, Any]  # overrides

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
        """Run it, unless finished."""
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

    def describe(self) -> dict[str, Any]:
        """Describe a finished training and its duration."""
        parser = self.configure()
        checkpoint = torch.load(self.output / "checkpoint.pt", map_location="cpu", weights_only=True)
        return {
            "parameters": sum(p.numel() for p in parser.get_parsed_content("network_def").parameters()),
            "steps": checkpoint["trainer"]["iteration"],
            "training_minutes": checkpoint["seconds"] / 60,
            "seed": parser.get_parsed_content("seed"),
            "device": str(parser.get_parsed_content("device")),
            "mixed_precision": parser.get_parsed_content("amp"),
        }

    def store(self, weights: Path, threads: int | None = None) -> None:
        """Keep the weights of a finished training, in half precision for large networks."""
        state = torch.load(self.output / "model.pt", map_location="cpu", weights_only=True)
        if sum(values.numel() for values in state.values()) >= HALF_PRECISION_FROM:
            state = {name: values.half() if values.is_floating_point() else values for name, values in state.items()}
        with written_atomically(weights) as unfinished:
            torch.save(state, unfinished)
        with written_atomically(weights.with_suffix(".csv")) as unfinished:
            unfinished.write_bytes((self.output / "training_log.csv").read_bytes())
        write_json(weights.with_suffix(".json"), self.describe() | ({"threads": threads} if threads else {}))


def side_by_side(work: Callable[[Task, int], None], tasks: Sequence[Task], jobs: int, unit: str) -> None:
    """Run tasks, several at once, with equal shares of the threads: on CPUs, faster than one after the other."""
    threads = max(1, torch.get_num_threads() // jobs)
    with ThreadPoolExecutor(jobs) as pool:
        list(tqdm(pool.map(lambda task: work(task, threads), tasks), total=len(tasks), unit=unit))
