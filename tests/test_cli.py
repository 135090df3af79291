"""The command line as a person or a script meets it."""

import json

import pytest
from click.testing import CliRunner

from autograder.cli import main
from tests.grading.test_batch import CHECKS, course, hand_in  # noqa: F401  the course of one question


@pytest.fixture
def run(monkeypatch):
    monkeypatch.setattr("autograder.grading.batch.modules_to_preload", lambda tasks: ())
    return lambda *arguments: CliRunner().invoke(main, [str(each) for each in arguments])


def test_grade_prints_one_json_object(run, course):  # noqa: F811
    hand_in(course, "ada")
    done = run("grade", "ps", "--json", "--course", course)
    assert done.exit_code == 0, done.output
    batch = json.loads(done.stdout)
    (submission,) = batch["submissions"]
    assert batch["assignment"] == "ps"
    assert (submission["student"], submission["status"], submission["score"]) == ("ada", "graded", 2.0)
    assert submission["questions"][0]["checks"][0]["outcome"] == "passed"
    assert set(submission["seconds"]) == {"launch", "execute", "check", "total"}


def test_what_could_not_be_graded_counts_in_the_exit_status(run, course):  # noqa: F811
    hand_in(course, "ada")
    done = run("grade", "ps", "--student", "ada", "--student", "zoe", "--course", course)
    assert done.exit_code == 1
    assert "zoe" in done.stdout
    assert "nothing was handed in" in done.stdout


def test_a_wrong_name_says_what_there_is(run, course):  # noqa: F811
    done = run("grade", "nope", "--course", course)
    assert done.exit_code == 2
    assert "ps" in done.stderr


def test_an_unknown_setting_is_an_error(run, course):  # noqa: F811
    (course / "autograder.toml").write_text("isolatoin = 'none'\n")
    done = run("grade", "ps", "--course", course)
    assert done.exit_code == 2
    assert "isolatoin" in done.stderr


def test_regrade_shows_what_would_move(run, course):  # noqa: F811
    hand_in(course, "ada")
    run("grade", "ps", "--course", course)
    (course / "checks" / "ps.py").write_text(CHECKS.replace("2 * each", "3 * each"))
    done = run("regrade", "ps", "--course", course)
    assert done.exit_code == 0, done.output
    assert "2 / 2" in done.stdout and "0 / 2" in done.stdout and "doubles −2" in done.stdout
    assert "Nothing was written" in done.stdout
    assert json.loads(run("regrade", "ps", "--json", "--course", course).stdout)["moves"]
    assert "1 mark moved" in run("regrade", "ps", "--apply", "--course", course).stdout
    assert "0 marks would move" in run("regrade", "ps", "--course", course).stdout


def test_the_report_names_its_page(run, course):  # noqa: F811
    hand_in(course, "ada")
    run("grade", "ps", "--course", course)
    done = run("report", "ps", "--course", course)
    assert done.exit_code == 0, done.output
    assert done.stdout.strip().endswith("index.html")


def test_mutants_are_looked_for_in_the_course(run, course):  # noqa: F811
    done = run("mutants", "--course", course)
    assert done.exit_code == 2
    assert "tests/mutants" in done.stderr


def test_the_doctor_names_the_layers(run):
    done = run("doctor")
    assert "namespaces" in done.stdout
    assert done.exit_code == 0
