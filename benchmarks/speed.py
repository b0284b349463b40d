"""Time layers and networks, and measure their memory, beside the published and the standard ones.

    pip install -c constraints.txt -e ".[test]"
    python -m benchmarks speed

About ten minutes on two idle cores. Writes layers.csv, volumes.csv, unets.csv and resnets.csv, two charts, and the
tables as table.md. On a GPU: --device cuda:0 --dtype float16 (or bfloat16, float32).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from tqdm import tqdm

from benchmarks import subjects
from benchmarks.pictures import draw_layers, draw_networks
from benchmarks.subjects import LAYERS, ORDINARY, REFERENCE, RESNETS, UNETS, Subjects
from benchmarks.tables import markdown_table
from benchmarks.timing import in_own_process, peak_megabytes, reset_peak, time_in_turn
from sre_monai.io.tables import write_table
from sre_monai.networks import fuse
from sre_monai.runs.memory import keep_freed_memory

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
CHOICES = {"dtype": DTYPES}
TRAINING = (2, 3, 256, 256)

Step = Callable[[nn.Module, Tensor], Callable[[], object]]
Row = dict[str, Any]


def training_step(network: nn.Module, x: Tensor) -> Callable[[], object]:
    """Forward, cross-entropy, backward; without the optimiser, which is the same for all."""
    with torch.no_grad():
        label = network.eval()(x).argmax(1)  # of every pixel, or of the image

    def run() -> None:
        network.train().zero_grad()
        nn.functional.cross_entropy(network(x).float(), label).backward()

    return run


def inference(network: nn.Module, x: Tensor) -> Callable[[], object]:
    """One pass in evaluation mode, with the normalisation fused as the bundles do."""
    fused = fuse(network)

    def run() -> None:
        with torch.inference_mode():
            fused(x)

    return run


def forward_backward(layer: nn.Module, x: Tensor) -> Callable[[], object]:
    """One pass with the gradients of input and weights."""
    g = torch.randn_like(layer(x))
    return lambda: layer(x.detach().requires_grad_()).backward(g)


class Task(NamedTuple):
    """What is timed: a step of some subjects on an input."""

    title: str
    step: Step
    size: Sequence[int]
    arguments: Sequence[int] = ()  # of the subjects


def layer_tasks(kernel_size: int, maps: Iterable[tuple[int, Sequence[int]]]) -> list[Task]:
    """Passes of layers over maps of a number of channels and a size, one image each."""
    steps = {"forward": inference, "forward + backward": forward_backward}
    return [
        Task(
            f"{channels} → {channels} @{size[0]}{'²³'[len(size) - 2]}, {step}",
            *(steps[step], (1, channels, *size), (len(size), channels, kernel_size)),
        )
        for (channels, size), step in product(maps, steps)
    ]


MAPS = [(32, (256,) * 2), (64, (128,) * 2), (128, (64,) * 2), (256, (32,) * 2)]
"""The levels of a U-Net."""
VOLUMES = [(16, (48,) * 3), (32, (24,) * 3)]
UNET_TASKS = [
    Task("training step", training_step, TRAINING),
    Task("training step on 4 × 144²", training_step, (4, 3, 144, 144)),  # as the retina bundle trains
    *(Task(f"inference at {w}×{h}", inference, (1, 3, w, h)) for w, h in ((256, 256), (592, 576), (1024, 1024))),
]
RESNET_TASKS = [
    Task(title, step, (32, 3, 32, 32)) for title, step in (("training step", training_step), ("inference", inference))
]


def prepare(make: Callable[[], nn.Module], device: str, dtype: torch.dtype, spatial_dims: int = 2) -> nn.Module:
    """Make a subject with channels-last memory, in which the standard ones are fastest."""
    layout = {2: torch.channels_last, 3: torch.channels_last_3d}[spatial_dims]
    return make().to(device, dtype, memory_format=layout)


def time_subjects(
    compared: Subjects, tasks: Iterable[Task], device: str = "cpu", dtype: torch.dtype = torch.float32, rounds: int = 7
) -> Iterator[Row]:
    """Time every subject for every task."""
    for task in tasks:
        dims = len(task.size) - 2
        made = {name: prepare(partial(f, *task.arguments), device, dtype, dims) for name, f in compared.items()}
        x = torch.randn(task.size, device=device, dtype=dtype)
        x = x.contiguous(memory_format=torch.channels_last if dims == 2 else torch.channels_last_3d)
        runs = {name: task.step(subject, x) for name, subject in made.items()}
        for name, seconds in time_in_turn(runs, rounds, device=device).items():
            yield {"task": task.title, "subject": name, "milliseconds": round(1e3 * seconds, 3)}


def peak_of_training(name: str, device: str, dtype: torch.dtype) -> float:
    """Measure the peak memory of a U-Net's training steps, beyond what is in use before the first."""
    network = prepare(subjects.UNETS[name], device, dtype)
    small, full = (torch.randn(*TRAINING[:2], *size, device=device, dtype=dtype) for size in ((32, 32), TRAINING[2:]))
    training_step(network, small)()  # whatever libraries need, they have now
    step, before = training_step(network, full), reset_peak(device)
    for _ in range(3):
        step()
    return peak_megabytes(device) - before


def speed_table(title: str, rows: Sequence[Row], memory: Mapping[str, float] | None = None) -> str:
    """Lay out times, how many times faster than the published subject, and the time relative to the ordinary one."""
    tasks = list(dict.fromkeys(row["task"] for row in rows))
    time = {(row["task"], row["subject"]): row["milliseconds"] for row in rows}

    def cell(task: str, name: str) -> str:
        value = time[task, name]
        return f"{value:.3g} ms ({time[task, REFERENCE] / value:.1f}× / {value / time[task, ORDINARY]:.2f})"

    lines = [[name, *(cell(task, name) for task in tasks)] for name in dict.fromkeys(row["subject"] for row in rows)]
    for line in lines if memory else ():
        line.append(f"{memory[line[0]]:.0f} MB ({memory[line[0]] / memory[ORDINARY]:.2f})")
    return markdown_table([title, *tasks, *(["peak memory of a training step"] if memory else [])], lines)


def main(
    output_dir: Path = Path("output/speed"),
    device: str = "cpu",
    dtype: str = "float32",
    threads: int | None = None,
    kernel_sizes: Sequence[int] = (3, 5, 7, 9, 11),
    rounds: int = 7,
) -> str:
    """Time everything, write tables and charts."""
    torch.set_num_threads(threads or torch.get_num_threads())
    keep_freed_memory()  # for all subjects, as in the bundles' runs
    where = (device, DTYPES[dtype])

    def timed(title: str, compared: Subjects, tasks: Iterable[Task]) -> list[Row]:
        return list(tqdm(time_subjects(compared, tasks, *where, rounds), title, leave=False))

    def of_sizes(title: str, maps: Iterable[tuple[int, Sequence[int]]], sizes: Iterable[int]) -> list[Row]:
        return [{"kernel_size": k, **row} for k in sizes for row in timed(title, LAYERS, layer_tasks(k, maps))]

    memory = {name: in_own_process(peak_of_training, name, *where) for name in UNETS}
    results = {
        "layers": of_sizes("layers", MAPS, kernel_sizes),
        "volumes": of_sizes("volumes", VOLUMES, sorted({3, 5, 9}.intersection(kernel_sizes))),
        "unets": [{**row, "peak MB": memory[row["subject"]]} for row in timed("U-Nets", UNETS, UNET_TASKS)],
        "resnets": timed("ResNets", RESNETS, RESNET_TASKS),
    }
    tables = []
    for name, rows in results.items():
        write_table(output_dir / f"{name}.csv", rows)
        for size in dict.fromkeys(row.get("kernel_size") for row in rows):
            chosen = [row for row in rows if row.get("kernel_size") == size]
            tables.append(speed_table(f"k = {size}" if size else name, chosen, memory if name == "unets" else None))
    draw_layers(results["layers"], output_dir / "layers.png", REFERENCE)
    draw_networks(results["unets"], output_dir / "networks.png")
    (output_dir / "table.md").write_text("\n\n".join(tables) + "\n", encoding="utf-8")
    return "\n\n".join(tables)
