"""Whatever a student did to the notebook, the instructor's cells are back in it, once each."""

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbformat import NotebookNode
from nbgrader.nbgraderformat import MetadataValidator
from nbgrader.utils import compute_checksum, determine_grade, is_locked

from autograder.errors import NotebookError
from autograder.grading.notebook import TrustedCell, TrustedCells, intake, restore
from tests.grading.notebook_parts import as_bytes, cell_like, code, json_values

SETUP = TrustedCell("setup", "code", "import numpy as np", locked=True)
ANSWER = TrustedCell("q1-answer", "code", "def q1():\n    raise NotImplementedError()", solution=True)
TEST = TrustedCell("q1", "code", 'check("q1")', points=3.0, grade=True, locked=True)
ESSAY = TrustedCell("essay", "markdown", "YOUR ANSWER HERE", points=5.0, grade=True, solution=True)
TRUSTED = TrustedCells((SETUP, ANSWER, TEST, ESSAY))


def cell(grade_id, source, cell_type="code", **nbgrader):
    node = {
        "cell_type": cell_type,
        "source": source,
        "metadata": {"nbgrader": {"grade_id": grade_id} | nbgrader},
    }
    return node | ({"outputs": [], "execution_count": 4} if cell_type == "code" else {})


def submitted():
    return [
        cell("setup", "import numpy as np"),
        cell("q1-answer", "def q1():\n    return 42"),
        cell("q1", 'check("q1")', points=3),
        cell("essay", "Because.", "markdown"),
    ]


def restored(cells, trusted=TRUSTED):
    result = intake(as_bytes(*cells), trusted)
    assert_restored(result.nb, trusted)
    return result


def assert_restored(nb, trusted):
    nbformat.validate(nb)
    MetadataValidator().validate_nb(nb)
    assert len({c.id for c in nb.cells}) == len(nb.cells)
    for expected in trusted:
        (found,) = [
            c for c in nb.cells if c.metadata.get("nbgrader", {}).get("grade_id") == expected.grade_id
        ]
        assert found.cell_type == expected.cell_type
        assert found.metadata == expected.metadata()
        if expected.fixed:
            assert found.source == expected.source
    for other in nb.cells:
        assert other.metadata == {} or other.metadata.nbgrader.grade_id in {c.grade_id for c in trusted}


def ids_and_sources(nb):
    return [(c.metadata.get("nbgrader", {}).get("grade_id"), c.source) for c in nb.cells]


def test_an_honest_notebook_comes_back_unchanged_and_without_a_word():
    result = restored(submitted())
    assert result.warnings == ()
    assert [source for _, source in ids_and_sources(result.nb)] == [c["source"] for c in submitted()]


UNLOCKED_TEST = TrustedCell("q2", "code", "assert q2()", points=1.0, grade=True, locked=False)
LOCKED_ANSWER = TrustedCell("q3", "code", "q3 = 0", solution=True, locked=True)


@pytest.mark.parametrize("trusted", [*TRUSTED, UNLOCKED_TEST, LOCKED_ANSWER], ids=lambda c: c.grade_id)
def test_metadata_and_checksum_are_what_nbgrader_makes(trusted):
    node = NotebookNode(cell_type=trusted.cell_type, source=trusted.source, metadata=trusted.metadata())
    assert node.metadata.nbgrader.checksum == compute_checksum(node)
    assert trusted.fixed == is_locked(node)


def test_an_essay_that_was_not_touched_gets_nbgraders_automatic_zero():
    untouched, written = (
        restored([*submitted()[:3], cell("essay", source, "markdown")]).nb.cells[3]
        for source in (ESSAY.source, "Because.")
    )
    assert determine_grade(untouched) == (0, 5.0)
    assert determine_grade(written) == (None, 5.0)


@pytest.mark.parametrize(
    "tampering",
    [
        {"metadata": {"nbgrader": {"grade_id": "q1", "points": 999, "grade": True}}},
        {"metadata": {"nbgrader": {"grade_id": "q1", "points": -1, "schema_version": 99, "extra": 1}}},
        {"metadata": {"nbgrader": {"grade_id": "q1", "grade": False, "solution": True, "locked": False}}},
        {"metadata": {"nbgrader": {"grade_id": "q1"}, "tags": ["skip-execution", "raises-exception"]}},
        {"metadata": {"nbgrader": {"grade_id": "q1"}, "deletable": True, "execution": {"timeout": 0}}},
        {"outputs": [{"output_type": "execute_result", "data": {"text/plain": "3"}, "metadata": {}}]},
        {"id": "setup"},
        {"id": "<script>"},
    ],
)
def test_metadata_outputs_and_ids_of_a_test_cell_cannot_be_chosen(tampering):
    cells = submitted()
    cells[2] |= tampering
    result = restored(cells)
    assert result.nb == restored(submitted()).nb


@pytest.mark.parametrize(
    ("index", "changed", "says"),
    [
        (2, cell("q1", "pass"), "test cell 'q1' was edited: the original text was put back"),
        (0, cell("setup", "import os"), "locked cell 'setup' was edited: the original text was put back"),
        (
            2,
            cell("q1", 'check("q1")', "markdown"),
            "test cell 'q1' was turned into markdown: it is code again",
        ),
        (1, cell("q1-answer", "x", "raw"), "answer cell 'q1-answer' was turned into raw: it is code again"),
        (3, cell("essay", "Because."), "answer cell 'essay' was turned into code: it is markdown again"),
    ],
)
def test_a_changed_cell_is_restored_and_named(index, changed, says):
    cells = submitted()
    cells[index] = changed
    assert restored(cells).warnings == (says,)


def test_what_an_editor_changes_unasked_is_no_edit():
    cells = submitted()
    cells[0]["source"] = ["import numpy as np  \r\n", "\r\n"]
    assert restored(cells).warnings == ()


@pytest.mark.parametrize("gone", range(4))
def test_a_deleted_cell_is_back_in_its_place(gone):
    cells = submitted()
    del cells[gone]
    result = restored(cells)
    assert [i for i, _ in ids_and_sources(result.nb)] == ["setup", "q1-answer", "q1", "essay"]
    kind = "put back" if gone in (0, 2) else "put back empty"
    assert len(result.warnings) == 1
    assert result.warnings[0].endswith(f"was deleted: it was {kind}")
    assert gone in (0, 2) or result.nb.cells[gone].source == ""


def test_an_empty_notebook_gets_every_cell_in_order():
    result = restored([])
    assert [i for i, _ in ids_and_sources(result.nb)] == ["setup", "q1-answer", "q1", "essay"]
    assert len(result.warnings) == 4


def test_the_students_order_and_own_cells_stay():
    setup, answer, test, essay = submitted()
    result = restored([essay, test, code("mine = 1"), answer, setup])
    assert [i for i, _ in ids_and_sources(result.nb)] == ["essay", "q1", None, "q1-answer", "setup"]
    assert result.nb.cells[2].source == "mine = 1"
    assert result.warnings == ()


def test_of_two_answers_the_edited_one_is_graded_and_the_copy_still_runs():
    setup, answer, test, essay = submitted()
    result = restored([setup, answer, cell("q1-answer", ANSWER.source), test, essay])
    assert ids_and_sources(result.nb)[1:3] == [("q1-answer", answer["source"]), (None, ANSWER.source)]
    assert result.warnings == (
        "answer cell 'q1-answer' is there 2 times: cell 2 is graded (the last one that was edited), "
        "the others (cell 3) run as ordinary cells",
    )


def test_of_two_edited_answers_the_last_is_graded_as_in_python():
    setup, answer, test, essay = submitted()
    result = restored([setup, answer, cell("q1-answer", "def q1(): return 43"), test, essay])
    assert ids_and_sources(result.nb)[2] == ("q1-answer", "def q1(): return 43")


def test_of_two_test_cells_the_original_is_graded_and_the_other_keeps_its_text():
    setup, answer, test, essay = submitted()
    result = restored([setup, answer, test, cell("q1", "pass"), essay])
    assert ids_and_sources(result.nb)[2:4] == [("q1", TEST.source), (None, "pass")]
    assert "cell 3 is graded (the last one with the original text)" in result.warnings[0]


def test_a_text_cell_that_claims_a_code_cells_id_does_not_win():
    setup, answer, test, essay = submitted()
    result = restored([setup, answer, test, essay, cell("q1-answer", "# notes", "markdown")])
    assert ids_and_sources(result.nb)[1] == ("q1-answer", answer["source"])


def test_cells_that_lost_their_metadata_are_recognized_by_their_text():
    """As after nbstripout or a conversion."""
    stripped = [c | {"metadata": {}} for c in submitted()]
    result = restored(stripped)
    assert ids_and_sources(result.nb)[0][0] == "setup"
    assert [i for i, _ in ids_and_sources(result.nb)].count("q1") == 1
    assert "test cell 'q1' had lost its id and was recognized by its text" in result.warnings


def test_two_locked_cells_of_one_text_are_two_cells():
    trusted = TrustedCells((SETUP, TrustedCell("again", "code", SETUP.source, locked=True)))
    result = restored([code(SETUP.source), code("x = 1"), code(SETUP.source)], trusted)
    assert [i for i, _ in ids_and_sources(result.nb)] == ["setup", None, "again"]


@pytest.mark.parametrize("name", ["\x1b[2J", "a\nb", "<script>", "x" * 10_000, ""])
def test_an_id_that_no_course_could_have_is_not_repeated(name):
    assert restored([*submitted(), cell(name, "x = 1")]).warnings == ()


def test_an_id_that_is_not_ours_is_named_and_means_nothing():
    result = restored([*submitted(), cell("bonus", "x = 1", points=100)])
    assert result.nb.cells[4].metadata == {}
    assert result.warnings == ("cell 'bonus' is not part of the assignment: it runs but counts for nothing",)


def test_metadata_of_colab_and_vs_code_is_harmless():
    cells = submitted()
    cells[1]["metadata"] |= {
        "id": "aBcD",
        "outputId": "x",
        "colab": {"base_uri": "…"},
        "vscode": {"languageId": "python"},
    }
    assert restored(cells).warnings == ()


def test_a_picture_pasted_into_an_answer_stays_and_one_in_a_locked_cell_goes():
    picture = {"a.png": {"image/png": "iVBO"}}
    text = TrustedCell("intro", "markdown", "Read this.", locked=True)
    trusted = TrustedCells((text, ESSAY))
    cells = [cell("intro", "Read this.", "markdown"), cell("essay", "![](attachment:a.png)", "markdown")]
    result = restored([c | {"attachments": picture} for c in cells], trusted)
    assert "attachments" not in result.nb.cells[0]
    assert result.nb.cells[1].attachments == picture


def test_a_picture_does_not_survive_in_a_code_cell():
    turned = cell("q1-answer", "x = 1", "markdown") | {"attachments": {"a.png": {"image/png": "iVBO"}}}
    assert "attachments" not in restored([turned]).nb.cells[1]


def test_restore_leaves_its_argument_alone_and_is_stable():
    nb = restored(submitted()).nb
    before = nbformat.writes(nb)
    again = restore(nb, TRUSTED)
    assert nbformat.writes(nb) == before
    assert (again.nb, again.warnings) == (nb, ())


def test_equal_grade_ids_in_the_release_are_our_mistake():
    with pytest.raises(ValueError, match="Received twice: setup"):
        TrustedCells((SETUP, SETUP))


grade_ids = st.sampled_from(["setup", "q1", "q1-answer", "essay", "cell-0", "cell-1", "x" * 70])
hostile_cell = st.fixed_dictionaries(
    {"cell_type": st.sampled_from(["code", "markdown", "raw", "heading", "?"])},
    optional={
        "source": st.sampled_from([c.source for c in TRUSTED]) | st.text(max_size=30),
        "metadata": st.fixed_dictionaries(
            {
                "nbgrader": st.fixed_dictionaries(
                    {"grade_id": grade_ids | json_values}, optional={"points": json_values}
                )
            }
        )
        | json_values,
        "id": json_values | grade_ids,
        "outputs": json_values,
    },
)


@st.composite
def trusted_cells(draw):
    cells = []
    for grade_id in draw(st.lists(grade_ids, unique=True, max_size=6)):
        kind = draw(st.sampled_from(["locked", "answer", "test", "essay", "task"]))
        cells.append(
            TrustedCell(
                grade_id,
                "markdown" if kind in ("essay", "task") else "code",
                draw(st.sampled_from(["", "x = 1", 'check("q1")'])),
                points=draw(st.none() | st.integers(0, 10).map(float)),
                grade=kind in ("test", "essay"),
                solution=kind in ("answer", "essay"),
                locked=kind in ("locked", "test", "task"),
                task=kind == "task",
            )
        )
    return TrustedCells(tuple(cells))


@settings(max_examples=400, deadline=None)
@given(st.lists(hostile_cell | cell_like | json_values, max_size=8), trusted_cells())
def test_any_cells_come_back_with_every_trusted_cell_once(cells, trusted):
    result = restored(cells, trusted)
    again = restore(result.nb, trusted)
    assert again.nb == result.nb


@settings(max_examples=200, deadline=None)
@given(json_values | st.fixed_dictionaries({"cells": st.lists(hostile_cell, max_size=4)}))
def test_restoring_what_nobody_checked_raises_nothing_else(value):
    """nbgrader's own pipeline hands over a notebook that it has read itself."""
    try:
        result = restore(value, TRUSTED)
    except NotebookError:
        return
    assert_restored(result.nb, TRUSTED)
