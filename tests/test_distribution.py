import tomllib


def test_wheel_includes_both_bundles(repository):
    settings = tomllib.loads((repository / "pyproject.toml").read_text())["tool"]["setuptools"]
    included = {
        f"{target.removeprefix('share/sre_monai/')}/{path.name}"
        for target, patterns in settings["data-files"].items()
        for pattern in patterns
        for path in repository.glob(pattern)
        if path.is_file()
    }
    left_out = {"baselines", "output", "__pycache__"}
    files = {path.relative_to(repository) for path in (repository / "bundles").rglob("*") if path.is_file()}
    assert {str(path) for path in files if not left_out & set(path.parts)} == included
