"""The version stands in one place, `sre_monai_cli/version.py`; what can't read it there is compared with it."""

import json
import re
import subprocess
import sys
import tomllib

import pytest
import yaml

import sre_monai
from sre_monai_cli.version import __version__


def test_the_package_has_it():
    assert sre_monai.__version__ == __version__


def test_the_build_reads_it(repository):
    settings = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))
    assert "version" not in settings["project"]
    assert settings["project"]["dynamic"] == ["version"]
    code = "from setuptools.config.pyprojecttoml import read_configuration as read; "
    code += "print(read('pyproject.toml')['project']['version'])"
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == __version__


def test_the_citation_names_it(repository):
    assert yaml.safe_load((repository / "CITATION.cff").read_text(encoding="utf-8"))["version"] == __version__


@pytest.mark.parametrize("bundle", ["retina_fundus_vessel_segmentation", "medmnist_classification"])
def test_each_bundle_names_it(repository, bundle):
    metadata = json.loads((repository / "bundles" / bundle / "configs" / "metadata.json").read_text(encoding="utf-8"))
    assert metadata["version"] == metadata["required_packages_version"]["sre-monai"] == __version__
    assert next(iter(metadata["changelog"])) == __version__


def test_the_changelog_begins_with_it(repository):
    """A development version is not released yet."""
    first = re.search("^## (.+)", (repository / "CHANGELOG.md").read_text(encoding="utf-8"), flags=re.MULTILINE)[1]
    assert first == ("Unreleased" if ".dev" in __version__ else __version__)
