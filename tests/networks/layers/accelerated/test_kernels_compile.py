"""Triton kernels as they are launched, compiled for GPUs that need not be there."""

import multiprocessing
from importlib.util import find_spec

import pytest
import torch

from sre_monai.networks.layers import ring_basis
from sre_monai.networks.layers.accelerated import fused, fused_harmonics, launching

MOST_SHARED = {80: 99 * 1024, 90: 227 * 1024}  # bytes that a program may have on every GPU of capability 8 or 9

TYPES = {torch.float32: "*fp32", torch.bfloat16: "*bf16", torch.float16: "*fp16", torch.int32: "*i32"}
TYPES |= {int: "i32", float: "fp32"}

# two far apart: capability, input, products, channels (of the input, the output and each order) and axes
CASES = [
    (80, torch.float32, "ieee", (96, 256, 128), 2),
    (90, torch.bfloat16, "tf32", (16, 32, 16), 3),
]


class Compiler:
    """A kernel that is compiled where it would be run."""

    def __init__(self, kernel, capability, shared):
        self.kernel, self.capability, self.shared = kernel, capability, shared

    def __getitem__(self, grid):
        return self

    def __call__(self, *arguments, num_warps, **constants):
        import triton
        from triton.backends.compiler import GPUTarget

        values = dict(zip(self.kernel.arg_names, arguments))
        signature, divisible = dict.fromkeys(self.kernel.arg_names, "constexpr"), {}
        for place, (name, value) in enumerate(values.items()):
            is_map = torch.is_tensor(value)
            signature[name] = TYPES[value.dtype if is_map else type(value)]
            if is_map or (value % 16 == 0 and not self.kernel.params[place].do_not_specialize):
                divisible[(place,)] = [["tt.divisibility", 16]]
        source = triton.compiler.ASTSource(self.kernel, signature, constants, divisible)
        target = GPUTarget("cuda", self.capability, 32)
        binary = triton.compile(source, target=target, options={"num_warps": num_warps})
        self.shared[self.kernel.__name__] = max(binary.metadata.shared, self.shared.get(self.kernel.__name__, 0))


def compile_all(capability, dtype, precision, channels, dims):
    """Compile the kernels of both convolutions, forward and backward, and give their shared memory in bytes."""
    shared, load = {}, launching._load
    launching._load = lambda name, tuned: Compiler(load(name, tuned), capability, shared)
    fused.precision = fused_harmonics.precision = lambda: precision
    source, target, each = channels
    rings, ones = ring_basis(3, dims, "gaussian").float(), (1,) * dims
    x, g = (torch.zeros(2, number, *(9,) * dims, dtype=dtype) for number in (source, target))
    weight, bias, mix = (
        torch.zeros(shape, dtype=dtype)
        for shape in ((target + 2 * each, source, len(rings)), (target + 2 * each,), (target, 2 * each))
    )
    fused_harmonics.forward(x, weight, rings, bias, mix, (1, 2), ones, 0.1)
    fused_harmonics.backward(g, x, weight, rings, None, mix, (1, 2), ones)
    return shared


@pytest.mark.slow
@pytest.mark.skipif(find_spec("triton") is None, reason="Triton is not installed")
@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_kernel_compiles_and_fits(case, monkeypatch, tmp_path):
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)  # another process, as Triton reads it when imported
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    with multiprocessing.get_context("spawn").Pool(1) as process:
        shared = process.apply(compile_all, case)
    ours = {"mix_magnitudes", "differentiate", "gather", "correlate_magnitudes"}
    assert shared.keys() == {"convolve", "correlate"} | ours
    assert max(shared.values()) <= MOST_SHARED[case[0]], shared
