"""Export networks to files that run without this package."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from monai.utils import optional_import
from torch import Tensor, nn
from torch._dynamo import OptimizedModule
from torch.nn.parallel import DistributedDataParallel
from torch.optim.swa_utils import AveragedModel
from torch.utils._pytree import tree_leaves

from sre_monai.conversion.check import evaluating
from sre_monai.io.files import written_atomically
from sre_monai.networks.fold import fold_sre


def export_network(
    network: nn.Module,
    path: str | os.PathLike[str],
    input_shape: Sequence[int],
    dynamic: bool = True,
    tolerance: float = 1e-3,
) -> float:
    """Fold a network, export it to a file, load the file, and compare its outputs with the network's.

    =========  ========================  ==================================
    extension  format                    read by
    =========  ========================  ==================================
    ``.onnx``  ONNX                      onnxruntime, TensorRT, OpenVINO, …
    ``.pt2``   ``torch.export`` program  ``torch.export.load``
    =========  ========================  ==================================

    With ``dynamic``, the exported network accepts any batch and spatial size, even or odd. PyTorch has deprecated
    TorchScript: MONAI's ``ckpt_export`` writes it for the networks of this package.

    Args:
        network: a network that takes one tensor, with its weights loaded. It is copied and set to evaluation mode. Of
            ``DataParallel``, ``AveragedModel``, ``torch.compile`` and the like, the network inside is exported.
        path: output file; an existing file is replaced only after the outputs were compared.
        input_shape: (batch, channels, *spatial*) of an example, larger than 1 along every dynamic axis and well above
            the network's stride.
        dynamic: whether batch and spatial sizes are dynamic.
        tolerance: largest relative difference allowed between the outputs; float32 rounding reaches about 1e-4 in deep
            untrained networks.

    Returns:
        The largest relative difference for the example and, if dynamic, for an odd size.

    Raises:
        ValueError: for an unknown extension, for a network that does not support dynamic sizes, or if the outputs
            differ by more than the tolerance.

    Examples:
        >>> from sre_monai.networks.nets import SREUNet
        >>> export_network(SREUNet(2, 3, 2), "vessels.onnx", (2, 3, 64, 64))  # doctest: +SKIP
        6.1e-07
    """
    path = Path(path)
    if path.suffix not in EXPORT_FORMATS:
        raise ValueError(f"{path}: the extension must be one of {sorted(EXPORT_FORMATS)}.")
    if dynamic and input_shape[0] < 2:
        input_shape = (2, *input_shape[1:])  # an axis of size 1 would be exported as a constant
    write, load = EXPORT_FORMATS[path.suffix]
    network = _unwrapped(network)
    folded = fold_sre(network).cpu().eval()
    example = torch.rand(*input_shape, generator=torch.Generator().manual_seed(0))
    shapes = [tuple(input_shape)]
    if dynamic:
        shapes.append((1, input_shape[1], *(n + 5 + 2 * i for i, n in enumerate(input_shape[2:]))))
    with written_atomically(path) as unfinished:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            write(folded, example, unfinished, dynamic)
        difference = max(_difference(network, load(unfinished), shape) for shape in shapes)
        if not difference <= tolerance:
            raise ValueError(f"{path}: the exported outputs differ from the network's by {difference:.1e}.")
    sizes = "any size" if dynamic else f"size {'x'.join(map(str, input_shape[2:]))}"
    logging.getLogger(__name__).info("%s: for %s; outputs differ by %.1e at most", path, sizes, difference)
    return difference


def _unwrapped(network: nn.Module) -> nn.Module:
    """The network in wrappers for training or speed, which compute the same."""
    while isinstance(network, (AveragedModel, nn.DataParallel, DistributedDataParallel, OptimizedModule)):
        network = network._orig_mod if isinstance(network, OptimizedModule) else network.module
    return network


@torch.no_grad()
def _difference(network: nn.Module, exported: Callable[[Tensor], Any], shape: Sequence[int]) -> float:
    """Largest difference relative to the largest output, on random input."""
    x = torch.rand(*shape, generator=torch.Generator().manual_seed(1))
    with evaluating(network):
        expected = [y.cpu() for y in tree_leaves(network(x.to(next(network.parameters(), x))))]
    return max(
        ((y - e).abs().max() / e.abs().max()).item() for y, e in zip(tree_leaves(exported(x)), expected, strict=True)
    )


def _dynamic_axes(example: Tensor, dynamic: bool) -> tuple[dict[int, object]]:
    """The dynamic axes, in the format of ``torch.export``."""
    axes = (axis for axis in range(example.ndim) if dynamic and axis != 1)
    return (dict.fromkeys(axes, torch.export.Dim.DYNAMIC),)


def _write_onnx(network: nn.Module, example: Tensor, path: Path, dynamic: bool) -> None:
    for package in ("onnxscript", "onnxruntime"):
        if not optional_import(package)[1]:
            raise ValueError(f"ONNX files need the package {package}: pip install 'sre-monai[export]'.")
    logging.getLogger("onnx_ir").setLevel(logging.WARNING)  # it logs every constant that it merges
    torch.onnx.export(
        network,
        (example,),
        str(path),
        input_names=["image"],
        dynamic_shapes=_dynamic_axes(example, dynamic),
        dynamo=True,
        external_data=False,
        verbose=False,
    )


def _load_onnx(path: Path) -> Callable[[Tensor], Any]:
    onnxruntime, _ = optional_import("onnxruntime")
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return lambda x: [torch.from_numpy(y) for y in session.run(None, {session.get_inputs()[0].name: x.numpy()})]


def _write_program(network: nn.Module, example: Tensor, path: Path, dynamic: bool) -> None:
    program = torch.export.export(network, (example,), dynamic_shapes=_dynamic_axes(example, dynamic))
    torch.export.save(program, path)


def _load_program(path: Path) -> Callable[[Tensor], Any]:
    return torch.export.load(path).module()


EXPORT_FORMATS: dict[str, tuple[Callable[[nn.Module, Tensor, Path, bool], None], Callable[[Path], Callable]]] = {
    ".onnx": (_write_onnx, _load_onnx),
    ".pt2": (_write_program, _load_program),
}
