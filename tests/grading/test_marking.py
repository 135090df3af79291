import courses
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbformat.v4 import new_output
from nbgrader.utils import determine_grade

from autograder.checking.result import CheckResult
from autograder.errors import ConfigError
from autograder.grading import marking
from autograder.grading.notebook import TrustedCell, TrustedCells, restore

TRUSTED = TrustedCells(
    (
        TrustedCell("f", "code", "raise NotImplementedError", solution=True),
        TrustedCell("checked", "code", 'check("checked")', points=5, grade=True, locked=True),
        TrustedCell("plain", "code", "score", points=2, grade=True, locked=True),
        TrustedCell("essay", "markdown", "YOUR ANSWER HERE", points=4, grade=True, solution=True),
        TrustedCell("plot", "markdown", "Plot it.", points=3, task=True, locked=True),
    )
)


def check(name, points, outcome, message="", public=False, question="checked"):
    return CheckResult(name, question, points, outcome, message, 0.1, public)


CHECKS = [check("a", 2, "passed", public=True), check("b", 3, "failed", "rows must sum to 1")]


@pytest.fixture
def nb():
    """A submission that answers nothing, restored, as if it had run."""
    return restore(courses.notebook(), TRUSTED).nb


def cell_of(nb, grade_id):
    return next(cell for cell in nb.cells if cell.metadata.nbgrader.grade_id == grade_id)


def marks_of(nb, results=CHECKS):
    return {question.id: question for question in marking.questions(nb, TRUSTED, results)}


def test_questions_come_in_the_order_of_the_release_and_say_who_marks_them(nb):
    questions = marking.questions(nb, TRUSTED, CHECKS)
    assert [(q.id, q.score, q.max_score, q.manual, q.trusted) for q in questions] == [
        ("checked", 2.0, 5.0, False, True),
        ("plain", 2.0, 2.0, False, False),
        ("essay", None, 4.0, True, True),
        ("plot", None, 3.0, True, True),
    ]
    assert questions[0].checks == tuple(CHECKS)


@pytest.mark.parametrize("outcome", ["failed", "error", "timeout"])
def test_only_a_check_that_passed_earns_its_points(nb, outcome):
    assert marks_of(nb, [check("a", 2, outcome), check("b", 3, "passed")])["checked"].score == 3.0


def test_points_of_many_checks_add_up_without_rounding_errors(nb):
    tenths = [check(f"c{i}", 0.1, "passed") for i in range(50)]
    assert marks_of(nb, tenths)["checked"].score == 5.0


def test_checks_that_do_not_add_up_to_the_cells_points_are_an_error_of_configuration(nb):
    with pytest.raises(ConfigError, match=r"'checked'.*worth 2 points.*5"):
        marking.questions(nb, TRUSTED, [check("a", 2, "passed")])


@pytest.mark.parametrize("question", ["f", "essay", "plot", "nowhere"])
def test_checks_without_a_test_cell_are_an_error_of_configuration(nb, question):
    with pytest.raises(ConfigError, match=question):
        marking.questions(nb, TRUSTED, [*CHECKS, check("c", 1, "passed", question=question)])


def test_nbgrader_reads_our_marks_whatever_the_kernel_said(nb):
    noise = [
        new_output("stream", name="stderr", text="a warning"),
        new_output("execute_result", data={"text/plain": "1.5"}),
        new_output("error", ename="E", evalue="", traceback=[]),
    ]
    cell_of(nb, "checked").outputs = list(noise)
    cell_of(nb, "plain").outputs = noise[:2]
    marked = marking.mark(nb, marking.questions(nb, TRUSTED, CHECKS))
    assert determine_grade(cell_of(marked, "checked")) == (2.0, 5.0)
    assert determine_grade(cell_of(marked, "plain")) == (1.5, 2.0)
    assert determine_grade(cell_of(marked, "essay")) == (None, 4.0)


def test_a_cell_holds_one_result_and_what_the_kernel_showed_is_still_to_be_seen(nb):
    cell_of(nb, "plain").outputs = [
        new_output("execute_result", data={"text/plain": "1.5"}, execution_count=4)
    ]
    outputs = cell_of(marking.mark(nb, marking.questions(nb, TRUSTED, CHECKS)), "plain").outputs
    assert [o.data["text/plain"] for o in outputs if o.output_type == "execute_result"] == ["1.5"]
    assert [o.data.get("text/plain") for o in outputs if o.output_type == "display_data"][-1] == "1.5"


def test_the_executed_notebook_is_not_changed(nb):
    before = str(nb)
    marking.mark(nb, marking.questions(nb, TRUSTED, CHECKS))
    assert str(nb) == before


def test_what_a_browser_would_run_is_not_in_the_marked_notebook(nb):
    evil = "<script>alert(1)</script>"
    cell_of(nb, "essay").source = f"My answer {evil}"
    cell_of(nb, "f").outputs = [new_output("display_data", data={"text/html": evil})]
    cell_of(nb, "plain").outputs = [new_output("display_data", data={"application/javascript": "alert(1)"})]
    marked = marking.mark(nb, marking.questions(nb, TRUSTED, CHECKS))
    assert "<script" not in str(marked)
    assert "application/javascript" not in [
        kind for o in cell_of(marked, "plain").outputs for kind in o.get("data", ())
    ]


@pytest.mark.parametrize("stub", ["YOUR ANSWER HERE", "<!-- your answer -->", "<b onclick='x'>Answer</b>"])
def test_an_answer_left_as_it_was_stays_one_to_nbgrader(stub):
    trusted = TrustedCells((TrustedCell("essay", "markdown", stub, points=4, grade=True, solution=True),))
    nb = restore(courses.notebook(courses.essay("essay", 4, stub)), trusted).nb
    marked = marking.mark(nb, marking.questions(nb, trusted, []))
    assert determine_grade(cell_of(marked, "essay")) == (0, 4.0)


def test_answers_and_essays_keep_their_outputs(nb):
    cell_of(nb, "f").outputs = [new_output("execute_result", data={"text/plain": "99"})]
    marked = marking.mark(nb, marking.questions(nb, TRUSTED, CHECKS))
    assert cell_of(marked, "f").outputs == cell_of(nb, "f").outputs
    assert "outputs" not in cell_of(marked, "essay")


def test_the_notebook_says_who_gave_the_marks(nb):
    assert marking.mark(nb, []).metadata.autograder == marking.ENGINE


@pytest.mark.parametrize(
    ("feedback", "shown"),
    [("all", {"rows must sum to 1", "seen by all"}), ("public", {"seen by all"}), ("points", set())],
)
def test_students_see_of_checks_what_the_course_shows(nb, feedback, shown):
    checks = [
        check("a", 2, "failed", "seen by all", public=True),
        check("b", 3, "failed", "rows must sum to 1"),
    ]
    marked = marking.mark(nb, marking.questions(nb, TRUSTED, checks), feedback=feedback)
    page = str(cell_of(marked, "checked").outputs)
    assert {text for text in ("rows must sum to 1", "seen by all") if text in page} == shown


texts = st.one_of(st.floats().map(repr), st.integers().map(str), st.text(max_size=20), st.just("2.0"))
outputs = st.one_of(
    texts.map(lambda text: new_output("execute_result", data={"text/plain": text})),
    texts.map(lambda text: new_output("display_data", data={"text/plain": text, "text/html": text})),
    st.sampled_from(["stdout", "stderr"]).map(lambda name: new_output("stream", name=name, text="x")),
    st.just(new_output("error", ename="E", evalue="", traceback=[])),
)


@settings(max_examples=100, deadline=None)
@given(said=st.lists(outputs, max_size=4), passed=st.tuples(st.booleans(), st.booleans()))
def test_whatever_a_kernel_says_nbgrader_gives_our_scores(said, passed):
    nb = restore(courses.notebook(), TRUSTED).nb
    for grade_id in ("checked", "plain"):
        cell_of(nb, grade_id).outputs = said
    results = [
        check("a", 2, "passed" if passed[0] else "failed"),
        check("b", 3, "passed" if passed[1] else "error"),
    ]
    marks = marks_of(nb, results)
    marked = marking.mark(nb, list(marks.values()))
    assert marks["checked"].score == 2.0 * passed[0] + 3.0 * passed[1]
    for grade_id in ("checked", "plain"):
        assert determine_grade(cell_of(marked, grade_id))[0] == marks[grade_id].score
        assert 0.0 <= marks[grade_id].score <= marks[grade_id].max_score
