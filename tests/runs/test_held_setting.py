import pytest

from sre_monai.runs.held_setting import HeldSetting


class Program:
    """With a setting for the whole process."""

    value = "chosen"

    def set(self, value):
        self.value = value


def test_the_last_to_leave_restores_the_setting():
    program = Program()
    held = HeldSetting(lambda: program.value, program.set, "needed")
    first, second = held, held
    first.__enter__()
    second.__enter__()
    first.__exit__()
    assert program.value == "needed"
    second.__exit__()
    assert program.value == "chosen"
    program.value = "another"
    with held:
        assert program.value == "needed"
    assert program.value == "another"


def test_an_error_restores_the_setting():
    program = Program()
    with pytest.raises(KeyError), HeldSetting(lambda: program.value, program.set, "needed"):
        raise KeyError
    assert program.value == "chosen"
