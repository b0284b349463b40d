"""The table of experiments: what is trained, on what it is evaluated, and the tables and pictures made of it."""

import json
import math
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.calibration import add_calibrations, calibrate
from benchmarks.pictures import draw_curves, draw_errors, draw_progress, draw_reliability
from benchmarks.results import add_difference, add_pixels, add_second_observer
from benchmarks.series import Evaluation, Experiment, Row
from sre_monai.retina import SEGMENTATION_PROTOCOLS

BUNDLES = Path(__file__).resolve().parents[1] / "bundles"
RETINA, MEDMNIST = BUNDLES / "retina_fundus_vessel_segmentation", BUNDLES / "medmnist_classification"
HIPPOCAMPUS = BUNDLES / "brain_mri_hippocampus_segmentation"

# Retina: data sets, evaluations and the compared networks

DEGREES = {"DRIVE": 45, "STARE": 35, "CHASE_DB1": 30, "HRF": 60}
"""Data sets, each from one camera, and the angles of their fields of view."""
SCORES = {
    "dice": "F1", "auc": "AUC", "mcc": "MCC", "cldice": "clDice", "sensitivity": "sensitivity",
    "specificity": "specificity",
}  # fmt: skip
MAIN = ("dice", "auc", "cldice")


def scored(data: str, section: str, **settings: Any) -> Evaluation:
    """Evaluate upright on a section of a data set."""
    return Evaluation(data, settings={"section": section, "write_overlay": False, "amp": False, **settings})


def rotated(protocol: str, **settings: Any) -> Evaluation:
    """Evaluate by a protocol on DRIVE's test photographs, rotated and flipped."""
    return Evaluation("DRIVE", ("evaluate.json", "rotation.json"), {"protocols": [protocol], "amp": False, **settings})


TEST, LAST = {"DRIVE": scored("DRIVE", "test")}, {"STARE's last": scored("STARE", "test")}
ROTATED = {protocol: rotated(protocol) for protocol in SEGMENTATION_PROTOCOLS}
UNSEEN = TEST | {name: scored(name, "all") for name in DEGREES if name != "DRIVE"} | ROTATED
"""For networks trained on DRIVE alone."""
ANGLES = (0, 37, 90)
ERRORS = {"overlays": rotated("turned_back", angles=[0], overlay_angles=list(ANGLES), limit=1)}

NETWORKS = {
    "drive": Row("SRE W-Net, trained longer", ("recipes/drive.yaml",), {}, "DRIVE", UNSEEN | LAST | ERRORS, "drive.pt"),
    "general": Row("SRE U-Net, four cameras", ("recipes/model.yaml",), {}, ".", TEST | LAST | ROTATED, "model.pt"),
    **{
        name: Row(label, (f"recipes/{name}.yaml",), {}, "DRIVE", UNSEEN | more, f"baselines/{name}.pt")
        for name, label, more in (
            ("sre_harmonics", "SRE U-Net with harmonics", {}),
            ("paper", "SRE U-Net, published recipe", {}),
            ("sre_gaussian", "SRE U-Net, smooth rings", {}),
            ("sre_bands", "SRE U-Net, published rings", {}),
            ("plain_unet", "U-Net", ERRORS),
            ("plain_unet_rotated", "U-Net with rotations", {}),
            ("plain_unet_small", "small U-Net with rotations", {}),
            ("plain_unet_small_longer", "small U-Net with rotations, trained longer", {}),
        )
    },
}

SPREAD, WORST = "{{{0} mean:.4f}} ± {{{0} std:.4f}}", "{{{0} worst:.4f}} ({{{0} worst_angle:.0f}}°)"
TRAINING = {"parameters": "{parameters:,.0f}", "training, min": "{training_minutes:.0f}"}
ACCURACY_TABLES = (
    TRAINING | {title: f"{{DRIVE {score} mean:.4f}}" for score, title in SCORES.items()},
    {
        "turned back: F1 at 0°": "{turned_back dice upright:.4f}",
        "mean ± SD": SPREAD.format("turned_back dice"),
        "worst": WORST.format("turned_back dice"),
        "worst mirrored": "{turned_back flipped dice worst:.4f}",
        "consistency": "{turned_back consistency mean:.4f}",
        "published: F1 at 0°": "{published dice upright:.4f}",
        "mean ± SD ": SPREAD.format("published dice"),
        "worst ": WORST.format("published dice"),
        "ceiling: mean": "{published ceiling_dice mean:.4f}",
        "ceiling: worst": "{published ceiling_dice worst:.4f}",
    },
    {
        f"{name}: {title}": f"{{{name} {figure}}}"
        for name in (*DEGREES, *LAST)
        if name not in TEST
        for title, figure in (("images", "num_images:.0f"), *((SCORES[key], f"{key} mean:.4f") for key in MAIN))
    },
)


def calibration_table(name: str) -> dict[str, str]:
    """Scores of an evaluation, and what a calibration changes about them."""
    figures = {SCORES[score]: f"{score} mean" for score in (*MAIN, "sensitivity", "specificity")}
    names = ("best threshold", "dice at it", "calibration error", "fitted threshold", "temperature", "dice with it")
    figures |= {figure: figure for figure in (*names, "calibration error with it")}
    images = {f"{name}: images": f"{{{name} num_images:.0f}}"}
    return images | {title: f"{{{name} {figure}:.4f}}" for title, figure in figures.items()}


# Retina: the changes of the ablations

RECIPE = "the recipe"
DICE_CE = "monai.losses.DiceCELoss(to_onehot_y=True, softmax=True, include_background=False, batch=True)"
SOFT_CLDICE = (
    f"$lambda logits, label: {DICE_CE}(logits, label) + 0.2 * monai.losses.SoftclDiceLoss(iter_=3)("
    "torch.cat([1 - label, label], 1), logits.softmax(1))"
)
CONSTANT_RATE = {"_target_": "torch.optim.lr_scheduler.ConstantLR", "optimizer": "@optimizer", "factor": 1.0}
INTENSITIES = ("scale_intensity", "shift_intensity", "contrast", "blur", "noise", "uneven_light", "jpeg")
CHANGES: dict[str, dict[str, Any]] = {
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

TRAIN = json.loads((RETINA / "configs" / "train.json").read_text(encoding="utf-8"))
SEPARATELY = {f"augmentation#{step}": TRAIN["augmentation"][step] for step in ("rotate", "zoom")}
DRIVE_CHANGES: dict[str, dict[str, Any]] = {
    RECIPE: {},
    "ordinary convolutions": {"net": "small_wnet"},
    "one network": {
        "net": "sre_harmonic_unet_small", "network_def": TRAIN["network_def"], "loss": "@cycles_loss",
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
}  # fmt: skip


def ablation(help: str, network: str, changes: Mapping[str, Mapping[str, Any]], **settings: Any) -> Experiment:
    """Short trainings on DRIVE, each with one change; 4 of the training images are held out and scored."""
    datalist = "$load_datalist(@dataset_dir, @section)[-@validation_count:]"
    held_out = Evaluation("DRIVE", settings={"section": "training", "datalist": datalist, "write_overlay": False})
    row = NETWORKS[network]._replace(evaluations={"held out": held_out}, weights=None)
    settings = {"validation_count": 4, "val_interval": "@max_epochs", **settings}
    rows = {name: row._replace(label=name, settings={**settings, **change}) for name, change in changes.items()}
    table = {"runs": "{runs}", "F1": "{held out dice mean:.4f}", "difference": "{difference:+.4f}"}
    table |= {"AUC": "{held out auc mean:.4f}", "clDice": "{held out cldice mean:.4f}"} | TRAINING
    finish = partial(add_difference, score="held out dice mean", baseline=RECIPE)
    return Experiment(help, RETINA, rows, tables=[table], finish=finish)


# MedMNIST: the compared classifiers

ROTATIONS = {"rotation_range": math.pi, "flip_prob": 0.5}
NARROW = {"features": [16, 32, 64, 128]}
QUARTER = {"sre_harmonic_resnet18": NARROW, "sre_r3d_18": NARROW, "resnet18": {"widen_factor": 0.25}}
"""Networks with a quarter of the features."""
CLASSIFICATION = {"runs": "{runs}"} | {
    f"{title} {name}": f"{{{figure.format(score)}:.3f}}"
    for score, title in {"accuracy": "accuracy", "auc": "AUC"}.items()
    for name, figure in {
        "upright": "evaluate {}",
        **{f"{kind}{about}": f"rotated {axis} {{}} {kind}"
           for about, axis in {"": "image", " about x": "x", " about y": "y", " about z": "z"}.items()
           for kind in ("mean", "worst")},
        "flipped, mean": "rotated flipped {} mean",
        "flipped, worst": "rotated flipped {} worst",
    }.items()
} | {"probability deviation": "{rotated probability_deviation:.1g}", **TRAINING}  # fmt: skip


def classification(
    help: str,
    networks: str,  # separated by commas; one "with rotations" sees images flipped and rotated by any angle
    recipe: str = "",
    weights: str | None = None,  # of the first network
    seeds: Sequence[int] = (0, 1, 2),
    sizes: Mapping[str, Mapping[str, Any]] = {},  # net_settings by network
    **settings: Any,
) -> Experiment:
    """Train classifiers, evaluate them upright, rotated and flipped."""
    steps = {"evaluate": ("evaluate.json",), "rotated": ("evaluate.json", "rotation.json")}
    evaluations = {name: Evaluation("medmnist", configs) for name, configs in steps.items()}
    rows: dict[str, Row] = {}
    for name in networks.split(", "):
        net = name.removesuffix(" with rotations")
        own = {"net": net, **({} if net == name else ROTATIONS), **settings}
        own |= {"net_settings": sizes[net]} if net in sizes else {}
        rows[name] = Row(name, tuple(recipe.split()), own, "medmnist", evaluations, None if rows else weights)
    draw = partial(draw_curves, evaluation="rotated", scores={"accuracy": "accuracy", "auc": "AUC"})
    return Experiment(help, MEDMNIST, rows, True, seeds, [CLASSIFICATION], transposed=True, pictures=[draw])


# Hippocampus: the compared networks

STRUCTURES = {f"{name}_hippocampus": name for name in ("anterior", "posterior")}
TURNED = Evaluation(
    "Hippocampus", ("evaluate.json", "rotation.json"), {"angle_step": 45, "random_axes": 2, "symmetries": False}
)
VOLUMES = TRAINING | {
    f"{name}: {title}": f"{{rotated {axis} {key}_{figure}}}"
    for key, name in STRUCTURES.items()
    for title, axis, figure in (
        ("Dice upright", "x", "dice upright:.4f"),
        ("95 % Hausdorff distance, mm", "x", "hd95 upright:.2f"),
        *((f"about {axis}, mean", axis, "dice mean:.4f") for axis in ("x", "y", "z", "random")),
        *((f"about {axis}, worst", axis, "dice worst:.4f") for axis in ("x", "y", "z", "random")),
    )
}


def volumes(label: str, *recipe: str, **settings: Any) -> Row:
    """A network trained on the hippocampus and evaluated turned."""
    return Row(label, recipe, {"max_epochs": 36, **settings}, "Hippocampus", {"rotated": TURNED})


LWNET = {"lwnet, 4.2 billion pixels, at its own threshold": 0.8278}
"""F1 of https://arxiv.org/abs/2009.01907: its published weights and threshold, mean of four flips."""

EXPERIMENTS = {
    "weights": Experiment(
        "Train the retina bundle's networks by their recipes; --store puts the weights into the bundle.",
        RETINA, {name: row._replace(evaluations={}) for name, row in NETWORKS.items()}, tables=[TRAINING],
    ),
    "accuracy": Experiment(
        "Evaluate the weights of the retina bundle's networks upright, rotated and on photographs of other cameras.",
        RETINA, NETWORKS, trains=False, tables=ACCURACY_TABLES, finish=add_second_observer, pictures=[
            partial(draw_curves, evaluation="turned_back", scores={"dice": "F1"}),
            partial(draw_errors, evaluation="overlays", angles=ANGLES),
        ],
    ),
    "calibrate": Experiment(
        "Fit threshold and temperature to the training photographs of four cameras; writes calibrated weights.",
        RETINA,
        {
            name: NETWORKS["general"]._replace(
                label=name, evaluations={"train": scored(name, "training", write_calibration=True)}
            )
            for name in DEGREES
        },
        trains=False, tables=[calibration_table("train")], finish=partial(calibrate, name="train"),
    ),
    "cameras": Experiment(
        "Leave one camera out: train on three data sets, evaluate on the fourth, by pixels and by the field's angle.",
        RETINA,
        {
            name: Row(
                name, NETWORKS["general"].recipe,
                {
                    "section": "all", "datasets": [other for other in DEGREES if other != name],
                    "cycle_epochs": "$4800 // len(@datalist)", "max_epochs": "@cycle_epochs", "amp": True,
                },
                evaluations={
                    "by pixels": scored(name, "all", write_calibration=True),
                    "by angle": scored(name, "all", write_calibration=True, working_diameter=20 * degrees),
                },
            )
            for name, degrees in DEGREES.items()
        },
        tables=[calibration_table("by pixels"), calibration_table("by angle")], finish=add_calibrations,
        pictures=[partial(draw_reliability, evaluation="by pixels")],
    ),
    "ablation": ablation(
        "Short trainings of the retina bundle's network on DRIVE, each with one change.",
        "sre_harmonics", CHANGES, max_epochs=100,
    ),
    "drive_ablation": ablation(
        "Short trainings by the recipe of drive.pt in a single cosine cycle, each with one change.",
        "drive", DRIVE_CHANGES, max_epochs=220, cycle_epochs="@max_epochs", amp=True,
    ),
    "progress": Experiment(
        "F1 on DRIVE by the number of pixels seen, each training one cosine cycle.",
        RETINA,
        {
            f"{name}_{epochs}": Row(
                f"{NETWORKS[name].label}, {epochs} epochs", NETWORKS[name].recipe,
                {"amp": True, "cycle_epochs": epochs, "max_epochs": epochs}, "DRIVE", TEST,
            )
            for name in ("drive", "plain_unet_small_longer")
            for epochs in (450, 3600)
        },
        tables=[{"billion pixels": "{billion pixels:.2f}", **{SCORES[x]: f"{{DRIVE {x} mean:.4f}}" for x in MAIN}}],
        finish=add_pixels, pictures=[partial(draw_progress, score="DRIVE dice mean", level=LWNET)],
    ),
    "breastmnist": classification(
        "Classifiers of BreastMNIST, upright, rotated and flipped.",
        "sre_harmonic_resnet18, sre_resnet18, resnet18, resnet18 with rotations", weights="model.pt", amp=True,
    ),
    "breastmnist_published": classification(
        "The published recipe on BreastMNIST.", "sre_resnet18, resnet18", "paper.yaml", amp=True,
    ),
    "adrenalmnist3d": classification(
        "Classifiers of AdrenalMNIST3D about each axis, with a quarter of the features.",
        "sre_harmonic_resnet18, resnet18, resnet18 with rotations", "recipes/adrenalmnist3d.yaml",
        "adrenalmnist3d.pt", sizes=QUARTER,
    ),
    "adrenalmnist3d_published": classification(
        "Half of the published recipe on AdrenalMNIST3D.",
        "sre_r3d_18", "recipes/adrenalmnist3d.yaml paper.yaml paper_volumes.yaml", seeds=(0,), max_epochs=50, amp=False,
    ),
    "shapes3d": classification(
        "Classifiers of synthetic volumes (sre-monai prepare shapes3d).",
        "sre_harmonic_resnet18, sre_r3d_18, resnet18", "volumes.yaml", seeds=(0,), sizes=QUARTER,
        dataset_name="shapes3d", max_epochs=20, image_size=16,
    ),
    "hippocampus": Experiment(
        "Networks that segment the hippocampus, upright and turned by multiples of 45° about any axis.",
        HIPPOCAMPUS,
        {
            "sre_unet": volumes("SRE U-Net with harmonics"),
            "sre_shells": volumes("SRE U-Net, shells alone", "models/sre_shells.yaml"),
            "basic_unet": volumes("BasicUNet", "models/basic_unet.yaml"),
            "basic_unet_rotated": volumes("BasicUNet with rotations", "models/basic_unet_rotated.yaml"),
            "dynunet": volumes("DynUNet for as long", "models/dynunet.yaml", max_epochs=8),
        },
        tables=[VOLUMES], transposed=True,
        pictures=[partial(draw_curves, evaluation="rotated", scores={f"{key}_dice": "Dice" for key in STRUCTURES})],
    ),
}  # fmt: skip
"""All experiments by the name of their command."""
