"""Names by which earlier versions offered what has moved: they stay importable.

``sre_monai.data.DRIVE`` is ``sre_monai.retina.DRIVE`` today, for example. Modules that are gone are made when they are
first imported; those that still exist look up what has left them.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

MOVED = {
    "cli": ("sre_monai_cli",),
    "data": ("sre_monai.io", "sre_monai.retina", "sre_monai.medmnist"),
    "folder": ("sre_monai.runs.folder",),
    "measures": ("sre_monai.retina",),
    "erosion": ("sre_monai.retina.erosion",),
    "distributed": ("sre_monai.runs.distributed",),
    "errors": ("sre_monai.runs.errors",),
    "files": ("sre_monai.io.files",),
    "identity": ("sre_monai.runs.identity",),
    "layer_factory": ("sre_monai",),
    "log_file": ("sre_monai.runs.log_file",),
    "memory": ("sre_monai.runs.memory",),
    "monai_warnings": ("sre_monai.runs.monai_internals",),
    "options": ("sre_monai.runs.option_check",),
    "pixel_size": ("sre_monai.io.pixel_size",),
    "png": ("sre_monai.io.png",),
    "segmenter": ("sre_monai.retina",),
    "tables": ("sre_monai.io.tables",),
}
"""Modules that are gone, and where their names are now; the first that has one counts."""

SPLIT = {
    "evaluation": ("sre_monai.retina", "sre_monai.medmnist"),
    "metrics": ("sre_monai.retina", "sre_monai.medmnist", "sre_monai.evaluation"),
    "networks": ("sre_monai.conversion",),
    "transforms": ("sre_monai.retina", "sre_monai.medmnist"),
    "visualize": ("sre_monai.retina", "sre_monai.medmnist", "sre_monai.runs.folder"),
}
"""Packages that exist, and where the names are that have left them."""


class _FormerModule(ModuleType):
    def __getattr__(self, name: str) -> Any:
        return _find(self.__name__, MOVED[self.__name__.partition(".")[2]], name)


def offer_former_modules() -> None:
    """Let ``import`` find the modules that are gone; called when `sre_monai` is imported.

    Examples:
        >>> offer_former_modules()
        >>> from sre_monai.data import DRIVE
        >>> DRIVE.name
        'DRIVE'
    """
    for name in MOVED:
        module = _FormerModule(f"sre_monai.{name}", f"Former home of names of {', '.join(MOVED[name])}.")
        module.__path__ = []  # a package, so that `import sre_monai.data.typo` is an ordinary ImportError
        sys.modules.setdefault(module.__name__, module)
        setattr(sys.modules["sre_monai"], name, sys.modules[module.__name__])


def look_up_former_names(package: str) -> Callable[[str], Any]:
    """Make the ``__getattr__`` of a package that names have left.

    Args:
        package: its name below `sre_monai`.

    Returns:
        The function.

    Examples:
        >>> look_up_former_names("transforms")("FieldOfViewd").__module__
        'sre_monai.retina.field_of_view'
    """
    return lambda name: _find(f"sre_monai.{package}", SPLIT[package], name)


def _find(former: str, places: tuple[str, ...], name: str) -> Any:
    if not name.startswith("_"):
        for place in places:
            module = importlib.import_module(place)
            found = getattr(module, name, None)
            is_own = found is not None and getattr(found, "__module__", place) == place  # constants don't say
            if is_own or name in getattr(module, "__all__", ()):
                return found
    raise AttributeError(f"module {former!r} has no attribute {name!r}")
