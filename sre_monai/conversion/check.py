"""Measure how equivariant a network is, and find the layer that breaks it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field

import torch
from monai.networks.layers import GaussianFilter
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from sre_monai.conversion.trace import LayerError, LayerTrace, largest_error
from sre_monai.io.tables import align_columns
from sre_monai.transforms import grid_symmetries, rotate, rotate_back

TOLERANCE = 1e-4  # float32 rounding error in a deep network
BLUR = 1.5  # px; without blur, the error at arbitrary angles would be dominated by interpolation


@dataclass(frozen=True)
class EquivarianceReport:
    r"""Equivariance errors measured by :func:`check_equivariance`.

    An error is :math:`\lVert f(gx) - g f(x) \rVert_2 / \lVert f(x) \rVert_2`: zero means equivariant, about 1e-6 is
    float32 rounding, 1.4 is expected for two uncorrelated outputs of zero mean. It is infinite if the output shapes
    differ.

    Attributes:
        input_shape: shape of the test input.
        symmetries: error for each symmetry of the grid, by name: the source of each axis and its sign.
        angles: error for other angles, by name.
        layers: errors of all layers in call order, if requested.
        tolerance: errors up to this count as rounding.
    """

    input_shape: tuple[int, ...]
    symmetries: dict[str, float]
    angles: dict[str, float] = field(default_factory=dict)
    layers: list[LayerError] = field(default_factory=list)
    tolerance: float = TOLERANCE

    @property
    def worst(self) -> float:
        """The largest error over the symmetries of the grid."""
        return max(self.symmetries.values(), key=lambda error: float("inf") if error != error else error)

    @property
    def is_equivariant(self) -> bool:
        """Whether the errors of all grid symmetries are within the tolerance."""
        return self.worst <= self.tolerance

    @property
    def culprits(self) -> list[LayerError]:
        """The innermost layers whose input is equivariant and whose output is not."""
        breaking = [layer for layer in self.layers if layer.input_error <= self.tolerance < layer.output_error]
        names = [layer.name for layer in breaking]
        return [layer for layer in breaking if not any(n != layer.name and _is_inside(n, layer.name) for n in names)]

    def __str__(self) -> str:
        """Summarise the errors, the worst symmetry and the culprits."""
        worst = max(self.symmetries, key=lambda name: self.symmetries[name])
        verdict = "equivariant" if self.is_equivariant else "not equivariant"
        lines = [
            f"{verdict} at {self.input_shape}: largest relative error {self.worst:.1e} "
            f"over {len(self.symmetries)} symmetries of the grid, for {worst}"
        ]
        lines += [f"  rotated by {name}: {error:.1e}" for name, error in self.angles.items()]
        lines += [f"  broken by {layer.name} ({layer.kind}): {layer.output_error:.1e}" for layer in self.culprits]
        return "\n".join(lines)

    def layer_table(self) -> str:
        """Format the layers' errors as a text table."""
        rows = [["layer", "kind", "input error", "output error"]]
        rows += [[e.name, e.kind, f"{e.input_error:.1e}", f"{e.output_error:.1e}"] for e in self.layers]
        return align_columns(rows)


def _is_inside(name: str, parent: str) -> bool:
    return not parent or name.startswith(f"{parent}.")


@torch.no_grad()
def check_equivariance(
    network: nn.Module,
    input_shape: Sequence[int],
    group: str = "all",
    angles: Sequence[float] = (),
    layers: bool = False,
    tolerance: float = TOLERANCE,
    seed: int = 0,
) -> EquivarianceReport:
    """Measure a network's equivariance errors on random input.

    Outputs with spatial axes should be transformed like the input; outputs without, such as class scores, should be
    invariant. For several outputs, in a list or a dictionary, the largest error counts. The network is measured in
    evaluation mode; its modes are restored.

    Args:
        network: any network that takes one tensor.
        input_shape: (batch, channels, *spatial*), with one to three spatial axes. Try even and odd sizes.
        group: ``"all"`` symmetries of the grid (8 in two dimensions, 48 in three), the ``"rotations"`` among them, or
            ``"mirrors"``, the flips that do not permute axes.
        angles: other angles in degrees; in three dimensions, about each axis. Measured on blurred noise inside a disc.
        layers: whether to measure every layer as well.
        tolerance: errors up to this count as rounding.
        seed: seed of the random input.

    Returns:
        A printable report of the errors.

    Raises:
        ValueError: for an unknown group or a shape without one to three spatial axes.

    Examples:
        >>> report = check_equivariance(torch.nn.Conv2d(1, 1, 2), (1, 1, 9, 9), layers=True)
        >>> report.is_equivariant, [layer.kind for layer in report.culprits]
        (False, ['Conv2d'])
    """
    spatial_dims = len(input_shape) - 2
    if spatial_dims not in (1, 2, 3):
        raise ValueError(f"input_shape must be (batch, channels, 1 to 3 spatial sizes), got {tuple(input_shape)}.")
    symmetries = grid_symmetries(spatial_dims, group)
    parameter = next(network.parameters(), torch.empty(0))
    x = torch.randn(*input_shape, generator=torch.Generator().manual_seed(seed)).to(parameter)
    trace = LayerTrace(network, spatial_dims) if layers else None
    with evaluating(network), trace or nullcontext():
        reference = _outputs(network, x)
        if trace:
            trace.set_reference()
        errors = {}
        for symmetry in symmetries:
            outputs = _outputs(network, symmetry.apply(x))
            errors[str(symmetry)] = largest_error(
                [symmetry.invert(y) if y.ndim == x.ndim else y for y in outputs], reference
            )
            if trace:
                trace.compare(symmetry)
    with evaluating(network):
        angle_errors = _errors_at_angles(network, x, angles) if angles else {}
    return EquivarianceReport(tuple(input_shape), errors, angle_errors, trace.errors() if trace else [], tolerance)


def _errors_at_angles(network: nn.Module, noise: Tensor, angles: Sequence[float]) -> dict[str, float]:
    """Errors at arbitrary angles, about each axis in three dimensions, inside the inscribed disc or ball."""
    spatial_dims = noise.ndim - 2
    if spatial_dims == 1:
        raise ValueError("angles need two or three spatial axes, the input_shape has one.")
    disc = _disc(noise.shape[2:]).to(noise)
    x = GaussianFilter(spatial_dims, BLUR).to(noise)(noise) * disc
    reference = _outputs(network, x)
    errors = {}
    for axis in (None,) if spatial_dims == 2 else (2, 1, 0):
        about = "" if axis is None else f" about {'xyz'[axis]}"
        for angle in angles:
            outputs = _outputs(network, rotate(x, angle, "bicubic", axis=axis))
            rotated_back = [
                rotate_back(y, angle, x.shape[2:], "bicubic", axis) if y.ndim == x.ndim else y for y in outputs
            ]
            errors[f"{angle:g}°{about}"] = largest_error(_masked(disc, rotated_back), _masked(disc, reference))
    return errors


def _masked(disc: Tensor, outputs: Sequence[Tensor]) -> list[Tensor]:
    return [y * disc if y.ndim == disc.ndim + 2 else y for y in outputs]


def _disc(size: Sequence[int]) -> Tensor:
    """Soft mask of the largest centred disc or ball, with a margin and an edge a few pixels wide."""
    axes = [torch.arange(n, dtype=torch.float64) - (n - 1) / 2 for n in size]
    distance = torch.stack(torch.meshgrid(*axes, indexing="ij")).square().sum(0).sqrt()
    return ((min(size) / 2 - 2 * BLUR - distance) / (2 * BLUR) + 0.5).clamp(0, 1)


def _outputs(network: nn.Module, x: Tensor) -> list[Tensor]:
    return [value for value in tree_leaves(network(x)) if isinstance(value, Tensor)]


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Set a network to evaluation mode and restore the mode of each module afterwards.

    Args:
        network: any network.

    Yields:
        Nothing.
    """
    modes = {module: module.training for module in network.modules()}
    network.eval()
    try:
        yield
    finally:
        for module, mode in modes.items():
            module.training = mode
