"""What crosses between the grader and a student's kernel, as bytes.

A message is a JSON header followed by the raw bytes of its arrays:

    4 bytes   length of the header, big-endian
    header    {"arrays": [[dtype, shape], ...], "value": tree}, padded with spaces
    arrays    C order, little-endian, each padded to 16 bytes

JSON values stand for themselves; the rest are one-key objects: `{"tuple": [...]}`,
`{"dict": [[key, value], ...]}`, `{"array": index}`, `{"numpy": index}` (reaches the function as
`np.ndarray`), `{"ref": [number, path]}`.
Nothing is ever unpickled. The reader checks every size against `Caps` before it allocates.
"""

import json
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

_ALIGN = 16
_DTYPES = frozenset(
    ["|b1", "|i1", "|u1", "<i2", "<u2", "<i4", "<u4", "<i8", "<u8", "<f2", "<f4", "<f8", "<c8", "<c16"]
)
_MAX_DIMENSIONS = 32
_MAX_LENGTH = 2**31
_MAX_INT_BITS = 8192  # Python writes and reads no more than 4,300 digits
_MAX_REF = 2**63


class CodecError(ValueError):
    """A value that may not cross, or bytes that are no message."""


@dataclass(frozen=True)
class Caps:
    """The largest message that is accepted."""

    total_bytes: int = 64 << 20
    header_bytes: int = 2 << 20
    arrays: int = 10_000
    depth: int = 32
    items: int = 200_000
    string_chars: int = 200_000


@dataclass(frozen=True)
class Ref:
    """An object that stays on the student's side: a number there (0 is the namespace) and a path from it.

    Steps of the path are `("attribute", name)` or `("item", key)`.
    """

    number: int
    path: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True, eq=False)
class AsNumpy:
    """An array that reaches a student's function as `np.ndarray`, with its dtype."""

    array: np.ndarray


def encode(value: Any, caps: Caps | None = None) -> bytes:
    """Bytes of `value`. Raises CodecError for what may not cross or is over `caps`."""
    caps = caps or Caps()
    tree, arrays = flatten(value, caps)
    specs = [[array.dtype.str, list(array.shape)] for array in arrays]
    header = json.dumps({"arrays": specs, "value": tree}, separators=(",", ":")).encode()
    header += b" " * (-(len(header) + 4) % _ALIGN)
    total = 4 + len(header) + sum(_padded(array.nbytes) for array in arrays)
    if len(header) > caps.header_bytes or total > caps.total_bytes:
        raise CodecError(f"the value is too large: {total / 2**20:.1f} MiB, at most {_mib(caps.total_bytes)}")
    parts = [len(header).to_bytes(4, "big"), header]
    for array in arrays:
        parts.append(array.tobytes())
        parts.append(b"\0" * (_padded(array.nbytes) - array.nbytes))
    return b"".join(parts)


def decode(data: bytes | bytearray, caps: Caps | None = None) -> Any:
    """The value that `encode` made `data` of. Arrays are views of `data`, writable if it is a bytearray.

    Raises CodecError, and nothing else, for any other bytes.
    """
    caps = caps or Caps()
    if len(data) > caps.total_bytes:
        raise CodecError(f"a message of {len(data)} bytes, at most {caps.total_bytes}")
    header_bytes = int.from_bytes(data[:4], "big")
    if len(data) < 4 or header_bytes > min(caps.header_bytes, len(data) - 4):
        raise CodecError("the message is cut off or its header is too long")
    try:
        header = json.loads(bytes(data[4 : 4 + header_bytes]))
    except (ValueError, RecursionError) as error:
        raise CodecError("the header is not JSON, or nested too deeply") from error
    if not isinstance(header, dict) or set(header) != {"arrays", "value"}:
        raise CodecError("the header has other fields than arrays and value")
    arrays = _read_arrays(data, 4 + header_bytes, header["arrays"], caps)
    return restore(header["value"], arrays, caps)


def flatten(value: Any, caps: Caps | None = None) -> tuple[Any, list[np.ndarray]]:
    """`value` as a JSON tree and the arrays that it points to."""
    writer = _Writer(caps or Caps())
    return writer.tree(value, 0), writer.arrays


def restore(tree: Any, arrays: list[np.ndarray], caps: Caps | None = None) -> Any:
    """The value that `flatten` took apart. Raises CodecError for any other tree."""
    return _Reader(arrays, caps or Caps()).value(tree, 0)


def _padded(nbytes: int) -> int:
    return nbytes + -nbytes % _ALIGN


def _mib(nbytes: int) -> str:
    return f"{nbytes / 2**20:.0f} MiB"


class _Counter:
    """Counts items and depth on the way, for reading and for writing alike."""

    def __init__(self, caps: Caps):
        self.caps = caps
        self.items = 0

    def count(self, depth: int) -> None:
        self.items += 1
        if depth > self.caps.depth:
            raise CodecError(f"nested more than {self.caps.depth} deep")
        if self.items > self.caps.items:
            raise CodecError(f"more than {self.caps.items} items")

    def checked(self, text: str) -> str:
        if len(text) > self.caps.string_chars:
            raise CodecError(f"a string of {len(text)} characters, at most {self.caps.string_chars}")
        return text


class _Writer(_Counter):
    def __init__(self, caps: Caps):
        super().__init__(caps)
        self.arrays: list[np.ndarray] = []

    def tree(self, value: Any, depth: int) -> Any:
        self.count(depth)
        kind = type(value)
        if kind is int and value.bit_length() > _MAX_INT_BITS:
            raise CodecError("an integer with thousands of digits")
        if value is None or kind in (bool, int, float):
            return value
        if kind is str:
            # Lone surrogates would survive JSON's escapes and fail later, where text is written out.
            return self.checked(value).encode("utf-8", "replace").decode()
        if kind is list:
            return [self.tree(item, depth + 1) for item in value]
        if kind is tuple:
            return {"tuple": [self.tree(item, depth + 1) for item in value]}
        if kind is dict:
            return {"dict": [[self._key(key), self.tree(item, depth + 1)] for key, item in value.items()]}
        if kind is AsNumpy:
            return {"numpy": self._array(value.array)}
        if isinstance(value, np.ndarray):
            return {"array": self._array(value)}
        if kind is Ref:
            return {"ref": [value.number, [list(step) for step in value.path]]}
        raise CodecError(f"values of type {kind.__name__} do not cross")

    def _key(self, key: Any) -> str:
        if type(key) is not str:
            raise CodecError(f"keys are strings. Received: {type(key).__name__}")
        return self.checked(key)

    def _array(self, value: np.ndarray) -> int:
        dtype = value.dtype.newbyteorder("<")
        if dtype.str not in _DTYPES:
            raise CodecError(f"arrays of dtype {value.dtype} do not cross")
        if value.ndim > _MAX_DIMENSIONS or len(self.arrays) >= self.caps.arrays:
            raise CodecError("an array with too many dimensions, or too many arrays")
        if value.nbytes > self.caps.total_bytes:
            raise CodecError(f"an array of {_mib(value.nbytes)}, at most {_mib(self.caps.total_bytes)}")
        # ascontiguousarray would make a 0-d array 1-d.
        self.arrays.append(np.asarray(value, dtype=dtype, order="C"))
        return len(self.arrays) - 1


class _Reader(_Counter):
    def __init__(self, arrays: list[np.ndarray], caps: Caps):
        super().__init__(caps)
        self.arrays = arrays

    def value(self, tree: Any, depth: int) -> Any:
        self.count(depth)
        if isinstance(tree, str):
            return self.checked(tree)
        if tree is None or isinstance(tree, bool | int | float):
            return tree
        if isinstance(tree, list):
            return [self.value(item, depth + 1) for item in tree]
        if len(tree) != 1:
            raise CodecError("an object with other than one key")
        [(kind, content)] = tree.items()
        if kind in ("array", "numpy"):
            array = self._array(content)
            return array if kind == "array" else AsNumpy(array)
        if not isinstance(content, list):
            raise CodecError("an object without a list")
        if kind == "tuple":
            return tuple(self.value(item, depth + 1) for item in content)
        if kind == "dict":
            return dict(self._pair(pair, depth) for pair in content)
        if kind == "ref":
            return self._ref(content)
        raise CodecError("an unknown kind of object")

    def _array(self, index: Any) -> np.ndarray:
        if type(index) is not int or not 0 <= index < len(self.arrays):
            raise CodecError("a reference to an array that is not there")
        return self.arrays[index]

    def _pair(self, pair: Any, depth: int) -> tuple[str, Any]:
        if not isinstance(pair, list) or len(pair) != 2 or not isinstance(pair[0], str):
            raise CodecError("an entry of a dict that is no pair of string and value")
        return self.checked(pair[0]), self.value(pair[1], depth + 1)

    def _ref(self, content: list) -> Ref:
        if len(content) != 2 or type(content[0]) is not int or not isinstance(content[1], list):
            raise CodecError("a malformed reference")
        if not 0 <= content[0] < _MAX_REF:
            raise CodecError("a reference to an object that cannot be there")
        steps = []
        for step in content[1]:
            self.count(0)
            known = isinstance(step, list) and len(step) == 2 and step[0] in ("attribute", "item")
            if not known or type(step[1]) not in (str, int):
                raise CodecError("a malformed step of a reference")
            steps.append((step[0], step[1]))
        return Ref(content[0], tuple(steps))


def _read_arrays(data: bytes | bytearray, offset: int, specs: Any, caps: Caps) -> list[np.ndarray]:
    if not isinstance(specs, list) or len(specs) > caps.arrays:
        raise CodecError("the list of arrays is malformed or too long")
    arrays = []
    for spec in specs:
        dtype, shape = _checked_spec(spec)
        nbytes = math.prod(shape) * dtype.itemsize
        if nbytes > len(data) - offset:
            raise CodecError("an array is longer than the message")
        flat = (
            np.frombuffer(data, dtype, count=math.prod(shape), offset=offset)
            if nbytes
            else np.empty(0, dtype)
        )
        if math.prod(max(length, 1) for length in shape) * dtype.itemsize > caps.total_bytes:
            # Without a byte of its own it could still be summed or broadcast to one that large.
            raise CodecError("an empty array with axes that are too long")
        arrays.append(flat.reshape(shape))
        offset += _padded(nbytes)
    if offset != len(data):
        raise CodecError("the message is longer or shorter than its header says")
    return arrays


def _checked_spec(spec: Any) -> tuple[np.dtype, tuple[int, ...]]:
    well_formed = (
        isinstance(spec, list)
        and len(spec) == 2
        and isinstance(spec[0], str)
        and spec[0] in _DTYPES
        and isinstance(spec[1], list)
        and len(spec[1]) <= _MAX_DIMENSIONS
        and all(type(length) is int and 0 <= length < _MAX_LENGTH for length in spec[1])
    )
    # An empty array may have huge other axes, which overflow in NumPy.
    if not well_formed or math.prod(max(length, 1) for length in spec[1]) >= 2**48:
        raise CodecError("an array of an unknown dtype or an impossible shape")
    return np.dtype(spec[0]), tuple(spec[1])
