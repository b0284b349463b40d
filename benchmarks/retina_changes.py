"""The retina bundle's recipes, and the changes whose effect the ablation measures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from benchmarks.retina_models import BUNDLE, MODELS, SCALE

__all__ = ["RECIPE", "RECIPES", "Recipe"]

DICE_CE = "monai.losses.DiceCELoss(to_onehot_y=True, softmax=True, include_background=False, batch=True)"
SOFT_CLDICE = (
    f"$lambda logits, label: {DICE_CE}(logits, label) + 0.2 * monai.losses.SoftclDiceLoss(iter_=3)("
    "torch.cat([1 - label, label], 1), logits.softmax(1))"
)
CONSTANT_RATE = {"_target_": "torch.optim.lr_scheduler.ConstantLR", "optimizer": "@optimizer", "factor": 1.0}
INTENSITIES = ("scale_intensity", "shift_intensity", "contrast", "blur", "noise", "uneven_light", "jpeg")

RECIPE = "the recipe"
BUNDLE_CHANGES: dict[str, dict[str, Any]] = {
    RECIPE: {},
    "no angular harmonics": {"network_def#harmonics": []},
    "edges only (order 1)": {"network_def#harmonics": [1]},
    "lines only (order 2)": {"network_def#harmonics": [2]},
    "constant rings (bands)": {"network_def#profile": "bands"},
    "kernels of 5×5": {"network_def#kernel_size": 5},
    "kernels of 9×9": {"network_def#kernel_size": 9},
    "three levels": {"network_def#features": [16, 32, 64, 96, 16]},
    "half the channels": {"network_def#features": [8, 16, 24, 32, 48, 8]},
    "average pooling": {"network_def#pooling": "average"},
    "no local contrast normalisation": {"transforms#local_contrast": {"_target_": "Identityd", "keys": "image"}},
    "no change of intensities": {f"augmentation#{step}#prob": 0.0 for step in INTENSITIES},
    "no change of scale": {"zoom_range": [1.0, 1.0]},
    "random rotations": {"rotation_range": 3.1416},
    "crops of one size": {"train#trainer#prepare_batch#max_trim": 0},
    "cross-entropy alone": {"loss#lambda_dice": 0.0},
    "Dice alone": {"loss#lambda_ce": 0.0},
    "soft clDice besides": {"loss": SOFT_CLDICE},
    "half the learning rate": {"learning_rate": 0.004},
    "constant learning rate": {"lr_scheduler": CONSTANT_RATE},
    "no averaging of weights": {"ema_momentum": 1.0},
    "labels smoothed by 0.1": {"loss#label_smoothing": 0.1},
    "mixed precision": {"amp": True},
}

TRAIN = json.loads((BUNDLE / "configs" / "train.json").read_text(encoding="utf-8"))
SEPARATELY = {f"augmentation#{step}": TRAIN["augmentation"][step] for step in ("rotate", "zoom")}
DRIVE_CHANGES: dict[str, dict[str, Any]] = {
    RECIPE: {},
    "ordinary convolutions": {"net": "small_wnet"},
    "one network": {
        "net": "sre_harmonic_unet_small",
        "network_def": TRAIN["network_def"],
        "loss": "@cycles_loss",
    },
    "first network not supervised": {"loss": "$lambda both, label: @cycles_loss(both[:, 0], label)"},
    "zooms instead of affine transforms": SEPARATELY,
    "zooms and rotations instead of affine transforms": SEPARATELY | {"rotation_range": 3.1416},
    "weight decay of 0.01": {"weight_decay": 0.01},
    "Dice + cross-entropy": {
        "loss": f"$lambda both, label: {DICE_CE}(both[:, 0], label) + @cross_entropy(both[:, 1], label)"
    },
    "zoomed by 0.8–1.6": {
        "zoom_range": [0.8, 1.6],
        "augmentation#zoom#scale_range": [[-0.375, 0.25], [-0.375, 0.25]],
    },
}


class Recipe(NamedTuple):
    """What the changes are made to.

    Attributes:
        configs: in the bundle's ``configs``.
        settings: overrides of all runs.
        changes: overrides by the name of the change.
    """

    configs: list[str]
    settings: Mapping[str, Any]
    changes: Mapping[str, Mapping[str, Any]]


RECIPES = {
    "bundle": Recipe(MODELS["sre_harmonics"].recipe, SCALE, BUNDLE_CHANGES),
    "drive": Recipe(
        MODELS["drive"].recipe, {"amp": True, "validation_count": 4, "cycle_epochs": "@max_epochs"}, DRIVE_CHANGES
    ),
}
