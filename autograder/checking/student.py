"""The finished notebook as a check sees it: call its functions, hold its objects, read its weights.

    out, weights = student.scaled_dot_product_attention(q, k, v, mask)   # arrays in, arrays out
    layer = student.MultiHeadAttention(d_model=8, num_heads=2)           # a Handle: the object stays there
    out = layer(q, v)
    units = layer.query_dense.units.get()

Names of the notebook are attributes of `student`, so everything else here is a function.
"""

import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograder.checking.errors import (
    BadReply,
    NotDefined,
    NotImplementedYet,
    ReferenceFailed,
    StudentError,
    clean,
)
from autograder.checking.transports import Transport
from autograder.sandbox.codec import AsNumpy, Ref

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
        self._channel = _Channel(transport, trusted)

    def __getattr__(self, name: str) -> "Handle":
        if name.startswith("__"):
            raise AttributeError(name)
        return Handle(self._channel, Ref(0, (("attribute", name),)))


class Handle:
    """An object on the student's side, or the way to one: nothing is asked until it is called or read."""

    def __init__(self, channel: "_Channel", ref: Ref, keeper: object = None):
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

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        steps = (f".{key}" if kind == "attribute" else f"[{key!r}]" for kind, key in self._ref.path)
        return f"<{f'object {self._ref.number}' if self._ref.number else 'student'}{''.join(steps)}>"


@dataclass(frozen=True, eq=False)
class Variable:
    """A weight as the student's process reported it."""

    path: str
    name: str
    shape: tuple[int, ...]
    trainable: bool
    value: np.ndarray


@dataclass(frozen=True, eq=False)
class Gradients:
    """An output and the gradients of <cotangent, output>; None where nothing depends on it.

    Args:
        output: what the call returned.
        variables: one for each of `variables(target)`.
        inputs: one for each floating-point array among the arguments, in order.
    """

    output: Any
    variables: list[np.ndarray | None]
    inputs: list[np.ndarray | None]


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


def variables(target: Handle | list[Handle]) -> list[Variable]:
    """The weights of a layer, model, module, optimizer or list of them, read now.

    Of a Keras layer those that Keras tracks, so before its first call most have none.
    """
    channel = _channel_of(target)
    reply = channel.ask("variables", target=target)
    channel.expect(reply, isinstance(reply, list), "no list of weights")
    return [_variable(channel, entry) for entry in reply]


def assign(target: Handle | list[Handle], values: list | dict) -> None:
    """Set weights: a list sets all in the order of `variables`, a dict some by index or path."""
    if isinstance(values, dict):
        values = {str(key): np.asarray(value) for key, value in values.items()}
    else:
        values = [np.asarray(value) for value in values]
    _channel_of(target).ask("assign", target=target, values=values)


def vjp(
    target: Handle,
    *args: Any,
    cotangent: Any,
    wrt: str = "variables",
    of: Handle | list[Handle] | None = None,
    **kwargs: Any,
) -> Gradients:
    """Call `target` there under a gradient tape. What it reports is a claim: compare it.

    Args:
        cotangent: weights of the output's entries, not constant: a constant hides that softmax's sum is 1.
            An array belongs to the first tensor of the output; a list has an array or None for each.
        wrt: "variables", "inputs" or "both".
        of: the object whose variables are meant, where it is not `target` itself.
    """
    if wrt not in ("variables", "inputs", "both"):
        raise ValueError(f"wrt is variables, inputs or both. Received: {wrt=}")
    cotangent = [None if c is None else np.asarray(c) for c in _listed(cotangent)]
    which = ["variables", "inputs"] if wrt == "both" else [wrt]
    reply = target._channel.ask(
        "vjp", target=target, args=list(args), kwargs=kwargs, cotangent=cotangent, wrt=which, of=of
    )
    fine = isinstance(reply, dict) and set(reply) == {"output", "variables", "inputs"}
    fine = fine and all(_is_gradients(reply[name]) for name in ("variables", "inputs"))
    return Gradients(**target._channel.expect(reply, fine, "no gradients"))


def begin_check(student: Student, seconds: float, seed: int) -> None:
    """Give the next requests together `seconds`, and seed the random generators over there."""
    student._channel.transport.begin(seconds)
    student._channel.ask("seed", seed=seed)


class _Channel:
    """Turns handles into references and back, and errors over there into exceptions here."""

    def __init__(self, transport: Transport, trusted: bool):
        self.transport = transport
        self.trusted = trusted
        self.last_value: Any = None
        self._dropped: list[int] = []

    def keeper(self, ref: Ref) -> object:
        """A token whose end tells the other side to let go of the object."""
        token = _Keeper()
        if ref.number:
            weakref.finalize(token, self._dropped.append, ref.number).atexit = False
        return token

    def ask(self, op: str, **fields: Any) -> Any:
        request = {"op": op, **{name: _referred(value) for name, value in fields.items()}}
        if self._dropped:
            request["drop"], self._dropped[:] = list(self._dropped), []
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


def _listed(value: Any) -> list:
    return list(value) if isinstance(value, list | tuple) else [value]


def _is_gradients(value: Any) -> bool:
    return isinstance(value, list) and all(item is None or isinstance(item, np.ndarray) for item in value)


def _channel_of(target: Handle | list[Handle]) -> _Channel:
    return (target if isinstance(target, Handle) else target[0])._channel


def _variable(channel: _Channel, entry: Any) -> Variable:
    fine = (
        isinstance(entry, dict)
        and all(isinstance(entry.get(name), str) for name in ("path", "name"))
        and isinstance(entry.get("trainable"), bool)
        and isinstance(entry.get("value"), np.ndarray)
    )
    channel.expect(entry, fine, "a malformed weight")
    value = entry["value"]
    return Variable(clean(entry["path"]), clean(entry["name"]), value.shape, entry["trainable"], value)
