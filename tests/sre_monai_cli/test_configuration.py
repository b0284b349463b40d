import json

import pytest
from monai.bundle import ConfigParser

from sre_monai_cli import find_bundle
from sre_monai_cli.configuration import find_entry, read_configuration

RETINA, MEDMNIST = find_bundle() / "configs", find_bundle("medmnist_classification") / "configs"


@pytest.mark.parametrize(
    "files",
    [
        [RETINA / "inference.json"],
        [RETINA / "inference.json", RETINA / "export.json"],
        [RETINA / name for name in ("train.json", "evaluate.json", "rotation.json", "recipes/plain_unet.yaml")],
        [RETINA / name for name in ("train.json", "recipes/model.yaml", "multi_gpu_train.json")],
        [RETINA / "train.json", RETINA / "recipes/drive.yaml"],
        [MEDMNIST / "inference.json", MEDMNIST / "volumes_inference.yaml"],
        [MEDMNIST / name for name in ("train.json", "recipes/adrenalmnist3d.yaml")],
        [MEDMNIST / name for name in ("train.json", "volumes.yaml", "paper.yaml", "evaluate.json", "rotation.json")],
    ],
    ids=lambda files: ",".join(file.stem for file in files),
)
def test_files_are_merged_as_monai_merges_them(files):
    assert read_configuration(files) == ConfigParser.load_config_files(list(map(str, files)))


def test_lists_are_merged_and_entries_replaced(tmp_path):
    layers = [{"a": [1, {"b": 2}], "c": {"d": 3}}, {"a#1#b": 4, "+c": {"e": 5}, "+a": [6], "f": 7}]
    files = [tmp_path / f"{index}.json" for index in range(2)]
    for file, layer in zip(files, layers, strict=True):
        file.write_text(json.dumps(layer))
    merged = read_configuration(files)
    assert merged == {"a": [1, {"b": 4}, 6], "c": {"d": 3, "e": 5}, "f": 7}
    assert merged == ConfigParser.load_config_files(list(map(str, files)))


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("typo.json", None, r"^Cannot find the config file: .*typo\.json\.$"),
        ("a.json", "{", r"a\.json is not a valid configuration file: Expecting property name"),
        ("a.yaml", "a: [", r"a\.yaml is not a valid configuration file: "),
        ("a.yaml", "- 1", r"a\.yaml is not a valid configuration file: it has no entries\.$"),
        (
            "a.json",
            '{"b": "text", "b#c": 1}',
            r"a\.json: b#c lies below an entry that the configuration does not have\.$",
        ),
        ("a.json", '{"b#c": 1}', r"a\.json: b#c lies below an entry that the configuration does not have\.$"),
    ],
)
def test_a_mistake_is_one_sentence(name, text, sentence, tmp_path):
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises((ValueError, OSError), match=sentence) as caught:
        read_configuration([tmp_path / name])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["b", "a#b", "a#7", "a#0#b", "c#x"])
def test_missing_entries(name):
    with pytest.raises(KeyError):
        find_entry({"a": [1, 2], "c": "text"}, name)
