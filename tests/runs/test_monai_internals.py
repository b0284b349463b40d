"""The facts about MONAI that the package relies on: where one of these fails, MONAI has changed."""

import json
import logging
import warnings

import pytest
from monai.bundle import ConfigParser, create_workflow, run
from monai.transforms import LoadImage

import sre_monai.runs
from sre_monai.runs import bundle_command, configuration_being_parsed
from sre_monai.runs.monai_internals import (
    ADVISORY,
    MONAI_CHECKS,
    USELESS,
    USELESS_LOGGED,
    ignore_advisory,
    ignore_monai_warnings,
    misplaced_option,
    raised_by_expression,
    refused_arguments,
    without_monai_warnings,
    wrapper_line,
)

IMPORTS = ["$import sre_monai.runs as runs"]


@pytest.fixture(autouse=True)
def _as_before():
    with warnings.catch_warnings():
        yield
    for name in USELESS_LOGGED:
        logging.getLogger(name).filters.clear()


@pytest.fixture
def bundle(tmp_path):
    """Write a bundle's configuration."""

    def write(name="a.json", **entries):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(json.dumps({"imports": IMPORTS, "run": "$1", **entries}))
        (tmp_path / "metadata.json").write_text("{}")
        return str(tmp_path / name)

    return write


def failure_of(config):
    with pytest.raises(Exception) as caught:
        ConfigParser({"x": 3, "item": config}).get_parsed_content("item")
    return caught.value


def test_an_expression_finds_the_configuration_that_it_belongs_to():
    parser = ConfigParser({"imports": IMPORTS, "lr": 0.1, "mine": "$runs.configuration_being_parsed()['lr']"})
    parser["lr"] = 0.2
    outer = ConfigParser({"lr": 3, "inner": "$parser.get_parsed_content('mine')"}, globals={"parser": parser})
    assert outer.get_parsed_content("inner") == 0.2


def test_elsewhere_there_is_none():
    with pytest.raises(LookupError, match="configuration"):
        configuration_being_parsed()


def test_a_command_is_found_with_its_files_and_overrides(bundle, monkeypatch):
    monkeypatch.setattr(sre_monai.runs, "found", None, raising=False)
    initialize = ["$setattr(runs, 'found', runs.bundle_command())"]
    files = [bundle(initialize=initialize, lr=1, net={"width": 1}), bundle("b.json")]
    create_workflow(config_file=files, logging_file=False, run_id="run", lr=2, **{"net::width": 3})
    assert sre_monai.runs.found == (files, {"lr": 2, "net#width": 3})
    assert bundle_command() == ([], {})  # the command is over


@pytest.mark.parametrize("name", ["nosuch#id", "x#y"])
def test_an_override_without_a_place(name):
    with pytest.raises(Exception) as caught:
        ConfigParser({"x": 3}).update({name: 1})
    assert misplaced_option(caught.value) == name
    assert misplaced_option(ValueError("another")) is None


def test_what_wraps_an_error():
    component = failure_of({"_target_": "torch.nn.Conv2d", "width": "@x"})
    line = wrapper_line(component)
    assert line.startswith("Failed to instantiate component 'torch.nn.Conv2d' with keywords: width")
    assert "_mode_" in str(component)
    assert "_mode_" not in line
    assert refused_arguments(line)
    expression = failure_of("$@x // 'a'")
    assert wrapper_line(expression) == "Failed to evaluate ConfigExpression: \"$@x // 'a'\""
    assert not refused_arguments(wrapper_line(expression))
    assert raised_by_expression(expression.__cause__)
    assert not raised_by_expression(failure_of("$__import__('json').loads('{')").__cause__)


@pytest.mark.parametrize("config", ["@nothing", {"_target_": "DiceLos"}])
def test_modules_that_check_what_is_given(config):
    error = failure_of(config)
    while error.__cause__ is not None and isinstance(error, RuntimeError):
        error = error.__cause__
    assert isinstance(error, (ValueError, ImportError))
    trace = error.__traceback__
    while trace.tb_next is not None:
        trace = trace.tb_next
    assert trace.tb_frame.f_globals["__name__"].startswith(MONAI_CHECKS)


def shown(*calls):
    """Beginnings of the warnings of calls."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for call in calls:
            call()
    return [str(warning.message) for warning in caught]


def test_a_run_is_preceded_by_the_advisory(bundle):
    given = {"config_file": bundle(), "logging_file": False}
    assert [text[: len(ADVISORY)] for text in shown(lambda: run(**given))] == [ADVISORY]
    assert shown(ignore_monai_warnings, lambda: run(**given)) != []
    assert shown(ignore_advisory, lambda: run(**given)) == []


def test_every_reader_of_images_is_made():
    assert any(text.startswith(USELESS) for text in shown(LoadImage))
    assert not any(text.startswith(USELESS) for text in shown(ignore_monai_warnings, LoadImage))


def test_files_of_two_folders_are_logged(bundle, caplog):
    files = [bundle(), bundle("more/b.json")]
    create_workflow(config_file=files, logging_file=False)
    assert any(text.startswith(USELESS_LOGGED["monai.bundle.workflows"]) for text in caplog.messages)


@pytest.mark.parametrize("message", USELESS)
def test_a_warning_is_ignored_and_others_are_not(message):
    calls = [lambda: warnings.warn(f"{message} and more", stacklevel=1), lambda: warnings.warn("other", stacklevel=1)]
    assert shown(ignore_monai_warnings, *calls) == ["other"]


@pytest.mark.parametrize(("name", "message"), USELESS_LOGGED.items())
def test_a_logged_warning_is_ignored_and_others_are_not(name, message, caplog):
    ignore_monai_warnings()
    ignore_monai_warnings()
    logger = logging.getLogger(name)
    logger.warning("%s and more", message)
    logger.warning("something else")
    assert caplog.messages == ["something else"]
    assert len(logger.filters) == 1


@pytest.mark.parametrize("before", [False, True])
def test_a_library_call_leaves_filters_as_they_were(before, caplog):
    if before:
        ignore_monai_warnings()
    filters, logged = warnings.filters[:], [logging.getLogger(name).filters[:] for name in USELESS_LOGGED]
    with without_monai_warnings():
        assert LoadImage().readers
    with pytest.raises(OSError, match="any"), without_monai_warnings():
        raise OSError("any")
    assert warnings.filters == filters
    assert [logging.getLogger(name).filters for name in USELESS_LOGGED] == logged
    assert caplog.messages == []
