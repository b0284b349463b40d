import os
import re

import numpy as np
import pytest

from sre_monai_cli.literals import literal
from sre_monai_cli.options import check_overrides, describe, fits

NUMBER = {"type": "number", "minimum": 0, "maximum": 1}
SIZE = {"type": ["integer", "array"], "minimum": 32, "unit": "pixels"}
RANGE = {"type": "array", "items": {"type": "number", "exclusiveMinimum": 0}, "minItems": 2, "maxItems": 2}
ANGLES = {"type": "array", "items": {"type": "number"}, "minItems": 1, "unit": "degrees"}
FRACTION = {"type": "number", "minimum": 0, "exclusiveMaximum": 1}
FORMAT = {"type": "string", "enum": [".png", ".nii.gz"]}
LIMIT = {"type": ["integer", "null"], "minimum": 1}


@pytest.mark.parametrize(
    ("schema", "right", "wrong"),
    [
        (
            NUMBER,
            [0, 1, 0.5, "$1 / 3", "@other", np.float32(0.5), np.int64(1)],
            [np.float32(2), np.bool_(True), -0.1, 1.1, True, "0.5", None, [0.5], float("nan"), float("inf")],
        ),
        (SIZE, [32, np.uint8(32), [32, 64], (64, 64)], [31, 32.5, [32, 31], [32, "a"], "big", None]),
        (RANGE, [[0.5, 2], (1, 1), [1, "@x"]], [[0, 1], [1], [1, 2, 3], 1, "ab"]),
        (ANGLES, [[0], [0, -10.5]], [[], 3, ["north"], [None]]),
        (FRACTION, [0, 0.99], [1, -1]),
        (FORMAT, [".png"], [".jpg", 3, None]),
        (LIMIT, [1, None], [0, 1.5, "all"]),
        ({"type": "boolean"}, [True, False], [0, 1, "maybe", None]),
        ({"type": "object"}, [{}, {"a": 1}], [[], "a"]),
        ({}, [None, 3, "x", [1]], []),
    ],
    ids=lambda value: str(value)[:40],
)
def test_values(schema, right, wrong):
    assert [value for value in right if not fits(value, schema)] == []
    assert [value for value in wrong if fits(value, schema)] == []


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        (NUMBER, "a number from 0 to 1"),
        (SIZE, "a whole number of at least 32, in pixels"),
        (RANGE, "a list of 2 numbers above 0"),
        (ANGLES, "a list of one or more numbers, in degrees"),
        (FRACTION, "a number of at least 0 and below 1"),
        (FORMAT, "one of .png, .nii.gz"),
        ({"type": "array"}, "a list"),
        ({"type": "array", "items": {"type": "string"}, "minItems": 2}, "a list of 2 or more names"),
        ({"type": "number", "exclusiveMinimum": 0, "maximum": 1}, "a number above 0 and at most 1"),
        ({"type": "string", "example": "eye"}, "text, such as 'eye'"),
    ],
    ids=str,
)
def test_words(schema, words):
    assert describe(schema) == words


CONFIGURATION = {"threshold": 0.5, "size": 64, "net": {"_target_": "Net", "width": 3}, "train": {"epochs": 3}}
OPTIONS = {"threshold": NUMBER | {"conflicts": ["size"]}, "size": SIZE, "elsewhere": NUMBER}


@pytest.mark.parametrize(
    "overrides",
    [
        {},
        {"threshold": 1},
        {"net#depth": 2},
        {"net#_target_": "Other"},
        {"train#epochs": 4},
        {"x": 2, "size": "$@x * 32"},
    ],
    ids=str,
)
def test_known_options_pass(overrides):
    check_overrides(overrides, CONFIGURATION, OPTIONS)


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        ({"treshold": 1}, "treshold: the configuration has no such option; did you mean threshold?"),
        ({"verbos": 1}, "verbos: the configuration has no such option; did you mean verbose?"),
        ({"elsewhere": 1}, "elsewhere: the configuration has no such option."),
        ({"train#epoch": 1}, "train#epoch: the configuration has no such option; did you mean train#epochs?"),
        ({"nosuch#epochs": 1}, "nosuch#epochs: the configuration has no such option."),
        ({"threshold#x": 1}, "threshold#x: the configuration has no such option."),
        ({"train#epochs": "many"}, "train#epochs must be a whole number, such as 3, got 'many'."),
        ({"threshold": 2}, "threshold must be a number from 0 to 1, got 2."),
        ({"threshold": 1, "size": 32}, "threshold and size can't be given together; give one of them."),
    ],
    ids=str,
)
def test_mistakes(overrides, sentence):
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        check_overrides(overrides, CONFIGURATION, OPTIONS, spellings=["verbose"])


def test_a_value_of_an_overlay_is_checked_too():
    with pytest.raises(ValueError, match=r"^threshold must be a number from 0 to 1, got 3\.$"):
        check_overrides({}, CONFIGURATION | {"threshold": 3}, OPTIONS)


PATHS = {"folder": {"type": "string", "format": "path"}}


@pytest.mark.parametrize(
    "path", ["eyes", "me@home", "50%", literal("r#1"), literal("$p"), literal("~/x"), "$@root + 'x'"]
)
def test_paths_that_are_read_as_written(path):
    check_overrides({"folder": path}, {"folder": "eyes"}, PATHS)


@pytest.mark.parametrize(("path", "written"), [("r#1", r"$'r\x231'"), ("~/out", os.path.expanduser("~/out"))])
@pytest.mark.parametrize("in_file", [False, True])
def test_paths_that_monai_would_read_as_something_else(path, written, in_file):
    sentence = f'folder: MONAI does not read {path!r} as it is written; give "{written}".'
    configuration, overrides = ({"folder": path}, {}) if in_file else ({"folder": "eyes"}, {"folder": path})
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        check_overrides(overrides, configuration, PATHS)
