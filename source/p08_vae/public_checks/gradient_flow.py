"""Which loss term moves which parameters: the gradient-flow matrix, and gradients confirmed by differences.

    gradients = {
        "codebook loss": by_group(student.codebook_loss, x, groups=groups, cotangent=1.0),
        "commitment loss": by_group(student.commitment_loss, x, groups=groups, cotangent=1.0),
    }
    flow_matrix(gradients, {
        "codebook loss": {"encoder": ZERO, "codebook": NON_ZERO},
        "commitment loss": {"encoder": reference_gradients, "codebook": ZERO},
    })

A gradient that the student's process reports is a claim. ZERO and NON_ZERO are worth no more than it;
compare with the reference's arrays, or confirm with `confirm_gradient`, where points depend on it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from .compare import array, close, finite
from .student import Handle
from .weights import assign, variables, vjp

ZERO: Literal["zero"] = "zero"
NON_ZERO: Literal["non-zero"] = "non-zero"
EVERY_NON_ZERO: Literal["every non-zero"] = "every non-zero"

Gradient = np.ndarray | None
Group = Sequence[Gradient]
Expected = Literal["zero", "non-zero", "every non-zero"] | Group


def by_group(
    target: Handle, *args: Any, groups: Mapping[str, Handle | list[Handle]], cotangent: Any, **kwargs: Any
) -> dict[str, list[Gradient]]:
    """Gradients of <cotangent, target(*args)> by the variables of each group, from one call.

    Groups are disjoint: a variable that two share counts for the first.
    """
    handles = [
        handle for group in groups.values() for handle in (group if isinstance(group, list) else [group])
    ]
    gradients = vjp(target, *args, cotangent=cotangent, of=handles, **kwargs).variables
    sizes = {name: len(variables(group)) for name, group in groups.items()}
    assert len(gradients) == sum(sizes.values()), "every variable of the groups has its gradient"
    split, start = {}, 0
    for name, size in sizes.items():
        split[name], start = gradients[start : start + size], start + size
    return split


def flow_matrix(
    gradients: Mapping[str, Mapping[str, Group | np.ndarray | None]],
    expected: Mapping[str, Mapping[str, Expected]],
    messages: Mapping[tuple[str, str], str] | None = None,
    tolerance: float = 1e-5,
) -> None:
    """Compare gradients by loss term and parameter group with what is expected of them.

    Args:
        gradients: term to group to gradients; None counts as zero.
        expected: ZERO, NON_ZERO (one of them at least), EVERY_NON_ZERO, or the gradients themselves.
        messages: what to say of a `(term, group)`, where the general words do not name the misconception.
        tolerance: absolute and relative, where gradients themselves are expected; absolute for zero.
    """
    for term, groups in expected.items():
        for group, wanted in groups.items():
            got = _listed(gradients[term][group])
            message = (messages or {}).get((term, group)) or _words(term, group, wanted)
            if isinstance(wanted, str):
                _require(wanted, got, message, tolerance)
            else:
                _require_equal(got, wanted, message, tolerance)


def is_zero(gradient: Gradient, tolerance: float = 0.0) -> bool:
    """Whether nothing flows: None, or no entry above `tolerance`. NaN is not zero."""
    return gradient is None or bool((np.abs(gradient) <= tolerance).all())


def directional_derivative(
    call: Callable[[np.ndarray], Any],
    x: np.ndarray,
    direction: np.ndarray,
    cotangent: Any,
    step: float = 1e-2,
) -> float:
    """d/dt <cotangent, call(x + t direction)> at t = 0, by a central difference of two calls."""
    ahead, behind = (array(call(x + sign * step * direction), "the result") for sign in (1, -1))
    return float(np.sum(cotangent * (ahead.astype(np.float64) - behind)) / (2 * step))


def confirm_gradient(
    call: Callable[[np.ndarray], Any],
    x: np.ndarray,
    gradient: Gradient,
    cotangent: Any,
    rng: np.random.Generator,
    message: str,
    directions: int = 3,
    rtol: float = 2e-2,
) -> None:
    """`gradient` agrees with finite differences of `call` at `x` along random directions.

    Tolerances suit float32 outputs of order 1 that are smooth within 1e-2 of `x`.
    """
    claimed = np.zeros(x.shape) if gradient is None else finite(gradient, message)
    for _ in range(directions):
        direction = rng.normal(size=x.shape)
        measured = directional_derivative(call, x, direction, cotangent)
        scale = np.linalg.norm(claimed) + abs(measured) + 1e-2
        close(np.sum(claimed * direction) / scale, measured / scale, message, atol=rtol, rtol=0)


def confirm_variable_gradient(
    target: Handle | list[Handle],
    call: Callable[[], Any],
    gradients: Group,
    cotangent: Any,
    rng: np.random.Generator,
    message: str,
    rtol: float = 2e-2,
) -> None:
    """Gradients by the variables of `target` agree with finite differences of `call`.

    It is repeated with other weights, which are put back at the end.
    """
    values = [variable.value.astype(np.float64) for variable in variables(target)]
    sizes = np.cumsum([value.size for value in values])[:-1]

    def call_with(flat: np.ndarray) -> Any:
        parts = np.split(flat, sizes)
        assign(target, [part.reshape(value.shape) for part, value in zip(parts, values, strict=True)])
        return call()

    flat = np.concatenate([value.ravel() for value in values])
    claimed = [np.zeros(v.shape) if g is None else g for g, v in zip(gradients, values, strict=True)]
    try:
        flat_claimed = np.concatenate([gradient.ravel() for gradient in claimed])
        confirm_gradient(call_with, flat, flat_claimed, cotangent, rng, message, rtol=rtol)
    finally:
        assign(target, values)


def _listed(gradients: Group | np.ndarray | None) -> list[Gradient]:
    return [gradients] if gradients is None or isinstance(gradients, np.ndarray) else list(gradients)


def _words(term: str, group: str, wanted: Expected) -> str:
    ends = {
        ZERO: "must be zero: stop it there",
        NON_ZERO: "must not be zero: something cuts it off",
        EVERY_NON_ZERO: "must reach every one of its weights",
    }
    end = ends[wanted] if isinstance(wanted, str) else "has another value than it should"
    return f"the gradient of the {term} by the {group} {end}"


def _require(wanted: str, got: list[Gradient], message: str, tolerance: float) -> None:
    for gradient in got:
        if gradient is not None:
            finite(gradient, message)
    if wanted == ZERO:
        fine = all(is_zero(gradient, tolerance) for gradient in got)
    else:
        quantifier = all if wanted == EVERY_NON_ZERO else any
        fine = bool(got) and quantifier(not is_zero(gradient) for gradient in got)
    if not fine:
        raise AssertionError(message)


def _require_equal(got: list[Gradient], wanted: Group, message: str, tolerance: float) -> None:
    if len(got) != len(wanted):
        raise AssertionError(f"{message} (it has {len(got)} weights, not {len(wanted)})")
    for gradient, expected in zip(got, wanted, strict=True):
        if expected is None or gradient is None:
            fine = is_zero(gradient, tolerance) and is_zero(expected, tolerance)
            if not fine:
                raise AssertionError(message)
        else:
            close(gradient, expected, message, atol=tolerance, rtol=tolerance)
