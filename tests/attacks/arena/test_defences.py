"""Each attack gains something where the defence that it is for is left out: so it is one, and its test can fail."""

from __future__ import annotations

import pytest
from cases import ATTACKS, PAGES
from judging import gained, result_of
from pages import dangers

INSIDE = tuple(attack for attack in ATTACKS if attack.without == "outside verdicts")
OPEN = tuple(attack for attack in ATTACKS if attack.without == "isolation")


@pytest.mark.parametrize("attack", INSIDE, ids=lambda attack: attack.name)
def test_marks_are_forged_where_the_verdict_is_made_in_the_students_process(world, attack):
    """The same cells, the same engine, but asserts in locked cells in the place of checks."""
    observed = world.run(
        "ordinary", "namespaces", tuple(a.name for a in INSIDE), assignment="plain", honest=1
    )
    result = result_of(observed, attack)
    assert result["score"] > 0
    assert not any(question["trusted"] for question in result["questions"]), (
        "and the report says whose word it is"
    )


@pytest.mark.parametrize("attack", OPEN, ids=lambda attack: attack.name)
def test_secrets_are_read_where_nothing_is_isolated(world, attack):
    observed = world.run("ordinary", "none", tuple(a.name for a in OPEN), honest=2)
    assert gained(observed, result_of(observed, attack))


@pytest.fixture(scope="module")
def pages(world):
    return world.run("ordinary", "namespaces", tuple(attack.name for attack in PAGES), honest=1, pages=True)[
        "pages"
    ]


@pytest.mark.parametrize("attack", PAGES, ids=lambda attack: attack.name)
def test_no_page_holds_anything_that_a_browser_would_run(pages, attack):
    assert len(pages[attack.who]) > 1000
    assert dangers(pages[attack.who]) == []
    assert len(pages[attack.who]) < 25 << 20


def test_nor_does_the_class_report(pages):
    assert dangers(pages["the class report"]) == []


@pytest.mark.parametrize(
    "html",
    [
        "<script>alert('canary-script')</script>",
        "<img src=x onerror=alert(1)>",
        "<a href='javascript:alert(1)'>x</a>",
        "<svg onload=alert(1)></svg>",
        "<iframe srcdoc=x></iframe>",
        "<table><tr onclick=alert(1)><td>1</td></tr></table>",
        "<p>\x1b[2J</p>",
        "<p>\u202e</p>",
    ],
)
def test_the_search_finds_what_a_browser_would_run(html):
    assert dangers(f"<html><body>{html}</body></html>")
