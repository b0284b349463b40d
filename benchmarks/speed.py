"""Time layers and networks, and measure their memory, beside the published and the standard ones.

    pip install -c constraints.txt -e ".[test]"
    python -m benchmarks speed

About ten minutes on two idle cores. Writes times.csv, table.md and two charts. On a GPU: --device cuda:0
--dtype float16 (or bfloat16, float32).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import torch
from monai.networks.layers import Conv
from monai.networks.nets import BasicUNet
from monai.networks.utils import set_named_module
from torch import Tensor, nn
from tqdm import tqdm

from benchmarks.pictures import draw_layers, draw_networks
from benchmarks.results import markdown_table
from benchmarks.timing import in_own_process, peak_megabytes, time_in_turn
from sre_monai.io.tables import write_table
from sre_monai.networks import fuse, mixed_precision
from sre_monai.networks.layers import SREConv2d
from sre_monai.networks.layers.kernels.library import VARIANTS
from sre_monai.networks.nets import SREUNet, build_classifier, build_segmenter
from sre_monai.runs.memory import keep_freed_memory
from tests.published import PublishedUNet, sre_conv, sre_resnet
from tests.published_gmr import gmr

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
CHOICES = {"dtype": DTYPES}
TRAINING = (2, 3, 256, 256)

Step = Callable[[nn.Module, Tensor], Callable[[], object]]
Row = dict[str, Any]
Subjects = dict[str, Callable[..., nn.Module]]


# Subjects

REFERENCE, ORDINARY = "SRE-Conv 1.0.2", "nn.Conv 3×3"
"""What the others are compared with."""


LAYERS: Subjects = {
    "ours, bands": lambda dims, c, k: Conv["sre", dims](c, c, k, padding="same"),
    "ours, gaussian": lambda dims, c, k: Conv["sre", dims](c, c, k, padding="same", profile="gaussian"),
    "ours, harmonics": lambda dims, c, k: Conv["sre_harmonic", dims](c, c, k),
    "ours, bands, PyTorch alone": lambda dims, c, k: Conv["sre", dims](c, c, k, padding="same", algorithm="rings"),
    REFERENCE: lambda dims, c, k: getattr(sre_conv(), f"SRE_Conv{dims}d")(c, c, k, padding=k // 2),
    "GMR-Conv 1.0.3": lambda dims, c, k: getattr(gmr("gmr_conv"), f"GMR_Conv{dims}d")(c, c, k, padding=k // 2),
    "nn.Conv": lambda dims, c, k: Conv["conv", dims](c, c, k, padding=k // 2),
    ORDINARY: lambda dims, c, k: Conv["conv", dims](c, c, 3, padding=1),
}
"""Layers by name, made of spatial dimensions, channels and kernel size."""


def pytorch_alone() -> nn.Module:
    """Make our U-Net without compiled layers, but for those of few input channels."""
    network = SREUNet(2, 3, 2)
    for module in network.modules():
        if isinstance(module, SREConv2d) and module.in_channels >= 4:
            module.algorithm = "rings"
    return network


def published_unet_of_3x3() -> nn.Module:
    """Make the published U-Net with ordinary convolutions: MONAI's blocks."""
    network = PublishedUNet()
    for name, module in list(network.named_modules()):
        if isinstance(module, sre_conv().SRE_Conv2d):
            set_named_module(network, name, nn.Conv2d(module.in_channels, module.out_channels, 3, padding=1))
    return network


UNETS: Subjects = {
    "ours, bands": partial(SREUNet, 2, 3, 2),
    "ours, gaussian": partial(SREUNet, 2, 3, 2, profile="gaussian"),
    "ours, bands, PyTorch alone": pytorch_alone,
    "ours, the bundle's with harmonics": partial(build_segmenter, "sre_harmonic_unet", 2, 3, 2),
    "the same without harmonics": partial(build_segmenter, "sre_harmonic_unet", 2, 3, 2, harmonics=()),
    "BasicUNet, the same features": partial(BasicUNet, 2, 3, 2, features=(16, 32, 48, 64, 96, 16)),
    REFERENCE: PublishedUNet,
    ORDINARY: published_unet_of_3x3,
    "BasicUNet, 1.98 M": partial(BasicUNet, 2, 3, 2, features=(32, 32, 64, 128, 256, 32)),
}
if "avx512_bf16" in VARIANTS:
    for name in ("ours, the bundle's with harmonics", "BasicUNet, the same features"):
        UNETS[f"{name}, mixed precision"] = lambda make=UNETS[name]: mixed_precision(make(), amp=True)

RESNETS: Subjects = {
    "ours, bands": partial(build_classifier, "sre_resnet18", 2, 3, 2),
    "ours, gaussian": partial(build_classifier, "sre_resnet18", 2, 3, 2, profile="gaussian"),
    "ours, harmonics and 3×3": partial(build_classifier, "sre_harmonic_resnet18", 2, 3, 2),
    REFERENCE: lambda: sre_resnet().sre_resnet18(sre_conv_size=[9, 9, 5, 5], skip_first_maxpool=True, num_classes=2),
    ORDINARY: partial(build_classifier, "resnet18", 2, 3, 2),
}

# Tasks


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


def time_subjects(
    compared: Subjects, tasks: Iterable[Task], device: str = "cpu", dtype: torch.dtype = torch.float32, rounds: int = 7
) -> Iterator[Row]:
    """Time every subject for every task, with channels-last memory, in which the standard ones are fastest."""
    for title, step, size, arguments in tasks:
        layout = {"memory_format": torch.channels_last if len(size) == 4 else torch.channels_last_3d}
        x = torch.randn(size, device=device, dtype=dtype).contiguous(**layout)
        networks = {name: make(*arguments).to(device, dtype) for name, make in compared.items()}
        for weight in (w for network in networks.values() for w in network.parameters() if w.ndim == x.ndim):
            weight.data = weight.data.contiguous(**layout)  # `to` also converts buffers, which some can't be
        runs = {name: step(network, x) for name, network in networks.items()}
        for name, seconds in time_in_turn(runs, rounds, device=device).items():
            yield {"task": title, "subject": name, "milliseconds": round(1e3 * seconds, 3)}


def peak_of_training(name: str, device: str, dtype: torch.dtype) -> float:
    """Measure the peak memory of a U-Net's training steps, beyond what is in use before the first."""
    network = UNETS[name]().to(device, dtype, memory_format=torch.channels_last)
    small, full = (torch.randn(*TRAINING[:2], *size, device=device, dtype=dtype) for size in ((32, 32), TRAINING[2:]))
    training_step(network, small)()  # whatever libraries need, they have now
    before = peak_megabytes(device, reset=True)
    for _ in range(3):
        training_step(network, full)()
    return peak_megabytes(device) - before


def speed_table(title: str, rows: Sequence[Row]) -> str:
    """Lay out times, how many times faster than the published subject, and the time relative to the ordinary one."""
    tasks = list(dict.fromkeys(row["task"] for row in rows))
    time = {(row["task"], row["subject"]): row["milliseconds"] for row in rows}
    peaks = {row["subject"]: row["peak MB in training"] for row in rows if "peak MB in training" in row}

    def cell(task: str, name: str) -> str:
        value = time[task, name]
        return f"{value:.3g} ms ({time[task, REFERENCE] / value:.1f}× / {value / time[task, ORDINARY]:.2f})"

    lines = [[name, *(cell(task, name) for task in tasks)] for name in dict.fromkeys(row["subject"] for row in rows)]
    for line in lines if peaks else ():
        line.append(f"{peaks[line[0]]:.0f} MB ({peaks[line[0]] / peaks[ORDINARY]:.2f})")
    return markdown_table([title, *tasks, *(["peak memory of a training step"] if peaks else [])], lines)


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
    memory = {name: in_own_process(peak_of_training, name, *where) for name in UNETS}
    groups = {f"k = {k}": (LAYERS, layer_tasks(k, MAPS + VOLUMES if k in (3, 5, 9) else MAPS)) for k in kernel_sizes}
    groups |= {"U-Nets": (UNETS, UNET_TASKS), "ResNets": (RESNETS, RESNET_TASKS)}
    rows = {title: list(tqdm(time_subjects(*group, *where, rounds), title)) for title, group in groups.items()}
    for row in rows["U-Nets"]:
        row["peak MB in training"] = memory[row["subject"]]
    write_table(output_dir / "times.csv", [{"table": title, **row} for title, each in rows.items() for row in each])
    text = "\n\n".join(speed_table(title, each) for title, each in rows.items())
    (output_dir / "table.md").write_text(text + "\n", encoding="utf-8")
    draw_layers({k: rows[f"k = {k}"] for k in kernel_sizes}, output_dir / "layers.png", REFERENCE)
    draw_networks(rows["U-Nets"], output_dir / "networks.png")
    return text
