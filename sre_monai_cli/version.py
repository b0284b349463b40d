"""The version of both packages, in the one place where it is set: `pyproject.toml` reads it here without importing."""

__version__ = "0.2.0.dev0"
