"""Each bundle's ``options.json`` agrees with its configurations and with the package."""

from __future__ import annotations

import pytest
import yaml

from sre_monai.medmnist import TASKS
from sre_monai.networks.nets import CLASSIFIERS, SEGMENTERS
from sre_monai_cli.bundles import COMMANDS, find_bundle
from sre_monai_cli.configuration import read_configuration
from sre_monai_cli.options import check_overrides, describe, read_options

BUNDLES = ["retina_fundus_vessel_segmentation", "medmnist_classification", "brain_mri_hippocampus_segmentation"]
KEYWORDS = {
    *("commands", "type", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "enum", "items"),
    *("minItems", "maxItems", "format", "unit", "default", "conflicts", "description"),
}


def table(bundle):
    return read_options([str(find_bundle(bundle) / "configs" / "train.json")])


@pytest.mark.parametrize("bundle", BUNDLES)
def test_entries_are_complete(bundle):
    for name, schema in table(bundle).items():
        assert schema.keys() <= KEYWORDS, name
        assert set(schema["commands"]) <= set(COMMANDS), name
        assert schema["description"], name
        assert describe(schema), name
        assert set(schema.get("conflicts", ())) <= table(bundle).keys(), name


WITHOUT = {(bundle, "measure") for bundle in BUNDLES[1:]}
EACH = [(bundle, command) for bundle in BUNDLES for command in COMMANDS if (bundle, command) not in WITHOUT]


@pytest.mark.parametrize(("bundle", "command"), EACH)
def test_options_of_a_command_are_in_its_configuration(bundle, command):
    root = find_bundle(bundle) / "configs"
    files = [root / name for name in COMMANDS[command].configurations]
    overlays = [path for path in root.rglob("*.yaml") if command == "train"]
    known = read_configuration(files).keys() | {name for path in overlays for name in yaml.safe_load(path.read_text())}
    listed = {name for name, schema in table(bundle).items() if command in schema["commands"]}
    assert listed <= known


@pytest.mark.parametrize(("bundle", "command"), EACH)
def test_defaults_are_in_range(bundle, command):
    root = find_bundle(bundle) / "configs"
    check_overrides({}, read_configuration(root / name for name in COMMANDS[command].configurations), table(bundle))


@pytest.mark.parametrize(
    ("bundle", "option", "names"),
    [(BUNDLES[0], "net", SEGMENTERS), (BUNDLES[1], "net", CLASSIFIERS), (BUNDLES[1], "task", TASKS)],
)
def test_names_are_those_of_the_package(bundle, option, names):
    assert set(table(bundle)[option]["enum"]) == set(names)
