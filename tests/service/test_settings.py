"""The [service] table: defaults, per assignment, and errors that say what to do."""

import pytest

from autograder.errors import ConfigError
from autograder.grading.config import read_config
from autograder.service.settings import Places, Policy, read_course_settings, read_places


@pytest.fixture
def toml(tmp_path):
    def write(text):
        (tmp_path / "autograder.toml").write_text(text)
        return tmp_path

    return write


def test_everything_has_a_default(tmp_path):
    settings = read_course_settings(tmp_path)
    assert settings.policy_of("any") == Policy()
    assert settings.takes("a/B.IPYNB")
    assert not settings.takes("run.sh")
    places = read_places(tmp_path, {})
    assert places.database == f"sqlite:///{tmp_path}/.autograder/service/service.db"


def test_an_assignment_differs_where_it_says_so(toml):
    root = toml(
        "feedback = 'public'\n[service]\nfinal = 'best'\nlate = 'refuse'\n"
        "[service.assignments.ps]\nfinal = 'last'\n[assignments.exam]\nfeedback = 'points'\n"
    )
    settings = read_course_settings(root)
    assert settings.policy_of("ps") == Policy(final="last", late="refuse", feedback="public")
    assert settings.policy_of("exam") == Policy(final="best", late="refuse", feedback="points")
    assert settings.policy_of("other").final == "best"


def test_the_table_does_not_trouble_grading(toml):
    config = read_config(toml("jobs = 3\n[service]\nfinal = 'best'\n") / "autograder.toml")
    assert (config.jobs, dict(config.service)) == (3, {"final": "best"})


def test_the_environment_comes_first(toml):
    root = toml("[service]\ndatabase = 'sqlite:////a.db'\nstore = 's3://x'\n")
    assert read_places(root, {}) == Places("sqlite:////a.db", "s3://x")
    environment = {"AUTOGRADER_SERVICE_DATABASE": "postgresql://h/d"}
    assert read_places(root, environment) == Places("postgresql://h/d", "s3://x")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[service]\nfinale = 'best'\n", "unknown key finale"),
        ("[service]\nfinal = 'worst'\n", "expected one of last, best"),
        ("[service]\nmax_files = 0\n", "whole number above 0"),
        ("[service]\nmax_files = true\n", "whole number above 0"),
        ("[service]\nfile_types = '.py'\n", "list of texts"),
        ("[service]\nstudents = 3\n", "expected a text"),
        ("[service.assignments]\nps = 3\n", "expected a table"),
        ("[service.assignments.ps]\nmax_files = 3\n", "unknown key max_files"),
        ("service = 3\n", "expected a table"),
    ],
)
def test_a_mistake_is_named(toml, text, said):
    with pytest.raises(ConfigError, match=said):
        read_course_settings(toml(text))
