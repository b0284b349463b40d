"""Batch preparation for MONAI's engines."""

from sre_monai.engines.random_trim import RandomTrim

__all__ = ["RandomTrim"]
