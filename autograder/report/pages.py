"""The HTML templates of this package, with every value escaped."""

from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from autograder.report.numbers import number, seconds
from autograder.report.plain_text import check_name, one_line, plain

__all__ = ["source", "template"]

MAX_TEXT = 20_000


def _clean(value: object) -> object:
    """Every text that a template shows; what is markup already was made from cleaned texts."""
    return plain(value, MAX_TEXT) if isinstance(value, str) and not isinstance(value, Markup) else value


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("autograder.report"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_clean,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "check": check_name,
        "message": plain,
        "name": one_line,
        "number": number,
        "seconds": seconds,
    }
    return environment


def template(name: str) -> Template:
    """A template of `autograder/report/templates/`; a name missing in it is an error, not an empty text."""
    return _environment().get_template(name)


@cache
def source(name: str) -> str:
    """A file of that folder as it is: styles and scripts."""
    return (files("autograder.report") / "templates" / name).read_text(encoding="utf-8")
