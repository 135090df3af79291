"""Comparisons of what a student returned with what is expected.

Each raises AssertionError with the check's message and a few words on how it fails. Shapes may be told, and
the size of a difference to two digits; expected numbers never are. Any value is survived: None, text,
handles, ragged lists, NaN, other dtypes.
"""

from typing import Any

import numpy as np

from .student import Handle
from .verdict import form

_KINDS = {"b": "truth values", "i": "integers", "u": "integers", "f": "real numbers", "c": "complex numbers"}


def close(actual: Any, expected: Any, message: str, atol: float = 1e-5, rtol: float = 1e-5) -> None:
    """Both have one shape, and |actual - expected| <= atol + rtol |expected| everywhere, in float64.

    Integers compare with real numbers, truth values only with truth values. Where infinity is expected, the
    same is required. NaN is close to nothing: where two of a student's results are compared, both could be.
    """
    want = np.asarray(expected)
    got = array(actual, message, shape=want.shape)
    if (got.dtype.kind == "b") != (want.dtype.kind == "b") or (
        got.dtype.kind == "c" and want.dtype.kind != "c"
    ):
        raise AssertionError(f"{message} (it holds {_KINDS[got.dtype.kind]}, not {_KINDS[want.dtype.kind]})")
    if want.dtype.kind == "b":
        if (wrong := np.count_nonzero(got != want)) > 0:
            raise AssertionError(f"{message} ({wrong} of {want.size} entries differ)")
        return
    wide = np.complex128 if want.dtype.kind == "c" else np.float64
    got, want = got.astype(wide), want.astype(wide)
    _require_finite(got, message, where=np.isfinite(want))
    if np.isnan(want).any():
        raise AssertionError(f"{message} (NaN is compared with NaN)")
    with np.errstate(all="ignore"):
        same = got == want
        difference = np.where(same, 0.0, np.abs(got - want))
        allowed = np.where(np.isfinite(want), atol + rtol * np.abs(want), 0.0)
    if not (same | (difference <= allowed)).all():
        largest = float(np.max(difference))
        raise AssertionError(f"{message} (max. difference {largest:.2g} at tolerance {atol:g})")


def equal(actual: Any, expected: Any, message: str) -> None:
    """Exactly the same: numbers, text, None, arrays, or nested lists, tuples and dicts of them.

    Lists and tuples count as the same, and so do 3, 3.0 and arrays of shape () that hold them.
    """
    if not _equal(actual, expected):
        raise AssertionError(message)


def array(actual: Any, message: str, shape: tuple[int | None, ...] | None = None) -> np.ndarray:
    """What was returned, as an array of numbers or truth values.

    Args:
        actual: an array, a number, or lists or tuples of them.
        message: begins the complaint.
        shape: what it must have; None in it stands for any length.
    """
    if isinstance(actual, Handle) or actual is None:
        raise AssertionError(f"{message} (the result is {form(actual)})")
    try:
        got = np.asarray(actual)
    except (ValueError, TypeError, OverflowError):
        raise AssertionError(f"{message} (the result is {form(actual)} with unequal shapes)") from None
    if got.dtype.kind not in _KINDS:
        raise AssertionError(f"{message} (the result is {form(actual)}, not numbers)")
    if shape is not None and not _fits(got.shape, shape):
        raise AssertionError(f"{message} (the shape is {got.shape}; {_spelled(shape)} is expected)")
    return got


def outputs(actual: Any, count: int, message: str) -> tuple:
    """The `count` values that were returned together: `out, weights = outputs(student.f(x), 2, "…")`."""
    if not isinstance(actual, list | tuple) or len(actual) != count:
        raise AssertionError(f"{message} (the result is {form(actual)})")
    return tuple(actual)


def finite(actual: Any, message: str) -> np.ndarray:
    """What was returned, as an array, if it has neither NaN nor infinity."""
    got = array(actual, message)
    _require_finite(got, message)
    return got


def boolean(actual: Any, message: str, shape: tuple[int | None, ...] | None = None) -> np.ndarray:
    """What was returned, as an array, if it holds truth values."""
    got = array(actual, message, shape)
    if got.dtype.kind != "b":
        raise AssertionError(f"{message} (it holds {_KINDS[got.dtype.kind]}, not truth values)")
    return got


def integer(actual: Any, message: str) -> int:
    """What was returned, as an int, if it is a whole number: 3, 3.0 or an array of shape () with it."""
    got = finite(actual, message)
    if got.size != 1 or got.dtype.kind not in "iuf" or got.item() != int(got.item()):
        raise AssertionError(f"{message} (the result is {form(actual)}, not one whole number)")
    return int(got.item())


def _require_finite(got: np.ndarray, message: str, where: np.ndarray | bool = True) -> None:
    for test, word in ((np.isnan, "NaN"), (np.isinf, "infinite")):
        if (test(got) & where).any():
            raise AssertionError(f"{message} (it contains {word} values)")


def _equal(actual: Any, expected: Any) -> bool:
    if isinstance(expected, dict):
        if not isinstance(actual, dict) or set(actual) != set(expected):
            return False
        return all(_equal(actual[key], expected[key]) for key in expected)
    if isinstance(expected, list | tuple):
        if isinstance(actual, np.ndarray):
            actual = actual.tolist()
        if not isinstance(actual, list | tuple) or len(actual) != len(expected):
            return False
        return all(_equal(a, e) for a, e in zip(actual, expected, strict=True))
    if expected is None or isinstance(expected, str):
        return type(actual) is type(expected) and actual == expected
    want = np.asarray(expected)
    if not isinstance(actual, int | float | complex | np.ndarray | np.generic | list | tuple):
        return False
    try:
        got = np.asarray(actual)
    except (ValueError, TypeError, OverflowError):
        return False
    both_truth = (got.dtype.kind == "b") == (want.dtype.kind == "b")
    return both_truth and got.shape == want.shape and bool((got == want).all())


def _fits(shape: tuple[int, ...], wanted: tuple[int | None, ...]) -> bool:
    return len(shape) == len(wanted) and all(w in (None, n) for n, w in zip(shape, wanted, strict=True))


def _spelled(shape: tuple[int | None, ...]) -> str:
    inner = ", ".join("any" if length is None else str(length) for length in shape)
    return f"({inner},)" if len(shape) == 1 else f"({inner})"
