"""Segment vessels in NIfTI volumes and evaluate the masks under rotation about each axis.

    python docs/tutorials/segment_volumes.py output/volumes

Generates synthetic vascular volumes with exact labels, trains a small SRE U-Net and a standard U-Net of the same
architecture, and compares both on held-out volumes, upright and rotated. Takes minutes on one CPU core.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import nibabel as nib
import numpy as np
import torch
from monai.data import DataLoader, Dataset
from monai.losses import DiceCELoss
from monai.metrics import DiceMetric
from monai.networks.nets import BasicUNet
from monai.transforms import (
    Compose,
    EnsureChannelFirstd,
    LoadImaged,
    NormalizeIntensityd,
    RandSpatialCropd,
    SaveImage,
)
from monai.utils import set_determinism
from scipy.ndimage import distance_transform_edt, gaussian_filter
from torch import Tensor, nn
from tqdm import trange

from sre_monai import check_equivariance, convert_to_sre
from sre_monai.io.png import save_png
from sre_monai.io.tables import align_columns, write_table
from sre_monai.transforms import rotate, rotate_back

AXES = {"x": (-2, -1), "y": (-3, -1), "z": (-3, -2)}  # the planes that turn about each axis


# %% Volumes: trees of vessels that branch by Murray's law, r0³ = r1³ + r2³, blurred and with noise
def grow_tree(rng: np.random.Generator, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Grow a tree from one face of a cube; return its centre line points, (n, 3) in voxels, and their radii."""
    start, heading = rng.uniform(0.3, 0.7, 3) * size, np.array([0.0, 0.0, 1.0])
    start[2] = 0
    tips = [(start, heading, rng.uniform(2.2, 3.0))]
    points, radii = [], []
    while tips:
        position, heading, radius = tips.pop()
        for _ in range(int(rng.exponential(0.25 * size) + 5 * radius)):
            heading = heading + 0.15 * rng.standard_normal(3)
            heading /= np.linalg.norm(heading)
            position = position + 0.5 * heading
            if not ((position > -2) & (position < size + 1)).all():
                break
            points.append(position)
            radii.append(radius)
        else:
            share = rng.uniform(0.2, 0.5)  # of the blood flow
            for part in (share, 1 - share):
                twig = radius * part ** (1 / 3)
                if twig > 0.7:
                    tips.append((position, heading + 0.7 * (1 - part) * rng.standard_normal(3), twig))
    return np.array(points), np.array(radii)


def make_volume(rng: np.random.Generator, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Generate a volume and its vessel label, (size, size, size), float32 and uint8."""
    vessels = np.zeros((size,) * 3, bool)
    for _ in range(3):
        points, radii = grow_tree(rng, size)
        points = points[:, rng.permutation(3)]
        for radius in np.unique(radii):
            line = np.ones_like(vessels)
            place = np.clip(np.rint(points[radii == radius]).astype(int), 0, size - 1)
            line[tuple(place.T)] = False
            vessels |= distance_transform_edt(line) <= radius
    tissue = 0.4 * gaussian_filter(rng.standard_normal(vessels.shape), 4) * 4**1.5
    image = gaussian_filter(vessels + tissue, 0.7) + 0.25 * rng.standard_normal(vessels.shape)
    return image.astype(np.float32), vessels.astype(np.uint8)


def write_volumes(folder: Path, count: int, size: int) -> list[dict[str, str]]:
    """Write volumes as NIfTI files with 0.5 mm voxels; return the list for a MONAI `Dataset`."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for number in range(count):
        parts = dict(zip(("image", "label"), make_volume(np.random.default_rng(number), size)))
        paths = {kind: str(folder / f"{number:02}_{kind}.nii.gz") for kind in parts}
        for kind, voxels in parts.items():
            nib.save(nib.Nifti1Image(voxels, np.diag([0.5, 0.5, 0.5, 1])), paths[kind])
        files.append(paths)
    return files


# %% Networks: MONAI's U-Net and its converted version
def make_networks(channels: int) -> dict[str, nn.Module]:
    """Return the standard network and its SRE counterpart."""
    features = (channels, channels, 2 * channels, 2 * channels, 4 * channels, channels)
    plain = BasicUNet(3, 1, 2, features=features, upsample="nontrainable")
    return {"plain": plain, "SRE": convert_to_sre(plain, kernel_size=5, profile="gaussian")}


# %% Training: MONAI's transforms and loss; even and odd crops, so that both pooling windows are trained
READ = [LoadImaged(["image", "label"]), EnsureChannelFirstd(["image", "label"]), NormalizeIntensityd("image")]


def train(network: nn.Module, files: list[dict[str, str]], steps: int, crop: int, name: str) -> None:
    """Train with Adam and a cosine schedule."""
    optimizer = torch.optim.AdamW(network.parameters(), lr=5e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=5e-3, total_steps=steps)
    loss_function = DiceCELoss(to_onehot_y=True, softmax=True, include_background=False)
    sets = [Dataset(files, Compose([*READ, RandSpatialCropd(["image", "label"], crop + odd)])) for odd in (0, 1)]
    loaders = [DataLoader(data, batch_size=2, shuffle=True) for data in sets]
    batches = (batch for epoch in range(steps) for batch in loaders[epoch % 2])
    network.train()
    for _, batch in zip(trange(steps, desc=f"training, {name}"), batches):
        optimizer.zero_grad()
        loss = loss_function(network(batch["image"].as_tensor()), batch["label"].as_tensor())
        loss.backward()
        optimizer.step()
        schedule.step()


# %% Robustness: rotate the volume about an axis, segment it, rotate the probabilities back
@torch.no_grad()
def predict_turned(network: nn.Module, image: Tensor, axis: str, angle: float) -> Tensor:
    """Vessel probabilities of a volume rotated about an axis, resampled to the upright grid; (1, 1, X, Y, Z)."""
    plane = AXES[axis]
    turned = rotate(image.movedim(plane, (-2, -1)), angle, "bicubic").movedim((-2, -1), plane)
    vessel = network(turned).softmax(1)[:, 1:].movedim(plane, (-2, -1))
    size = (vessel.shape[-2], vessel.shape[-1])
    return rotate_back(vessel, angle, size, "bicubic").movedim((-2, -1), plane)


def ball(size: int) -> Tensor:
    """Mask of the ball that stays inside the volume under every rotation."""
    offset = torch.arange(size) - (size - 1) / 2
    distance = sum(o**2 for o in torch.meshgrid(offset, offset, offset, indexing="ij"))
    return (distance <= (size / 2 - 1) ** 2)[None, None]


def measure(networks: dict[str, nn.Module], files: list[dict[str, str]], angles: list[float]) -> list[dict]:
    """Mean Dice of each network for each axis and angle, inside the ball."""
    rows = []
    for axis in AXES:
        for angle in angles:
            row: dict = {"axis": axis, "angle": angle}
            for name, network in networks.items():
                dice = DiceMetric()
                for item in Dataset(files, Compose(READ)):
                    image, label = item["image"].as_tensor()[None], item["label"].as_tensor()[None]
                    inside = ball(image.shape[-1])
                    dice((predict_turned(network, image, axis, angle) > 0.5) & inside, (label > 0) & inside)
                row[name] = dice.aggregate().item()
            rows.append(row)
    return rows


# %% Picture: a volume, its vessels and those found, as maximum intensity projections side by side
def draw(path: Path, image: np.ndarray, *masks: np.ndarray) -> None:
    """Write the projections along the last axis, each voxel as 6×6 pixels."""
    projections = [volume.max(-1) for volume in (image, *masks)]
    scaled = [255 * (p - p.min()) / max(float(p.max() - p.min()), 1e-6) for p in projections]
    save_png(path, np.kron(np.hstack(scaled), np.ones((6, 6))).astype(np.uint8))


# %% End to end
def main(
    output: Path, size: int = 48, count: int = 12, steps: int = 300, crop: int = 32, channels: int = 8
) -> list[dict]:
    """Run all steps; return the table of Dice by axis and angle."""
    set_determinism(0)
    files = write_volumes(output / "volumes", count, size)
    held_out = math.ceil(count / 3)
    networks = make_networks(channels)
    for name, network in networks.items():
        train(network, files[held_out:], steps, crop, name)
        network.eval()
        print(f"{name}: {sum(p.numel() for p in network.parameters()):,} parameters")
        print(check_equivariance(network, (1, 1, crop, crop + 1, crop + 3), group="rotations"))

    save = SaveImage(output / "masks", output_postfix="mask", separate_folder=False, print_log=False)
    for item in Dataset(files[:held_out], Compose(READ)):
        with torch.no_grad():
            mask = networks["SRE"](item["image"].as_tensor()[None]).argmax(1)
        save(mask.to(torch.uint8), item["image"].meta)
    draw(output / "picture.png", item["image"][0].numpy(), item["label"][0].numpy(), mask[0].numpy())

    rows = measure(networks, files[:held_out], [0, 15, 45, 90, 180])
    write_table(output / "rotation.csv", rows)
    names = list(rows[0])
    cells = [[f"{v:.4f}" if isinstance(v, float) else str(v) for v in row.values()] for row in rows]
    print(align_columns([names, *cells]))
    return rows


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path)
    main(parser.parse_args().output)
