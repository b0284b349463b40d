"""When a module may compute with the parameters of a submodule instead of calling it."""

from __future__ import annotations

from torch import nn


def may_be_bypassed(module: nn.Module, *kinds: type[nn.Module]) -> bool:
    """Tell whether calling a module does nothing but what its class does with its parameters.

    It does more where it has hooks, as of pruning or Grad-CAM; and where it is of another class, because it was
    parametrised or replaced.

    Args:
        module: the module.
        kinds: the classes whose function is known.

    Returns:
        Whether it may be bypassed.

    Examples:
        >>> layer = nn.Conv2d(3, 1, 1)
        >>> may_be_bypassed(layer, nn.Conv2d)
        True
        >>> handle = layer.register_forward_hook(print)
        >>> may_be_bypassed(layer, nn.Conv2d)
        False
    """
    hooks = (module._forward_hooks, module._forward_pre_hooks, module._backward_hooks, module._backward_pre_hooks)
    return type(module) in kinds and "forward" not in module.__dict__ and not any(hooks)
