"""One set of weights for two layers, so that their outputs can be compared; and what weights there are.

The reference's layer gets weights from `rng` and hands them on. Never the other way round in a public
check: what comes from the student cannot have a frozen answer.
"""

from collections.abc import Sequence

import numpy as np

from .student import Handle
from .weights import Variable, assign, variables


def set_random_weights(target: Handle | list[Handle], rng: np.random.Generator, scale: float = 0.3) -> list:
    """Set every weight, biases too, to N(0, scale²), and return them: zero biases hide mistakes."""
    values = [rng.normal(0, scale, variable.shape).astype(np.float32) for variable in variables(target)]
    assign(target, values)
    return values


def transplant(source: Handle, target: Handle, message: str, parts: Sequence[str] = ()) -> None:
    """Give `target` the weights of `source`.

    Both have been called once, so that they have weights. A weight may have another shape in `target`, of
    the same size: the features of `(D, h, d)` are those of `(D, h * d)` in order.

    Args:
        message: begins the complaint when the weights do not match.
        parts: names of sub-layers that both have as attributes, each taken on its own.
    """
    if parts:
        for part in parts:
            transplant(getattr(source, part), getattr(target, part), f"{message}, in `{part}`")
        return
    given, wanted = variables(source), variables(target)
    assign(
        target,
        [value.reshape(v.shape) for value, v in zip(_matched(given, wanted, message), wanted, strict=True)],
    )


def parameter_count(target: Handle | list[Handle], trainable: bool | None = None) -> int:
    """The number of parameters, whatever the layers are called.

    Args:
        trainable: counts the trainable ones alone, or those that are not.
    """
    return sum(v.value.size for v in variables(target) if trainable is None or v.trainable == trainable)


def weight_shapes(target: Handle | list[Handle]) -> list[tuple[int, ...]]:
    """The shapes of all weights, sorted."""
    return sorted(variable.shape for variable in variables(target))


def deltas(before: Sequence[Variable], after: Sequence[Variable]) -> list[float]:
    """The largest change of each variable between two readings; infinite where its shape or path changed."""
    if [(v.path, v.shape) for v in before] != [(v.path, v.shape) for v in after]:
        return [float("inf")] * len(after)
    changes = (np.abs(a.value.astype(np.float64) - b.value) for b, a in zip(before, after, strict=True))
    return [float(np.max(change, initial=0.0)) for change in changes]


def _matched(given: list[Variable], wanted: list[Variable], message: str) -> list[np.ndarray]:
    """The values of `given` in the order of `wanted`: in order if the sizes agree, else by last name."""
    if not wanted:
        raise AssertionError(
            f"{message} (it has no weights after a call: are its layers made in `__init__`?)"
        )
    if [v.value.size for v in given] == [v.value.size for v in wanted]:
        return [v.value for v in given]
    by_name = {v.path.rpartition("/")[2]: v.value for v in given}
    values = [by_name.get(v.path.rpartition("/")[2]) for v in wanted]
    fits = all(
        value is not None and value.size == v.value.size for value, v in zip(values, wanted, strict=True)
    )
    if len(by_name) != len(wanted) or len(given) != len(wanted) or not fits:
        shapes = ", ".join(str(variable.shape) for variable in wanted)
        raise AssertionError(f"{message} (it has weights of the shapes {shapes})")
    return [value for value in values if value is not None]
