"""The answer cell of a written question."""

import pytest

from autograder.build.written import answer_cell_text

ANSWER = "### BEGIN SOLUTION\nBecause.\n### END SOLUTION"
SCHEME = "### BEGIN MARK SCHEME\n2 points for because\n### END MARK SCHEME"
HIDDEN = f"### BEGIN SOLUTION\nBecause.\n\n{SCHEME}\n### END SOLUTION"


@pytest.mark.parametrize(
    "authored",
    [
        f"Why?\n\n{ANSWER}\n\n{SCHEME}",
        f"Why?\n{SCHEME}\n{ANSWER}\n",
        f"Why?\n\n### BEGIN SOLUTION\nBecause.\n{SCHEME}\n### END SOLUTION",
    ],
)
def test_answer_and_scheme_are_hidden_together_wherever_they_stood(authored):
    assert answer_cell_text(authored) == f"Why?\n\n{HIDDEN}"


def test_a_prompt_alone_gets_a_place_for_the_answer():
    assert answer_cell_text("Why?") == "Why?\n\n### BEGIN SOLUTION\n### END SOLUTION"


@pytest.mark.parametrize(
    ("authored", "message"),
    [
        ("### BEGIN SOLUTION\nBecause.", "no END SOLUTION for the BEGIN"),
        ("### BEGIN MARK SCHEME\nx", "no END MARK SCHEME for the BEGIN"),
        ("Because.\n### END SOLUTION", "stands where a BEGIN is due"),
        (f"### BEGIN SOLUTION\n{ANSWER}", "stands where the END is due"),
    ],
)
def test_a_mark_without_partner_is_refused(authored, message):
    with pytest.raises(ValueError, match=message):
        answer_cell_text(authored)
