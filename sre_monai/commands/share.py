"""A bundle as others take it: ``sre-monai share``, for the Hugging Face Hub and for MONAI's Model Zoo."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from sre_monai_cli.bundles import find_bundle

SHARED = ("LICENSE", "configs", "docs", "models")
LEFT_OUT = "baselines"  # networks to compare with
LARGEST_FILE = 25_000_000  # bytes: a larger one belongs elsewhere, says the zoo, and in large_files.yml
PIPELINES = {"segmentation": "image-segmentation", "classification": "image-classification"}


def run_share(bundle: str, folder: str, layout: str) -> int:
    """Write a bundle's folder, and tell what comes next.

    Args:
        bundle: folder or name of the bundle.
        folder: new folder to write.
        layout: ``"hub"`` or ``"zoo"``.

    Returns:
        The exit status: 0, or 2 for a user's mistake, told in one sentence on stderr.

    Examples:
        >>> run_share("medmnist_classification", "hub", "hub")
        hub: upload it with `hf upload OWNER/medmnist_classification hub`
        0
    """
    try:
        print(f"{folder}: {LAYOUTS[layout](find_bundle(bundle), Path(folder))}")
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def write_hub_folder(root: Path, folder: Path) -> str:
    """Write a bundle as ``monai.bundle.download --source huggingface_hub`` expects a repository, with a model card.

    Args:
        root: the bundle.
        folder: new folder to write.

    Returns:
        What comes next.

    Raises:
        ValueError: when the folder is there.
    """
    for unfinished in _new_folder(folder):
        _copy(root, unfinished)
        card = f"---\n{yaml.safe_dump(model_card(root), sort_keys=False, allow_unicode=True)}---\n\n"
        readme = (root / "docs" / "README.md").read_text(encoding="utf-8")
        (unfinished / "README.md").write_text(card + readme, encoding="utf-8")
    return f"upload it with `hf upload OWNER/{root.name} {folder}`"


def write_zoo_folder(root: Path, folder: Path) -> str:
    """Write a bundle as MONAI's Model Zoo takes it in a pull request: ``models/NAME`` and the unit test beside it.

    Args:
        root: the bundle.
        folder: new folder to write.

    Returns:
        What comes next.

    Raises:
        ValueError: when the folder is there, or a file of the bundle is too large for the zoo.
    """
    for unfinished in _new_folder(folder):
        bundle = unfinished / "models" / root.name
        _copy(root, bundle)
        large = [path.relative_to(bundle) for path in bundle.rglob("*") if path.stat().st_size > LARGEST_FILE]
        if large:
            raise ValueError(f"{large[0]} has more than 25 MB: upload it, and name it in the bundle's large_files.yml.")
        test = unfinished / "ci" / "unit_tests" / f"test_{root.name}.py"
        test.parent.mkdir(parents=True)
        test.write_text(ZOO_TEST.replace("NAME", root.name), encoding="utf-8")
    return "copy it over a clone of https://github.com/Project-MONAI/model-zoo and open a pull request"


def model_card(root: Path) -> dict[str, Any]:
    """The front matter of a model card, of what the bundle says of itself.

    Args:
        root: the bundle.

    Returns:
        Its entries; https://huggingface.co/docs/hub/model-cards describes them.

    Examples:
        >>> model_card(find_bundle())["pipeline_tag"]
        'image-segmentation'
    """
    metadata = json.loads((root / "configs" / "metadata.json").read_text(encoding="utf-8"))
    task = metadata["task"]
    pipeline = next((tag for word, tag in PIPELINES.items() if word in task.lower()), "other")
    return {
        "license": "apache-2.0",
        "library_name": "monai",
        "pipeline_tag": pipeline,
        "tags": ["monai", "medical", "rotation-equivariant", *root.name.split("_")],
        "metrics": list(metadata.get("eval_metrics", {})),
        "model-index": [{"name": metadata["name"], "results": [_result(metadata, pipeline)]}],
    }


def _result(metadata: Mapping[str, Any], pipeline: str) -> dict[str, Any]:
    """The scores of a model card."""
    data = metadata["data_source"].split(",")[0]
    scores = metadata.get("eval_metrics", {}).items()
    return {
        "task": {"type": pipeline, "name": metadata["task"]},
        "dataset": {"type": data, "name": data},
        "metrics": [{"type": name, "name": name.replace("_", " "), "value": value} for name, value in scores],
    }


def _new_folder(folder: Path) -> Iterator[Path]:
    """Give a folder to fill, which gets its name when it is complete."""
    if folder.exists():
        raise ValueError(f"{folder} is there already: give the name of a new folder.")
    folder.absolute().parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.absolute().parent, prefix=".share-") as place:
        unfinished = Path(place) / "made"
        unfinished.mkdir()
        yield unfinished
        unfinished.rename(folder)


def _copy(root: Path, folder: Path) -> None:
    """Copy what belongs to a bundle."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in SHARED:
        source = root / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns(LEFT_OUT, "__pycache__"))
        else:
            shutil.copy(source, folder / name)


ZOO_TEST = '''"""The bundle's configurations give MONAI's workflows."""

import os
import tempfile
import unittest

from monai.bundle import create_workflow


class TestBundle(unittest.TestCase):
    def test_inference(self):
        root = os.path.join("models", "NAME")
        with tempfile.TemporaryDirectory() as folder:
            workflow = create_workflow(
                config_file=os.path.join(root, "configs", "inference.json"),
                workflow_type="infer",
                bundle_root=root,
                datalist=[{"image": "image"}],
                output_dir=folder,
            )
            self.assertEqual(workflow.check_properties(), [])


if __name__ == "__main__":
    unittest.main()
'''

LAYOUTS: dict[str, Callable[[Path, Path], str]] = {"hub": write_hub_folder, "zoo": write_zoo_folder}
