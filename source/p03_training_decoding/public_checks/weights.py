"""Weights and gradients of a student's objects. What the other side reports is a claim: compare it."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from .errors import clean
from .student import Channel, Handle, channel_of


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


def variables(target: Handle | list[Handle]) -> list[Variable]:
    """The weights of a layer, model, module, optimizer or list of them, read now.

    Of a Keras layer those that Keras tracks, so before its first call most have none.
    """
    channel = channel_of(target)
    reply = channel.ask("variables", target=target)
    channel.expect(reply, isinstance(reply, list), "no list of weights")
    return [_variable(channel, entry) for entry in reply]


def assign(target: Handle | list[Handle], values: list | dict) -> None:
    """Set weights: a list sets all in the order of `variables`, a dict some by index or path."""
    if isinstance(values, dict):
        values = {str(key): np.asarray(value) for key, value in values.items()}
    else:
        values = [np.asarray(value) for value in values]
    channel_of(target).ask("assign", target=target, values=values)


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
    reply = channel_of(target).ask(
        "vjp", target=target, args=list(args), kwargs=kwargs, cotangent=cotangent, wrt=which, of=of
    )
    fine = isinstance(reply, dict) and set(reply) == {"output", "variables", "inputs"}
    fine = fine and all(_is_gradients(reply[name]) for name in ("variables", "inputs"))
    return Gradients(**channel_of(target).expect(reply, fine, "no gradients"))


def _listed(value: Any) -> list:
    return list(value) if isinstance(value, list | tuple) else [value]


def _is_gradients(value: Any) -> bool:
    return isinstance(value, list) and all(item is None or isinstance(item, np.ndarray) for item in value)


def _variable(channel: Channel, entry: Any) -> Variable:
    fine = (
        isinstance(entry, dict)
        and all(isinstance(entry.get(name), str) for name in ("path", "name"))
        and isinstance(entry.get("trainable"), bool)
        and isinstance(entry.get("value"), np.ndarray)
    )
    channel.expect(entry, fine, "a malformed weight")
    value = entry["value"]
    return Variable(clean(entry["path"]), clean(entry["name"]), value.shape, entry["trainable"], value)
