"""What becomes of a check's results: a table, a text, a page, and somebody who waits for them."""

import re
import threading
from html.parser import HTMLParser
from pathlib import Path

import pytest

from nbrtc.doctoring import page
from nbrtc.doctoring.checks import COLUMNS, Checks
from nbrtc.errors import EngineError
from nbrtc.messages import CheckResult

HOSTILE = "<script>alert('x')</script>\x1b[31m\r\nred & \"quoted\""
RESULTS = (
    CheckResult("secure-context", "Secure context", "pass", "page", "The page is on https."),
    CheckResult("python-udp", "UDP sockets", "warning", "engine", "Slow.", "Look at it.", 0.5, "s"),
    CheckResult("server turn:t", "turn:t", "fail", "engine", "No answer.", "Check its port."),
    CheckResult("camera", "Camera", "skipped", "kernel", "Not looked at."),
)


class Tags(HTMLParser):
    """Which elements and texts a page has; fails on one that is not closed in order."""

    VOID = ("meta",)

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.names: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture
def checks() -> Checks:
    checks = Checks()
    checks.take(RESULTS)
    return checks


def test_a_table_has_a_row_for_each_result(checks: Checks) -> None:
    frame = checks.to_frame()

    assert tuple(frame.columns) == COLUMNS
    assert list(frame["outcome"]) == ["pass", "warning", "fail", "skipped"]
    assert list(frame["by"]) == ["page", "engine", "engine", "kernel"]
    assert frame["value"].dtype == float
    assert frame["value"].notna().sum() == 1
    assert Checks().to_frame().empty


@pytest.mark.parametrize(("lines", "ok"), [(0, False), (1, True), (2, True), (3, False), (4, False)])
def test_all_is_well_where_something_was_checked_and_nothing_failed(lines: int, ok: bool) -> None:
    checks = Checks()
    checks.take(RESULTS[:lines])

    assert checks.ok is ok


@pytest.mark.parametrize(
    ("results", "sentence"),
    [
        ((), "Nothing was checked yet."),
        (RESULTS[:1], "All is well in 1 check."),
        (RESULTS[:2], "1 warning in 2 checks."),
        (RESULTS, "1 failure, 1 warning in 4 checks."),
        (RESULTS[2:3] * 2, "2 failures in 2 checks."),
    ],
)
def test_a_summary_is_one_sentence(results: tuple[CheckResult, ...], sentence: str) -> None:
    assert page.summary(results) == sentence


def test_text_is_aligned_with_the_advice_below(checks: Checks) -> None:
    assert repr(checks).splitlines() == [
        "pass     browser  Secure context  The page is on https.",
        "warning  Python   UDP sockets     Slow.",
        "                                  Look at it.",
        "fail     Python   turn:t          No answer.",
        "                                  Check its port.",
        "skipped  Python   Camera          Not looked at.",
        "1 failure, 1 warning in 4 checks.",
    ]


def test_long_titles_and_sentences_stay_in_their_columns() -> None:
    title = "turn:" + "very-" * 20 + "long.example.org"
    long = CheckResult("a", title, "fail", "engine", "word " * 60, "advice " * 20)

    lines = page.text((*RESULTS, long)).splitlines()

    at = lines[0].index("The page")
    assert f"fail     Python   {title}" in lines
    below = lines[lines.index(f"fail     Python   {title}") + 1 : -1]
    assert all(line[:at].isspace() and not line[at].isspace() for line in below)
    assert all(len(line) <= page.WIDTH for line in below)


def test_what_servers_say_is_only_text() -> None:
    results = (CheckResult("a", HOSTILE, "fail", "engine", HOSTILE, HOSTILE),)

    assert "\x1b" not in page.text(results)
    assert "\r" not in page.text(results)
    for html in (page.document(results), page.fragment(results)):
        tags = Tags(html)
        assert "script" not in tags.names
        assert tags.text.count("alert('x')") == 3
        assert not {name for name in tags.attributes if name.startswith("on")}


def test_a_page_loads_nothing_and_is_light_and_dark(checks: Checks, tmp_path: Path) -> None:
    path = checks.save(tmp_path / "report.html")

    html = path.read_text("utf-8")
    tags = Tags(html)
    assert tags.names.isdisjoint({"script", "link", "img", "iframe"})
    assert "default-src 'none'" in html
    assert not re.search(r"url\(|@import|src=|href=", html)
    assert "prefers-color-scheme: dark" in html
    for result in RESULTS:
        assert result.detail in tags.text
        assert result.advice in tags.text
    checks.take(RESULTS[:1])
    checks.save(path)
    assert "All is well" in path.read_text("utf-8")


def test_a_cell_without_results_has_a_sentence() -> None:
    assert Tags(Checks()._repr_html_()).text == "Nothing was checked yet."


def test_whoever_waits_gets_the_check_that_was_asked_for() -> None:
    checks = Checks()
    checks.take(RESULTS[:1])
    checks.begin()  # what there is, is of an earlier one
    thread = threading.Thread(target=checks.take, args=(RESULTS,))

    with pytest.raises(TimeoutError, match="0 s"):
        checks.wait_for(0)
    thread.start()
    assert checks.wait_for(30).results == RESULTS
    thread.join()
    assert checks.wait_for(0) is checks  # nothing more was asked for


def test_nobody_waits_for_an_engine_that_has_gone() -> None:
    checks = Checks()
    checks.begin()
    checks.fail("The engine was killed.")

    with pytest.raises(EngineError, match="was killed"):
        checks.wait_for(30)
    checks.begin()  # the next one starts anew
    checks.take(RESULTS)
    assert checks.wait_for(0).results == RESULTS
