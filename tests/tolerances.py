"""Tolerances for comparing two ways of computing the same thing, for all tests."""

import torch

TOLERANCES: dict[torch.dtype, tuple[float, float]] = {
    torch.float64: (1e-9, 1e-10),
    torch.float32: (1e-4, 1e-5),
    torch.bfloat16: (3e-2, 3e-2),
    torch.float16: (4e-3, 4e-3),
}


def assert_close(actual: torch.Tensor, expected: torch.Tensor, computed_in: torch.dtype | None = None) -> None:
    """Compare two tensors under the tolerance of the dtype they were computed in, by default the actual tensor's."""
    rtol, atol = TOLERANCES[computed_in or actual.dtype]
    torch.testing.assert_close(actual, expected, rtol=rtol, atol=atol, check_dtype=False)
