"""Check the links of the built site: every page, picture and anchor within it must exist.

    python docs/check_links.py output/site

Links to other sites are not followed: `sphinx-build -b linkcheck -c docs . output/linkcheck` does that.
"""

from __future__ import annotations

import argparse
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """What a page links to, and the anchors that it has."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.anchors: set[str] = set()
        self.feed(file.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect from a tag."""
        for name, value in attrs:
            if name in ("href", "src") and value:
                self.links.add(value)
            elif name in ("id", "name") and value:
                self.anchors.add(value)


def broken_links(site: Path) -> list[str]:
    """Find the links to what is not there.

    Args:
        site: folder of the built site.

    Returns:
        One sentence per broken link, sorted.
    """
    pages = {file.resolve(): Page(file) for file in site.rglob("*.html")}
    broken = []
    for file, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (file.parent / unquote(parts.path)).resolve() if parts.path else file
            if not target.is_file():
                broken.append(f"{file}: {link} does not exist.")
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].anchors:
                broken.append(f"{file}: {link} has no such anchor.")
    return sorted(broken)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("site", type=Path, help="folder of the built site")
    site = parser.parse_args().site
    if not (site / "index.html").is_file():
        raise SystemExit(f"error: {site} has no index.html: build the site first.")
    broken = broken_links(site)
    if broken:
        raise SystemExit("\n".join([*broken, f"error: {len(broken)} broken links."]))
    print("All links within the site lead somewhere.")


if __name__ == "__main__":
    main()
