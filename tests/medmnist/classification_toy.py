"""An evaluator of a tiny classifier on random images, and the expected scores."""

import torch
from monai.data import DataLoader, Dataset
from monai.engines import SupervisedEvaluator
from monai.transforms import Lambdad

from sre_monai.medmnist import class_probabilities

CLASSES = ("a", "b", "c")


def items(count: int = 7, size: int = 8, spatial_dims: int = 2) -> list[dict]:
    torch.manual_seed(3)
    shape = (1, *(size,) * spatial_dims)
    return [{"image": torch.randn(shape), "label": index % 3, "index": index} for index in range(count)]


def evaluator(network: torch.nn.Module, data: list[dict], *handlers, task: str = "multi-class") -> SupervisedEvaluator:
    return SupervisedEvaluator(
        device=torch.device("cpu"),
        val_data_loader=DataLoader(Dataset(data), batch_size=3),
        network=network,
        postprocessing=Lambdad("pred", lambda logits: class_probabilities(logits, task), track_meta=False),
        val_handlers=handlers,
        decollate=False,
    )
