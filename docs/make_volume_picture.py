"""Draw what two networks find in the same volume, upright and turned.

    python docs/make_volume_picture.py data/Hippocampus docs/images/turned_volumes.png

Above the bundle's network, below the ordinary U-Net of its baselines, which was trained on upright volumes. Only what
they find is drawn, seen along the last axis, and not the volume.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import matplotlib.pyplot as plt
import nibabel
import numpy as np
import torch
import yaml
from matplotlib.colors import ListedColormap
from monai.bundle import ConfigParser

from sre_monai.io import load_datalist
from sre_monai.volumes import Turn, structure_scores
from sre_monai_cli import find_bundle

BUNDLE = find_bundle("brain_mri_hippocampus_segmentation")
TURNS = {
    "upright": Turn(),
    "90° about z": Turn((0, 0, 1), 90),
    "45° about z": Turn((0, 0, 1), 45),
    "180° about x": Turn((1, 0, 0), 180),
    "120° about an oblique axis": Turn((1, 2, -1), 120),
}
COLOURS = ListedColormap(["#111111", "#ffa500", "#56b4e9"])  # background, anterior, posterior


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path, help="the prepared data set")
    parser.add_argument("picture", type=Path)
    parser.add_argument("--case", type=int, default=0, help="which volume of the section test")
    options = parser.parse_args()
    item = load_datalist(options.dataset, "test")[options.case]
    volume, label = (nibabel.load(item[key]).get_fdata(dtype=np.float32) for key in ("image", "label"))
    draw(segmenters(), torch.tensor(volume)[None], torch.tensor(label)[None]).savefig(options.picture, dpi=110)


def segmenters() -> dict[str, Callable[[torch.Tensor], np.ndarray]]:
    """The bundle's network, and the ordinary one."""
    overlay = yaml.safe_load((BUNDLE / "configs" / "models" / "basic_unet.yaml").read_text())
    ordinary = {name: overlay[name] for name in ("network_def", "margin")}
    checkpoint = str(BUNDLE / "models" / "baselines" / "basic_unet.pt")
    return {"SRE U-Net": segmenter(), "BasicUNet": segmenter(checkpoint=checkpoint, **ordinary)}


def segmenter(**overrides: object) -> Callable[[torch.Tensor], np.ndarray]:
    """A function from a volume (1, X, Y, Z) of 1 mm to its labels (X, Y, Z), by the bundle's inference.json."""
    parser = ConfigParser(ConfigParser.load_config_file(BUNDLE / "configs" / "inference.json"))
    parser.update({"bundle_root": str(BUNDLE), "device": "cpu", **overrides})
    names = ("network", "inferer", "transforms#clip", "transforms#normalize")
    network, inferer, clip, normalize = map(parser.get_parsed_content, names)

    @torch.no_grad()
    def segment(volume: torch.Tensor) -> np.ndarray:
        image = normalize(clip({"image": volume}))["image"]
        return inferer(image[None], network.eval())[0].argmax(0).numpy()

    return segment


def draw(
    networks: dict[str, Callable[[torch.Tensor], np.ndarray]], volume: torch.Tensor, label: torch.Tensor
) -> plt.Figure:
    """A row for each network, a column for each turn."""
    figure, axes = plt.subplots(len(networks), len(TURNS), figsize=(12, 5), layout="constrained", squeeze=False)
    for row, (name, segment) in zip(axes, networks.items(), strict=True):
        row[0].set_ylabel(name)
        for axis, (title, turn) in zip(row, TURNS.items(), strict=True):
            labels = segment(turn.apply(volume))
            axis.imshow(labels.max(axis=2).T, origin="lower", cmap=COLOURS, vmin=0, vmax=2, interpolation="nearest")
            axis.set_title(f"{title}\nDice {_dice(labels, label, turn):.2f}", fontsize=9)
            axis.set(xticks=[], yticks=[])
    return figure


def _dice(labels: np.ndarray, label: torch.Tensor, turn: Turn) -> float:
    """Mean Dice of both structures, the labels turned back."""
    one_hot = torch.eye(3)[torch.tensor(labels, dtype=torch.long)].movedim(-1, 0)
    back = turn.invert(one_hot, label.shape[1:]).argmax(0, keepdim=True)
    scores = structure_scores(back, label, {1: "anterior", 2: "posterior"}, (1, 1, 1))
    return float(np.mean([scores["anterior_dice"], scores["posterior_dice"]]))


if __name__ == "__main__":
    main()
