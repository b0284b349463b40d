"""Build the page "Try it in the browser" into the site: node packages, our scripts, and the exported network."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

from monai.bundle import ConfigParser
from sphinx.application import Sphinx
from sphinx.util import logging

import sre_monai
from sre_monai.conversion import export_network
from sre_monai.networks import load_weights
from sre_monai.networks.nets import build_segmenter
from sre_monai_cli import find_bundle

SOURCE = Path(__file__).resolve().parent / "browser"
SAMPLE = Path(__file__).parent / "sample" / "eye_565x584.png"
SETTINGS = ("working_diameter", "largest_diameter", "window_size", "threshold")
WITHOUT = "<!doctype html><title>sre_monai</title><p>This copy of the documentation was built without this page: {}."


def build_browser_page(app: Sphinx, exception: Exception | None) -> None:
    """Put the page beside the finished documentation, or a sentence where something it needs is missing."""
    if exception is not None or app.builder.name != "html" or Path(app.srcdir).resolve() != SOURCE.parents[1]:
        return
    logger = logging.getLogger(__name__)
    folder = Path(app.outdir, "docs", "browser")
    folder.mkdir(parents=True, exist_ok=True)
    missing = what_is_missing()
    if missing:
        (folder / "index.html").write_text(WITHOUT.format(missing), encoding="utf-8")
        logger.info("the site has no page to try the network in the browser: %s", missing)
        return
    try:
        install_packages()
        settings = ConfigParser.load_config_file(find_bundle() / "configs" / "inference.json")
        export_bundle_network(settings["net"], folder / "network.onnx")
        shutil.copyfile(SAMPLE, folder / "sample.png")
        run("node", "build.js", str(folder.resolve()), json.dumps({name: settings[name] for name in SETTINGS}))
    except (OSError, ValueError) as error:
        logger.warning("the page to try the network in the browser was not built: %s", error)


def what_is_missing() -> str:
    """Name what has to be installed first; empty if nothing."""
    if not (shutil.which("node") and shutil.which("npm")):
        return "Node.js with npm is missing"
    try:
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError:
        return "the extra `export` is missing"
    return ""


def export_bundle_network(net: str, path: Path) -> None:
    """Export the network with the bundle's weights, unless the file is newer than both."""
    weights = find_bundle() / "models" / "model.pt"
    if path.exists() and path.stat().st_mtime > max(weights.stat().st_mtime, newest(Path(sre_monai.__file__).parent)):
        return
    network = load_weights(build_segmenter(net, spatial_dims=2, in_channels=3, out_channels=2), weights)
    export_network(network, path, (1, 3, 64, 64))


def newest(folder: Path) -> float:
    """Time of the last change of a Python file."""
    return max(path.stat().st_mtime for path in folder.rglob("*.py"))


def install_packages() -> None:
    """Install what the lock file says, unless it is installed."""
    lock, installed = SOURCE / "package-lock.json", SOURCE / "node_modules" / ".package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")


def run(*command: str) -> None:
    """Run a command in the folder of the page's sources."""
    done = subprocess.run(command, cwd=SOURCE, capture_output=True, text=True)
    if done.returncode:
        raise ValueError(f"{' '.join(command[:2])}: {done.stderr.strip()[-2000:]}")
