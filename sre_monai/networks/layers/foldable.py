"""Layers and networks that have a counterpart for runtimes that support PyTorch's own layers only."""

from __future__ import annotations

from torch import nn

__all__ = ["Foldable", "Scriptable", "hand_over"]


class Scriptable(nn.Module):
    """A module with a counterpart for ``torch.jit.script``, which asks for it by ``__prepare_scriptable__``."""

    def scriptable(self) -> nn.Module:
        """Make the counterpart.

        Returns:
            A module of the same function that TorchScript can compile.
        """
        raise NotImplementedError

    def __prepare_scriptable__(self) -> nn.Module:
        """Give ``torch.jit.script`` the counterpart."""
        return hand_over(self, self.scriptable())


class Foldable(Scriptable):
    """A layer that can be folded: replaced by ordinary modules that compute the same function.

    :func:`~sre_monai.networks.fold_sre` folds all layers of a network.
    """

    def fold(self) -> nn.Module:
        """Make the folded layer.

        Returns:
            A module of the same function; its submodules may be foldable in turn.
        """
        raise NotImplementedError

    def scriptable(self) -> nn.Module:
        """Fold the layer."""
        return self.fold()


def hand_over(module: nn.Module, counterpart: nn.Module) -> nn.Module:
    """Keep a module alive as long as its counterpart.

    ``torch.jit.script`` remembers modules by their ``id``, which Python would give to another one.

    Args:
        module: the module that is replaced.
        counterpart: what replaces it.

    Returns:
        The counterpart.
    """
    counterpart.__dict__["_replaced"] = (module,)
    return counterpart
