import shutil
import subprocess

import pytest

from sre_monai_cli import main

pytest.importorskip("shtab")


@pytest.fixture(scope="module")
def script(tmp_path_factory):
    path = tmp_path_factory.mktemp("completion") / "sre-monai.bash"
    with pytest.MonkeyPatch.context() as patch, path.open("w") as stream:
        patch.setattr("sys.stdout", stream)
        with pytest.raises(SystemExit) as stop:
            main(["--print_completion", "bash"])
    assert stop.value.code == 0
    return path


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize(
    ("words", "completed"),
    [
        (["seg"], ["segment"]),
        (["segment", "eyes", "out", "--thr"], ["--threshold"]),
        (["segment", "eyes", "out", "--output_ext", ""], [".png", ".nii.gz", ".dcm"]),
        (["train", "eyes", "--resume", ""], ["True", "False"]),
        (["prepare", "syn"], ["synthetic"]),
        (["prepare", "synthetic", "--se"], ["--seed"]),
    ],
    ids=str,
)
def test_bash_completes(script, words, completed):
    program = (
        'source "$0"; COMP_WORDS=(sre-monai "$@"); COMP_CWORD=$#; '
        "$(complete -p sre-monai | sed 's/.*-F \\([^ ]*\\).*/\\1/'); echo \"${COMPREPLY[@]}\""
    )
    result = subprocess.run(["bash", "-c", program, script, *words], capture_output=True, text=True, check=True)
    assert result.stdout.split() == completed


@pytest.mark.parametrize(("shell", "word"), [("zsh", "--threshold["), ("tcsh", "evaluate")])
def test_other_shells(shell, word, capsys):
    with pytest.raises(SystemExit):
        main(["--print_completion", shell])
    assert word in capsys.readouterr().out
