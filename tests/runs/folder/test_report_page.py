"""The structure of the page, without a browser; see docs/check_report.py for checks in a browser."""

import json
import re
from base64 import b64decode, b64encode
from hashlib import sha256
from html.parser import HTMLParser

import pytest

from sre_monai.runs.folder import report_page
from sre_monai.visualize import ReportRow, write_report_page

NASTY = "</script><script>alert(1)</script>.png"


class Page(HTMLParser):
    """Collect scripts by id, ids, the content security policy, and all links and resources."""

    def __init__(self, text):
        super().__init__()
        self.scripts, self.loaded, self.ids, self.current = {}, [], [], None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        known = dict(attributes)
        self.loaded += [known[key] for key in ("src", "href") if key in known]
        self.ids += [known["id"]] if "id" in known else []
        if known.get("http-equiv") == "Content-Security-Policy":
            self.policy = dict(rule.strip().split(" ", 1) for rule in known["content"].split(";"))
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
    (tmp_path / "small").mkdir()
    (tmp_path / "small" / "a.jpg").write_bytes(b"JPEG")
    views = {"photograph": "../in/a#1\udcff.png", "mask": "sub folder/a#1_mask.png"}
    rows = [
        ReportRow((NASTY, "done", NASTY, 0.1), ["small/a.jpg", "small/deleted.jpg"], views),
        ReportRow(("b.png", "failed", "damaged", "")),
    ]
    columns = ["file", "status", "reason", "density"]
    write_report_page(tmp_path / "report.html", columns, rows, shown=columns[:2], title=NASTY)
    return Page((tmp_path / "report.html").read_text(encoding="utf-8"))


def pictures(page):
    return [json.loads(line) for line in page.scripts["pictures"].split("\n")]


def test_every_row_is_in_the_page_as_data(page):
    columns = ["file", "status", "reason", "density"]
    settings = {"columns": columns, "shown": columns[:2], "table": "report.csv"}
    assert json.loads(page.scripts["settings"]) == settings
    assert json.loads(page.scripts["data"]) == [[NASTY, "done", NASTY, 0.1], ["b.png", "failed", "damaged", ""]]


def test_rows_come_in_natural_order_with_their_pictures(tmp_path):
    rows = [ReportRow((name,), [f"{name}.jpg"]) for name in ("eye 10", "Eye 2", "a", "eye 1b")]
    write_report_page(tmp_path / "report.html", ["file"], rows)
    page = Page((tmp_path / "report.html").read_text())
    assert json.loads(page.scripts["data"]) == [["a"], ["eye 1b"], ["Eye 2"], ["eye 10"]]
    assert [line["thumbnails"][0][0] for line in pictures(page)] == ["a", "e", "E", "e"]


def test_pictures_are_addresses_and_thumbnails_of_few_rows_are_embedded(page):
    first, second = pictures(page)
    head, content = first["thumbnails"][0].split(",")
    assert (head, b64decode(content)) == ("data:image/jpeg;base64", b"JPEG")
    assert first["thumbnails"][1] == "small/deleted.jpg"
    assert first["views"] == [["photograph", "../in/a%231%FF.png"], ["mask", "sub%20folder/a%231_mask.png"]]
    assert second == {"thumbnails": [], "views": []}


def test_thumbnails_of_many_rows_stay_beside_the_page(tmp_path, monkeypatch):
    monkeypatch.setattr(report_page, "MAX_EMBEDDED_ROWS", 1)
    (tmp_path / "a.jpg").write_bytes(b"JPEG")
    rows = [ReportRow((name, "done", ""), ["a.jpg"]) for name in "ab"]
    for count, address in ((1, "data:image/jpeg;base64,SlBFRw=="), (2, "a.jpg")):
        write_report_page(tmp_path / "report.html", ["file", "status", "reason"], rows[:count])
        page = Page((tmp_path / "report.html").read_text())
        assert [line["thumbnails"] for line in pictures(page)] == [[address]] * count


def test_nothing_is_run_or_loaded_but_the_page_itself(page):
    assert set(page.scripts) == {"settings", "data", "pictures", "program"}
    assert page.loaded == ["report.csv"]
    assert not re.search(r"https?://|innerHTML|document\.write|\beval\b", page.scripts["program"])
    digest = b64encode(sha256(page.scripts["program"].encode()).digest()).decode()
    assert page.policy["default-src"] == "'none'"
    assert page.policy["script-src"] == f"'sha256-{digest}'"


def test_the_program_finds_every_element_that_it_names(page):
    wanted = set(re.findall(r'find\("([\w-]+)"\)', page.scripts["program"]))
    assert wanted <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))


def test_a_page_without_rows(tmp_path):
    write_report_page(tmp_path / "report.html", ["file"], [])
    assert json.loads(Page((tmp_path / "report.html").read_text()).scripts["data"]) == []
