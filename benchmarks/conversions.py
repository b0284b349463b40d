"""The table of converted networks in docs/convert.md: ``python -m benchmarks.conversions [NETWORK …]``."""

from __future__ import annotations

import sys
from collections.abc import Callable

import torch
from torch import nn

from benchmarks.markdown import markdown_table
from sre_monai.networks import check_equivariance, convert_to_sre
from tests.networks.networks_to_convert import NETWORKS, NETWORKS_3D

HEADER = ("network", "parameters, 2D", "as it was, 64²", "converted, 64²", "67×77", "16×17×21")


def measure(name: str, build: Callable[[int], nn.Module]) -> list[str]:
    """Convert a network in two and three dimensions and measure its errors.

    Args:
        name: of the network.
        build: makes it for so many spatial axes.

    Returns:
        The row of the table.
    """
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


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(markdown_table(HEADER, [measure(name, NETWORKS[name]) for name in sys.argv[1:] or NETWORKS]))
