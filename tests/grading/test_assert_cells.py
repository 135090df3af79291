import pytest
from nbformat.v4 import new_code_cell, new_output

from autograder.grading.assert_cells import judge
from autograder.grading.notebook import TrustedCell


def result(value):
    return new_output("execute_result", data={"text/plain": value}, execution_count=1)


def stderr(text):
    return new_output("stream", name="stderr", text=text)


def error(name="AssertionError", value=""):
    return new_output("error", ename=name, evalue=value, traceback=[])


def verdict(source, *outputs, points=2.0):
    """Score, outcome and message of a test cell with these outputs."""
    cell = new_code_cell(source, outputs=list(outputs))
    question = judge(TrustedCell("q", "code", source, points=points, grade=True, locked=True), cell)
    (check,) = question.checks
    assert not question.trusted
    assert (check.question, check.points, question.max_score) == ("q", points, points)
    return question.score, check.outcome, check.message


def test_no_output_is_a_pass():
    assert verdict("assert f(1) == 1") == (2.0, "passed", "")


def test_an_error_earns_nothing_and_is_quoted():
    score, outcome, message = verdict("assert f(1) == 1, 'not 1'", error(value="not 1"))
    assert (score, outcome, message) == (0.0, "failed", "AssertionError: not 1")


def test_an_error_behind_a_full_mark_still_earns_nothing():
    assert verdict("score", result("2.0"), error())[0] == 0.0


def test_a_warning_on_stderr_is_no_failure():
    assert verdict("assert f(1) == 1", stderr("WARNING: retracing"))[0] == 2.0
    assert verdict("score", stderr("UserWarning"), result("1.5"))[0] == 1.5


@pytest.mark.parametrize(
    ("shown", "score"),
    [("0", 0.0), ("2", 2.0), ("1.5", 1.5), ("5e-1", 0.5), (".5", 0.5), ("np.float64(0.5)", 0.5),
     ("np.float32(1.25)", 1.25), ("np.int64(1)", 1.0), ("array(0.5)", 0.5),
     ("array(0.5, dtype=float32)", 0.5), ("tensor(0.5000)", 0.5),
     ("tensor(0.5000, dtype=torch.float64)", 0.5),
     ("<tf.Tensor: shape=(), dtype=float32, numpy=0.5>", 0.5), ("True", 2.0), ("np.True_", 2.0)],
)  # fmt: skip
def test_a_mark_that_the_cell_ends_with_counts(shown, score):
    assert verdict("score", result(shown))[0] == score


@pytest.mark.parametrize(
    "shown",
    [
        "nan",
        "np.float64(nan)",
        "inf",
        "-1",
        "-inf",
        "2.0001",
        "1e300",
        "np.float64(-0.5)",
        "False",
        "np.False_",
    ],
)
def test_numbers_that_are_no_mark_earn_nothing(shown):
    score, outcome, message = verdict("score", result(shown))
    assert (score, outcome) == (0.0, "failed")
    assert "the test cell ended with" in message


@pytest.mark.parametrize(
    "shown", ["<Full marks>", "'2'", "[2]", "two", "", "1_0", "２", "2 ", "Decimal('1')"]
)
def test_a_value_that_is_no_number_earns_nothing_until_a_person_has_looked(shown):
    score, outcome, message = verdict("score", result(shown))
    assert (score, outcome) == (0.0, "error")
    assert "a person has to look" in message


def test_a_long_value_is_cut_in_the_message():
    assert len(verdict("score", result("x" * 10**6))[2]) < 250


def test_more_results_than_a_cell_can_have_decide_nothing():
    assert verdict("score", result("2"), result("2"))[:2] == (0.0, "error")


@pytest.mark.parametrize(
    "source",
    ["assert f(1) == 1", "for x in y:\n    assert x", "score;", "score;  # partial", "'''Tests of f.'''",
     "x = 1", "f'{x} passed'", "# nothing"],
)  # fmt: skip
def test_a_result_that_the_instructors_text_cannot_give_is_forged_and_counts_for_nothing(source):
    assert verdict(source, result("0"))[0] == 2.0
    assert verdict(source, result("nan"))[0] == 2.0
    assert verdict(source, result("0"), error())[0] == 0.0


@pytest.mark.parametrize(
    "source", ["score", "round(a + b, 2)", "grade()", "!ls", "x <- 1", "score # the mark", "a;b"]
)
def test_a_text_that_ends_with_an_expression_can_give_a_mark(source):
    assert verdict(source, result("0.5"))[0] == 0.5


def test_a_question_worth_nothing_earns_nothing():
    assert verdict("score", result("0"), points=0.0)[0] == 0.0
    assert verdict("assert True", points=0.0)[:2] == (0.0, "passed")


def test_text_can_be_a_list_of_lines():
    assert verdict("score", new_output("execute_result", data={"text/plain": ["0.5"]}))[0] == 0.5


def test_a_result_without_text_is_no_mark():
    assert verdict("score", new_output("execute_result", data={"image/png": "AAAA"}))[:2] == (0.0, "error")
