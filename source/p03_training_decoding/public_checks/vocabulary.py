"""The words that checks are written with. Everything here also ships with released notebooks."""

from .compare import array, boolean, close, equal, finite, integer, outputs
from .errors import NotDefined, NotImplementedYet, StudentError
from .gradient_flow import (
    EVERY_NON_ZERO,
    NON_ZERO,
    ZERO,
    by_group,
    confirm_gradient,
    confirm_variable_gradient,
    directional_derivative,
    flow_matrix,
    is_zero,
)
from .leak import influence, jacobian, moved, same_when_trimmed
from .question import question
from .student import Handle, as_numpy, attribute, define, defined, make, shared, take
from .transplant import (
    deltas,
    parameter_count,
    set_random_weights,
    transplant,
    weight_shapes,
)
from .weights import Gradients, Variable, assign, variables, vjp

__all__ = [
    "EVERY_NON_ZERO",
    "NON_ZERO",
    "ZERO",
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
    "by_group",
    "close",
    "confirm_gradient",
    "confirm_variable_gradient",
    "define",
    "defined",
    "deltas",
    "directional_derivative",
    "equal",
    "finite",
    "flow_matrix",
    "influence",
    "integer",
    "is_zero",
    "jacobian",
    "make",
    "moved",
    "outputs",
    "parameter_count",
    "question",
    "same_when_trimmed",
    "set_random_weights",
    "shared",
    "take",
    "transplant",
    "variables",
    "vjp",
    "weight_shapes",
]
