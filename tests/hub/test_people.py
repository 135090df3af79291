"""A class file is read whole or refused with what to change."""

import pytest

from hub_config.setup_local.places import CHECKOUT
from hub_config.shared.people import ClassFileError, read_people

GOOD = 'course = "dl"\ngrader = "dl-grader"\nstudents = ["ada", "alan"]\nassistants = ["grace"]\ninstructors = ["emmy"]\n'


def read(tmp_path, text):
    file = tmp_path / "class.toml"
    file.write_text(text)
    return read_people(file)


def test_the_class_file_of_the_project_has_everybody_that_make_hub_promises():
    people = read_people(CHECKOUT / "hub_config" / "class.toml")
    assert len(people.students) == 2 and people.assistants and people.instructors and people.grader
    assert people.grader not in people.who_log_in


def test_staff_and_who_log_in(tmp_path):
    people = read(tmp_path, GOOD)
    assert people.staff == ("grace", "emmy")
    assert people.who_log_in == ("ada", "alan", "grace", "emmy")


@pytest.mark.parametrize(
    "change, says",
    [
        (('"ada"', '"root;x"'), "Received: 'root;x'"),
        (('"ada"', '"Ada"'), "small letters"),
        (('"ada"', '"-rf"'), "Received: '-rf'"),
        (('"ada"', '"emmy"'), "more than once: emmy"),
        (('"dl-grader"', '"ada"'), "more than once: ada"),
        (('"dl"', '"../etc"'), "course: expected"),
        (("students", "studnets"), "unknown studnets"),
        (('["ada", "alan"]', '"ada"'), "expected a list"),
        (('"ada"', "1"), "Received: 1"),
        (('course = "dl"\n', ""), "course missing"),
        (("[", "["[:0]), "is not TOML"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(tmp_path, change, says):
    with pytest.raises(ClassFileError, match=says.replace("[", r"\[")):
        read(tmp_path, GOOD.replace(*change))


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ClassFileError, match="cannot be read"):
        read_people(tmp_path / "none.toml")
