"""Look at a report.html in a real browser: open it, sort it, filter it, take its picture.

    python docs/check_report.py output/sample/report.html docs/images/report.png

Needs Debian's `chromium`. A script is added to a copy of the page, which drives the page's own buttons and leaves what
it saw in the document; nothing is loaded from elsewhere.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import tempfile
from html import unescape
from pathlib import Path

DRIVER = """
<script>
const seen = {rows: rows.length, drawn: list.children.length, ordered: []};
const headers = [...head.querySelectorAll("button")];
for (const name of ["vessel density", "file", "seconds"]) {
  const button = headers.find(button => button.textContent === name);
  for (const direction of [1, -1]) {
    const start = performance.now();
    button.click();
    if ((direction === 1) !== ascending) button.click();
    const values = order.map(index => rows[index][0][sortedBy]).filter(value => value !== "");
    const sorted = values.every((value, place) => !place || (typeof value === "number"
      ? direction * (value - values[place - 1]) >= 0
      : direction * value.localeCompare(values[place - 1], undefined, {numeric: true}) >= 0));
    seen.ordered.push({name, direction, sorted, milliseconds: Math.round(performance.now() - start)});
  }
}
scroller.scrollTop = scroller.scrollHeight; draw();
seen.end = list.lastElementChild.children[2].textContent === String(rows[order.at(-1)][0][0]);
filter.value = "damaged"; filter.oninput();
seen.filtered = order.length;
filter.value = ""; filter.oninput();
headers.find(button => button.textContent === "vessel density").click();
if (ascending) headers.find(button => button.textContent === "vessel density").click();
scroller.scrollTop = 0; draw();
seen.memory = Math.round(performance.memory.usedJSHeapSize / 1e6);
seen.loaded = Math.round(performance.now());
const note = document.createElement("template");
note.id = "seen"; note.setAttribute("data-seen", JSON.stringify(seen));
document.body.append(note);
</script>
"""
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--window-size=1500,760",
]


def browse(page: Path, *flags: str) -> str:
    """Open a page in a browser that knows nothing yet, and return what it printed."""
    with tempfile.TemporaryDirectory() as profile:
        command = [shutil.which("chromium") or "chromium", *FLAGS, f"--user-data-dir={profile}", *flags, page.as_uri()]
        return subprocess.run(command, capture_output=True, text=True, timeout=300, check=True).stdout


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("page", type=Path, help="the report.html of a folder run")
    parser.add_argument("picture", type=Path, nargs="?", help="PNG file to make")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        driven = Path(folder) / "report.html"
        driven.write_text(
            options.page.read_text(encoding="utf-8").replace("</body>", DRIVER + "</body>"), encoding="utf-8"
        )
        document = browse(driven, "--dump-dom")
        found = re.search(r'data-seen="([^"]*)"', document)
        if found is None:
            raise SystemExit(
                f"error: the page's script stopped before its end: open {options.page} and see its console."
            )
        seen = json.loads(unescape(found[1]))
        print(json.dumps(seen, indent=2))
        if not (seen["end"] and all(order["sorted"] for order in seen["ordered"])):
            raise SystemExit("error: the page does not sort or scroll as it should.")
        if options.picture is not None:
            options.picture.parent.mkdir(parents=True, exist_ok=True)
            browse(driven, f"--screenshot={options.picture.absolute()}")


if __name__ == "__main__":
    main()
