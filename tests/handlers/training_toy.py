"""A trainer that takes milliseconds."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import torch
from monai.data import DataLoader, Dataset
from monai.engines import SupervisedTrainer
from monai.transforms import Compose, Lambdad, RandGaussianNoised
from torch import nn


def add_noise(x: torch.Tensor) -> torch.Tensor:
    """Draw from every source of randomness except the transforms' own."""
    return x + torch.rand(()) + np.random.rand() + random.random()


def make_loader(**settings: Any) -> DataLoader:
    """Six items of two numbers in batches of two, shuffled and randomly augmented."""
    items = [{"image": torch.full((1, 2), 10.0 * n), "label": torch.full((1, 2), float(n))} for n in range(6)]
    transform = Compose([RandGaussianNoised("image", prob=1.0), Lambdad("image", add_noise)])
    return DataLoader(Dataset(items, transform), batch_size=2, shuffle=True, **settings)


def make_network() -> nn.Module:
    return nn.Sequential(nn.BatchNorm1d(1), nn.Linear(2, 2), nn.Dropout(0.5))


def make_trainer(
    handlers: list[Any],
    loader: DataLoader | None = None,
    network: nn.Module | None = None,
    optimizer: torch.optim.Optimizer | None = None,
    max_epochs: int = 4,
) -> SupervisedTrainer:
    network = make_network() if network is None else network
    return SupervisedTrainer(
        device=torch.device("cpu"),
        max_epochs=max_epochs,
        train_data_loader=make_loader() if loader is None else loader,
        network=network,
        optimizer=torch.optim.SGD(network.parameters(), lr=1e-3) if optimizer is None else optimizer,
        loss_function=nn.MSELoss(),
        train_handlers=handlers,
        decollate=False,
    )
