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

if not torch.cuda.is_available():
    os.environ["TRITON_INTERPRET"] = "1"  # before anything imports Triton

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
