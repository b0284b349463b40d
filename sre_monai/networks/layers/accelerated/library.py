"""The compiled library, where the package was built with a compiler at hand.

It has no tie to a version of PyTorch: it is given addresses. It shares PyTorch's OpenMP, which has to be loaded before
it, hence its threads.
"""

from __future__ import annotations

import ctypes
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import torch

__all__ = ["LIBRARY", "VARIANTS", "run"]


def _load() -> ctypes.CDLL | None:
    """Load the library beside this file; None where it was not built or can't be loaded here."""
    for suffix in reversed(EXTENSION_SUFFIXES):  # the one for every Python before that of an earlier build
        path = Path(__file__).with_name(f"_ring_kernel{suffix}")
        if path.exists():
            try:
                library = ctypes.CDLL(str(path))
            except OSError:  # built elsewhere, or PyTorch brings no OpenMP to share
                return None
            if not hasattr(library, "harmonic_convolve"):  # built from older sources, to be built anew
                return None
            library.ring_variant_name.restype = ctypes.c_char_p
            library.ring_variant_name.argtypes = (ctypes.c_int64,)
            return library
    return None


def _name_variants(library: ctypes.CDLL | None) -> tuple[str, ...]:
    names: list[str] = []
    while library is not None and (name := library.ring_variant_name(len(names))) is not None:
        names.append(name.decode())
    return tuple(names)


LIBRARY = _load()

# The instruction sets for which this machine has a kernel, best first; none where the package was built without it.
VARIANTS = _name_variants(LIBRARY)


def run(function: str, job: ctypes.Structure, variant: str | None) -> None:
    """Run a job by one of the library's functions, with as many threads as PyTorch takes.

    Args:
        function: its name.
        job: what it is given.
        variant: one of :data:`VARIANTS`, default the best.

    Raises:
        ValueError: for an unknown variant.
        MemoryError: when there is none for its buffers.
    """
    if LIBRARY is None or variant not in (None, *VARIANTS):
        raise ValueError(f"variant must be one of {VARIANTS}, got {variant!r}.")
    threads = ctypes.c_int64(torch.get_num_threads())
    if getattr(LIBRARY, function)(ctypes.byref(job), (variant or VARIANTS[0]).encode(), threads):
        raise MemoryError("no memory for the buffers of the compiled kernel.")
