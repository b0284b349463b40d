"""Networks that ``torch.jit.script``, and with it MONAI's ``ckpt_export``, takes as traced ones."""

from __future__ import annotations

import warnings

import torch
from torch import nn

from sre_monai.networks.fold import fold_sre


class Traced(nn.Module):
    """A network whose code TorchScript cannot compile: ``torch.jit.script`` gets a folded and traced copy instead.

    The copy takes inputs of every size, in evaluation mode.

    Attributes:
        spatial_dims: number of spatial axes of the input.
        in_channels: number of its channels.
    """

    spatial_dims: int
    in_channels: int

    def __prepare_scriptable__(self) -> nn.Module:
        """Make the copy; TorchScript takes a traced module only inside of another one."""
        example = torch.zeros(2, self.in_channels, *(32,) * self.spatial_dims).to(next(self.parameters()))
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore", torch.jit.TracerWarning)  # filters are constants
            traced = nn.Sequential(torch.jit.trace(fold_sre(self).eval(), example, check_trace=False))
        # TorchScript remembers modules by their id, which Python would give to another one if this one were gone
        traced.__dict__["_traced_from"] = (self,)
        return traced
