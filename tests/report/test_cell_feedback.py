"""What stands under a test cell: a score that nbgrader reads right, and a table that a student reads."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from nbgrader.utils import determine_grade

from autograder.report.cell_feedback import feedback_html, feedback_text, question_outputs, scored_output
from autograder.report.receipt import CheckResult, QuestionResult
from tests.report.pages_of_nbgrader import Tags, feedback_page

NBGRADER = {
    "schema_version": 3,
    "grade_id": "q",
    "grade": True,
    "solution": False,
    "locked": True,
    "points": 5,
}


def check(name, points=1.0, outcome="failed", message="wrong", public=False):
    return CheckResult(name, "q", points, outcome, message, seconds=0.1, public=public)


HALF = QuestionResult(
    "q",
    score=2.0,
    max_score=5.0,
    checks=(
        check("weights_sum_to_one", 2.0, "passed", "never shown", public=True),
        check("softmax_over_keys", 3.0, message="the softmax runs over the queries"),
    ),
)


def graded_cell(outputs):
    return new_code_cell('check("q")', metadata={"nbgrader": dict(NBGRADER)}, outputs=outputs)


@pytest.mark.parametrize("feedback", ["all", "public", "points"])
def test_nbgrader_reads_the_score(feedback):
    assert determine_grade(graded_cell(question_outputs(HALF, feedback))) == (2.0, 5.0)


@pytest.mark.parametrize("score", [0.0, 1 / 3, 1e-9, 5.0])
def test_nbgrader_reads_every_score_exactly(score):
    assert determine_grade(graded_cell([scored_output(score, 5.0)])) == (score, 5.0)


@pytest.mark.parametrize("score", [float("nan"), float("inf"), -1.0, 5.1])
def test_a_score_that_nbgrader_reads_as_full_marks_is_refused(score):
    with pytest.raises(ValueError, match="between 0 and"):
        scored_output(score, 5.0)


def test_a_title_is_text():
    assert scored_output(1.0, 5.0, "<b>1</b>").data["text/html"] == "<strong>&lt;b&gt;1&lt;/b&gt;</strong>"


def test_what_a_person_marks_has_no_automatic_score():
    with pytest.raises(ValueError, match="a person marks it"):
        question_outputs(QuestionResult("essay", None, 5.0, manual=True))


def test_the_outputs_are_valid_and_show_in_the_feedback_page():
    nb = new_notebook(cells=[graded_cell(question_outputs(HALF))])
    nbformat.validate(nb)
    page = feedback_page(nb)
    for shown in (
        "Score 2 of 5",
        "Checks that hold: 1 of 2",
        "weights sum to one",
        "the softmax runs over the queries",
    ):
        assert shown in page
    assert "never shown" not in page


def test_all_shows_every_check_with_points_and_message():
    assert feedback_text(HALF) == (
        "Score 2 of 5. Checks that hold: 1 of 2.\n"
        "✓ weights sum to one (2 of 2): holds\n"
        "✗ softmax over keys (0 of 3): does not hold\n"
        "    the softmax runs over the queries"
    )


def test_public_shows_the_public_checks_and_the_points_of_the_rest():
    text = feedback_text(HALF, "public")
    assert "weights sum to one" in text
    assert "Hidden checks: 1, 0 of 3 points." in text
    assert "softmax" not in text + feedback_html(HALF, "public")


def test_points_shows_no_check():
    assert feedback_text(HALF, "points") == "Score 2 of 5"
    assert feedback_html(HALF, "points") == ""


def test_a_check_that_could_not_be_run_is_not_the_students_failure():
    text = feedback_text(
        QuestionResult("q", 0.0, 1.0, checks=(check("c", outcome="error", message="no kernel"),))
    )
    assert "could not be run" in text
    assert "Ask your instructors" in text
    assert "does not hold" not in text


def test_a_verdict_from_inside_the_notebook_is_called_that():
    plain_cell = QuestionResult("q", 0.5, 1.0, checks=(check("q", outcome="failed"),), trusted=False)
    text = feedback_text(plain_cell)
    assert "as it ran inside the notebook" in text
    assert "(0.5 of 1)" in text
    assert "as it ran inside" not in feedback_text(HALF)


def test_points_that_are_not_paid_yet_are_explained():
    unpaid = QuestionResult("q", 0.0, 5.0, checks=(check("runs", 5.0, "passed"),))
    assert "once another question" in feedback_text(unpaid)
    assert "once another question" not in feedback_text(HALF)


HOSTILE = (
    "<script>pwn()</script><img src=x onerror=pwn()> \x1b[31mred\x1b]0;title\x07 \u202eback \ud800 {{7*7}}"
)


def test_what_a_student_wrote_is_text():
    question = QuestionResult("q", 0.0, 1.0, checks=(check("<script>pwn()</script>", message=HOSTILE),))
    page = feedback_page(new_notebook(cells=[graded_cell(question_outputs(question))]))
    found = Tags(page)
    assert not [tag for tag in found.tags if "onerror" in tag[1]]
    assert not [script for script in found.scripts if "pwn" in script]
    assert "&lt;script&gt;pwn()" in page
    for gone in ("\x1b", "\u202e", "\ud800", "title", ">49<"):
        assert gone not in feedback_html(question)
        assert gone not in feedback_text(question)


def test_endless_messages_are_cut():
    question = QuestionResult(
        "q", 0.0, 1.0, checks=tuple(check(f"c{i}", message="x" * 10**6) for i in range(300))
    )
    assert len(feedback_html(question)) < 500_000
    assert "…" in feedback_html(question)


def test_the_table_says_what_its_cells_are():
    """Readable by a screen reader: headers with a scope, an outcome in words and not in color alone."""
    found = Tags(feedback_html(HALF)).tags
    assert [attrs["scope"] for tag, attrs in found if tag == "th"] == ["col"] * 3 + ["row"] * 2
    assert "✗ does not hold" in feedback_html(HALF)
