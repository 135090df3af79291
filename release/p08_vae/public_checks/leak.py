"""Where information flows: which outputs an input can move. Measured by forward calls alone."""

from collections.abc import Callable, Sequence
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
    before = _something(call(x), _WHAT)
    after = array(call(_changed_at(x, position, rng, axis)), _WHAT, shape=before.shape)
    return _differs(before, after, output_axis, tolerance)


def influence(
    call: Call,
    x: np.ndarray,
    rng: np.random.Generator,
    axis: int = 1,
    output_axis: int = 1,
    tolerance: float = 1e-6,
    batched: bool = False,
) -> np.ndarray:
    """Which output positions each input position can move: booleans `(output positions, input positions)`.

    A causal layer has True on and below the diagonal, and nowhere else.

    Args:
        batched: axis 0 of input and output counts samples that do not meet, so that all changes can go
            through one call, `x` and its changed copies one below the other.
    """
    positions = range(x.shape[axis])
    changed = [_changed_at(x, position, rng, axis) for position in positions]
    if batched:
        together = array(call(np.concatenate([x, *changed])), _WHAT)
        before, *after = np.split(together, len(changed) + 1)
        _something(before, _WHAT)
    else:
        before = _something(call(x), _WHAT)
        after = [array(call(each), _WHAT, shape=before.shape) for each in changed]
    return np.stack([_differs(before, each, output_axis, tolerance) for each in after], axis=1)


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
    call: Call, x: np.ndarray, lengths: int | Sequence[int], message: str, axis: int = 1, atol: float = 1e-5
) -> None:
    """Trimming the input to its first positions gives the first positions of the output.

    Args:
        lengths: how many positions stay; each is tried.
    """
    whole = _something(call(x), message)
    for length in [lengths] if isinstance(lengths, int) else lengths:
        trimmed_before = call(np.take(x, range(length), axis))
        close(trimmed_before, np.take(whole, range(length), axis), message, atol=atol)


def _something(result: Any, message: str) -> np.ndarray:
    """An array of real numbers, some at least: of NaN and of nothing one could say that it never changes."""
    got = finite(result, message)
    if not got.size:
        raise AssertionError(f"{message} (the result is empty)")
    return got


def _changed_at(x: np.ndarray, position: int, rng: np.random.Generator, axis: int) -> np.ndarray:
    changed = np.array(x)
    where = [slice(None)] * x.ndim
    where[axis] = slice(position, position + 1)
    changed[tuple(where)] = rng.normal(size=changed[tuple(where)].shape) + 1
    return changed


def _differs(before: np.ndarray, after: np.ndarray, output_axis: int, tolerance: float) -> np.ndarray:
    """Along `output_axis`, where the outputs differ. NaN after the change counts as a difference."""
    difference = np.abs(after.astype(np.float64) - before)
    other_axes = tuple(a for a in range(before.ndim) if a != output_axis % before.ndim)
    return np.asarray(~(difference <= tolerance).all(axis=other_axes))
