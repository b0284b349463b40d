"""Copy a network as it is."""

from __future__ import annotations

import copy

from torch import Tensor, nn


def copy_network(network: nn.Module) -> nn.Module:
    """Copy a network, pruned and weight-normalised layers included.

    ``copy.deepcopy`` refuses weights that were computed from others with gradients; hooks compute those of the copy
    again in its first forward pass.

    Args:
        network: any network.

    Returns:
        The copy.

    Examples:
        >>> from torch.nn.utils import prune
        >>> copy_network(prune.l1_unstructured(nn.Linear(2, 1), "weight", 1))
        Linear(in_features=2, out_features=1, bias=True)
    """
    values = [value for module in network.modules() for value in vars(module).values()]
    computed = [value for value in values if isinstance(value, Tensor) and not value.is_leaf]
    return copy.deepcopy(network, {id(value): value.detach().clone() for value in computed})
