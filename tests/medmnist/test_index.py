import importlib.util
import sys
from types import SimpleNamespace

import pytest

from sre_monai.medmnist import index as medmnist_index
from sre_monai.medmnist.index import medmnist_entry, medmnist_remote_file

INFO = """
raise RuntimeError("the file must not be run")
INFO = {"toymnist": {"url": "https://e.org/toymnist.npz?download=1", "MD5": "aa", "url_64": "https://e.org/toymnist_64.npz",
                     "MD5_64": "bb", "task": "binary-class", "label": {"0": "no", "1": "yes"}, "n_channels": 1}}
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    (tmp_path / "info.py").write_text(INFO)
    found = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: found if name == "medmnist" else None)
    medmnist_index._index.cache_clear()
    yield tmp_path
    medmnist_index._index.cache_clear()


def test_entry_and_file(package):
    assert medmnist_entry("toymnist")["task"] == "binary-class"
    assert medmnist_entry("other") is None
    small, large = medmnist_remote_file("toymnist"), medmnist_remote_file("toymnist", 64)
    assert (small.name, small.md5, small.sha256) == ("toymnist.npz", "aa", None)
    assert (large.name, large.md5) == ("toymnist_64.npz", "bb")
    assert "medmnist" not in sys.modules


def test_unknown_names_and_sizes_are_refused(package):
    with pytest.raises(ValueError, match="MedMNIST has no set 'foo'; its sets are toymnist"):
        medmnist_remote_file("foo")
    with pytest.raises(ValueError, match="toymnist is published with sizes 28, 64, not 224"):
        medmnist_remote_file("toymnist", 224)


def test_without_the_package_the_extra_is_named(package, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert medmnist_entry("toymnist") is None
    with pytest.raises(ValueError, match=r"pip install 'sre-monai\[medmnist\]'"):
        medmnist_remote_file("toymnist")


def test_another_file_is_not_an_index(package):
    (package / "info.py").write_text("SETS = {}")
    with pytest.raises(ValueError, match=r"info\.py holds no index of MedMNIST"):
        medmnist_entry("toymnist")
