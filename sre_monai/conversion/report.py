"""The report of a conversion."""

from __future__ import annotations

from dataclasses import dataclass, field

from sre_monai.conversion.check import EquivarianceReport


@dataclass(frozen=True)
class ReplacedLayer:
    """A replaced layer.

    Attributes:
        name: name in the network.
        before: the original layer.
        after: the replacement.
        loss: relative L2 error of the projected kernel; None without projection.
    """

    name: str
    before: str
    after: str
    loss: float | None = None


@dataclass(frozen=True)
class ConversionReport:
    """Printable report of :func:`~sre_monai.conversion.convert_to_sre`.

    Attributes:
        network: the network's class.
        replaced: the layers that were replaced, in the order of the network's modules.
        breaking: layers and parameters that still break equivariance, with the reason.
        parameters: numbers of parameters before and after.
        equivariance: measured errors for each input shape at which the network runs.
        failures: for every other input shape, the layer that failed and its error message.
    """

    network: str
    replaced: list[ReplacedLayer]
    breaking: dict[str, str]
    parameters: tuple[int, int]
    equivariance: list[EquivarianceReport] = field(default_factory=list)
    failures: dict[tuple[int, ...], str] = field(default_factory=dict)

    @property
    def mean_loss(self) -> float | None:
        """Mean projection error over the layers; None without projection."""
        losses = [layer.loss for layer in self.replaced if layer.loss is not None]
        return sum(losses) / len(losses) if losses else None

    def __str__(self) -> str:
        """Summarise the conversion in a few lines."""
        before, after = self.parameters
        lines = [f"{self.network}: {len(self.replaced)} layers replaced, {before:,} parameters became {after:,}"]
        if self.mean_loss is not None:
            lines.append(f"  projection lost {self.mean_loss:.0%} of a kernel's norm on average")
        lines += [f"  still breaks equivariance: {name}: {reason}" for name, reason in self.breaking.items()]
        lines += [f"  does not run at {shape}: {reason}" for shape, reason in self.failures.items()]
        lines += [f"  {line}" for report in self.equivariance for line in str(report).splitlines()]
        return "\n".join(lines)

    def details(self) -> str:
        """List the replacements, one line per layer."""
        return "\n".join(
            f"{layer.name}: {layer.before} → {layer.after}"
            + ("" if layer.loss is None else f", {layer.loss:.0%} of its kernel lost")
            for layer in self.replaced
        )
