"""Open a report.html in a real browser, use it as a reader would, and take its pictures.

    python docs/check_report.py output/sample/report.html --pictures docs/images

Needs `pip install playwright`, and Debian's `chromium` or `playwright install chromium`. A check that fails ends the
script with an error. `python -m benchmarks folder --measure lists --keep FOLDER` makes a report of any length.
"""

from __future__ import annotations

import argparse
import csv
import re
import shutil
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

DESKTOP, PHONE = {"width": 1500, "height": 760}, {"width": 390, "height": 844}
OPENING_SECONDS, SORTING_SECONDS = 2.0, 0.5
"""What a page of 100,000 rows may take."""

TIMED_CLICK = """async button => {
  const start = performance.now();
  button.click();
  await new Promise(requestAnimationFrame);  // the next frame shows the new order
  return (performance.now() - start) / 1000;
}"""


def check(holds: object, message: str) -> None:
    """End with an error unless something holds."""
    if not holds:
        raise SystemExit(f"error: {message}.")


def open_page(browser: Browser, path: Path, size: dict[str, int], errors: list[str]) -> tuple[Page, float]:
    """Open the page, and give it with the seconds until its first rows were drawn; gather errors from now on."""
    page = browser.new_page(viewport=size)
    page.on("request", lambda request: re.match("file:|data:|blob:", request.url) or errors.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(path.absolute().as_uri())
    return page, page.evaluate("performance.getEntriesByName('report drawn')[0].startTime") / 1000


def settle(page: Page) -> None:
    """Wait until scrolled rows are drawn and their pictures decoded."""
    page.evaluate("""async () => {
        await new Promise(requestAnimationFrame);
        await new Promise(requestAnimationFrame);
        await Promise.allSettled([...document.images].map(image => image.decode()));
    }""")


def check_sorting(page: Page) -> dict[str, float]:
    """Sort by every column, both ways; give the longest time of each."""
    times: dict[str, float] = {}
    for button in page.locator("#head button").all():
        name = button.inner_text().strip(" ▲▼")
        for _ in range(2):
            times[name] = max(times.get(name, 0.0), button.evaluate(TIMED_CLICK))
            is_sorted = page.evaluate("""() => {
                const values = order.map(index => rows[index][sortedBy]), known = values.filter(value => value !== "");
                const natural = text => text.toLowerCase().replace(/\\d+/g, digits => digits.padStart(15, "0"));
                const keys = numeric[sortedBy] ? known.map(Number) : known.map(String).map(natural);
                if (!ascending) keys.reverse();
                return values.slice(0, known.length).every(value => value !== "")
                  && keys.every((key, place) => !place || keys[place - 1] <= key);
            }""")
            check(is_sorted, f"the page is not sorted by {name}")
    page.locator("#head button", has_text=re.compile("^file")).click()
    return times


def check_table(page: Page, table: list[dict[str, str]]) -> None:
    """Scroll, filter, choose columns, read long reasons, download."""
    count = len(table)
    check(page.evaluate("rows.length") == count, f"the page has not all {count} rows of report.csv")
    check(page.locator("#rows tr").count() < 60, "rows out of view are in the document")
    for _ in range(2):
        page.evaluate("find('scroller').scrollTop = find('scroller').scrollHeight")
        settle(page)
    last = page.locator("#rows tr").last.bounding_box()
    check(last and last["y"] + last["height"] <= page.viewport_size["height"] + 1, "the last row can't be reached")
    page.evaluate("find('scroller').scrollTop = 0")

    failed = [row for row in table if row["status"] == "failed"]
    if failed:
        page.locator("#counts button", has_text="failed").click()
        check(page.evaluate("order.length") == len(failed), "the filter by status counts wrongly")
        longest = max(failed, key=lambda row: len(row["reason"]))
        page.fill("#filter", longest["file"])
        cell = page.locator("#rows td", has_text=longest["reason"]).first
        is_cut = cell.evaluate(
            "cell => cell.scrollHeight > cell.clientHeight + 1 || cell.scrollWidth > cell.clientWidth + 1"
        )
        check(not is_cut, "a long reason is cut")
        page.fill("#filter", "")
        page.locator("#counts button", has_text="failed").click()

    page.click("#chooser summary")
    before = page.locator("#head th").count()
    hidden = page.locator("#choices input:not(:checked)")
    added = hidden.count()
    for _ in range(added):
        hidden.first.check()
    check(page.locator("#head th").count() == before + added, "hidden columns can't be shown")
    with page.expect_download() as download:
        page.click("#download")
    with open(download.value.path(), newline="", encoding="utf-8") as stream:
        downloaded = list(csv.DictReader(stream))
    check(
        [row["file"] for row in downloaded] == page.evaluate("order.map(index => rows[index][FILE])"), "rows are lost"
    )
    by_file = {row["file"]: row for row in table}
    check(
        all(row["reason"] == by_file[row["file"]]["reason"] and len(row) == len(table[0]) for row in downloaded),
        "the downloaded table differs from report.csv",
    )
    page.reload()


def check_viewer(page: Page) -> None:
    """Open the large view by the keyboard, step, blend and close."""
    page.focus("#rows tr:first-child button")
    if page.evaluate("rows.length") > 1:
        page.keyboard.press("ArrowDown")
        check(
            page.evaluate("drawn.get(order[1]).contains(document.activeElement)"), "arrows don't move through the rows"
        )
        page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    check(page.locator("#viewer").is_visible(), "Enter does not open the large view")
    check(page.inner_text("#viewer-file") == page.evaluate("rows[order[0]][FILE]"), "another row was opened")
    if page.evaluate("rows.length") > 1:
        page.keyboard.press("ArrowRight")
        check(page.inner_text("#viewer-file") == page.evaluate("rows[order[1]][FILE]"), "the next row was not opened")
        page.keyboard.press("ArrowLeft")
    if page.locator("#layouts button").count():
        page.locator("#layouts button").last.click()
        upper = page.locator("#panels figure:not([hidden])").last
        page.fill("#blend", "20")
        check(upper.evaluate("figure => figure.style.opacity") == "0.2", "the slider does not blend")
        page.keyboard.press("ArrowUp")
        check(page.input_value("#blend") == "25", "the arrow keys don't blend")
        page.locator("#layouts button").first.click()
    page.keyboard.press("Escape")
    check(not page.locator("#viewer").is_visible(), "Escape does not close the large view")
    check(page.evaluate("drawn.get(order[0]).contains(document.activeElement)"), "the focus is lost")


def take_pictures(browser: Browser, path: Path, folder: Path, sort_by: str, errors: list[str]) -> None:
    """Take the table and the large view, on a desktop and on a phone."""
    folder.mkdir(parents=True, exist_ok=True)
    for device, size in (("", DESKTOP), ("_phone", PHONE)):
        page, _ = open_page(browser, path, size, errors)
        button = page.locator("#head button", has_text=sort_by)
        if button.count():
            button.click()
            button.click()
        page.evaluate("find('scroller').scrollLeft = 0")
        settle(page)
        page.screenshot(path=folder / f"report{device}.png")
        page.locator("#rows button").last.click()
        settle(page)
        page.screenshot(path=folder / f"report_large{device}.png")
        if page.locator("#layouts button").count():
            page.locator("#layouts button").last.click()
            page.fill("#blend", "60")
            settle(page)
            page.screenshot(path=folder / f"report_blended{device}.png")
        page.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("page", type=Path, help="the report.html of a folder run, beside its report.csv")
    parser.add_argument("--pictures", type=Path, metavar="FOLDER", help="folder for screenshots")
    parser.add_argument("--sort_by", default="vessel density", help="column of the screenshots, descending")
    options = parser.parse_args()
    with (options.page.parent / "report.csv").open(newline="", encoding="utf-8") as stream:
        table = list(csv.DictReader(stream))
    errors: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--enable-precise-memory-info"]
        )
        page, opening = open_page(browser, options.page, DESKTOP, errors)
        sorting = check_sorting(page)
        memory = page.evaluate("performance.memory.usedJSHeapSize") / 1e6
        print(f"{len(table)} rows open in {opening:.2f} s, with {memory:.0f} MB of memory for scripts")
        print("sorted by " + ", ".join(f"{name} in {seconds:.3f} s" for name, seconds in sorting.items()))
        check_table(page, table)
        check_viewer(page)
        if options.pictures is not None:
            take_pictures(browser, options.page, options.pictures, options.sort_by, errors)
        check(opening <= OPENING_SECONDS, f"opening takes {opening:.1f} s")
        check(max(sorting.values()) <= SORTING_SECONDS, f"sorting takes {max(sorting.values()):.1f} s")
        check(not errors, f"the page loads or does what it must not: {errors[:3]}")
        browser.close()


if __name__ == "__main__":
    main()
