"""What a user gives is what a configuration of MONAI reads."""

from pathlib import Path

import numpy as np
import pytest
import torch
from fire.parser import DefaultParseValue
from monai.bundle import ConfigParser

from sre_monai_cli import long_command
from sre_monai_cli.literals import Literal, for_monai, literal


@pytest.mark.parametrize(
    "text", ["C#", "$p", "@p", "%p", "a@#b", "%::x", "~", r"a\#'\"b", "#", "it's", "é#\udcff", "a,b#"]
)
def test_text_is_data_for_monai(text):
    """Also where MONAI's command, or its function, reads the value."""
    words = long_command("segment", text, text, overrides={"classes": literal([text]), "net": literal({"a": text})})[
        -8:
    ]
    values = {key.removeprefix("--"): DefaultParseValue(value) for key, value in zip(words[::2], words[1::2])}
    parser = ConfigParser({**values, "reference": "@dataset_dir", "use": "$len(@output_dir)"})
    assert parser.get_parsed_content("dataset_dir") == parser.get_parsed_content("reference") == text
    assert parser.get_parsed_content("classes") == [text]
    assert parser.get_parsed_content("net") == {"a": text}
    assert parser.get_parsed_content("use") == len(text)


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (np.float32(0.5), 0.5),
        (np.int64(3), 3),
        (np.bool_(True), True),
        (np.array([1, 2]), [1, 2]),
        (torch.tensor(0.5), 0.5),
        (Path("a/b"), "a/b"),
        ((1, "a"), (1, "a")),
        (None, None),
    ],
    ids=repr,
)
def test_values_become_pythons_own(value, plain):
    result = literal(value)
    assert result == plain
    assert isinstance(result, type(plain))


@pytest.mark.parametrize("value", [{"_target_": "os.getcwd"}, [{"x": {"_target_": "os.getcwd"}}]])
def test_a_component_is_no_data(value):
    with pytest.raises(ValueError, match="_target_: a value must be data"):
        literal(value)


@pytest.mark.parametrize("value", ["$1 + 1", "@lr", "%file.json", ["@lr"], {"a": "$1"}, "eyes", "me@home", "50%", 3])
def test_expressions_stay(value):
    assert for_monai(value) == value


def test_a_literal_stays_one():
    assert for_monai(literal(["$1", "a"])) == ["$'$1'", "a"]
    assert type(for_monai(Literal("eyes"))) is str
