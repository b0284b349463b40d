"""The kernels' library, where the package was built with a compiler at hand.

It has no tie to a version of PyTorch: it is given addresses. It shares PyTorch's OpenMP, which has to be loaded before
it, hence its threads. Its functions take one of the structures below, whose tensors must outlive the call.
"""

from __future__ import annotations

import ctypes
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import torch

VERSION = 1  # KERNELS_VERSION of ring_kernel.h

_Address, _Integer, _Triple = ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64 * 3


class RingJob(ctypes.Structure):
    """`ring_job` of ring_kernel.h."""

    _fields_ = (
        *((name, _Address) for name in ("input", "out", "partner", "bias", "weight", "weight_gradient")),
        *((name, _Integer * 2) for name in ("weight_strides", "gradient_strides")),
        ("batch", _Integer),
        *((name, _Triple) for name in ("in_size", "out_size", "shift")),
        *((name, _Integer) for name in ("in_channels", "out_channels", "in_half", "out_half")),
        *((name, _Integer) for name in ("reach", "rings", "lines", "classes")),
        *((name, _Address) for name in ("line_rows", "line_ends", "class_terms", "class_ends", "mix")),
    )


class HarmonicJob(ctypes.Structure):
    """`harmonic_job` of harmonic_kernel.h."""

    _fields_ = (
        ("rings", RingJob),
        ("mix", _Address),
        ("mix_strides", _Integer * 2),
        *((name, _Address) for name in ("gradient", "mix_gradient", "bias_gradient")),
        *((name, _Integer) for name in ("dims", "channels", "order", "order_channels", "activate")),
        ("slope", ctypes.c_double),
    )


def load(path: Path) -> ctypes.CDLL:
    """Load a library of the kernels.

    Args:
        path: the file.

    Returns:
        The library.

    Raises:
        OSError: when it cannot be loaded here, or was built from other sources than these.
    """
    library = ctypes.CDLL(str(path))
    expected = [VERSION, ctypes.sizeof(RingJob), ctypes.sizeof(HarmonicJob)]
    for function, result in (("kernels_layout", ctypes.c_int64), ("ring_variant_name", ctypes.c_char_p)):
        if hasattr(library, function):
            getattr(library, function).restype = result
            getattr(library, function).argtypes = (ctypes.c_int64,)
    if not hasattr(library, "kernels_layout") or [library.kernels_layout(i) for i in range(3)] != expected:
        raise OSError(f"{path.name} was built from older sources (run `pip install -e .` again)")
    return library


def _find() -> tuple[ctypes.CDLL | None, str]:
    """Load the library beside this file; without one, say why."""
    for suffix in reversed(EXTENSION_SUFFIXES):  # the one for every Python before that of an earlier build
        path = Path(__file__).with_name(f"_kernels{suffix}")
        if path.exists():
            try:
                return load(path), ""
            except OSError as error:
                return None, str(error)
    return None, "not compiled (install again where there is a C compiler)"


LIBRARY, PROBLEM = _find()


def _name_variants() -> tuple[str, ...]:
    names: list[str] = []
    while LIBRARY is not None and (name := LIBRARY.ring_variant_name(len(names))) is not None:
        names.append(name.decode())
    return tuple(names)


# The instruction sets for which this machine has a kernel, best first; none where the package was built without it.
VARIANTS = _name_variants()


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
