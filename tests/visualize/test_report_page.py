"""The structure of the page, without a browser; see docs/check_report.py for checks in a browser."""

import json
import re
from html.parser import HTMLParser

import pytest

from sre_monai.visualize import write_report_page

NASTY = "</script><script>alert(1)</script>.png"


class Page(HTMLParser):
    """Collect scripts by id, and all external resources."""

    def __init__(self, text):
        super().__init__()
        self.scripts, self.loaded, self.current = {}, [], None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        known = dict(attributes)
        self.loaded += [known[key] for key in ("src", "href") if key in known]
        if tag == "script":
            self.current = known.get("id", "program")
            self.scripts[self.current] = ""

    def handle_endtag(self, tag):
        self.current = None

    def handle_data(self, data):
        if self.current:
            self.scripts[self.current] += data


@pytest.fixture
def page(tmp_path):
    rows = [
        {"file": NASTY, "status": "done", "density": 0.1, "thumbnails": ["aa", "bb"], "link": "sub folder/a#1.png"},
        {"file": "b.png", "status": "failed"},
    ]
    write_report_page(tmp_path / "report.html", ["file", "status", "density"], rows)
    return Page((tmp_path / "report.html").read_text(encoding="utf-8"))


def test_every_row_is_in_the_page_as_data(page):
    assert json.loads(page.scripts["columns"]) == ["file", "status", "density"]
    assert json.loads(page.scripts["data"]) == [
        [[NASTY, "done", 0.1], ["aa", "bb"], "sub%20folder/a%231.png"],
        [["b.png", "failed", ""], [], ""],
    ]


def test_names_cannot_close_the_script_and_nothing_is_loaded(page):
    assert set(page.scripts) == {"columns", "data", "program"}
    assert page.loaded == []
    assert not re.search(r"https?://|innerHTML|document\.write|\beval\b", page.scripts["program"])


def test_a_page_without_rows(tmp_path):
    write_report_page(tmp_path / "report.html", ["file"], [])
    assert json.loads(Page((tmp_path / "report.html").read_text()).scripts["data"]) == []
