import dataclasses

import pytest

from autograder.errors import ConfigError
from autograder.grading.config import CourseConfig, merge_limits, read_config
from autograder.sandbox.limits import Limits


def read(tmp_path, text):
    (tmp_path / "autograder.toml").write_text(text)
    return read_config(tmp_path / "autograder.toml")


def test_without_a_file_everything_has_its_default(tmp_path):
    config = read_config(tmp_path / "autograder.toml")
    assert config == CourseConfig()
    assert merge_limits(config.of("p01").limits) == Limits()


def test_an_assignment_takes_what_it_does_not_set_from_the_course(tmp_path):
    config = read(
        tmp_path,
        """
        isolation = "landlock"
        jobs = 3
        feedback = "public"
        skip_cells_tagged = ["long"]
        gpu = true
        class_s = 7200
        limits = { cell_s = 20, memory_mb = 1000 }
        [assignments.p02]
        feedback = "points"
        gpu = false
        submission_s = 90.5
        limits = { cell_s = 40.5 }
        """,
    )
    assert (config.isolation, config.jobs) == ("landlock", 3)
    assert config.of("p01").feedback == "public"
    p02 = config.of("p02")
    assert (p02.feedback, p02.skip_cells_tagged) == ("points", ("long",))
    assert (config.of("p01").gpu, config.of("p01").class_s, config.of("p01").submission_s) == (
        True,
        7200,
        None,
    )
    assert (p02.gpu, p02.class_s, p02.submission_s) == (False, 7200, 90.5)
    assert merge_limits(p02.limits) == dataclasses.replace(Limits(), cell_s=40.5, memory_mb=1000)


def test_a_later_layer_of_limits_overrides_an_earlier_one():
    assert merge_limits({"cell_s": 1.0, "tasks": 9}, {}, {"cell_s": 2.0}) == Limits(cell_s=2.0, tasks=9)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('isolatoin = "auto"', "isolatoin"),
        ("[limits]\ncell_seconds = 3", "cell_seconds"),
        ("[assignments.p01]\nisolation = 'none'", "isolation"),
        ("[assignments.p01.limits]\nramm = 3", "ramm"),
    ],
)
def test_an_unknown_key_is_an_error_that_names_it_and_the_known_ones(tmp_path, text, named):
    with pytest.raises(ConfigError, match=rf"unknown key {named}\. Known keys: \w+, \w+"):
        read(tmp_path, text)


@pytest.mark.parametrize(
    "text",
    [
        'isolation = "chroot"',
        "jobs = 0",
        "jobs = true",
        "jobs = 1.5",
        'feedback = "some"',
        'skip_cells_tagged = "long"',
        'gpu = "yes"',
        "class_s = 0",
        'submission_s = "1h"',
        "limits = 5",
        "[limits]\ncell_s = 0",
        "[limits]\ncell_s = nan",
        "[limits]\ncell_s = inf",
        "[limits]\ncell_s = '60'",
        "[limits]\nmemory_mb = 0.5",
        "[limits]\ntasks = true",
        "assignments = []",
        "= 3",
    ],
)
def test_a_value_of_the_wrong_kind_is_an_error_that_shows_it(tmp_path, text):
    with pytest.raises(ConfigError, match=r"autograder\.toml.*(Received|TOML)"):
        read(tmp_path, text)
