import ctypes
import re
import shutil
import subprocess

import pytest

from sre_monai.commands.doctor import run_doctor
from sre_monai.networks.layers.kernels import library

SOURCES = library.Path(library.__file__).parent
COMPILER = shutil.which("gcc") or shutil.which("cc")

needs_compiler = pytest.mark.skipif(COMPILER is None, reason="there is no C compiler")


def test_is_built_where_a_compiler_is():
    assert bool(library.VARIANTS) == bool(COMPILER), library.PROBLEM
    assert not library.VARIANTS or library.VARIANTS[-1] == "portable"


def test_both_sides_have_the_same_version():
    header = (SOURCES / "ring_kernel.h").read_text(encoding="utf-8")
    assert re.search(r"#define KERNELS_VERSION (\d+)", header)[1] == str(library.VERSION)


def build(folder, source):
    """Build a library that has the functions of the kernels, and nothing in them."""
    (folder / "old.c").write_text(
        f"#include <stdint.h>\nconst char *ring_variant_name(int64_t index) {{ return 0; }}\n{source}", encoding="utf-8"
    )
    path = folder / "_kernels.abi3.so"
    subprocess.run([COMPILER, "-shared", "-fPIC", "-o", path, folder / "old.c"], check=True)
    return path


SIZES = ctypes.sizeof(library.RingJob), ctypes.sizeof(library.HarmonicJob)
LAYOUT = "int64_t kernels_layout(int64_t index) {{ int64_t layout[] = {{ {}, {}, {} }}; return layout[index]; }}"


@needs_compiler
@pytest.mark.parametrize(
    "source",
    [
        "int64_t harmonic_convolve(void) { return 0; }",  # before there was a version
        LAYOUT.format(library.VERSION - 1, *SIZES),
        LAYOUT.format(library.VERSION, SIZES[0] - 8, SIZES[1]),
        LAYOUT.format(library.VERSION, SIZES[0], SIZES[1] + 8),
    ],
    ids=["no version", "version", "ring job", "harmonic job"],
)
def test_a_build_of_older_sources_is_not_used(source, tmp_path, monkeypatch, capsys):
    path = build(tmp_path, source)
    with pytest.raises(OSError, match="built from older sources"):
        library.load(path)
    monkeypatch.setattr(library, "__file__", str(tmp_path / "library.py"))
    found, problem = library._find()
    assert found is None
    monkeypatch.setattr(library, "PROBLEM", problem)
    monkeypatch.setattr(library, "VARIANTS", ())
    run_doctor()
    told = capsys.readouterr().out
    assert (
        "CPU: _kernels.abi3.so was built from older sources (run `pip install -e .` again), so PyTorch computes" in told
    )


@needs_compiler
def test_a_build_of_these_sources_is_used(tmp_path):
    assert library.load(build(tmp_path, LAYOUT.format(library.VERSION, *SIZES))) is not None


def test_a_file_that_is_no_library_is_not_used(tmp_path, monkeypatch):
    (tmp_path / "_kernels.abi3.so").write_bytes(b"no library")
    monkeypatch.setattr(library, "__file__", str(tmp_path / "library.py"))
    found, problem = library._find()
    assert found is None
    assert "_kernels.abi3.so" in problem
