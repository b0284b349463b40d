"""Bundles as the Hugging Face Hub and MONAI's Model Zoo take them."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import yaml

from sre_monai.commands.share import LARGEST_FILE, run_share
from sre_monai_cli import find_bundle
from sre_monai_cli.command_line import main

NAME = "retina_fundus_vessel_segmentation"
BUNDLES = (NAME, "medmnist_classification", "brain_mri_hippocampus_segmentation")
COMMIT = "0" * 40


@pytest.mark.parametrize("name", BUNDLES)
def test_the_hub_gets_the_bundle_and_a_model_card(tmp_path, name, capsys):
    assert main(["share", name, str(tmp_path / "hub")]) == 0
    assert f"hf upload OWNER/{name}" in capsys.readouterr().out
    root, made = find_bundle(name), tmp_path / "hub"
    assert {path.name for path in made.iterdir()} == {"LICENSE", "README.md", "configs", "docs", "models"}
    assert (made / "models" / "model.pt").read_bytes() == (root / "models" / "model.pt").read_bytes()
    assert not (made / "models" / "baselines").exists()
    _, front, text = (made / "README.md").read_text().split("---\n", 2)
    card = yaml.safe_load(front)
    assert (card["license"], card["library_name"]) == ("apache-2.0", "monai")
    assert card["pipeline_tag"] == ("image-classification" if "class" in name else "image-segmentation")
    scores = card["model-index"][0]["results"][0]["metrics"]
    metadata = json.loads((root / "configs" / "metadata.json").read_text())
    assert {score["type"]: score["value"] for score in scores} == metadata.get("eval_metrics", {})
    assert text.strip() == (root / "docs" / "README.md").read_text().strip()


@pytest.mark.parametrize("name", BUNDLES)
def test_the_zoo_gets_a_folder_of_its_layout(tmp_path, name):
    assert run_share(name, str(tmp_path / "zoo"), "zoo") == 0
    files = [path for path in (tmp_path / "zoo").rglob("*") if path.is_file()]
    assert all(path.stat().st_size <= LARGEST_FILE for path in files)
    assert (tmp_path / "zoo" / "models" / name / "configs" / "metadata.json") in files
    test = tmp_path / "zoo" / "ci" / "unit_tests" / f"test_{name}.py"
    compile(test.read_text(), test, "exec")


@pytest.mark.slow
def test_the_unit_test_for_the_zoo_passes(tmp_path):
    assert run_share(NAME, str(tmp_path / "zoo"), "zoo") == 0
    command = [sys.executable, "-m", "unittest", f"ci/unit_tests/test_{NAME}.py"]
    done = subprocess.run(command, cwd=tmp_path / "zoo", capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "Ran 1 test" in done.stderr


@pytest.mark.parametrize("layout", ["hub", "zoo"])
def test_a_mistake_is_one_sentence(tmp_path, capsys, layout):
    assert run_share(NAME, str(tmp_path), layout) == 2
    assert capsys.readouterr().err == f"error: {tmp_path} is there already: give the name of a new folder.\n"
    assert run_share("retna", str(tmp_path / "new"), layout) == 2
    assert "no bundle in retna" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


class Hub(BaseHTTPRequestHandler):
    """As much of the Hugging Face Hub as a download asks for: one repository at one commit."""

    def __init__(self, folder: Path, *args: object) -> None:
        self.folder = folder
        super().__init__(*args)

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        file = self.folder / path.partition(f"/resolve/{COMMIT}/")[2] if "/resolve/" in path else None
        if file is not None:
            self._answer(file.read_bytes() if file.is_file() else None)
        elif path.endswith("/refs"):
            branch = {"name": "main", "ref": "refs/heads/main", "targetCommit": COMMIT}
            self._answer({"branches": [branch], "tags": [], "converts": []})
        elif "/tree/" in path:
            sizes = {name: (self.folder / name).stat().st_size for name in self._names()}
            self._answer([{"type": "file", "path": n, "size": size, "oid": COMMIT} for n, size in sizes.items()])
        else:
            self._answer({"id": "owner/name", "sha": COMMIT, "siblings": [{"rfilename": n} for n in self._names()]})

    do_HEAD = do_GET  # noqa: N815

    def _names(self) -> list[str]:
        return [path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*") if path.is_file()]

    def _answer(self, content: object) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(404 if content is None else 200)
        self.send_header("Content-Type", "application/octet-stream" if body is content else "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", f'"{hashlib.sha1(body, usedforsecurity=False).hexdigest()}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.slow
def test_monai_downloads_loads_and_runs_it_from_a_hub(tmp_path):
    pytest.importorskip("huggingface_hub")
    assert run_share(NAME, str(tmp_path / "hub"), "hub") == 0
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Hub, tmp_path / "hub"))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    bundle = ["--name", NAME, "--source", "huggingface_hub", "--repo", f"owner/{NAME}", "--bundle_dir", "got"]
    environment = os.environ | {
        "HF_ENDPOINT": f"http://127.0.0.1:{server.server_port}",
        "HF_HOME": str(tmp_path / "home"),
        "HF_HUB_DISABLE_TELEMETRY": "1",
    }

    def run(*words: str) -> None:
        done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr

    try:
        run(sys.executable, "-m", "monai.bundle", "download", *bundle)
    finally:
        server.shutdown()
        server.server_close()
    got = tmp_path / "got" / NAME
    assert (got / "models" / "model.pt").read_bytes() == (tmp_path / "hub" / "models" / "model.pt").read_bytes()
    (tmp_path / "eyes").mkdir()
    sample = Path("docs/sample/eye_565x584.png")
    (tmp_path / "eyes" / sample.name).write_bytes(sample.read_bytes())
    program = f"import monai.bundle; print(type(monai.bundle.load({NAME!r}, bundle_dir='got', source='github')))"
    run(sys.executable, "-c", program)
    folders = ["--bundle_root", str(got), "--dataset_dir", "eyes", "--output_dir", "masks"]
    files = ["--config_file", str(got / "configs" / "inference.json"), "--working_diameter", "128"]
    run(sys.executable, "-m", "monai.bundle", "run", *files, *folders)
    assert list((tmp_path / "masks").glob("*_mask.png"))
