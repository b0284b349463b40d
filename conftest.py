"""What the examples in docstrings may use: `np`, `torch`, `Path`, the folder `docs`, and a folder of their own."""

from pathlib import Path

import numpy as np
import pytest
import torch

DOCS = Path(__file__).resolve().parent / "docs"


@pytest.fixture(autouse=True)
def _example(
    request: pytest.FixtureRequest,
    doctest_namespace: dict,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if isinstance(request.node, pytest.DoctestItem):
        doctest_namespace.update(np=np, torch=torch, Path=Path)
        torch.manual_seed(0)
        monkeypatch.chdir(tmp_path_factory.mktemp("example"))
        Path("docs").symlink_to(DOCS)
