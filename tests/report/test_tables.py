"""Tables for spreadsheets, which run what begins like a formula."""

import re

import pytest

from autograder.report.receipt import CheckResult, QuestionResult, SubmissionResult
from autograder.report.summary import summarize
from autograder.report.tables import checks_csv, harmless, marks_csv
from tests.report.classes import a_class

CLASS = summarize("p01_attention", a_class(40))


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("ada", "ada"),
        ("=1+1", "'=1+1"),
        ("  +cmd", "'+cmd"),
        ("-2", "'-2"),
        ("@sum", "'@sum"),
        ("\t=1", "'=1"),
        ("\x00=1", "'=1"),
        ("a;=1", "a;'=1"),
        ("＝1", "'＝1"),
        ("a\n=1", "a =1"),
        ("rows (2, -1) = 3", "rows (2, -1) = 3"),
    ],
)
def test_no_cell_of_a_spreadsheet_is_a_formula(text, cell):
    assert harmless(text) == cell


def test_hostile_names_in_the_tables():
    table = marks_csv(CLASS) + checks_csv(CLASS)
    assert "'=cmd|<script>" in table
    assert not re.search(r"(^|,)\"?[=+@]", table, re.MULTILINE)
    assert not re.search(r"(^|,)\"?-\D", table, re.MULTILINE)


def test_a_check_that_passed_has_no_message_in_the_table():
    checks = (CheckResult("c", "q", 1.0, "passed", "left over", 0.1, True),)
    question = QuestionResult("q", 1.0, 1.0, checks=checks)
    summary = summarize("p", [SubmissionResult("a", "p", "graded", score=1.0, questions=(question,))])
    assert "left over" not in checks_csv(summary)
