"""An evaluator without a bundle: its images are the vessel logits."""

from __future__ import annotations

from typing import Any

import torch
from monai.data import DataLoader, Dataset, MetaTensor
from monai.engines import SupervisedEvaluator
from monai.transforms import Activationsd

SIGMOID = Activationsd("pred", sigmoid=True)


def items(count: int = 2, size: tuple[int, int] = (23, 18)) -> list[dict[str, Any]]:
    """Random images with correlated labels; the last has no second observer."""
    made = []
    for index in range(count):
        logit = torch.randn(1, *size)
        label = (logit + torch.randn(1, *size) > 1).float()
        fov = torch.ones(1, *size)
        fov[:, :4] = 0
        meta = {"filename_or_obj": f"/folder/{index}.tif"}
        photograph = MetaTensor(torch.full((3, *size), 100.0), meta={"exif_orientation": 6})
        made.append({"image": MetaTensor(logit * fov, meta=meta), "photograph": photograph, "label": label, "fov": fov})
        made[-1] |= {"working_label": label, "working_fov": fov, "second_observer": label.roll(1, -1)}
    del made[-1]["second_observer"]
    return made


def evaluator(data: list[dict[str, Any]], *handlers: Any) -> SupervisedEvaluator:
    """MONAI's evaluator with an identity network."""
    return SupervisedEvaluator(
        device=torch.device("cpu"),
        val_data_loader=DataLoader(Dataset(data), batch_size=1),
        network=torch.nn.Identity(),
        postprocessing=SIGMOID,
        val_handlers=list(handlers),
    )
