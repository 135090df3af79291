"""Weights and gradients of the objects on the student's side."""

from collections.abc import Callable
from typing import Any

import numpy as np

from .remote_values import as_array


def variables_of(target: Any) -> list:
    """The variables of a layer, model, module, optimizer, variable, or of a list or dict of them.

    Of a Keras layer these are what Keras tracks (`weights`): a bare `tf.Variable` in an attribute is not
    among them, as it would not be trained or saved either.
    """
    if isinstance(target, list | tuple):
        return _distinct(variable for item in target for variable in variables_of(item))
    if isinstance(target, dict):
        return variables_of(list(target.values()))
    if as_array(target) is not None and hasattr(target, "assign"):
        return [target]
    for name in ("weights", "variables"):
        tracked = getattr(target, name, None)
        if isinstance(tracked, list | tuple):
            return _distinct(tracked)
    members = getattr(target, "__dict__", {})
    if callable(target) and not isinstance(target, type) and not members:
        return []
    return variables_of([member for member in members.values() if _holds_variables(member)])


def describe(target: Any) -> list[dict]:
    """Path, name, whether trainable, and value of every variable of `target`, in its order."""
    trainable = getattr(target, "trainable_weights", None)
    identities = {id(variable) for variable in trainable} if isinstance(trainable, list) else None
    return [
        {
            "path": str(getattr(variable, "path", variable.name)),
            "name": str(variable.name),
            "trainable": bool(variable.trainable if identities is None else id(variable) in identities),
            "value": as_array(variable),
        }
        for variable in variables_of(target)
    ]


def assign(target: Any, values: list | dict) -> None:
    """Set the variables of `target`: all of them in order, or some by index or path."""
    variables = variables_of(target)
    if isinstance(values, dict):
        by_name = {str(index): variable for index, variable in enumerate(variables)}
        by_name |= {str(getattr(variable, "path", variable.name)): variable for variable in variables}
        pairs = [(by_name[key], value) for key, value in values.items()]
    elif len(values) != len(variables):
        raise ValueError(f"it has {len(variables)} weights (not {len(values)})")
    else:
        pairs = list(zip(variables, values, strict=True))
    for variable, value in pairs:
        shape = tuple(variable.shape)
        if shape != np.shape(value):
            raise ValueError(f"the weight {variable.name} has shape {shape} (not {np.shape(value)})")
        variable.assign(value)


def vjp(call: Callable[[], Any], inputs: list, of: Callable[[], list], cotangent: Any) -> tuple:
    """Output of `call()` and the gradients of <cotangent, output>.

    Args:
        call: computes the output.
        inputs: tensors to differentiate by.
        of: gives the variables to differentiate by; asked after the call, which may create them.
        cotangent: an array for the first tensor of the output, or a list with an array or None for each.
    Returns: `(output, gradients by variables, gradients by inputs)`; None where nothing depends on it.
    """
    import tensorflow as tf

    with tf.GradientTape() as tape:
        for tensor in inputs:
            tape.watch(tensor)
        output = call()
    outputs = [
        tensor for tensor in tf.nest.flatten(output) if tf.is_tensor(tensor) and tensor.dtype.is_floating
    ]
    cotangents = cotangent if isinstance(cotangent, list | tuple) else [cotangent]
    if len(cotangents) > len(outputs):
        raise ValueError(f"the result has {len(outputs)} tensors (not {len(cotangents)})")
    pairs = [
        (tensor, tf.constant(np.asarray(weight), tensor.dtype))
        for tensor, weight in zip(outputs, cotangents, strict=False)
        if weight is not None
    ]
    for tensor, weight in pairs:
        if tensor.shape != weight.shape:
            raise ValueError(f"the result has shape {tuple(tensor.shape)} (not {tuple(weight.shape)})")
    variables = of()
    sources = [*(_tensorflow_variable(variable) for variable in variables), *inputs]
    gradients = tape.gradient([tensor for tensor, _ in pairs], sources, [weight for _, weight in pairs])
    arrays = [None if gradient is None else as_array(gradient) for gradient in gradients]
    return output, arrays[: len(variables)], arrays[len(variables) :]


def _tensorflow_variable(variable: Any) -> Any:
    """Keras's variables wrap TensorFlow's, as `value`; of TensorFlow's own, `value` is a method."""
    wrapped = getattr(variable, "value", variable)
    return variable if callable(wrapped) else wrapped


def _distinct(variables: Any) -> list:
    return list({id(variable): variable for variable in variables}.values())


def _holds_variables(member: Any) -> bool:
    return hasattr(member, "weights") or hasattr(member, "variables") or hasattr(member, "assign")
