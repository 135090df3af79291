"""A class in figures."""

from autograder.report.receipt import CheckResult, QuestionResult, SubmissionResult
from autograder.report.summary import summarize


def test_figures_of_a_class_by_hand():
    def graded(student, score):
        checks = (CheckResult("c", "q", 10.0, "passed" if score == 10 else "failed", "m", 0.1, True),)
        question = QuestionResult("q", score, 10.0, checks=checks)
        return SubmissionResult(student, "p", "graded", score=score, max_score=10.0, questions=(question,))

    failed = SubmissionResult.failed("z", "p", "lost")
    summary = summarize(
        "p", [graded("c", 10.0), graded("a", 0.0), graded("b", 4.0), graded("d", 10.0), failed]
    )
    assert [result.student for result in summary.submissions] == ["a", "b", "c", "d", "z"]
    assert (summary.mean, summary.quantile(0.5), summary.quantile(0.25), summary.quantile(1)) == (
        6.0,
        7.0,
        3.0,
        10.0,
    )
    (question,) = summary.questions
    assert (question.mean_share, question.full_marks, question.no_points) == (0.6, 2, 1)
    (check,) = summary.checks
    assert (check.pass_rate, check.failed, check.messages[0].students) == (0.5, 2, ("a", "b"))
