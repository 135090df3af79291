"""Scopes are narrow: nobody holds more than the course needs, and JupyterHub knows every one of them."""

import re

import pytest
from jupyterhub.scopes import scope_definitions

from hub_config.shared import roles
from hub_config.shared.people import People

PEOPLE = People("dl", "dl-grader", ("ada", "alan"), ("grace",), ("emmy",))
ROLES = {role["name"]: role for role in roles.roles("dl")}


@pytest.mark.parametrize("name", ROLES)
def test_jupyterhub_knows_every_scope(name):
    for scope in ROLES[name]["scopes"]:
        assert re.split("!", scope)[0] in scope_definitions


@pytest.mark.parametrize("name", ROLES)
def test_no_role_can_do_everything(name):
    for scope in ROLES[name]["scopes"]:
        assert not re.match(
            r"(admin:|inherit|self|users$|users!|servers$|tokens|shares|proxy|shutdown)", scope
        ), scope


@pytest.mark.parametrize("name", ["student-dl", "grader-dl"])
def test_who_is_not_an_instructor_changes_nothing_on_the_hub(name):
    for scope in ROLES[name]["scopes"]:
        assert scope.startswith(("access:services!service=", "read:services", "list:services"))


def test_a_student_comes_to_the_submission_service_and_no_further():
    access = [scope for scope in ROLES["student-dl"]["scopes"] if scope.startswith("access:")]
    assert access == ["access:services!service=autograder"]


def test_an_instructor_stops_the_servers_of_the_own_class_alone():
    scopes = ROLES["instructor-dl"]["scopes"]
    assert "delete:servers!group=nbgrader-dl" in scopes
    assert all(scope == "admin-ui" or scope.endswith("!group=nbgrader-dl") for scope in scopes)


def test_groups_are_nbgraders_and_staff_are_no_students():
    groups = roles.groups(PEOPLE)
    assert groups["nbgrader-dl"]["users"] == ["ada", "alan"]
    assert groups["formgrade-dl"]["users"] == ["grace", "emmy"]
    assert groups["instructors-dl"]["users"] == ["emmy"]


def test_a_role_of_a_group_finds_its_group():
    for role in ROLES.values():
        assert set(role.get("groups", ())) <= set(roles.groups(PEOPLE))
