"""Run an experiment: train its rows, evaluate them, write tables and pictures. What is finished is kept."""

import csv
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import torch

from benchmarks.bundle_runs import BundleRun, side_by_side
from benchmarks.results import Result, read_evaluation
from benchmarks.tables import table_of_means
from sre_monai.io.files import written_atomically
from sre_monai.io.tables import write_table
from sre_monai_cli.options import check_overrides


class Evaluation(NamedTuple):
    """How the weights of a row are evaluated."""

    data: str  # in the folder of all data
    configs: tuple[str, ...] = ("evaluate.json",)  # over the row's recipe
    settings: Mapping[str, Any] = {"amp": False}  # overrides, after those of the row and of the command


class Row(NamedTuple):
    """What an experiment compares."""

    label: str  # in tables and pictures
    recipe: tuple[str, ...] = ()  # configurations of its training, over train.json
    settings: Mapping[str, Any] = {}  # overrides of its training and its evaluations
    data: str = "."  # of its training, in the folder of all data
    evaluations: Mapping[str, Evaluation] = {}
    weights: str | None = None  # in the bundle's models; a JSON beside them tells how they were trained


class Experiment(NamedTuple):
    """Rows that are trained and evaluated in the same way, and what is made of their results."""

    help: str
    bundle: Path
    rows: Mapping[str, Row]
    trains: bool = True  # otherwise the weights in the bundle are evaluated
    seeds: Sequence[int] = (0,)
    tables: Sequence[Mapping[str, str]] = ()  # for each the columns' titles and templates of their cells
    transposed: bool = False  # whether a table has a column, not a line, for each row
    finish: Callable[[list[Result], Path], None] | None = None  # adds what depends on several results
    pictures: Sequence[Callable[[Sequence[Result], Path], None]] = ()


@dataclass(frozen=True)
class Run:
    """The training and the evaluations of a row with a seed."""

    experiment: Experiment
    name: str
    seed: int
    data: Path
    output: Path
    overrides: Mapping[str, Any] = field(default_factory=dict)  # of the configurations that have such an entry
    checkpoint: Path | None = None  # weights in place of those in the bundle

    @property
    def row(self) -> Row:
        """What the experiment's table says about it."""
        return self.experiment.rows[self.name]

    @property
    def folder(self) -> Path:
        """Folder of its results."""
        folder = row_folder(self.output, self.name)
        return folder / f"seed{self.seed}" if self.experiment.trains else folder

    @property
    def weights(self) -> Path:
        """What is evaluated."""
        if self.experiment.trains:
            return self.folder / "train" / "model.pt"
        return self.checkpoint or self.experiment.bundle / "models" / str(self.row.weights)

    @cached_property
    def training(self) -> BundleRun | None:
        """Its training, if the experiment has one."""
        places = {"dataset_dir": str(self.data / self.row.data), "seed": self.seed}
        return self._run("train", (), places) if self.experiment.trains else None

    @cached_property
    def evaluations(self) -> dict[str, BundleRun]:
        """Its evaluations on the data that are there."""
        places: dict[str, Any] = {"seed": self.seed} if self.experiment.trains else {}
        places["checkpoint"] = str(self.weights)
        return {
            name: self._run(name, each.configs, {**places, "dataset_dir": str(self.data / each.data), **each.settings})
            for name, each in self.row.evaluations.items()
            if (self.data / each.data).exists()
        }

    @property
    def steps(self) -> list[BundleRun]:
        """All it consists of, in their order."""
        return [*filter(None, [self.training]), *self.evaluations.values()]

    def measure(self, threads: int | None = None) -> None:
        """Train and evaluate, unless that is done."""
        for step in self.steps:
            step.run(threads)

    def is_finished(self) -> bool:
        """Tell whether there are results of all its steps, for the present weights, data and settings."""
        return self.weights.is_file() and bool(self.steps) and all(step.is_finished() for step in self.steps)

    def result(self) -> Result:
        """Collect what was measured."""
        record = self.weights.with_suffix(".json")
        values = json.loads(record.read_text(encoding="utf-8")) if record.is_file() else {}
        values |= self.training.describe() if self.training else {}
        for name, evaluation in self.evaluations.items():
            values |= read_evaluation(name, evaluation.output)
        folders = {name: evaluation.output for name, evaluation in self.evaluations.items()}
        return Result(self.row.label, self.seed, values, folders, self.weights, self.training)

    def validation_score(self) -> float:
        """The last validation score of the training; 0 where nothing is held out."""
        with (self.folder / "train" / "training_log.csv").open(newline="") as log:
            *_, last = [{}, *csv.DictReader(log)]
        return float(next((score for name, score in last.items() if name.startswith("val_")), None) or 0)

    def _run(self, name: str, configs: Iterable[str], settings: Mapping[str, Any]) -> BundleRun:
        run = BundleRun(self.experiment.bundle, ["train.json", *self.row.recipe, *configs], self.folder / name, {})
        entries = run.configure().config
        known = {key: value for key, value in self.overrides.items() if key.partition("#")[0] in entries}
        return run._replace(settings={**self.row.settings, **known, **settings})


def row_folder(output: Path, name: str) -> Path:
    """Folder of a row's results: its name, without characters not allowed in file names."""
    return output / "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in name)


def run_experiment(
    experiment: Experiment,
    output_dir: Path,
    data: Path = Path("data"),
    rows: Sequence[str] = (),
    seeds: Sequence[int] = (),
    settings: Mapping[str, Any] = {},
    weights: Path | None = None,
    jobs: int = 1,
    store: bool = False,
) -> str:
    """Run what is missing of an experiment and write its tables and pictures.

    The tables have all finished runs in the output folder with the same data and settings, so that rows and seeds can
    be added.

    Args:
        experiment: of the table.
        output_dir: folder of the results.
        data: folder of all data.
        rows: names of the rows to run; all by default.
        seeds: of the trainings; by default those of the experiment.
        settings: overrides, for those runs whose configurations have such entries.
        weights: what to evaluate in place of the bundle's.
        jobs: runs at once.
        store: whether to store weights in the bundle, of each row the seed with the best validation score at the end.

    Returns:
        The tables in Markdown.

    Raises:
        FileNotFoundError: when there is nothing to measure.
        ValueError: when no configuration has one of the settings.
    """
    data, output, weights = data.absolute(), output_dir.absolute(), weights and weights.absolute()

    def prepare(name: str, seed: int) -> Run:
        return Run(experiment, name, seed, data, output, settings, weights)

    chosen = [prepare(*pair) for pair in _pairs(experiment, rows, seeds)]
    missing = [run.name for run in chosen if not experiment.trains and not run.weights.is_file()]
    chosen = [run for run in chosen if run.name not in missing]
    if not all(run.steps for run in chosen):
        raise FileNotFoundError(f"--data: {data} has none of the data sets of this experiment")
    steps = [step for run in chosen for step in run.steps]
    for key, value in settings.items():
        if not any(key in step.settings for step in steps):
            check_overrides({key: value}, steps[0].configure().config if steps else {}, {})
    side_by_side(Run.measure, chosen, jobs, "run")
    if store:
        _store(chosen, max(1, torch.get_num_threads() // jobs))
    found = [(name, seed) for name in experiment.rows for seed in _seeds(experiment, row_folder(output, name))]
    results = [run.result() for run in (prepare(*pair) for pair in found) if run.is_finished()]
    if results and experiment.finish:
        experiment.finish(results, output)
    write_table(output / "runs.csv", [{"label": each.label, "seed": each.seed, **each.values} for each in results])
    by_label: dict[str, list[Mapping[str, Any]]] = {}
    for each in results:
        by_label.setdefault(each.label, []).append(each.values)
    tables = [table_of_means(by_label, columns, experiment.transposed) for columns in experiment.tables]
    tables += [f"Not measured, there are no weights: {', '.join(missing)}."] if missing else []
    text = "\n\n".join(filter(None, tables))
    with written_atomically(output / "table.md") as unfinished:
        unfinished.write_text(text + "\n", encoding="utf-8")
    for draw in experiment.pictures if results else ():
        draw(results, output)
    return text


def _pairs(experiment: Experiment, rows: Sequence[str], seeds: Sequence[int]) -> list[tuple[str, int]]:
    """Rows and seeds in the order in which to begin."""
    seeds = (seeds or experiment.seeds) if experiment.trains else (0,)
    return [(name, seed) for seed in seeds for name in rows or experiment.rows]


def _seeds(experiment: Experiment, folder: Path) -> list[int]:
    """The seeds of the runs in a row's folder."""
    return sorted(int(path.name[4:]) for path in folder.glob("seed*")) if experiment.trains else [0]


def _store(runs: Sequence[Run], threads: int) -> None:
    """Store the weights of the rows that have a place for them."""
    for name in dict.fromkeys(run.name for run in runs if run.training and run.row.weights):
        best = max((run for run in runs if run.name == name), key=Run.validation_score)
        best.training.store(best.experiment.bundle / "models" / best.row.weights, threads)
