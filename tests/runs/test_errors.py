import logging
import sys
from functools import partial

import pytest
import torch
from monai.bundle import ConfigParser
from monai.transforms import Compose, Lambda

from sre_monai.io.files import require_file
from sre_monai.runs.errors import exit_on_user_error, report_user_errors, user_error
from sre_monai.runs.log_file import log_to_file


def failure_of(config):
    """The exception raised by a configuration."""
    with pytest.raises(Exception) as caught:
        ConfigParser({"x": 3, "item": config}).get_parsed_content("item")
    return caught.value


def component(target, **arguments):
    return {"_target_": target, **arguments}


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        (component("sre_monai.io.files.require_file", path="no.pt", what="model"), "model: file not found: no.pt."),
        (
            component("sre_monai.inferers.SymmetricSlidingWindowInferer", roi_size=8, overlap=2),
            "overlap must be at least 0 and below 1, got 2.",
        ),
        (
            component("DiceLoss", reduction="foo"),
            "Failed to instantiate component 'monai.losses.dice.DiceLoss' with keywords: reduction: 'foo' is not",
        ),
        (component("DiceLoss", sigmoyd=True), "got an unexpected keyword argument 'sigmoyd'"),
        (component("DiceLos"), "Cannot locate class or function path: 'DiceLos'."),
        ("$@x // 'abc'", "Failed to evaluate ConfigExpression: \"$@x // 'abc'\": unsupported operand type"),
        ("$1 / 0", "Failed to evaluate ConfigExpression: '$1 / 0': division by zero"),
        ("$open('no such file')", "No such file or directory: 'no such file'"),
        ("@nothing", "the referring item `@nothing` is not defined in the config content."),
    ],
    ids=str,
)
def test_a_mistake_is_found_behind_monais_wrapper(config, sentence):
    found = user_error(failure_of(config))
    assert sentence in found
    assert "\n" not in found
    assert "_mode_" not in found
    assert "__local_refs" not in found


class Broken(torch.utils.data.Dataset):
    """A data set that MONAI's transforms, or Python, can't read."""

    def __init__(self, load):
        self.load = load

    def __len__(self):
        return 1

    def __getitem__(self, index):
        return Compose([Lambda(self.load)])("typo.png")


@pytest.mark.parametrize(
    ("load", "sentence"),
    [
        (partial(require_file, what="image"), "image: file not found: typo.png."),
        (open, "[Errno 2] No such file or directory: 'typo.png'"),
        (int, None),
    ],
    ids=["check", "system", "defect"],
)
def test_a_mistake_is_found_in_a_worker_process(load, sentence):
    loader = torch.utils.data.DataLoader(Broken(load), num_workers=1)
    with pytest.raises(Exception, match="in DataLoader worker process") as caught:
        list(loader)
    assert user_error(caught.value) == sentence


@pytest.mark.parametrize(
    "config",
    ["$__import__('json').loads('{')", "$__import__('json').loads(3)", "$__import__('fractions').Fraction(1, 0)"],
)
def test_a_defect_is_not_a_user_error(config):
    assert user_error(failure_of(config)) is None


def test_the_boundary_prints_one_sentence_and_exits_with_2(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    report_user_errors()
    log = log_to_file(tmp_path)
    error = failure_of(component("sre_monai.io.files.require_file", path="no.pt", what="model"))
    with pytest.raises(SystemExit) as stop:
        sys.excepthook(type(error), error, error.__traceback__)
    assert stop.value.code == 2
    assert capsys.readouterr().err == "error: model: file not found: no.pt.\n"
    assert "ERROR - model: file not found: no.pt." in log.read_text()


def test_a_defect_keeps_its_trace(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    report_user_errors()
    log = log_to_file(tmp_path)
    error = failure_of("$__import__('json').loads(3)")
    sys.excepthook(type(error), error, error.__traceback__)
    for text in (capsys.readouterr().err, log.read_text()):
        assert "Traceback" in text
        assert "TypeError: the JSON object must be" in text


def test_a_mistake_keeps_its_trace_on_demand(monkeypatch, capsys):
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setenv("MONAI_DEBUG", "1")
    report_user_errors()
    error = failure_of("$open('no such file')")
    sys.excepthook(type(error), error, error.__traceback__)
    assert "Traceback" in capsys.readouterr().err


def test_a_command_ends_with_the_sentence(capsys):
    with pytest.raises(SystemExit) as stop:
        exit_on_user_error(require_file, "no.pt", "model")
    assert stop.value.code == 2
    assert capsys.readouterr().err == "error: model: file not found: no.pt.\n"


def test_a_command_does_not_hide_a_defect():
    with pytest.raises(IndexError):
        exit_on_user_error([].pop)


def test_results_pass_through():
    assert exit_on_user_error(int, "11", base=2) == 3


@pytest.fixture(autouse=True)
def _as_before():
    level, handlers = logging.getLogger("ignite").level, logging.getLogger().handlers[:]
    yield
    logging.getLogger("ignite").setLevel(level)
    logging.getLogger().handlers[:] = handlers
