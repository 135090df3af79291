"""What a terminal, a log and a pipe get of a batch."""

import io
import json

import pytest
from rich.console import Console

from autograder.report.progress import progress, result_line
from autograder.report.receipt import BatchResult, SubmissionResult
from autograder.report.terminal import print_batch, summary_line
from tests.report.classes import a_class

BATCH = BatchResult("p01_attention", 12.3, tuple(a_class(30)))


class Terminal(io.StringIO):
    def isatty(self):
        return True


def printed(batch, width=100):
    out = io.StringIO()
    print_batch(batch, Console(file=out, width=width, highlight=False))
    return out.getvalue()


def test_marks_questions_failures_and_where_to_look():
    text = printed(BATCH)
    for shown in (
        "ada ",
        "57 / 57",
        "logits are scaled (11)",
        "by hand / 5",
        "p01_attention: 28 submissions graded in 12 s, 2 could not be graded",
        "isolation: namespaces, new root, landlock, seccomp, uid",
        "euler: there is no notebook",
        "autograder report p01_attention",
        "nbgrader generate_feedback p01_attention",
    ):
        assert shown in text


@pytest.mark.parametrize("width", [60, 80, 200])
def test_figures_are_readable_at_every_width(width):
    text = printed(BATCH, width)
    assert "57 / 57" in text
    assert max(map(len, text.splitlines())) <= max(width, 75)


def test_names_cannot_command_the_terminal():
    hostile = SubmissionResult.failed("\x1b[2Jeve\x1b]0;x\x07 [red]\n", "p", "[/] \x1b[31m" + "no\n" * 9)
    text = printed(BatchResult("p", 1.0, (hostile,)))
    assert "\x1b" not in text
    assert "eve [red]: [/] no no" in text


def test_no_isolation_is_said_aloud():
    assert "NONE" in printed(BatchResult("p", 1.0, (SubmissionResult("a", "p", "graded", score=1.0),)))


def test_a_class_of_hundreds_is_cut():
    text = printed(BatchResult("p01_attention", 100.0, tuple(a_class(300))))
    assert "and 220 more" in text
    assert len(text.splitlines()) < 120


def test_one_line_summaries():
    graded = SubmissionResult("ada", "p", "graded", score=2.5, max_score=10.0)
    assert result_line(graded) == "ada: 2.5 of 10, 0 ms"
    assert result_line(SubmissionResult.failed("eve", "p", "no\nnotebook")) == "eve: not graded: no notebook"
    assert summary_line(BatchResult("p", 75.0, (graded,))) == "p: 1 submission graded in 75 s"


def test_a_log_gets_one_json_object_a_line():
    out = io.StringIO()
    with progress(out) as bar:
        bar.start(30)
        for result in BATCH.submissions:
            bar.done(result)
    events = [json.loads(line) for line in out.getvalue().splitlines()]
    assert events[0] == {"event": "start", "total": 30}
    assert [event["done"] for event in events[1:]] == list(range(1, 31))
    assert (events[-1]["failed"], events[-1]["total"]) == (2, 30)
    assert [event["student"] for event in events[1:]] == [result.student for result in BATCH.submissions]


def test_a_terminal_gets_a_bar_that_names_the_failures():
    out = Terminal()
    with progress(out) as bar:
        bar.start(30)
        for result in BATCH.submissions:
            bar.done(result)
    assert "30/30" in out.getvalue()
    assert "euler: not graded: there is no notebook" in out.getvalue()
    assert "2 not graded" in out.getvalue()


def test_json_is_asked_for_on_a_terminal():
    out = Terminal()
    with progress(out, as_json=True) as bar:
        bar.start(0)
    assert json.loads(out.getvalue()) == {"event": "start", "total": 0}
