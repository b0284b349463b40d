"""Checkpoints of the published packages in our networks."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

__all__ = ["load_sre_conv_state_dict"]

# What the published layers store beside their weights: the index of every tap's ring, and the dense kernel.
_DERIVED = ("weight_index_mat", "infer_weight_matrix")


def load_sre_conv_state_dict(network: nn.Module, state_dict: Mapping[str, Tensor]) -> None:
    """Load weights that were trained with the published package SRE-Conv.

    Its layers store index matrices beside their weights; ours make them from the layer's arguments, so they are left
    out. Names and shapes of weights are the same. A ``module.`` prefix of data-parallel training is removed.

    Args:
        network: a network of the same architecture, such as :class:`~sre_monai.networks.nets.SREUNet` with its
            defaults for the published U-Net.
        state_dict: the published network's state dict.

    Raises:
        ValueError: when the architectures differ; the sentence names the first parameters that do not match.

    Examples:
        >>> network = SREUNet(2, 3, 2)
        >>> load_sre_conv_state_dict(network, torch.load("checkpoint.pth", weights_only=True))  # doctest: +SKIP
    """
    weights = {
        name.removeprefix("module."): value
        for name, value in state_dict.items()
        if name.rpartition(".")[2] not in _DERIVED
    }
    own = network.state_dict()
    missing, unknown = own.keys() - weights.keys(), weights.keys() - own.keys()
    reshaped = {name for name in own.keys() & weights.keys() if own[name].shape != weights[name].shape}
    for problem, names in (("lacks", missing), ("does not know", unknown), ("has another shape for", reshaped)):
        if names:
            subject = "the network" if problem == "does not know" else "the state_dict"
            raise ValueError(f"{subject} {problem} {len(names)} parameters of the other, such as {sorted(names)[:3]}.")
    network.load_state_dict(weights)
