"""MONAI's advisory is seen unless all configurations came with the package."""

import json
import sys
import warnings

import pytest

from sre_monai.commands.run_bundle import run_bundle
from sre_monai.runs.monai_internals import ADVISORY
from tests.bundles.toy import BUNDLE, config_files


@pytest.fixture
def advised(monkeypatch):
    """Whether a run was preceded by the advisory."""
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")

        def advised(**arguments):
            shown.clear()
            run_bundle({"logging_file": False, "init_id": "nothing", "run_id": "nothing", "nothing": "$1", **arguments})
            return any(str(warning.message).startswith(ADVISORY) for warning in shown)

        yield advised


@pytest.fixture
def stranger(tmp_path):
    (tmp_path / "overlay.json").write_text(json.dumps({"threshold": 0.4}))
    return str(tmp_path / "overlay.json")


def test_the_packages_own_are_trusted(advised):
    assert not advised(config_file=config_files("inference.json")[0], bundle_root=str(BUNDLE))
    assert not advised(config_file=config_files("train.json", "recipes/plain_unet.yaml"))


def test_others_are_not(advised, stranger, tmp_path):
    assert advised(config_file=stranger)
    assert advised(config_file=[*config_files("inference.json"), stranger])
    assert advised(config_file=str(BUNDLE / "configs" / ".." / ".." / ".." / stranger))
    (tmp_path / "arguments.json").write_text(json.dumps({"config_file": stranger}))
    assert advised(args_file=str(tmp_path / "arguments.json"))
    assert advised(args_file=str(tmp_path / "arguments.json"), config_file=config_files("inference.json"))


def test_the_next_run_is_not_silenced_by_the_one_before(advised, stranger):
    assert not advised(config_file=config_files("inference.json"))
    assert advised(config_file=stranger)
