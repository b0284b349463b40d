"""Equivariance errors of all layers of a network, from forward passes on an input and its transformed copies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from sre_monai.metrics import relative_error
from sre_monai.transforms import GridSymmetry

IN_LAYER = "in the layer "
"""Begins the note of an error that a layer raised."""


@dataclass(frozen=True)
class LayerError:
    """Equivariance errors of a layer's input and output.

    Attributes:
        name: name of the layer in the network.
        kind: class of the layer.
        input_error: largest relative error of its input.
        output_error: largest relative error of its output.
    """

    name: str
    kind: str
    input_error: float
    output_error: float


def largest_error(outputs: Sequence[Tensor], reference: Sequence[Tensor]) -> float:
    """Give the largest relative error over pairs of tensors; infinite if their shapes or numbers differ."""
    if [y.shape for y in outputs] != [y.shape for y in reference]:
        return float("inf")
    errors = [
        0.0 if torch.equal(actual, expected) else relative_error(actual.reshape(1, -1), expected.reshape(1, -1)).item()
        for actual, expected in zip(outputs, reference)
    ]
    return max(errors, default=0.0, key=lambda error: float("inf") if error != error else error)


class LayerTrace:
    """Forward hooks that compare the inputs and outputs of all layers between forward passes.

    Args:
        network: the network to trace, inside a ``with`` statement.
        spatial_dims: number of spatial axes. Tensors with any other number of axes, except vectors, are ignored.
    """

    def __init__(self, network: nn.Module, spatial_dims: int) -> None:
        self._ndim = spatial_dims + 2
        self._kinds = {name: type(module).__name__ for name, module in network.named_modules()}
        self._calls: list[tuple[str, list[Tensor], list[Tensor]]] = []
        self._reference = self._calls
        self._errors: dict[str, tuple[float, float]] = {}
        self._order: list[str] = []
        self._entered: list[tuple[str, list[Tensor]]] = []
        self._handles: list[Any] = []
        for name, module in network.named_modules():
            self._handles.append(module.register_forward_pre_hook(self._enter(name), with_kwargs=True))
            self._handles.append(module.register_forward_hook(self._leave(name)))

    def set_reference(self) -> None:
        """Use the last forward pass as the reference."""
        self._reference, self._calls = self._calls, []

    def compare(self, symmetry: GridSymmetry) -> None:
        """Compare the last forward pass, on a transformed input, with the reference."""
        for (name, inputs, outputs), (_, reference_inputs, reference_outputs) in zip(self._calls, self._reference):
            errors = (
                largest_error(self._invert(inputs, symmetry), reference_inputs),
                largest_error(self._invert(outputs, symmetry), reference_outputs),
            )
            before = self._errors.get(name, (0.0, 0.0))
            self._errors[name] = (max(before[0], errors[0]), max(before[1], errors[1]))
        self._calls = []

    def errors(self) -> list[LayerError]:
        """Give the largest errors over all comparisons, in call order."""
        order = dict.fromkeys(self._order)
        return [LayerError(name, self._kinds[name], *self._errors[name]) for name in order if name in self._errors]

    def __enter__(self) -> LayerTrace:
        """Return the trace; on exit its hooks are removed, and an error of a layer gets a note of the layer's name."""
        return self

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        for handle in self._handles:
            handle.remove()
        if error is not None and self._entered:
            error.add_note(IN_LAYER + (self._entered[-1][0] or "its forward"))

    def _invert(self, tensors: Sequence[Tensor], symmetry: GridSymmetry) -> list[Tensor]:
        return [symmetry.invert(y) if y.ndim == self._ndim else y for y in tensors]

    def _enter(self, name: str) -> Callable[..., None]:
        def enter(module: nn.Module, args: Any, kwargs: Any) -> None:
            self._order.append(name)
            self._entered.append((name, self._tensors((args, kwargs))))

        return enter

    def _leave(self, name: str) -> Callable[..., None]:
        def leave(module: nn.Module, args: Any, output: Any) -> None:
            (_, inputs), outputs = self._entered.pop(), self._tensors(output)
            if inputs and outputs:
                self._calls.append((name, inputs, outputs))

        return leave

    def _tensors(self, values: Any) -> list[Tensor]:
        # cloned because the next layer may operate in place
        return [
            value.detach().clone()
            for value in tree_leaves(values)
            if isinstance(value, Tensor) and value.ndim in (2, self._ndim)
        ]
