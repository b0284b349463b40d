"""Fixtures shared by all tests."""

import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))  # so that tests can import `tests.tolerances` and `docs.make_sample`

TEST_DATA = Path(os.environ.get("SRE_MONAI_TEST_DATA", REPOSITORY.parent / "shared" / "data"))


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the repository."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with the real data sets, see CONTRIBUTING.md; tests that need it skip where it is absent."""
    if not TEST_DATA.is_dir():
        pytest.skip(f"no real data in {TEST_DATA}; set SRE_MONAI_TEST_DATA")
    return TEST_DATA


@pytest.fixture(autouse=True)
def _seed() -> None:
    """Every test starts from the same random state, whatever ran before it."""
    torch.manual_seed(0)


@pytest.fixture(autouse=True)
def _log_handlers() -> Iterator[None]:
    """Remove the log handlers that a test added: they would write to its captured, closed streams."""
    root = logging.getLogger()
    before = root.handlers[:]
    yield
    for handler in root.handlers[:]:
        if handler not in before:
            root.removeHandler(handler)
            handler.close()


@pytest.fixture
def equivariant():
    """An exactly equivariant network from images to probabilities of a vessel."""
    from sre_monai import SREUNet

    network = SREUNet(2, 3, 2, features=(4, 4, 8, 4), kernel_size=5).eval()
    return lambda images: torch.sigmoid(40 * network(images)[:, :1].detach())


@pytest.fixture
def other():
    """An ordinary convolution in its place."""
    network = torch.nn.Conv2d(3, 1, 3, padding=1)
    return lambda images: torch.sigmoid(4 * network(images).detach())
