"""Named steps of the retina bundle: an override reaches each of them; defaults are the same everywhere."""

import pytest

from sre_monai.metrics import DEFAULT_THRESHOLD
from sre_monai.retina import WORKING_DIAMETER
from tests.bundles.toy import parse

STEPS = [
    ("inference.json", "transforms", "preprocessing"),
    ("inference.json", "postprocessing_transforms", "postprocessing"),
    ("train.json", "transforms", "validate#preprocessing"),
    ("train.json", "augmentation", "train#preprocessing"),
]


def composed(file: str, place: str, **overrides: object) -> list[str]:
    configuration = parse(file, measures=True, dataset_dir=".", output_dir="output", **overrides)
    return [type(step).__name__ for step in configuration.get_parsed_content(place).transforms]


@pytest.mark.parametrize(("file", "steps", "place"), STEPS)
def test_each_step_can_be_switched_off(file, steps, place):
    everything = composed(file, place)
    assert len(everything) >= 7
    first = len(everything) - len(parse(file)[steps])
    for number, name in enumerate(parse(file)[steps]):
        left = composed(file, place, **{f"{steps}#{name}#_disabled_": True})
        assert left == everything[: first + number] + everything[first + number + 1 :]


def test_an_override_reaches_a_step():
    preprocessing = parse("inference.json", **{"transforms#local_contrast#window": 0.2}).get_parsed_content(
        "preprocessing"
    )
    assert preprocessing.transforms[-1].window == 0.2


def test_a_default_is_the_same_everywhere():
    thresholds = [parse(*files)["threshold"] for files in (["inference.json"], ["train.json", "evaluate.json"])]
    assert thresholds == [DEFAULT_THRESHOLD] * 2
    diameters = [parse(file)["working_diameter"] for file in ("inference.json", "train.json")]
    assert diameters == [WORKING_DIAMETER] * 2
