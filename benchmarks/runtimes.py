"""Time the retina bundle's network beside what a user would pick instead: other runtimes, int8, ordinary U-Nets.

    pip install -c constraints.txt -e ".[test]" openvino
    sre-monai export retina_fundus_vessel_segmentation vessels.onnx
    python -m benchmarks runtimes --measure speed --threads 1   # and 2; each takes six minutes or so
    python -m benchmarks runtimes --measure photograph accuracy --whole vessels.onnx --dataset_dir data/DRIVE

`speed` is about networks on float32 tensors; `photograph` about the way from a file to its mask, also by ONNX Runtime
with one file that holds all but the field of view; `accuracy` about the F1 on DRIVE's test images (as published, not
prepared) that int8 costs. Writes runtimes.csv, photographs.csv and table.md.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnxruntime
import torch
from monai.utils import optional_import
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, quant_pre_process, quantize_static
from PIL import Image
from torch import Tensor, nn

from benchmarks.results import markdown_table
from benchmarks.timing import in_own_process, time_in_turn
from sre_monai import VesselSegmenter
from sre_monai.conversion import export_network
from sre_monai.io.tables import write_table
from sre_monai.networks import fold_sre, fuse, load_weights
from sre_monai.networks.nets import build_segmenter
from sre_monai.retina import estimate_field_of_view, vessel_scores
from sre_monai.runs.memory import keep_freed_memory
from sre_monai_cli.bundles import RETINA, find_bundle

openvino, has_openvino = optional_import("openvino")

OURS, SMALL, LARGE = "ours", "BasicUNet, as many parameters", "BasicUNet, 2 million parameters"
NETWORKS = {OURS: "sre_harmonic_unet", SMALL: "small_unet", LARGE: "unet"}
ORDINARY = (SMALL, LARGE)
INT8 = "int8"
MEASURES = ("speed", "photograph", "accuracy")
CHOICES = {"measure": MEASURES}
SAMPLES = Path(__file__).parents[1] / "docs" / "sample"

Run = Callable[[Tensor], Tensor]


# The networks and their files


def make_network(name: str) -> nn.Module:
    """Build a network in evaluation mode; ours with the bundle's weights."""
    torch.manual_seed(0)
    network = build_segmenter(NETWORKS[name], 2, 3, 2).eval()
    if name == OURS:
        load_weights(network, str(find_bundle(RETINA) / "models" / "model.pt"))
    return network


def export_ours(folder: Path) -> None:
    """Write our network for any size, as ONNX, in int8 and as a program of PyTorch."""
    for suffix in (".onnx", ".pt2"):
        export_network(make_network(OURS), folder / f"{OURS}{suffix}", (2, 3, 64, 64))
    quantize(folder / f"{OURS}.onnx", folder / f"{INT8}.onnx")


def export_ordinary(folder: Path, sizes: Sequence[Sequence[int]]) -> None:
    """Write MONAI's networks, which pad, for each size."""
    for name, size in product(ORDINARY, sizes):
        export_network(make_network(name), ordinary_file(folder, name, size), (1, 3, *size), dynamic=False)


def ordinary_file(folder: Path, name: str, size: Sequence[int]) -> Path:
    """The file of an ordinary network for a size."""
    return folder / f"{NETWORKS[name]}_{size[0]}x{size[1]}.onnx"


class Prepared(CalibrationDataReader):
    """The sample photographs as the network sees them, from which the ranges of int8 are taken."""

    def __init__(self, name: str) -> None:
        segmenter = VesselSegmenter(device="cpu")
        paths = sorted(path for path in SAMPLES.rglob("*") if path.suffix in (".png", ".jpg"))
        self.images = iter([{name: np.asarray(segmenter._prepare(path)["image"])[None]} for path in paths])

    def get_next(self) -> dict[str, np.ndarray] | None:
        """Give the next photograph."""
        return next(self.images, None)


def quantize(path: Path, result: Path) -> None:
    """Quantise convolutions: weights by output channel, activations by the range they have on the samples."""
    prepared = path.with_suffix(".prepared.onnx")
    quant_pre_process(str(path), str(prepared), skip_symbolic_shape=True)
    name = onnxruntime.InferenceSession(str(path)).get_inputs()[0].name
    kinds = {"op_types_to_quantize": ["Conv"], "per_channel": True, "quant_format": QuantFormat.QDQ}
    quantize_static(str(prepared), str(result), Prepared(name), **kinds)


# The runtimes


def eager(network: nn.Module) -> Run:
    """PyTorch, channels last."""
    network = fuse(network).to(memory_format=torch.channels_last)
    return lambda x: network(x.contiguous(memory_format=torch.channels_last))


def compiled(network: nn.Module) -> Run:
    """`torch.compile` of the folded network."""
    made = torch.compile(fold_sre(network).to(memory_format=torch.channels_last), dynamic=False)
    return lambda x: made(x.contiguous(memory_format=torch.channels_last))


def program(path: Path) -> Run:
    """A program of `torch.export`."""
    return torch.export.load(path).module()


def onnx(path: Path) -> Run:
    """ONNX Runtime."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda x: torch.from_numpy(session.run(None, {session.get_inputs()[0].name: x.numpy()})[0])


def vino(path: Path) -> Run:
    """OpenVINO, in float32 where the file is."""
    hints = {"INFERENCE_NUM_THREADS": torch.get_num_threads(), "INFERENCE_PRECISION_HINT": "f32"}
    model = openvino.Core().compile_model(str(path), "CPU", {**hints, "PERFORMANCE_HINT": "LATENCY"})
    return lambda x: torch.from_numpy(model(x.numpy())[0])


def our_runtimes(folder: Path) -> dict[str, Callable[[], Run]]:
    """Our network in all runtimes, each made when it is needed."""
    exported, quantized = folder / f"{OURS}.onnx", folder / f"{INT8}.onnx"
    made: dict[str, Callable[[], Run]] = {
        OURS: lambda: eager(make_network(OURS)),
        "its export, `torch.compile`": lambda: compiled(make_network(OURS)),
        "its export, `.pt2`": partial(program, folder / f"{OURS}.pt2"),
        "its export, ONNX Runtime": partial(onnx, exported),
        f"its export, ONNX Runtime, {INT8}": partial(onnx, quantized),
    }
    if has_openvino:
        made["its export, OpenVINO"] = partial(vino, exported)
        made[f"its export, OpenVINO, {INT8}"] = partial(vino, quantized)
    return made


def ordinary_networks(folder: Path, size: Sequence[int]) -> dict[str, Callable[[], Run]]:
    """The ordinary networks, in PyTorch and as files for one size."""
    made: dict[str, Callable[[], Run]] = {}
    for name in ORDINARY:
        made[f"{name}, PyTorch"] = partial(lambda name: eager(make_network(name)), name)
        made[f"{name}, ONNX Runtime"] = partial(onnx, ordinary_file(folder, name, size))
    return made


# What is measured


def time_networks(folder: Path, threads: int, sizes: Sequence[Sequence[int]], rounds: int) -> list[dict[str, Any]]:
    """Time all subjects at all sizes with a number of threads, in a process of their own: compilers build it in."""
    torch.set_num_threads(threads)
    keep_freed_memory()
    ours = {name: make() for name, make in our_runtimes(folder).items()}
    rows = []
    for size in sizes:
        runs = ours | {name: make() for name, make in ordinary_networks(folder, size).items()}
        x = torch.randn(1, 3, *size, generator=torch.Generator().manual_seed(0))
        with torch.inference_mode():
            times = time_in_turn({name: partial(run, x) for name, run in runs.items()}, rounds, turn=0)
        task = f"{size[0]}×{size[1]}, {threads} thread{'s' * (threads > 1)}"
        rows += [{"task": task, "subject": name, "milliseconds": round(1e3 * s, 2)} for name, s in times.items()]
    return rows


def time_photographs(whole: Path, path: Path, threads: int, rounds: int) -> list[dict[str, Any]]:
    """Time the way from a file to its mask: the bundle, and ONNX Runtime with one file, given the field of view."""
    torch.set_num_threads(threads)
    keep_freed_memory()
    segmenter = VesselSegmenter(device="cpu")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(whole), options, providers=["CPUExecutionProvider"])

    def by_onnx() -> np.ndarray:
        photograph = np.asarray(Image.open(path).convert("RGB"))
        fov = estimate_field_of_view(photograph.transpose(2, 1, 0))[0].numpy().T
        return session.run(None, {"photograph": photograph, "field_of_view": fov.astype(np.uint8)})[0] >= 0.5

    different = int((by_onnx() != segmenter.segment(path).mask).sum())
    runs = {OURS: lambda: segmenter.segment(path).mask, "ONNX Runtime, one file": by_onnx}
    times = time_in_turn(runs, rounds, turn=0)
    task = f"{path.stem}, {threads} thread{'s' * (threads > 1)}"
    pixels = {OURS: 0, "ONNX Runtime, one file": different}
    return [
        {"task": task, "subject": name, "milliseconds": round(1e3 * seconds), "different pixels": pixels[name]}
        for name, seconds in times.items()
    ]


def write_photographs(folder: Path) -> list[Path]:
    """Write the sample as JPEG files of 0.3 and 8 megapixels."""
    paths = []
    for name, size in (("0.3 megapixels", (565, 584)), ("8.0 megapixels", (2785, 2879))):
        paths.append(folder / f"{name}.jpg")
        with Image.open(SAMPLES / "eye_565x584.png") as sample:
            sample.resize(size, Image.Resampling.BICUBIC).save(paths[-1], quality=95)
    return paths


class RuntimeSegmenter(VesselSegmenter):
    """The bundle with another runtime in place of its network."""

    def __init__(self, run: Run) -> None:
        super().__init__(device="cpu")
        self._network = _Module(run)


class _Module(nn.Module):
    def __init__(self, run: Run) -> None:
        super().__init__()
        self.run = run

    def forward(self, x: Tensor) -> Tensor:
        return self.run(x)


def score(segmenter: VesselSegmenter, dataset_dir: Path, photographs: int) -> float:
    """Mean F1 inside the field of view on the first test images of DRIVE."""
    scores = []
    for path in sorted((dataset_dir / "test" / "images").iterdir())[:photographs]:
        stem = path.stem.partition("_")[0]
        label = _read_mask(dataset_dir / "test" / "1st_manual" / f"{stem}_manual1.gif")
        fov = _read_mask(next((dataset_dir / "test" / "mask").glob(f"{stem}_*")))
        probability = torch.from_numpy(segmenter.segment(path).probability)[None]
        scores.append(vessel_scores(probability, label, fov, whole_image=False)["dice"])
    if not scores:
        raise ValueError(f"{dataset_dir} has no test/images of DRIVE: give --dataset_dir its folder as published.")
    return float(np.mean(scores))


def _read_mask(path: Path) -> Tensor:
    return torch.from_numpy(np.asarray(Image.open(path).convert("L")) > 0)[None]


def accuracy_lines(folder: Path, dataset_dir: Path, photographs: int) -> Iterator[list[str]]:
    """The F1 of every runtime that does not compute in float32, beside the network's."""
    for name, make in our_runtimes(folder).items():
        if name == OURS or INT8 in name:
            yield [name, f"{score(RuntimeSegmenter(make()), dataset_dir, photographs):.4f}"]


def speed_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Times, and relative to ours."""
    tasks = list(dict.fromkeys(row["task"] for row in rows))
    times = {(row["task"], row["subject"]): row["milliseconds"] for row in rows}

    def cell(task: str, name: str) -> str:
        return f"{times[task, name]:.0f} ms ({times[task, name] / times[task, OURS]:.2f})"

    names = dict.fromkeys(row["subject"] for row in rows)
    return markdown_table(["", *tasks], [[name, *(cell(task, name) for task in tasks)] for name in names])


def main(
    output_dir: Path = Path("output/runtimes"),
    dataset_dir: Path = Path("data/DRIVE"),
    measure: Sequence[str] = MEASURES,
    threads: Sequence[int] = (1, 2),
    widths: Sequence[int] = (592, 1024),
    whole: Path | None = None,
    photographs: int = 20,
    rounds: int = 2,
) -> str:
    """Export, time, score; write tables."""
    if "photograph" in measure and whole is None:
        raise ValueError(
            "--measure photograph needs --whole, a file that `sre-monai export` made of the retina bundle."
        )
    tables = []
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        sizes = [(width, 576 if width == 592 else width) for width in widths]
        if "speed" in measure or "accuracy" in measure:
            export_ours(folder)
        if "speed" in measure:
            export_ordinary(folder, sizes)
            rows = [row for n in threads for row in in_own_process(time_networks, folder, n, sizes, rounds)]
            write_table(output_dir / "runtimes.csv", rows)
            tables.append(speed_table(rows))
        if "photograph" in measure:
            paths = write_photographs(folder)
            tasks = product(threads, paths)
            rows = [row for n, path in tasks for row in in_own_process(time_photographs, whole, path, n, rounds)]
            write_table(output_dir / "photographs.csv", rows)
            tables.append(speed_table(rows))
        if "accuracy" in measure:
            tables.append(markdown_table(["", "F1"], list(accuracy_lines(folder, dataset_dir, photographs))))
    text = "\n\n".join(tables)
    output_dir.mkdir(parents=True, exist_ok=True)
    (output_dir / "table.md").write_text(text + "\n", encoding="utf-8")
    return text
