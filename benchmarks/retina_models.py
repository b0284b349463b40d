"""The networks compared on retinal vessels: one recipe, with an overlay for each."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

__all__ = ["BUNDLE", "CAMERAS", "DEGREES", "MODELS", "SCALE", "Model"]

BUNDLE = Path(__file__).resolve().parents[1] / "bundles" / "retina_fundus_vessel_segmentation"
DEGREES = {"DRIVE": 45, "STARE": 35, "CHASE_DB1": 30, "HRF": 60}
"""Data sets, each from one camera, and the angles of their fields of view."""
CAMERAS = tuple(DEGREES)

BUDGET = 300  # epochs, five steps each on DRIVE: the same for all that are compared
SCALE = {"working_diameter": 540, "crop_size": 144, "zoom_range": [0.8, 1.6]}
"""Settings of the rows trained on DRIVE alone: close to its own size."""


class Model(NamedTuple):
    """A row of the table.

    Attributes:
        name: on the command line and of its files.
        label: in the table and the pictures; "with rotations" is trained on photographs rotated by any angle.
        overlays: in the bundle's ``configs``, on top of train.json; without one it is the bundle's own network.
        epochs: of the training; None for as many as its recipe says.
        scale: overrides of its training and its evaluation: the size at which it sees a photograph.
        data: what it is trained on in the folder of the prepared data sets.
        sets: what it is measured on: names of ``retina_measurements.SETS``, none that it has seen.
        file: of its weights in the bundle's ``models``; a JSON of the same name tells how they were trained.
    """

    name: str
    label: str
    overlays: tuple[str, ...] = ()
    epochs: int | None = BUDGET
    scale: Mapping[str, Any] = SCALE
    data: str = "DRIVE"
    sets: tuple[str, ...] = CAMERAS
    file: str | None = None

    @property
    def recipe(self) -> list[str]:
        """Configurations of its training."""
        return ["train.json", *self.overlays]

    @property
    def settings(self) -> dict[str, Any]:
        """Overrides of its training. No image is held out: nothing is chosen by validation."""
        return {"validation_count": 0, **self.scale} | ({"max_epochs": self.epochs} if self.epochs else {})

    @property
    def weights(self) -> Path:
        """File of its weights."""
        return BUNDLE / "models" / (self.file or f"baselines/{self.name}.pt")


MODELS = {
    model.name: model
    for model in (
        Model(
            "drive",
            "SRE W-Net, trained longer",
            ("cycles.yaml", "drive.yaml"),
            epochs=None,
            scale={},
            sets=(*CAMERAS, "STARE's last"),
            file="drive.pt",
        ),
        Model(
            "general",
            "SRE U-Net, four cameras",
            ("cycles.yaml", "general.yaml"),
            epochs=None,
            scale={},
            data=".",
            sets=("DRIVE", "STARE's last"),
            file="model.pt",
        ),
        Model("sre_harmonics", "SRE U-Net with harmonics"),
        Model("sre_gaussian", "SRE U-Net, smooth rings", ("models/sre_gaussian.yaml",)),
        Model("sre_bands", "SRE U-Net, published rings", ("models/sre_bands.yaml",)),
        Model(
            "paper",
            "SRE U-Net, published recipe",
            ("paper.yaml",),
            epochs=75,  # of 6000, over a minute each
            scale=SCALE | {"crop_size": 256},
        ),
        Model("plain_unet", "U-Net", ("models/plain_unet.yaml",)),
        Model("plain_unet_rotated", "U-Net with rotations", ("models/plain_unet_rotated.yaml",)),
        Model("plain_unet_small", "small U-Net with rotations", ("models/plain_unet_small.yaml",)),
        Model(
            "plain_unet_small_longer",
            "small U-Net with rotations, trained longer",
            ("cycles.yaml", "drive.yaml", "models/plain_unet_small_longer.yaml"),
            epochs=None,
            scale={},
        ),
    )
}
