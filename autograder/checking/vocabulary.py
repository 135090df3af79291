"""The words that checks are written with. Everything here also ships with released notebooks."""

from autograder.checking.compare import array, boolean, close, equal, finite, integer, outputs
from autograder.checking.errors import NotDefined, NotImplementedYet, StudentError
from autograder.checking.question import question
from autograder.checking.student import Handle, as_numpy, attribute, define, defined, make, take
from autograder.checking.weights import Gradients, Variable, assign, variables, vjp

__all__ = [
    "Gradients",
    "Handle",
    "NotDefined",
    "NotImplementedYet",
    "StudentError",
    "Variable",
    "array",
    "as_numpy",
    "assign",
    "attribute",
    "boolean",
    "close",
    "define",
    "defined",
    "equal",
    "finite",
    "integer",
    "make",
    "outputs",
    "question",
    "take",
    "variables",
    "vjp",
]
