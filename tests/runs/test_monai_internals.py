import logging
import warnings

import pytest

from sre_monai.runs.monai_internals import LOGGED, WARNINGS, ignore_monai_warnings


@pytest.fixture(autouse=True)
def _as_before():
    with warnings.catch_warnings():
        yield
    for name in LOGGED:
        logging.getLogger(name).filters.clear()


@pytest.mark.parametrize("message", WARNINGS)
def test_a_warning_is_ignored_and_others_are_not(message):
    warnings.simplefilter("always")
    ignore_monai_warnings()
    with warnings.catch_warnings(record=True) as shown:
        warnings.warn(f"{message} and more", stacklevel=1)
        warnings.warn("something else", stacklevel=1)
    assert [str(warning.message) for warning in shown] == ["something else"]


@pytest.mark.parametrize(("name", "message"), LOGGED.items())
def test_a_logged_warning_is_ignored_and_others_are_not(name, message, caplog):
    ignore_monai_warnings()
    ignore_monai_warnings()
    logger = logging.getLogger(name)
    logger.warning("%s and more", message)
    logger.warning("something else")
    assert caplog.messages == ["something else"]
    assert len(logger.filters) == 1
