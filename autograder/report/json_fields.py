"""Strict reading of JSON objects: every key is known, present and of its type, or the error says which."""

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from autograder.errors import ReceiptError

T = TypeVar("T")

Kind = Callable[[object], Any]  # returns the value, or raises TypeError with what was expected


def take(data: object, where: str, kinds: Mapping[str, Kind]) -> dict[str, Any]:
    """Read exactly the keys of `kinds` from the object `data`.

    Args:
        where: the place in the file, for the message.
        kinds: for each key the function of this module that reads it.
    Raises: ReceiptError that names the place, the key, what was expected and what was received.
    """
    if not isinstance(data, dict):
        raise ReceiptError(f"{where}: expected an object, received {_shown(data)}")
    if missing := sorted(kinds.keys() - data.keys()):
        raise ReceiptError(f"{where}: missing {', '.join(missing)}")
    if unknown := sorted(map(str, data.keys() - kinds.keys())):
        raise ReceiptError(f"{where}: unknown {', '.join(unknown)[:200]}")
    values = {}
    for key, kind in kinds.items():
        try:
            values[key] = kind(data[key])
        except TypeError as error:
            raise ReceiptError(f"{where}.{key}: expected {error}, received {_shown(data[key])}") from error
    return values


def text(value: object) -> str:
    return _instance(value, str, "text")


def boolean(value: object) -> bool:
    return _instance(value, bool, "true or false")


def integer(value: object) -> int:
    if isinstance(value, bool):
        raise TypeError("an integer")
    return _instance(value, int, "an integer")


def number(value: object) -> float:
    try:
        if not isinstance(value, bool) and isinstance(value, int | float) and math.isfinite(value):
            return float(value)
    except OverflowError:  # an integer beyond every float
        pass
    raise TypeError("a finite number")


def mapping(value: object) -> dict[str, Any]:
    return _instance(value, dict, "an object")


def items(value: object) -> list[Any]:
    return _instance(value, list, "a list")


def texts(value: object) -> tuple[str, ...]:
    if not all(isinstance(item, str) for item in items(value)):
        raise TypeError("a list of texts")
    return tuple(items(value))


def optional(kind: Kind) -> Kind:
    def read(value: object) -> Any:
        return None if value is None else kind(value)

    return read


def one_of(*allowed: str) -> Kind:
    def read(value: object) -> str:
        if value not in allowed:
            raise TypeError(" or ".join(map(repr, allowed)))
        return str(value)

    return read


def _instance(value: object, kind: type[T], name: str) -> T:
    if not isinstance(value, kind):
        raise TypeError(name)
    return value


def _shown(value: object) -> str:
    return f"{value!r}"[:80]
