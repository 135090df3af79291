"""Where the time of a class goes, by cell and by check, and how fast a batch is on its way."""

import io
import json

import pytest

from autograder.report.class_report import class_page
from autograder.report.durations import cell_durations, check_durations
from autograder.report.progress import JsonLines, Pace
from autograder.report.receipt import CellTiming, CheckResult, QuestionResult, Seconds, SubmissionResult
from autograder.report.summary import summarize


def result(student, seconds=1.0, *, cell=0.5, check=0.2, kept=(), cached=False):
    checks = (CheckResult("slow_check", "q", 1, "passed", "", check, False),)
    return SubmissionResult(
        student,
        "p",
        "graded",
        score=1.0,
        max_score=1.0,
        questions=(QuestionResult("q", 1.0, 1.0, checks=checks),),
        seconds=Seconds(total=seconds),
        cells=(CellTiming(0, None, 0.0), CellTiming(3, "train", cell), CellTiming(4, None, 0.1)),
        isolation=("namespaces",),
        kept=kept,
        cached=cached,
    )


CLASS = [result("ada"), result("bob", cell=4.0, check=0.9), result("eve", cell=0.6, kept=("slow_check",))]


def test_cells_are_those_that_ran_the_dearest_first():
    train, other = cell_durations(CLASS)
    assert (train.name, train.count, train.median_s, train.longest_s, train.longest_by) == (
        "train",
        3,
        0.6,
        4.0,
        "bob",
    )
    assert other.name == "cell 5"


def test_a_check_that_stood_took_no_time():
    (slow,) = check_durations(CLASS)
    assert (slow.count, slow.longest_by) == (2, "bob")
    assert slow.median_s == pytest.approx(0.55)


def test_the_class_report_shows_both():
    page = class_page(summarize("p", CLASS), feedback_link=str, receipt_link=str)
    assert "Cells that take longest" in page and "Checks that take longest" in page
    assert "train" in page and "slow check" in page


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_what_was_unchanged_says_nothing_about_speed():
    clock = Clock()
    pace = Pace(clock)
    pace.start(100)
    for number in range(80):
        clock.now += 0.001
        pace.add(result(f"s{number}", cached=True))
    assert (pace.rate, pace.left_s) == (0, None)
    for number in range(10):
        clock.now += 2.0
        pace.add(result(f"t{number}", seconds=1.0 + number))
    assert pace.rate == pytest.approx(0.5)
    assert pace.left_s == pytest.approx(20)
    assert (pace.done, pace.failed, pace.slowest.student) == (90, 0, "t9")


def test_a_log_has_rate_time_left_failures_and_the_slowest():
    out = io.StringIO()
    lines = JsonLines(out)
    lines.start(3)
    lines.done(result("ada", 2.5))
    lines.tell("worker tcp://…: refused")
    lines.done(SubmissionResult.failed("tim", "p", "no notebook"))
    start, first, news, second = map(json.loads, out.getvalue().splitlines())
    assert start == {"event": "start", "total": 3}
    assert first["slowest"] == {"student": "ada", "seconds": 2.5}
    assert first["per_second"] > 0 and first["left"] >= 0
    assert news == {"event": "news", "text": "worker tcp://…: refused"}
    assert (second["failed"], second["done"]) == (1, 2)
