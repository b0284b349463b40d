"""Draw the pictures of README and docs/equivariance.md from the package's own layers, weights and command.

    python docs/make_pictures.py docs/images --table output/accuracy

`rings.png`: the rings of a kernel. `harmonics.png`: what a ring kernel and the angular harmonics respond to.
`rotated_masks.png`: the masks of a photograph and of the rotated one. `overview.png`, with `--table`: a photograph,
its vessels, and Dice under rotation from the results of the accuracy table. Needs the extras `viz` and `measure`.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from sre_monai.networks.layers import expand_kernel, harmonic_magnitude, ring_basis
from sre_monai.networks.layers.angular_harmonics import harmonic_filters
from sre_monai.transforms import rotate, rotate_back

PHOTOGRAPH = Path(__file__).resolve().parent / "sample" / "eye_565x584.png"
CROP = (slice(150, 350), slice(300, 500))  # rows and columns with thin vessels
NETWORKS = {"sre_harmonics": "SRE U-Net, 0.26 M parameters", "plain_unet": "U-Net, 2.0 M parameters"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--table", type=Path, help="results of `python -m benchmarks accuracy`, for overview.png")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    figures = {"rings": draw_rings(), "harmonics": draw_responses(), "rotated_masks": draw_masks()}
    if options.table:
        figures["overview"] = draw_overview(options.table)
    for name, figure in figures.items():
        figure.savefig(options.folder / f"{name}.png", dpi=110)


def ring_weights(rings: Tensor) -> Tensor:
    """Weights of a bright centre and a dark surround that cancel on a uniform image."""
    weights = torch.tensor([0.5, 0.2, -1, -1, -1], dtype=rings.dtype)
    parts = weights * rings.sum((1, 2))
    weights[2:] *= -parts[:2].sum() / parts[2:].sum()
    return weights


def draw_rings() -> plt.Figure:
    """Five rings, and the kernel that is their weighted sum."""
    rings = ring_basis(9, 2, "gaussian")
    weights = ring_weights(rings)
    figure, axes = plt.subplots(1, 6, figsize=(11, 2.3), layout="constrained")
    for number, (axis, ring) in enumerate(zip(axes, rings)):
        axis.imshow(ring.numpy(), cmap="Greys", vmin=0, vmax=1)
        axis.set_title(f"ring {number}, weight {weights[number]:.2f}", fontsize=9)
    axes[-1].imshow(torch.tensordot(weights, rings, 1).numpy(), cmap="RdBu", vmin=-0.6, vmax=0.6)
    axes[-1].set_title("kernel: their sum", fontsize=9)
    _hide_axes(axes)
    return figure


def make_patterns(size: int = 41) -> dict[str, Tensor]:
    """Lines, edges and a blob through the centre, each (1, 1, size, size)."""
    y, x = torch.meshgrid(*[torch.arange(size, dtype=torch.float64) - (size - 1) / 2] * 2, indexing="ij")
    across = {angle: x * np.sin(np.radians(angle)) + y * np.cos(np.radians(angle)) for angle in (0, 35, 90)}
    patterns = {f"line, {angle}°": torch.exp(-(distance**2) / 4) for angle, distance in across.items()}
    patterns |= {f"edge, {angle}°": torch.sigmoid(2 * across[angle]) for angle in (0, 35)}
    patterns["blob"] = torch.exp(-(x**2 + y**2) / 4)
    return {name: pattern[None, None] for name, pattern in patterns.items()}


def draw_responses() -> plt.Figure:
    """The filters, and their responses to each pattern with the value at the centre."""
    rings = ring_basis(9, 2, "gaussian")
    kernel = expand_kernel(ring_weights(rings)[None, None], rings)
    profile = expand_kernel(torch.tensor((0.2, 0.08, 0.01, 0, 0), dtype=rings.dtype)[None, None], rings)
    rows = {
        "sum of rings": (kernel, lambda pattern: F.conv2d(pattern, kernel, padding=4)),
        "harmonic, order 1": (_derivative(profile, 1), lambda pattern: _magnitude(pattern, profile, 1)),
        "harmonic, order 2": (_derivative(profile, 2), lambda pattern: _magnitude(pattern, profile, 2)),
    }
    patterns = make_patterns()
    figure, axes = plt.subplots(4, 1 + len(patterns), figsize=(11, 6.6), layout="constrained")
    axes[0, 0].set_visible(False)
    for axis, (name, pattern) in zip(axes[0, 1:], patterns.items()):
        axis.imshow(pattern[0, 0].numpy(), cmap="gray")
        axis.set_title(name, fontsize=9)
    for row, (name, (filter, respond)) in zip(axes[1:], rows.items()):
        limit = filter.abs().max()
        row[0].imshow(filter[0, 0].numpy(), cmap="RdBu", vmin=-limit, vmax=limit)
        row[0].set_title(name, fontsize=9)
        responses = [respond(pattern)[0, 0, 8:-8, 8:-8] for pattern in patterns.values()]
        limit = max(response.abs().max() for response in responses)
        for axis, response in zip(row[1:], responses):
            axis.imshow(response.numpy(), cmap="RdBu", vmin=-limit, vmax=limit)
            centre = response[response.shape[0] // 2, response.shape[1] // 2].item()
            axis.set_title(f"at the centre {centre:.2f}", fontsize=9)
    _hide_axes(axes.flat)
    return figure


def _derivative(profile: Tensor, order: int) -> Tensor:
    """The filter of one component of a harmonic: a derivative of the profile."""
    return F.conv2d(profile, harmonic_filters(2, order)[:1].to(profile), padding=3)


def _magnitude(pattern: Tensor, profile: Tensor, order: int) -> Tensor:
    return harmonic_magnitude(F.conv2d(pattern, profile, padding=4), order)


def draw_masks() -> plt.Figure:
    """A detail, its mask, the masks of the rotated photographs rotated back, and the pixels that differ."""
    photograph = torch.from_numpy(np.array(Image.open(PHOTOGRAPH).convert("RGB"))).movedim(-1, 0)
    angles = (0, 90, 30)
    with tempfile.TemporaryDirectory() as temporary:
        rotated, results = Path(temporary) / "rotated", Path(temporary) / "results"
        rotated.mkdir()
        for angle in angles:
            turned = rotate(photograph, angle, "bicubic", expand=True)
            Image.fromarray(turned.movedim(0, -1).numpy()).save(rotated / f"{angle}.png")
        _segment(rotated, results)
        masks = {angle: np.array(Image.open(results / f"{angle}_mask.png")) > 0 for angle in angles}
        pictures = {angle: np.array(Image.open(rotated / f"{angle}.png")) for angle in angles}

    size = photograph.shape[-2:]
    back = {angle: rotate_back(torch.from_numpy(masks[angle])[None], angle, size)[0].numpy() for angle in angles}
    figure, axes = plt.subplots(2, 4, figsize=(11, 5.9), layout="constrained")
    for axis, angle in zip(axes[:, 0], angles[1:]):
        axis.imshow(pictures[angle])
        axis.set_title(f"photograph, rotated by {angle}°", fontsize=9)
    for row, angle in zip(axes, angles[1:]):
        row[1].imshow(masks[angle], cmap="gray")
        row[1].set_title("its mask", fontsize=9)
        row[2].imshow(back[angle][CROP], cmap="gray")
        row[2].set_title("detail, rotated back", fontsize=9)
        row[3].imshow(_compare(back[0], back[angle])[CROP])
        different = (back[angle] ^ back[0]).sum()
        dice = 2 * (back[angle] & back[0]).sum() / (back[angle].sum() + back[0].sum())
        row[3].set_title(f"{different:,} pixels differ, Dice {dice:.3f}", fontsize=9)
    _hide_axes(axes.flat)
    return figure


def draw_overview(table: Path) -> plt.Figure:
    """A photograph, its vessels as found, and the Dice of two networks on DRIVE against the angle."""
    figure, (photograph, overlay, curve) = plt.subplots(
        1, 3, figsize=(13, 4.3), width_ratios=(1, 1, 1.4), layout="constrained"
    )
    photograph.imshow(Image.open(PHOTOGRAPH))
    photograph.set_title("photograph (synthetic)")
    with tempfile.TemporaryDirectory() as results:
        _segment(PHOTOGRAPH.parent, results)
        overlay.imshow(np.array(Image.open(Path(results) / f"{PHOTOGRAPH.stem}_overlay.png")))
    overlay.set_title("vessels as found")
    _hide_axes((photograph, overlay))
    for network, label in NETWORKS.items():
        rows = pd.read_csv(table / network / "turned_back" / "per_image.csv")
        rows[~rows["flip"]].groupby("angle")["dice"].mean().plot(ax=curve, marker="o", label=label)
    curve.set_title("DRIVE test under rotation, after the same training")
    curve.set(xlabel="angle of the photograph in degrees", ylabel="Dice", xticks=range(0, 361, 60))
    curve.spines[["top", "right"]].set_visible(False)
    curve.legend(frameon=False)
    return figure


def _segment(photographs: Path, results: str | Path) -> None:
    subprocess.run([sys.executable, "-m", "sre_monai_cli", "segment", photographs, results], check=True)


def _compare(upright: np.ndarray, rotated: np.ndarray) -> np.ndarray:
    """White where both masks have a vessel, orange where only the upright one has, blue where only the other."""
    colours = np.array([[0, 0, 0], [230, 159, 0], [86, 180, 233], [255, 255, 255]], np.uint8)
    return colours[upright + 2 * rotated]


def _hide_axes(axes) -> None:
    for axis in axes:
        axis.set_axis_off()


if __name__ == "__main__":
    main()
