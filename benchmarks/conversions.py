"""Equivariance errors of converted networks, the tables of docs/convert.md."""

import sys
from collections.abc import Callable, Sequence

import torch
from torch import nn

from benchmarks.results import markdown_table
from sre_monai.conversion import ConversionReport, check_equivariance, convert_to_sre
from tests.networks.every_network import EVERY_NETWORK, NOT_BUILT, Entry
from tests.networks.networks_to_convert import NETWORKS, NETWORKS_3D

HEADER = ("network", "parameters, 2D", "as it was, 64²", "converted, 64²", "67×77", "16×17×21")
CHOICES = {"networks": [*NETWORKS, *EVERY_NETWORK, *NOT_BUILT]}
EVERY_HEADER = ("network", "layers replaced", "size", "converted", "what the report says")


def measure(name: str, build: Callable[[int], nn.Module]) -> list[str]:
    """Convert a network in two and three dimensions and measure its errors."""
    torch.manual_seed(0)
    network = build(2)
    converted = convert_to_sre(network)
    before, after = converted.conversion_report.parameters
    errors = [check_equivariance(network, (1, 1, 64, 64)).worst]
    errors += [check_equivariance(converted, (1, 1, *size)).worst for size in ((64, 64), (67, 77))]
    if name in NETWORKS_3D:
        size = (33, 34, 35) if name.startswith("Flexible") else (16, 17, 21)
        errors.append(check_equivariance(convert_to_sre(build(3)), (1, 1, *size)).worst)
    cells = [f"{error:.0e}" for error in errors] + ["–"] * (4 - len(errors))
    return [name, f"{before:,} → {after:,}", *cells]


def measure_entry(name: str, entry: Entry) -> list[str]:
    """Convert one of MONAI's network classes and measure its error at every shape."""
    report = entry.report()
    shapes = [*(m.input_shape for m in report.equivariance), *report.failures]
    errors = [f"{m.worst:.0e}" if m.worst < float("inf") else "other shape" for m in report.equivariance]
    errors += ["–"] * len(report.failures)
    sizes = ", ".join("×".join(map(str, shape[2:])) for shape in shapes)
    return [name, str(len(report.replaced)), sizes, ", ".join(errors), reason(report)]


def reason(report: ConversionReport) -> str:
    """Give the first reason in a report why a network is not exact, or ``exact``."""
    if all(m.is_equivariant for m in report.equivariance) and not report.failures:
        return "exact"
    found = [f"`{name}`: {why}" for name, why in report.breaking.items()]
    for measured in report.equivariance:
        if not measured.is_equivariant:
            found += [f"broken by `{layer.name or layer.kind}`" for layer in measured.culprits]
    found += [f"does not run: `{where}`" for where in report.failures.values()]
    return found[0].replace("|", "\\|") if found else ""


def main(every: bool = False, networks: Sequence[str] = ()) -> str:
    """Convert the networks of the tests, or every network of MONAI."""
    torch.set_num_threads(1)
    if not every:
        return markdown_table(HEADER, [measure(name, NETWORKS[name]) for name in networks or NETWORKS])
    rows = []
    for name in networks or [*EVERY_NETWORK, *NOT_BUILT]:
        built = EVERY_NETWORK.get(name)
        rows.append(measure_entry(name, built) if built else [name, "–", "–", "–", NOT_BUILT[name]])
        print(*rows[-1], sep=" | ", file=sys.stderr, flush=True)
    return markdown_table(EVERY_HEADER, sorted(rows))
