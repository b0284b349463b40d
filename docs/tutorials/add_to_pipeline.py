"""Use an SRE network in an existing MONAI pipeline.

    python docs/tutorials/add_to_pipeline.py output/pipeline

Only the network differs from a standard MONAI pipeline. It takes a few minutes on one CPU core, with
synthetic photographs.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from monai.data import DataLoader, Dataset
from monai.engines import SupervisedEvaluator, SupervisedTrainer
from monai.handlers import MeanDice, ValidationHandler, from_engine
from monai.inferers import SimpleInferer
from monai.losses import DiceCELoss
from monai.transforms import (
    Activationsd,
    AsDiscreted,
    Compose,
    EnsureChannelFirstd,
    LoadImage,
    LoadImaged,
    NormalizeIntensityd,
    RandSpatialCropd,
)
from monai.utils import set_determinism

from sre_monai import SREUNet, check_equivariance
from sre_monai.io import load_datalist
from sre_monai.io.png import save_png
from sre_monai.retina import vessel_overlay, write_synthetic_dataset


def main(output: Path, count: int = 8, size: tuple[int, int] = (200, 193), epochs: int = 80, crop: int = 96) -> float:
    """Train, validate and check equivariance; return the Dice on the test photographs."""
    set_determinism(0)

    # %% Data and transforms
    folder = write_synthetic_dataset(output / "data", count=count, size=size)
    read = [
        LoadImaged(["image", "label"], reader="PILReader"),
        EnsureChannelFirstd(["image", "label"]),
        NormalizeIntensityd("image", channel_wise=True),
        AsDiscreted("label", threshold=0.5),
    ]
    crops = RandSpatialCropd(["image", "label"], (crop, crop + 1))  # both parities, so that both poolings are seen
    training = Dataset(load_datalist(folder, "training"), Compose([*read, crops]))
    test = Dataset(load_datalist(folder, "test"), Compose(read))

    # %% Network: the only line that changes
    network = SREUNet(2, 3, 2, features=(8, 16, 16, 32, 8), kernel_size=3, profile="gaussian", harmonics=(1, 2))

    # %% Engines, loss, optimizer and metric
    decide = Compose(
        [Activationsd("pred", softmax=True), AsDiscreted(["pred", "label"], argmax=(True, False), to_onehot=2)]
    )
    evaluator = SupervisedEvaluator(
        device=torch.device("cpu"),
        val_data_loader=DataLoader(test, batch_size=1),
        network=network,
        inferer=SimpleInferer(),
        postprocessing=decide,
        key_val_metric={"dice": MeanDice(include_background=False, output_transform=from_engine(["pred", "label"]))},
    )
    SupervisedTrainer(
        device=torch.device("cpu"),
        max_epochs=epochs,
        train_data_loader=DataLoader(training, batch_size=2, shuffle=True),
        network=network,
        optimizer=torch.optim.AdamW(network.parameters(), lr=5e-3),
        loss_function=DiceCELoss(to_onehot_y=True, softmax=True),
        train_handlers=[ValidationHandler(interval=epochs, validator=evaluator)],
    ).run()
    dice = evaluator.state.metrics["dice"]
    print(f"Dice on the test photographs: {dice:.4f}")

    # %% Check the equivariance of the trained network
    print(check_equivariance(network, (1, 3, *size)))

    # %% Draw the vessels found in the first test photograph
    photograph = LoadImage(reader="PILReader", ensure_channel_first=True)(load_datalist(folder, "test")[0]["image"])
    with torch.no_grad():
        mask = network(test[0]["image"].as_tensor()[None]).argmax(1)
    save_png(output / "picture.png", vessel_overlay(photograph, mask))
    return dice


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path)
    main(parser.parse_args().output)
