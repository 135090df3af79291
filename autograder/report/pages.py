"""The HTML templates of this package, with every value escaped."""

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from autograder.report.numbers import number, seconds

__all__ = ["template"]


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("autograder.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    environment.filters |= {"number": number, "seconds": seconds}
    return environment


def template(name: str) -> Template:
    """A template of `autograder/report/templates/`; a name missing in it is an error, not an empty text."""
    return _environment().get_template(name)
