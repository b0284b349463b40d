import ctypes
import subprocess
import sys

import pytest

from sre_monai.runs.memory import keep_freed_memory

FAULTS = """
import resource, sys, torch
from sre_monai.runs.memory import keep_freed_memory
if sys.argv[1] == "keep":
    assert keep_freed_memory()
faults = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_minflt
torch.ones(1 << 24)
before = faults()
for _ in range(10):
    torch.ones(1 << 24)
print(faults() - before)
"""


def page_faults(mode: str) -> int:
    command = [sys.executable, "-c", FAULTS, mode]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


@pytest.mark.slow
def test_memory_is_used_again():
    if keep_freed_memory():  # glibc
        assert page_faults("keep") < page_faults("default") / 5


def test_other_systems_do_without(monkeypatch):
    def missing(name):
        raise OSError

    monkeypatch.setattr(ctypes, "CDLL", missing)
    assert not keep_freed_memory()
