"""Text from a student's process, fit to be shown."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.report.numbers import number, plural, seconds
from autograder.report.plain_text import one_line, plain


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\n\tb", "a\n\tb"),
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x9b31mred", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]never ended\nnext", "\nnext".strip()),
        ("\x1bc\x1b(Btext", "text"),
        ("10 %\r100 %\r\ndone", "10 %\n100 %\ndone"),
        ("a\x00b\x08c\x7fd", "abcd"),
        ("user\u202etxt.exe", "usertxt.exe"),
        ("z\u200be\ufeffro", "zero"),
        ("half\ud800", "half\ufffd"),
        ("größe ≤ 3 ✓ 中文 👩", "größe ≤ 3 ✓ 中文 👩"),
        (42, "42"),
    ],
)
def test_plain(text, shown):
    assert plain(text) == shown


def test_long_text_is_cut_and_says_so():
    assert plain("x" * 50, limit=10) == "x" * 9 + "…"
    assert one_line("a\n b " * 100, limit=7) == "a b a …"


@given(st.text(), st.integers(2, 30))
def test_nothing_but_text_is_left(text, limit):
    shown = plain(text + "\x1b[\x9b\x1b]", limit)
    assert len(shown) <= limit
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]", shown)
    assert "\n" not in one_line(text, limit)


def test_cleaning_is_linear():
    plain("\x1b[" * 10**6 + "\x1b]" * 10**6, limit=10**7)


def test_numbers_as_people_write_them():
    assert [number(x) for x in (0.0, -0.0, 2.0, 2.5, 1 / 3, 100.0, None)] == [
        "0",
        "0",
        "2",
        "2.5",
        "0.33",
        "100",
        "—",
    ]
    assert [seconds(x) for x in (0.085, 0.0999, 1.23, 9.99, 59.6, 99.7, 120, 7500)] == [
        "85 ms", "0.1 s", "1.2 s", "10 s", "60 s", "1 min 40 s", "2 min", "2 h 5 min",
    ]  # fmt: skip
    assert [plural(1, "check"), plural(0, "check"), plural(2, "query", "queries")] == [
        "1 check",
        "0 checks",
        "2 queries",
    ]
