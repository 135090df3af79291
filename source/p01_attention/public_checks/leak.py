"""Where information flows: which outputs an input can move. Measured by forward calls alone."""

from collections.abc import Callable
from typing import Any

import numpy as np

from .compare import array, close, finite

Call = Callable[[np.ndarray], Any]

_WHAT = "the result, which is compared before and after a change of the input"


def moved(
    call: Call,
    x: np.ndarray,
    position: int,
    rng: np.random.Generator,
    axis: int = 1,
    output_axis: int = 1,
    tolerance: float = 1e-6,
) -> np.ndarray:
    """Which positions of the output change when one position of the input is replaced by random numbers.

    Args:
        call: gives an array; its length along `output_axis` does not depend on the values of `x`.
        x: `(B, T, ...)`, of real numbers.
    Returns: booleans `(length of the output along output_axis,)`.
    """
    before = finite(call(x), _WHAT)
    return _moved_from(before, call, x, position, rng, axis, output_axis, tolerance)


def influence(
    call: Call,
    x: np.ndarray,
    rng: np.random.Generator,
    axis: int = 1,
    output_axis: int = 1,
    tolerance: float = 1e-6,
) -> np.ndarray:
    """Which output positions each input position can move: booleans `(output positions, input positions)`.

    A causal layer has True on and below the diagonal, and nowhere else.
    """
    before = finite(call(x), _WHAT)
    columns = [
        _moved_from(before, call, x, position, rng, axis, output_axis, tolerance)
        for position in range(x.shape[axis])
    ]
    return np.stack(columns, axis=1)


def jacobian(call: Call, x: np.ndarray, step: float = 1e-2) -> np.ndarray:
    """d call(x) / dx by central differences, `(*output shape, *x.shape)`: two calls for each entry of `x`."""
    columns = []
    for index in np.ndindex(x.shape):
        change = np.zeros(x.shape)
        change[index] = step
        ahead, behind = (array(call(x + sign * change), _WHAT).astype(np.float64) for sign in (1, -1))
        columns.append((ahead - behind) / (2 * step))
    stacked = np.stack(columns, axis=-1)
    return stacked.reshape(*stacked.shape[:-1], *x.shape)


def same_when_trimmed(
    call: Call, x: np.ndarray, length: int, message: str, axis: int = 1, atol: float = 1e-5
) -> None:
    """Trimming the input to its first `length` positions gives the first `length` positions of the output."""
    trimmed_after = np.take(array(call(x), message), range(length), axis)
    trimmed_before = call(np.take(x, range(length), axis))
    close(trimmed_before, trimmed_after, message, atol=atol)


def _moved_from(
    before: np.ndarray,
    call: Call,
    x: np.ndarray,
    position: int,
    rng,
    axis: int,
    output_axis: int,
    tolerance: float,
) -> np.ndarray:
    changed = np.array(x)
    where = [slice(None)] * x.ndim
    where[axis] = slice(position, position + 1)
    changed[tuple(where)] = rng.normal(size=changed[tuple(where)].shape) + 1
    after = array(call(changed), _WHAT, shape=before.shape)
    difference = np.abs(after.astype(np.float64) - before)
    # NaN after the change counts as moved.
    other_axes = tuple(a for a in range(before.ndim) if a != output_axis % before.ndim)
    return np.asarray(~(difference <= tolerance).all(axis=other_axes))
