"""The errors of all layers of a network, from its forward passes on an upright and on turned inputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from sre_monai.metrics import relative_error
from sre_monai.transforms import GridSymmetry

__all__ = ["LayerError", "LayerTrace", "largest_error"]


@dataclass(frozen=True)
class LayerError:
    """How wrong a layer's input and output are when the network's input is turned.

    Attributes:
        name: of the layer in the network.
        kind: its class.
        input_error: largest relative error of what it was given.
        output_error: largest relative error of what it made.
    """

    name: str
    kind: str
    input_error: float
    output_error: float


def largest_error(turned_back: Sequence[Tensor], upright: Sequence[Tensor]) -> float:
    """Compare tensors one by one; where shapes or numbers of them differ, the error is infinite."""
    if [y.shape for y in turned_back] != [y.shape for y in upright]:
        return float("inf")
    errors = [
        0.0 if torch.equal(actual, expected) else relative_error(actual[None], expected[None]).item()
        for actual, expected in zip(turned_back, upright)
    ]
    return max(errors, default=0.0, key=lambda error: float("inf") if error != error else error)


class LayerTrace:
    """Hooks on all layers that compare what they take and give between forward passes.

    Args:
        network: the network to watch, inside a ``with`` statement.
        spatial_dims: number of spatial axes. Tensors that have neither these nor none at all, such as tokens, cannot be
            turned and are left out.
    """

    def __init__(self, network: nn.Module, spatial_dims: int) -> None:
        self._ndim = spatial_dims + 2
        self._kinds = {name: type(module).__name__ for name, module in network.named_modules()}
        self._calls: list[tuple[str, list[Tensor], list[Tensor]]] = []
        self._upright = self._calls
        self._errors: dict[str, tuple[float, float]] = {}
        self._order: list[str] = []
        self._entered: list[list[Tensor]] = []
        self._handles: list[Any] = []
        for name, module in network.named_modules():
            self._handles.append(module.register_forward_pre_hook(self._enter(name), with_kwargs=True))
            self._handles.append(module.register_forward_hook(self._leave(name)))

    def keep_as_upright(self) -> None:
        """Take the pass that was just made as the one to compare with."""
        self._upright, self._calls = self._calls, []

    def compare(self, symmetry: GridSymmetry) -> None:
        """Compare the pass that was just made, on a turned input, with the upright one."""
        for (name, inputs, outputs), (_, upright_inputs, upright_outputs) in zip(self._calls, self._upright):
            errors = (
                largest_error(self._turn_back(inputs, symmetry), upright_inputs),
                largest_error(self._turn_back(outputs, symmetry), upright_outputs),
            )
            before = self._errors.get(name, (0.0, 0.0))
            self._errors[name] = (max(before[0], errors[0]), max(before[1], errors[1]))
        self._calls = []

    def errors(self) -> list[LayerError]:
        """Give the largest errors over all comparisons, in the order in which layers are entered."""
        order = dict.fromkeys(self._order)
        return [LayerError(name, self._kinds[name], *self._errors[name]) for name in order if name in self._errors]

    def __enter__(self) -> LayerTrace:
        """Give the trace; leaving takes the hooks off, also after an error."""
        return self

    def __exit__(self, *_: object) -> None:
        for handle in self._handles:
            handle.remove()

    def _turn_back(self, tensors: Sequence[Tensor], symmetry: GridSymmetry) -> list[Tensor]:
        return [symmetry.invert(y) if y.ndim == self._ndim else y for y in tensors]

    def _enter(self, name: str) -> Callable[..., None]:
        def enter(module: nn.Module, args: Any, kwargs: Any) -> None:
            self._order.append(name)
            self._entered.append(self._tensors((args, kwargs)))

        return enter

    def _leave(self, name: str) -> Callable[..., None]:
        def leave(module: nn.Module, args: Any, output: Any) -> None:
            taken, made = self._entered.pop(), self._tensors(output)
            if taken and made:
                self._calls.append((name, taken, made))

        return leave

    def _tensors(self, values: Any) -> list[Tensor]:
        # copies, since the next layer may work in place
        return [
            value.detach().clone()
            for value in tree_leaves(values)
            if isinstance(value, Tensor) and value.ndim in (2, self._ndim)
        ]
