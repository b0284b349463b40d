import json

import pytest
from monai.bundle import create_workflow

from sre_monai.runs import bundle_command, check_options

CONFIGURATION = {
    "imports": ["$from sre_monai.runs import bundle_command", "$from sre_monai.runs import check_options"],
    "threshold": 0.5,
    "epochs": 3,
    "overlay": True,
    "name": "eye",
    "angles": [0, 90],
    "settings": {},
    "limit": None,
    "rate": "$1 / @epochs",
    "train": {"network": {"_target_": "torch.nn.Conv2d", "in_channels": 3, "out_channels": 1, "kernel_size": 3}},
    "initialize": ["$check_options(*bundle_command())"],
    "run": ["$@train#network"],
}
OPTIONS = {
    "epochs": {"type": ["integer", "array"], "minimum": 1, "unit": "passes"},
    "angles": {"type": "array", "items": {"type": "number"}, "conflicts": ["rate"]},
    "qqq": {"type": "integer"},
}


@pytest.fixture
def command(tmp_path):
    """Make a workflow as MONAI's command does."""
    (tmp_path / "a.json").write_text(json.dumps(CONFIGURATION))
    (tmp_path / "options.json").write_text(json.dumps(OPTIONS))
    (tmp_path / "metadata.json").write_text("{}")

    def command(**overrides):
        return create_workflow(config_file=[str(tmp_path / "a.json")], logging_file=False, **overrides)

    return command


@pytest.mark.parametrize(
    "overrides",
    [
        {"threshold": 1, "epochs": 4, "overlay": False, "name": "b", "angles": (1, 2), "settings": {"a": 1}},
        {"limit": 3, "rate": 0.1, "epochs": "$2 + 3", "threshold": "@rate"},
        {"epochs": [1, 2]},
        {"train#network#bias": False, "train#network#kernel_size": [3, 3], "train::network::in_channels": 1},
        {"half": 0.5, "threshold": "$@half / 2"},
        {"run": ["$1"], "init_id": "initialize"},
    ],
    ids=str,
)
def test_what_is_known_or_used_passes(command, overrides):
    command(**overrides)


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        ({"treshold": 0.4}, r"treshold: the configuration has no such option; did you mean threshold\?"),
        ({"epoch": 3}, r"epoch: the configuration has no such option; did you mean epochs\?"),
        ({"epochs": 0}, r"epochs must be a whole number of at least 1, in passes, got 0\."),
        ({"xyzzy": 0.4}, r"xyzzy: the configuration has no such option\."),
        ({"train#netwrk": 3}, r"train#netwrk: the configuration has no such option; did you mean train#network\?"),
        ({"threshold": "abc"}, r"threshold must be a number, such as 0\.5, got 'abc'\."),
        ({"threshold": True}, r"threshold must be a number, such as 0\.5, got True\."),
        ({"epochs": 1.5}, r"epochs must be a whole number of at least 1, in passes, got 1\.5\."),
        ({"overlay": "maybe"}, r"overlay must be True or False, got 'maybe'\."),
        ({"overlay": 1}, r"overlay must be True or False, got 1\."),
        ({"name": 2024}, r"name must be text, such as 'eye', got 2024\."),
        ({"angles": 30}, r"angles must be a list of numbers, got 30\."),
        ({"angles": ["north"]}, r"angles must be a list of numbers, got \['north'\]\."),
        ({"angles": [30], "rate": 0.1}, r"angles and rate can't be given together; give one of them\."),
        ({"qqq": 3}, r"qqq: the configuration has no such option\."),
        ({"settings": "a"}, r"settings must be a mapping, got 'a'\."),
    ],
    ids=str,
)
def test_what_is_not_is_refused(command, overrides, sentence):
    with pytest.raises(RuntimeError) as wrapped:
        command(**overrides)
    assert isinstance(wrapped.value.__cause__, ValueError)
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        raise wrapped.value.__cause__


def test_outside_of_a_command_nothing_is_compared():
    check_options(*bundle_command())
