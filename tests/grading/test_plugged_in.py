"""This repository is a course, and nbgrader uses our engine in it."""

import importlib
from pathlib import Path

import pytest
from nbgrader.converters import Autograde
from nbgrader.preprocessors import Execute as NbgraderExecute
from nbgrader.preprocessors import SaveAutoGrades as NbgraderSaveAutoGrades

from autograder.grading.course import Course
from autograder.grading.nbgrader_execute import Execute, RestoreCells
from autograder.grading.saving import SaveAutoGrades

ROOT = Path(__file__).parents[2]


def named(path):
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)


@pytest.fixture(scope="module")
def configured():
    course = Course(ROOT)
    converter = Autograde(coursedir=course.coursedir, config=course.nbgrader_config)
    return [named(path) for path in converter.sanitize_preprocessors], [
        named(path) for path in converter.autograde_preprocessors
    ]


def test_nbgraders_steps_are_all_there_in_their_order_with_ours_among_them(configured):
    default = Autograde()
    assert configured[0] == [RestoreCells, *default.sanitize_preprocessors]
    ours = {NbgraderExecute: Execute, NbgraderSaveAutoGrades: SaveAutoGrades}
    assert configured[1] == [ours.get(step, step) for step in default.autograde_preprocessors]


def test_the_readme_of_the_plug_in_names_what_exists():
    text = importlib.import_module("autograder.grading.nbgrader_execute").__doc__
    for line in text.splitlines():
        if '"autograder.' in line:
            assert named(line.split('"')[1])
