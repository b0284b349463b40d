"""The published package GMR-Conv 1.0.3, an independent reference, loaded by file: importing it needs torchvision."""

import contextlib
import importlib.util
import io
import sys
from functools import cache
from types import ModuleType

from torch import nn


@cache
def gmr(name: str) -> ModuleType:
    """One of its modules: ``gmr_conv``, ``gmr_unet`` or ``gmr_resnet``."""
    package = importlib.util.find_spec("GMR_Conv")
    assert package is not None, "GMR-Conv is missing: install the `test` extra"
    if name != "gmr_conv":
        gmr("gmr_conv")
    sys.modules.setdefault("published_gmr", ModuleType("published_gmr")).__path__ = []
    path = f"{package.submodule_search_locations[0]}/{name}.py"
    spec = importlib.util.spec_from_file_location(f"published_gmr.{name}", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def gmr_unet(**kwargs) -> nn.Module:
    """Its U-Net of three levels; the constructor prints."""
    common = {"spatial_dims": 2, "in_channels": 3, "out_channels": 2, "layers": 3, "kernels": (9, 9, 5, 5)}
    common |= {"features": (8, 8, 12, 16, 0, 8), "norm": "batch", "upsample": "nontrainable"}
    with contextlib.redirect_stdout(io.StringIO()):
        return gmr("gmr_unet").GMRUNet(**(common | kwargs))
