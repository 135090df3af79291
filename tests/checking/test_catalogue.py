"""The catalogue of a check module."""

from pathlib import Path

import pytest

from autograder.checking.catalogue import CheckInfo, check_catalogue

TINY = Path(__file__).with_name("tiny_checks.py")


def test_checks_in_order_with_what_their_mark_says():
    doubles, shape, halves, ran = check_catalogue(TINY)
    assert doubles == CheckInfo("doubles_every_entry", "double", 2, True, "doubles every entry", False)
    assert (shape.points, shape.public) == (1, False)
    assert (halves.question, ran.only_with_other_points) == ("split", True)


def test_the_time_that_a_check_asks_for(tmp_path):
    path = tmp_path / "checks.py"
    path.write_text("@question('q', points=1, seconds=90)\ndef test_a(student): ...\n")
    assert [check.seconds for check in [*check_catalogue(path), *check_catalogue(TINY)]] == [90] + 4 * [None]


def test_nothing_of_the_module_is_run(tmp_path):
    path = tmp_path / "checks.py"
    path.write_text("import no_such_module\n@question('q', points=1)\ndef test_a(student): ...\n")
    assert [check.id for check in check_catalogue(path)] == ["a"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def test_a(): ...", r"checks.py: line 1: test_a has no @question"),
        ("@question('q', points=P)\ndef test_a(): ...", "line 1: @question takes an id and literals"),
        ("@question('q', point=1)\ndef test_a(): ...", "unexpected keyword"),
        ("@question('q')\ndef test_a(): ...", "points"),
        ("@question('q', points=1)\ndef test_a(): ...\n" * 2, "defines test_a twice"),
    ],
)
def test_mistakes_are_named_with_their_place(tmp_path, text, words):
    path = tmp_path / "checks.py"
    path.write_text(text)
    with pytest.raises(ValueError, match=words):
        check_catalogue(path)
