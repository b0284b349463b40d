"""An identity changes with everything that results depend on, and with nothing else."""

from __future__ import annotations

import ast
import json
import shutil
from pathlib import Path

import pytest
from monai.bundle import ConfigParser

import sre_monai.runs.identity as module
from sre_monai.runs.identity import IRRELEVANT, code_digest, differences, digest, run_identity

CONFIGURATION = {
    "imports": ["$import sre_monai.runs as runs"],
    "output_dir": "output",
    "learning_rate": 0.1,
    "net": {"_target_": "Net", "features": [16, 32], "bias": False},
    "optimizer": {"lr": "@learning_rate", "betas": [0.9, 1.0]},
    "transforms": [{"_target_": "Flip", "prob": 0.5}, "@resize"],
    "resize": None,
    "identity": "$runs.run_identity(runs.configuration_being_parsed())",
}


def evaluated(*files: Path, **overrides) -> dict[str, str]:
    """Identity computed by an expression of the configuration."""
    parser = ConfigParser()
    parser.read_config([str(file) for file in files])
    parser.update(overrides)
    return parser.get_parsed_content("identity")


@pytest.fixture
def file(tmp_path) -> Path:
    path = tmp_path / "train.json"
    path.write_text(json.dumps(CONFIGURATION))
    return path


def test_every_value_has_its_entry(file):
    identity = evaluated(file)
    assert identity.pop("version") == f"{module.__version__} ({module.code_digest()})"
    assert identity == {
        "imports": "[$import sre_monai.runs as runs]",
        "learning_rate": "0.1",
        "net#_target_": "Net",
        "net#features": "[16, 32]",
        "net#bias": "False",
        "optimizer#lr": "@learning_rate",
        "optimizer#betas": "[0.9, 1]",
        "transforms#0#_target_": "Flip",
        "transforms#0#prob": "0.5",
        "transforms#1": "@resize",
        "resize": "None",
        "identity": "$runs.run_identity(runs.configuration_being_parsed())",
    }


@pytest.mark.parametrize(
    ("override", "change"),
    [
        ({"learning_rate": 0.2}, "learning_rate was 0.1 and is now 0.2"),
        ({"transforms#0#prob": 1}, "transforms#0#prob was 0.5 and is now 1"),
        ({"net::features": [16]}, "net#features was [16, 32] and is now [16]"),
        ({"net#features": []}, "net#features was [16, 32] and is now []"),
        ({"net#bias": 0}, "net#bias was False and is now 0"),
        ({"net#profile": "gmr"}, "net#profile was absent and is now gmr"),
        ({"resize": "$lambda x: x"}, "resize was None and is now $lambda x: x"),
    ],
    ids=str,
)
def test_overrides_are_seen_and_named(file, override, change):
    former, present = evaluated(file), evaluated(file, **override)
    assert differences(former, present) == change
    assert digest(former) != digest(present)


def test_overlays_are_seen_and_named(file, tmp_path):
    overlay = tmp_path / "paper.yaml"
    overlay.write_text("optimizer#betas: [0.9, 0.99]\n")
    assert (
        differences(evaluated(file), evaluated(file, overlay)) == "optimizer#betas was [0.9, 1] and is now [0.9, 0.99]"
    )


def test_an_overlay_that_changes_nothing_is_the_same_run(file, tmp_path):
    overlay = tmp_path / "same.yaml"
    overlay.write_text("optimizer#betas: [0.9, 1]\n")
    assert digest(evaluated(file)) == digest(evaluated(file, overlay))


@pytest.mark.parametrize("name", IRRELEVANT)
def test_what_results_do_not_depend_on_is_left_out(file, name):
    assert differences(evaluated(file), evaluated(file, **{name: "other"})) == ""


def test_another_version_is_another_run(file, monkeypatch):
    former = evaluated(file)
    monkeypatch.setattr(module, "__version__", "9")
    assert differences(former, evaluated(file)) == f"version was {former['version']} and is now 9 ({code_digest()})"


@pytest.fixture
def sources(tmp_path, monkeypatch):
    """A package of one file, whose digest is not remembered."""
    (tmp_path / "package" / "nets").mkdir(parents=True)
    monkeypatch.setattr(module, "SOURCES", tmp_path / "package")

    def digest_of(text, name="nets/a.py"):
        for path in (tmp_path / "package").rglob("*.*"):
            path.unlink()
        (tmp_path / "package" / name).write_text(text)
        return code_digest.__wrapped__()

    return digest_of


CODE = '''"""A module."""
import os  # needed


class A:
    """A class.

    With two lines.
    """

    # a comment
    text = """
    # kept
    """

    def f(self):
        r"""Docstring."""
        return "#" + f"""{self}"""
'''


@pytest.mark.parametrize(
    ("old", "new"), [("A module.", "The module."), ("two", "three"), ("# a comment", "# another"), ("Docstring", "D")]
)
def test_comments_do_not_count(sources, old, new):
    assert old in CODE
    assert sources(CODE) == sources(CODE.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new"),
    [("# kept", "# lost"), ("import os", "import re"), ('"#"', '"@"'), ("{self}", "{self!r}"), ("A:", "B:")],
)
def test_code_counts(sources, old, new):
    assert old in CODE
    assert sources(CODE) != sources(CODE.replace(old, new))


def test_names_of_files_count_and_documentation_does_not(sources, tmp_path):
    assert sources(CODE) != sources(CODE, "nets/b.py")
    former = sources(CODE)
    (tmp_path / "package" / "README.md").write_text("documentation")
    assert code_digest.__wrapped__() == former


def test_what_is_left_out_of_this_package_is_no_code():
    for path in module.SOURCES.rglob("*.py"):
        left = module.COMMENTS.sub(emptied, path.read_bytes())
        kept, whole = (ast.unparse(Undocumented().visit(ast.parse(text))) for text in (left, path.read_bytes()))
        if kept != whole:  # where a comment became text
            pytest.fail(f"{path}: its docstrings are not told from its code")


def emptied(found):
    """What is left out of a file, as a statement that does nothing."""
    text = found[0].lstrip()
    return found["text"] or (b"" if text.startswith(b"#") else found[0][: -len(text)] + b'""')


class Undocumented(ast.NodeTransformer):
    """Leaves out statements that are nothing but text."""

    def visit_Expr(self, node):
        return ast.Pass() if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str) else node


@pytest.fixture
def data(tmp_path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    for name in ("a.png", "b.png"):
        (folder / name).write_text(name)
    return folder


def datalist(folder: Path) -> list[dict[str, object]]:
    return [{"image": str(folder / name), "label": 1} for name in ("a.png", "b.png")]


def test_files_count_by_name_and_content_wherever_they_lie(data, tmp_path):
    identity = run_identity({"dataset_dir": str(data)}, dataset_dir=datalist(data))
    assert identity["dataset_dir"].startswith("a.png and 1 more (")
    moved = Path(shutil.move(data, tmp_path / "moved"))
    assert run_identity({"dataset_dir": str(moved)}, dataset_dir=datalist(moved)) == identity
    (moved / "b.png").write_text("other")
    assert run_identity({}, dataset_dir=datalist(moved)) != identity


@pytest.mark.parametrize(
    "change",
    [
        lambda items: items[:1],
        lambda items: items[::-1],
        lambda items: [items[0], {**items[1], "label": 0}],
        lambda items: [{"image": item["image"], "fov": item["image"], "label": 1} for item in items],
    ],
)
def test_another_datalist_of_the_same_files_is_another_run(data, change):
    items = datalist(data)
    assert run_identity({}, data=change(items)) != run_identity({}, data=items)


def test_a_path_in_the_configuration_counts_by_the_content_of_the_file(tmp_path):
    identities = []
    for folder, content in (("a", "weights"), ("b", "weights"), ("c", "others")):
        path = tmp_path / folder / "model.pt"
        path.parent.mkdir()
        path.write_text(content)
        identities.append(run_identity({"net": {"pretrained": str(path)}}))
    assert identities[0] == identities[1] != identities[2]


def test_a_file_that_is_replaced_is_read_again(tmp_path):
    path = tmp_path / "model.pt"
    path.write_text("weights")
    former = run_identity({}, checkpoint=path)
    path.write_text("others")
    assert differences(former, run_identity({}, checkpoint=path)).startswith("checkpoint was model.pt (")


def test_an_entry_can_be_left_out():
    assert "dataset_dir" not in run_identity({"dataset_dir": "photographs"}, dataset_dir=None)


def test_many_and_long_differences_are_cut_short():
    former = dict.fromkeys("abcdef", "x" * 100)
    text = differences(former, {})
    assert text.count(" was ") == 4
    assert text.endswith("; 2 more")
    assert "x" * 61 not in text
