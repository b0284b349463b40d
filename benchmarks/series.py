"""Run an experiment: train its rows, evaluate them, write tables and pictures. What is finished is kept."""

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch

from benchmarks.bundle_runs import BundleRun, side_by_side
from benchmarks.results import Result, read_evaluation, table_of_means
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


class Run(NamedTuple):
    """The training, if there is one, and the evaluations of a row with a seed."""

    row: Row
    seed: int
    weights: Path  # what is evaluated
    training: BundleRun | None
    evaluations: dict[str, BundleRun]

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
        with (self.weights.parent / "training_log.csv").open(newline="") as log:
            *_, last = [{}, *csv.DictReader(log)]
        return float(next((score for name, score in last.items() if name.startswith("val_")), None) or 0)


def plan(
    experiment: Experiment,
    name: str,
    seed: int,
    data: Path,
    output: Path,
    overrides: Mapping[str, Any] = {},
    checkpoint: Path | None = None,
) -> Run:
    """Set up the runs of a row; overrides are of those configurations that have such an entry."""
    row, folder = experiment.rows[name], row_folder(output, name) / (f"seed{seed}" if experiment.trains else "")
    weights = checkpoint or experiment.bundle / "models" / str(row.weights)
    weights = folder / "train" / "model.pt" if experiment.trains else weights

    def step(name: str, configs: Sequence[str], settings: Mapping[str, Any]) -> BundleRun:
        run = BundleRun(experiment.bundle, ["train.json", *row.recipe, *configs], folder / name, {})
        entries = run.configure().config
        known = {key: value for key, value in overrides.items() if key.partition("#")[0] in entries}
        return run._replace(settings={**row.settings, **known, **settings})

    common: dict[str, Any] = {"seed": seed} if experiment.trains else {}
    training = step("train", (), {"dataset_dir": str(data / row.data), **common}) if experiment.trains else None
    common["checkpoint"] = str(weights)
    evaluations = {
        name: step(name, each.configs, {"dataset_dir": str(data / each.data), **common, **each.settings})
        for name, each in row.evaluations.items()
        if (data / each.data).exists()
    }
    return Run(row, seed, weights, training, evaluations)


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
    places = {"data": data.absolute(), "output": output_dir.absolute(), "checkpoint": weights and weights.absolute()}
    prepare = partial(plan, experiment, overrides=settings, **places)
    seeds = (seeds or experiment.seeds) if experiment.trains else (0,)
    planned = {(name, seed): prepare(name, seed) for seed in seeds for name in rows or experiment.rows}
    missing = [name for (name, _), run in planned.items() if not experiment.trains and not run.weights.is_file()]
    chosen = [run for (name, _), run in planned.items() if name not in missing]
    if not all(run.steps for run in chosen):
        raise FileNotFoundError(f"--data: {data} has none of the data sets of this experiment")
    steps = [step for run in chosen for step in run.steps]
    for key, value in settings.items():
        if not any(key in step.settings for step in steps):
            check_overrides({key: value}, steps[0].configure().config if steps else {}, {})
    side_by_side(Run.measure, chosen, jobs, "run")
    if store:
        _store(chosen, experiment.bundle / "models", max(1, torch.get_num_threads() // jobs))
    known = [prepare(name, seed) for name in experiment.rows for seed in _seeds(experiment, name, output_dir)]
    return _write(experiment, [run.result() for run in known if run.is_finished()], output_dir, missing)


def _seeds(experiment: Experiment, name: str, output: Path) -> list[int]:
    """The seeds of a row's runs, those of earlier commands included."""
    folders = row_folder(output, name).glob("seed*")
    return sorted(int(path.name[4:]) for path in folders) if experiment.trains else [0]


def _store(runs: Sequence[Run], models: Path, threads: int) -> None:
    """Store the weights of the rows that have a place for them."""
    for place in dict.fromkeys(run.row.weights for run in runs if run.training and run.row.weights):
        best = max((run for run in runs if run.row.weights == place), key=Run.validation_score)
        best.training.store(models / place, threads)


def _write(experiment: Experiment, results: list[Result], output: Path, missing: Sequence[str]) -> str:
    """Write all figures, the tables and the pictures."""
    if results and experiment.finish:
        experiment.finish(results, output)
    write_table(output / "runs.csv", [{"label": each.label, "seed": each.seed, **each.values} for each in results])
    rows = {each.label: [other.values for other in results if other.label == each.label] for each in results}
    tables = [table_of_means(rows, columns, experiment.transposed) for columns in experiment.tables]
    tables += [f"Not measured, there are no weights: {', '.join(missing)}."] if missing else []
    text = "\n\n".join(filter(None, tables))
    with written_atomically(output / "table.md") as unfinished:
        unfinished.write_text(text + "\n", encoding="utf-8")
    for draw in experiment.pictures if results else ():
        draw(results, output)
    return text
