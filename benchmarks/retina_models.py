"""The networks that are compared on retinal vessels: one recipe, with an overlay for each."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

__all__ = ["BUNDLE", "MODELS", "Model"]

BUNDLE = Path(__file__).resolve().parents[1] / "bundles" / "retina_fundus_vessel_segmentation"


class Model(NamedTuple):
    """A row of the table.

    Attributes:
        name: on the command line and of its files.
        label: in the table and the pictures; "with rotations" is trained on photographs turned by any angle.
        overlay: in the bundle's ``configs``, on top of train.json; without one it is the bundle's own network.
    """

    name: str
    label: str
    overlay: str | None = None

    @property
    def recipe(self) -> list[str]:
        """Configurations that train it."""
        return ["train.json", *([self.overlay] if self.overlay else [])]

    @property
    def weights(self) -> Path:
        """File of its weights; a JSON of the same name tells how they were trained."""
        return BUNDLE / "models" / (f"baselines/{self.name}.pt" if self.overlay else "model.pt")


MODELS = {
    model.name: model
    for model in (
        Model("sre_harmonics", "SRE U-Net"),
        Model("sre_gaussian", "SRE U-Net, smooth rings", "models/sre_gaussian.yaml"),
        Model("sre_bands", "SRE U-Net, published rings", "models/sre_bands.yaml"),
        Model("paper", "SRE U-Net, published recipe", "paper.yaml"),
        Model("plain_unet", "U-Net", "models/plain_unet.yaml"),
        Model("plain_unet_rotated", "U-Net with rotations", "models/plain_unet_rotated.yaml"),
        Model("plain_unet_small", "small U-Net with rotations", "models/plain_unet_small.yaml"),
    )
}
