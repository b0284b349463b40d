"""Use the page "Try it in the browser" as a reader would, in headless Chromium, and compare its masks with Python's.

    python docs/check_browser.py output/site/docs/browser --pictures docs/images

Needs `pip install playwright`, and Debian's `chromium` or `playwright install chromium`. A check that fails ends the
script with an error. With `--large`, a photograph of 8 megapixels is timed beside Python as well.
"""

from __future__ import annotations

import argparse
import functools
import shutil
import tempfile
import threading
import time
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
from check_report import check
from PIL import Image
from playwright.sync_api import BrowserContext, Locator, Page, sync_playwright

from sre_monai import VesselSegmenter

SAMPLE = Path(__file__).parent / "sample" / "eye_565x584.png"
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
MOST_DIFFERENT = 5
"""Pixels of the sample's mask that may differ from Python's: so near the threshold that rounding decides."""
LARGE = (2785, 2879)
SLOWEST = 300_000  # ms for a photograph, also on a busy machine


class QuietHandler(SimpleHTTPRequestHandler):
    """Serve files as a plain host does: without the headers that threads need, and without a log."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def serve(folder: Path) -> ThreadingHTTPServer:
    """Serve a folder on a free port of this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(QuietHandler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def open_page(context: BrowserContext, address: str, errors: list[str]) -> Page:
    """Open the page and wait until it is ready; gather errors, and requests to anywhere else, from now on."""
    page = context.new_page()
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: message.type == "error" and errors.append(message.text))
    page.on(
        "request", lambda request: request.url.startswith((address, "blob:", "data:")) or errors.append(request.url)
    )
    page.goto(address)
    page.wait_for_selector("body[data-state=ready]", timeout=SLOWEST)
    return page


def add(page: Page, *paths: Path) -> Locator:
    """Give the page photographs, and wait for the card of the last."""
    before = page.locator("article").count()
    page.set_input_files("#files", list(paths))
    page.wait_for_function(
        "count => document.querySelectorAll('article[data-state]').length === count",
        arg=before + len(paths),
        timeout=SLOWEST,
    )
    return page.locator("article").first


def downloaded_mask(page: Page, card: Locator) -> np.ndarray:
    """Press the button that saves the mask, and read the file."""
    with page.expect_download() as download:
        card.get_by_role("button", name="Download mask").click()
    check(download.value.suggested_filename.endswith("_mask.png"), "the mask's file has another name")
    return np.array(Image.open(download.value.path()).convert("L")) > 0


def check_mask(page: Page, card: Locator, expected: np.ndarray, most_different: int) -> int:
    """Compare the mask with Python's; give the number of pixels that differ."""
    mask = downloaded_mask(page, card)
    check(mask.shape == expected.shape, "the mask has another size than the photograph")
    different = int((mask != expected).sum())
    check(different <= most_different, f"{different} pixels of the mask differ from Python's")
    return different


def check_measures(card: Locator, expected: dict[str, float]) -> None:
    """Compare the figures with those of Python's report."""
    measures = card.evaluate("card => card.measures")
    for name, tolerance in {
        "vessel_density": 1e-4,
        "mean_probability": 1e-3,
        "fov_diameter_px": 0.1,
        "skeleton_length_px": 0.02 * expected["skeleton_length_px"],
    }.items():
        difference = abs(measures[name] - expected[name])
        check(difference <= tolerance, f"{name} is {measures[name]}, in Python {expected[name]}")


def check_turn(page: Page, card: Locator) -> str:
    """Turn the photograph by the keyboard, by a quarter and by another angle; give what the page says of each."""
    slider = card.locator("[data-part=turn]")
    said = []
    for degrees in (90, 37):
        slider.focus()
        slider.fill(str(degrees - 1))
        page.keyboard.press("ArrowRight")
        page.wait_for_function(
            "([card, text]) => card.querySelector('[data-part=agreement]').textContent.includes(text)",
            arg=[card.element_handle(), f"anew at {degrees}°"],
            timeout=SLOWEST,
        )
        said.append(card.locator("[data-part=agreement]").inner_text())
    dice = [float(sentence.split("Dice ")[1].split(",")[0]) for sentence in said]
    check(dice[0] >= 0.9999, f"the mask does not follow a quarter turn: {said[0]}")
    check(dice[1] >= 0.9, f"the mask does not follow a turn: {said[1]}")
    return " ".join(said)


def check_refusal(page: Page, folder: Path) -> None:
    """Give the page a text file: it must say in a sentence that it can't read it."""
    text = folder / "notes.txt"
    text.write_text("no picture\n")
    card = add(page, text)
    sentence = card.get_by_role("alert").inner_text()
    check("notes.txt was not segmented" in sentence and "JPEG" in sentence, f"a text file gives: {sentence!r}")
    black = folder / "black.png"
    Image.new("RGB", (300, 200)).save(black)
    check("blank" in add(page, black).get_by_role("alert").inner_text(), "a black picture is not refused")


def check_layout(page: Page) -> None:
    """Nothing is wider than the window."""
    check(page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page scrolls sideways")


def take_pictures(page: Page, folder: Path) -> None:
    """Take the page with the sample on a desktop and on a phone."""
    folder.mkdir(parents=True, exist_ok=True)
    for device, size in (("", DESKTOP), ("_phone", PHONE)):
        page.set_viewport_size(size)
        check_layout(page)
        page.evaluate("scrollTo(0, 0)")
        page.screenshot(path=folder / f"browser{device}.png", full_page=bool(device))


def time_large(page: Page, segmenter: VesselSegmenter, folder: Path) -> str:
    """Time a photograph of 8 megapixels beside Python, and compare the masks."""
    path = folder / "large.jpg"
    Image.open(SAMPLE).resize(LARGE, Image.Resampling.BICUBIC).save(path, quality=95)
    segmenter.segment(SAMPLE)
    start = time.perf_counter()
    expected = segmenter.segment(path)
    python = time.perf_counter() - start
    start = time.perf_counter()
    card = add(page, path)
    browser = time.perf_counter() - start
    different = check_mask(page, card, expected.mask, expected.mask.size // 1000)
    return f"8.0 megapixels: {browser:.1f} s in the browser, {python:.1f} s in Python; {different} pixels differ"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("page", type=Path, help="the folder of the built page")
    parser.add_argument("--pictures", type=Path, metavar="FOLDER", help="folder for screenshots")
    parser.add_argument("--large", action="store_true", help="time a photograph of 8 megapixels as well")
    options = parser.parse_args()
    segmenter, errors = VesselSegmenter(), list[str]()
    expected = segmenter.segment(SAMPLE)
    server = serve(options.page)
    address = f"http://127.0.0.1:{server.server_port}/"
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as playwright:
        folder = Path(temporary)
        installed = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=installed, args=["--no-sandbox"])
        context = browser.new_context(viewport=DESKTOP, accept_downloads=True)
        page = open_page(context, address, errors)
        check(page.evaluate("crossOriginIsolated"), "the page is not isolated, so the network has one thread")
        card = add(page, SAMPLE)
        different = check_mask(page, card, expected.mask, MOST_DIFFERENT)
        check_measures(card, {**expected.quality, **expected.measures})
        print(f"the sample's mask differs from Python's in {different} of {expected.mask.size} pixels")
        print(card.locator("[data-part=figures]").inner_text())
        if options.pictures is not None:
            take_pictures(page, options.pictures)
        print(check_turn(page, card))
        check_refusal(page, folder)
        if options.large:
            print(time_large(page, segmenter, folder))
        server.shutdown()
        server.server_close()
        context.set_offline(True)
        page.close()
        page = open_page(context, address, errors)
        check_mask(page, add(page, SAMPLE), expected.mask, MOST_DIFFERENT)
        print("the page works without a network")
        check(not errors, f"the page loads or does what it must not: {errors[:3]}")
        browser.close()


if __name__ == "__main__":
    main()
