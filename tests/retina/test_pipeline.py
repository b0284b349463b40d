"""The table of what each step reads and writes, against the steps themselves."""

import re
from collections.abc import Callable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser
from PIL import Image

import sre_monai.retina
from sre_monai.retina import VesselMeasures, synthetic_fundus
from sre_monai_cli import find_bundle

DOCS = Path(__file__).resolve().parents[2] / "docs" / "architecture.md"
ROW = re.compile(r"^\| `(\w+)` \| (.*?) \| (.*?) \| .* \|$", re.MULTILINE)
Step = Callable[[dict[str, Any]], dict[str, Any]]


def stated(text: str) -> dict[str, tuple[set[str], set[str]]]:
    """Keys that each step reads and writes, by the table."""
    table = text.partition("| step | reads | writes |")[2].partition("\n\n")[0]
    keys = re.compile(r"`(\w+)`")
    return {step: (set(keys.findall(reads)), set(keys.findall(writes))) for step, reads, writes in ROW.findall(table)}


def equal(first: Any, second: Any) -> bool:
    """Whether two values of an item are the same."""
    if type(first) is not type(second):
        return False
    if isinstance(first, torch.Tensor):
        return first.shape == second.shape and torch.equal(torch.as_tensor(first), torch.as_tensor(second))
    if isinstance(first, VesselMeasures):
        return first.segments.equals(second.segments)
    if isinstance(first, np.ndarray):
        return np.array_equal(first, second)
    if isinstance(first, Mapping):
        return first.keys() == second.keys() and all(equal(first[key], second[key]) for key in first)
    if isinstance(first, (list, tuple)):
        return len(first) == len(second) and all(map(equal, first, second))
    return first == second


def differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> set[str]:
    common = before.keys() & after.keys()
    return (before.keys() ^ after.keys()) | {key for key in common if not equal(before[key], after[key])}


def observed(step: Step, item: Mapping[str, Any], result: Mapping[str, Any]) -> tuple[set[str], set[str]]:
    """Keys whose absence changes what a step does, and keys whose value it changes."""
    reads, writes = set(), differing(item, result)
    for key in item:
        without = {name: value for name, value in item.items() if name != key}
        try:
            changed = differing(result, step(deepcopy(without)))
        except Exception:
            changed = writes
        if changed & writes:
            reads.add(key)
    return reads, writes


@pytest.fixture(scope="module")
def steps(tmp_path_factory) -> dict[str, tuple[set[str], set[str]]]:
    """What the steps of inference.json read and write, with all outputs, on a photograph."""
    folder = tmp_path_factory.mktemp("pipeline")
    photograph = np.pad(synthetic_fundus((150, 141), seed=0).image, ((60, 60), (60, 60), (0, 0)))  # a border to crop
    Image.fromarray(photograph).save(folder / "eye.tif")  # browsers need a preview of it
    root = find_bundle()
    config = ConfigParser(ConfigParser.load_config_files(str(root / "configs" / "inference.json")))
    outputs = {"measures": True, "write_segments": True, "write_probability": True, "largest_diameter": 100}
    config.update({"bundle_root": str(root), "output_dir": str(folder / "out"), "working_diameter": 64, **outputs})
    item: dict[str, Any] = {"image": str(folder / "eye.tif"), "file": "eye.tif", "name": "eye", "um_per_pixel": 9.0}
    found = {}
    for name, step in config.get_parsed_content("transforms").items():
        result = step(deepcopy(item))
        found[name], item = observed(step, item, result), result
    item["pred"] = torch.stack([-item["image"][1], item["image"][1]])
    for name, step in config.get_parsed_content("postprocessing_transforms").items():
        result = step(deepcopy(item))
        found[name], item = observed(step, item, result), result
    return found


@pytest.mark.parametrize(
    "text", [sre_monai.retina.__doc__, DOCS.read_text(encoding="utf-8")], ids=["docstring", "page"]
)
def test_table_says_what_each_step_reads_and_writes(text, steps):
    table = stated(text)
    assert table.pop("network") == ({"image"}, {"pred"})
    assert list(table) == list(steps)
    assert table == steps
