"""The command ``sre-monai``.

It stands beside the package `sre_monai`, not in it: whoever imports that waits for PyTorch and MONAI. Help, and the
sentence about a wrong option, should not wait.
"""

from __future__ import annotations

__all__ = ["find_bundle", "long_command", "main"]


def __getattr__(name: str) -> object:
    """Import a name when it is first used: `__main__` has something to do before any import."""
    if name == "find_bundle":
        from sre_monai_cli.bundles import find_bundle

        return find_bundle
    if name in __all__:
        from sre_monai_cli import command_line

        return getattr(command_line, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
