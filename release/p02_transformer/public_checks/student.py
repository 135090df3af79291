"""The finished notebook as a check sees it: call its functions, hold its objects, read its weights.

    out, weights = student.scaled_dot_product_attention(q, k, v, mask)   # arrays in, arrays out
    layer = student.MultiHeadAttention(d_model=8, num_heads=2)           # a Handle: the object stays there
    out = layer(q, v)
    units = layer.query_dense.units.get()

Names of the notebook are attributes of `student`, so everything else here is a function.
"""

import weakref
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from .errors import (
    BadReply,
    NotDefined,
    NotImplementedYet,
    ReferenceFailed,
    StudentError,
)
from .transports import Transport
from .codec import AsNumpy, Ref

_MAX_DROPPED = 1_000  # of one request: how many there are is up to the student's process
_ERRORS = {
    "raised": StudentError,
    "undefined": NotDefined,
    "unimplemented": NotImplementedYet,
    "too large": BadReply,
}


class Student:
    """Every name of a notebook as a `Handle`.

    Args:
        transport: carries requests to the process that ran the notebook.
        trusted: whether this is the reference, whose exceptions are defects on our side.
    """

    def __init__(self, transport: Transport, *, trusted: bool = False):
        self._channel = Channel(transport, trusted)
        self._shared: dict[tuple, Handle] = {}
        self._called: set[tuple] = set()

    def __getattr__(self, name: str) -> "Handle":
        if name.startswith("__"):
            raise AttributeError(name)
        return Handle(self._channel, Ref(0, (("attribute", name),)))


class Handle:
    """An object on the student's side, or the way to one: nothing is asked until it is called or read."""

    def __init__(self, channel: "Channel", ref: Ref, keeper: object = None):
        self._channel = channel
        self._ref = ref
        self._keeper = keeper if keeper is not None else channel.keeper(ref)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call it there. Arrays come back as values, in lists, tuples and dicts too; the rest as handles."""
        return self._channel.ask("call", target=self, args=list(args), kwargs=kwargs)

    def get(self) -> Any:
        """Its value: plain data and arrays, or a Handle for anything else."""
        return self._channel.ask("get", target=self)

    def __getattr__(self, name: str) -> "Handle":
        if name.startswith("_"):
            raise AttributeError(name)
        return attribute(self, name)

    def __getitem__(self, key: int | str) -> "Handle":
        return self._step("item", key)

    def _step(self, kind: str, key: int | str) -> "Handle":
        return Handle(self._channel, Ref(self._ref.number, (*self._ref.path, (kind, key))), self._keeper)

    def __iter__(self) -> Iterator:
        raise TypeError("use .get() or take(handle, count): the object is on the student's side")

    def __bool__(self) -> bool:
        raise TypeError("use .get() for its value: the object is on the student's side")

    def __eq__(self, other: object) -> bool:
        raise TypeError("use .get() for its value: the object is on the student's side")

    def __array__(self, *_args: object, **_kwargs: object) -> np.ndarray:
        raise TypeError("use .get() for its value: the object is on the student's side")

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        steps = (f".{key}" if kind == "attribute" else f"[{key!r}]" for kind, key in self._ref.path)
        return f"<{f'object {self._ref.number}' if self._ref.number else 'student'}{''.join(steps)}>"


def as_numpy(array: Any) -> AsNumpy:
    """An argument that reaches the function as `np.ndarray` with its dtype, not as a tensor."""
    return AsNumpy(np.asarray(array))


def attribute(handle: Handle, name: str) -> Handle:
    """An attribute whose name Python would not let through: private, or one of Handle's own."""
    return handle._step("attribute", name)


def defined(student: Student, name: str) -> bool:
    """Whether the notebook defines `name`."""
    return bool(student._channel.ask("defined", name=name))


def make(student: Student, name: str, /, *args: Any, **kwargs: Any) -> Handle:
    """An object of a library made there: `make(student, "keras.layers.Dense", 4)`."""
    return student._channel.ask("make", name=name, args=list(args), kwargs=kwargs)


def define(student: Student, name: str, source: str, **values: Any) -> Handle:
    """What `source` defines as `name`, run there apart from the notebook, with `values` as its globals.

    For functions and stubs that a student's function takes as arguments. The student can read them.
    """
    return student._channel.ask("define", name=name, source=source, values=values)


def take(handle: Handle, count: int) -> list:
    """The first `count` items of an iterable there."""
    items = handle._channel.ask("take", target=handle, count=count)
    return handle._channel.expect(items, isinstance(items, list) and len(items) <= count, "no list of items")


def shared(
    student: Student, name: str, shapes: Sequence[tuple[int, ...]] = (), /, **arguments: Any
) -> Handle:
    """`student.NAME(**arguments)`, but the same object for all checks of a run that ask for it.

    A Keras layer without `build` is traced at its first call, which costs more than most checks. A check
    that uses a shared layer sets all of its weights first and expects nothing of what they were.

    Args:
        shapes: of the zeros that it is called with, once in a run, so that it has its weights.
    """
    key = (getattr(student._channel.transport, "generation", 0), name, *sorted(arguments.items()))
    if key not in student._shared:
        student._shared[key] = getattr(student, name)(**arguments)
    if shapes and key not in student._called:
        student._shared[key](*map(np.zeros, shapes))
        student._called.add(key)
    return student._shared[key]


def begin_check(student: Student, seconds: float, seed: int) -> None:
    """Give the next requests together `seconds`, and seed the random generators over there."""
    student._channel.begin(seconds)
    student._channel.ask("seed", seed=seed)


def last_answer(student: Student) -> Any:
    """The value that came back last, whatever was asked for."""
    return student._channel.last_value


def channel_of(target: Handle | list[Handle]) -> "Channel":
    """What carries the requests about an object there, or about several of one student."""
    return (target if isinstance(target, Handle) else target[0])._channel


class Channel:
    """Turns handles into references and back, and errors over there into exceptions here."""

    def __init__(self, transport: Transport, trusted: bool):
        self.transport = transport
        self.trusted = trusted
        self.last_value: Any = None
        self._dropped: list[int] = []
        self._generation = 0

    def begin(self, seconds: float) -> None:
        """A check begins. What was dropped of an earlier process would be another object in this one."""
        self.transport.begin(seconds)
        if (generation := getattr(self.transport, "generation", 0)) != self._generation:
            self._generation = generation
            self._dropped.clear()

    def keeper(self, ref: Ref) -> object:
        """A token whose end tells the other side to let go of the object."""
        token = _Keeper()
        if ref.number:
            weakref.finalize(token, self._dropped.append, ref.number).atexit = False
        return token

    def ask(self, op: str, **fields: Any) -> Any:
        request = {"op": op, **{name: _referred(value) for name, value in fields.items()}}
        if self._dropped:
            request["drop"], self._dropped[:_MAX_DROPPED] = self._dropped[:_MAX_DROPPED], []
        reply = self.transport.request(request)
        if isinstance(reply, dict) and set(reply) == {"value"}:
            self.last_value = self._revived(reply["value"])
            return self.last_value
        raise self._error(reply.get("error") if isinstance(reply, dict) else None)

    def expect(self, value: Any, fine: bool, complaint: str) -> Any:
        if not fine:
            raise self._failed(BadReply("BadReply", complaint))
        return value

    def _error(self, error: Any) -> Exception:
        names = ("kind", "type", "message", "where")
        if not isinstance(error, dict) or not all(isinstance(error.get(name), str) for name in names):
            return self._failed(BadReply("BadReply", "neither a value nor an error"))
        kind, *rest = (error[name] for name in names)
        return self._failed(_ERRORS.get(kind, StudentError)(*rest))

    def _failed(self, error: StudentError) -> Exception:
        return ReferenceFailed(f"{error.type_name}: {error}") if self.trusted else error

    def _revived(self, value: Any) -> Any:
        if isinstance(value, Ref):
            return Handle(self, value)
        if isinstance(value, AsNumpy):
            return value.array
        if isinstance(value, list | tuple):
            return type(value)(self._revived(item) for item in value)
        if isinstance(value, dict):
            return {key: self._revived(item) for key, item in value.items()}
        return value


class _Keeper:
    __slots__ = ("__weakref__",)


def _referred(value: Any) -> Any:
    if isinstance(value, Handle):
        return value._ref
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, list | tuple):
        return type(value)(_referred(item) for item in value)
    if isinstance(value, dict):
        return {key: _referred(item) for key, item in value.items()}
    return value
