import pytest

from sre_monai.errors import exit_on_user_error


def fail(error):
    raise error


@pytest.mark.parametrize("error", [ValueError("no such thing"), FileNotFoundError("no such thing")])
def test_a_mistake_ends_with_its_sentence(error, capsys):
    with pytest.raises(SystemExit) as stop:
        exit_on_user_error(fail, error)
    assert stop.value.code == 2
    assert capsys.readouterr().err == "error: no such thing\n"


def test_a_defect_of_ours_is_not_hidden():
    with pytest.raises(KeyError):
        exit_on_user_error(fail, KeyError("x"))


def test_results_pass_through():
    assert exit_on_user_error(int, "11", base=2) == 3
