"""Run an exported file in a process that can import neither this package nor MONAI."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch

_PROGRAM = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("sre_monai", "monai"):
            raise ImportError(f"{name} is not installed here")

sys.meta_path.insert(0, Blocker())
import numpy as np

path, *files = sys.argv[1:]
if path.endswith(".onnx"):
    import onnxruntime
    session = onnxruntime.InferenceSession(path)
    run = lambda x: session.run(None, {session.get_inputs()[0].name: x})[0]
else:
    import torch
    network = torch.jit.load(path) if path.endswith(".ts") else torch.export.load(path).module()
    run = lambda x: network(torch.from_numpy(x)).detach().numpy()
outputs = [run(np.load(file)) for file in files]
assert not any(name.startswith(("sre_monai", "monai")) for name in sys.modules)
for file, output in zip(files, outputs):
    np.save(file, output)
"""


def outputs_without_the_package(path: Path, *inputs: torch.Tensor) -> list[torch.Tensor]:
    """Load an exported file in another process, and return its output for each input."""
    files = [path.with_name(f"{path.name}.{i}.npy") for i in range(len(inputs))]
    for file, x in zip(files, inputs):
        np.save(file, x.numpy())
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, path.name, *(file.name for file in files)],
        cwd=path.parent, env=os.environ | {"PYTHONPATH": ""}, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [torch.from_numpy(np.load(file)) for file in files]


def assert_same(network: torch.nn.Module, path: Path, *inputs: torch.Tensor, tolerance: float = 1e-4) -> None:
    """Require the outputs of a file, relative to the largest, to be within a tolerance of those of the network."""
    for x, actual in zip(inputs, outputs_without_the_package(path, *inputs)):
        with torch.no_grad():
            expected = network(x)
        assert actual.shape == expected.shape
        assert (actual - expected).abs().max() < tolerance * expected.abs().max()
