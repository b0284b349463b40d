"""Export networks to files that run without this package."""

from __future__ import annotations

import json
import logging
import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from monai.utils import optional_import
from torch import Tensor, nn
from torch._dynamo import OptimizedModule
from torch.export import ExportedProgram
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
    if dynamic and input_shape[0] < 2:
        input_shape = (2, *input_shape[1:])  # an axis of size 1 would be exported as a constant
    network = _unwrapped(network)
    shapes = [tuple(input_shape)]
    if dynamic:
        shapes.append((1, input_shape[1], *(n + 5 + 2 * i for i, n in enumerate(input_shape[2:]))))
    difference = export_checked(
        fold_sre(network).cpu().eval(),
        path,
        {"image": torch.rand(*input_shape, generator=torch.Generator().manual_seed(0))},
        _dynamic_axes(len(input_shape), dynamic),
        lambda exported: max(_difference(network, exported, shape) for shape in shapes),
        tolerance,
    )
    sizes = "any size" if dynamic else f"size {'x'.join(map(str, input_shape[2:]))}"
    logging.getLogger(__name__).info("%s: for %s; outputs differ by %.1e at most", path, sizes, difference)
    return difference


def export_checked(
    module: nn.Module,
    path: str | os.PathLike[str],
    examples: Mapping[str, Tensor],
    dynamic_shapes: Sequence[Any],
    difference: Callable[[Callable[..., Any]], float],
    tolerance: float,
    output_names: Sequence[str] | None = None,
    metadata: Mapping[str, str] | None = None,
) -> float:
    """Export a module, load the file, and keep it if its outputs are right.

    Args:
        module: on the CPU and in evaluation mode.
        path: output file, as for `export_network`.
        examples: its inputs, by their names in the file.
        dynamic_shapes: of each input, as ``torch.export`` takes them.
        difference: measures by how much the outputs of what was loaded differ, a function of tensors.
        tolerance: the largest difference allowed.
        output_names: names of the outputs in an ONNX file.
        metadata: texts by name, for the ``metadata_props`` of an ONNX file or the extra file ``metadata.json`` of a
            ``.pt2`` file.

    Returns:
        The difference.

    Raises:
        ValueError: for an unknown extension, or if the difference is larger than the tolerance.
    """
    path = Path(path)
    if path.suffix not in EXPORT_FORMATS:
        raise ValueError(f"{path}: the extension must be one of {sorted(EXPORT_FORMATS)}.")
    write, load = EXPORT_FORMATS[path.suffix]
    with written_atomically(path) as unfinished:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = torch.export.export(module, tuple(examples.values()), dynamic_shapes=tuple(dynamic_shapes))
            write(program, unfinished, list(examples), output_names, dict(metadata or {}))
        differs = difference(load(unfinished))
        if not differs <= tolerance:
            raise ValueError(f"{path}: the exported outputs differ from the network's by {differs:.1e}.")
    return differs


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


def _dynamic_axes(dims: int, dynamic: bool) -> tuple[dict[int, object]]:
    """The dynamic axes, in the format of ``torch.export``."""
    axes = (axis for axis in range(dims) if dynamic and axis != 1)
    return (dict.fromkeys(axes, torch.export.Dim.DYNAMIC),)


def _write_onnx(
    program: ExportedProgram, path: Path, inputs: Sequence[str], outputs: Sequence[str] | None, metadata: dict[str, str]
) -> None:
    for package in ("onnxscript", "onnxruntime"):
        if not optional_import(package)[1]:
            raise ValueError(f"ONNX files need the package {package}: pip install 'sre-monai[export]'.")
    for package in ("onnx_ir", "onnxscript"):
        logging.getLogger(package).setLevel(logging.WARNING)  # they log every constant that they merge
    onnx_program = torch.onnx.export(program, (), dynamo=True, input_names=inputs, output_names=outputs, verbose=False)
    assert onnx_program is not None  # with dynamo=True
    onnx_program.model.metadata_props.update(metadata)
    for node in onnx_program.model.graph.all_nodes():
        node.metadata_props.clear()  # the lines of Python, with paths of this machine, that each came from
    onnx_program.save(str(path), external_data=False)


def _load_onnx(path: Path) -> Callable[..., Any]:
    onnxruntime, _ = optional_import("onnxruntime")
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_inputs()]
    return lambda *x: [torch.from_numpy(y) for y in session.run(None, {n: a.numpy() for n, a in zip(names, x)})]


def _write_program(
    program: ExportedProgram, path: Path, inputs: Sequence[str], outputs: Sequence[str] | None, metadata: dict[str, str]
) -> None:
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)  # as above
    torch.export.save(program, path, extra_files={"metadata.json": json.dumps(metadata)} if metadata else None)


def _load_program(path: Path) -> Callable[..., Any]:
    return torch.export.load(path).module()


_Write = Callable[[ExportedProgram, Path, Sequence[str], Sequence[str] | None, dict[str, str]], None]

EXPORT_FORMATS: dict[str, tuple[_Write, Callable[[Path], Callable[..., Any]]]] = {
    ".onnx": (_write_onnx, _load_onnx),
    ".pt2": (_write_program, _load_program),
}
